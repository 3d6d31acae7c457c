//! The form of an environment: the one table behind its checks and its JSON Schema.

use super::proxies::PROXY;
use crate::document::shape::{Object, Shape, field, required};

/// Where a secret is kept.
pub static SECRET: Object = Object {
    name: "secret_source",
    called: "a secret",
    fields: &[
        field(
            "env",
            Shape::OneOrMany(&Shape::Text),
            "environment variables, the first that is set",
        ),
        field("file", Shape::Text, "a file that holds it"),
        field(
            "command",
            Shape::List(&Shape::Text),
            "a command that prints it",
        ),
    ],
};

/// An environment.
pub static ENVIRONMENT: Object = Object {
    name: "environment",
    called: "an environment",
    fields: &[
        required(
            "services",
            Shape::Named(&Shape::Object(&SERVICE)),
            "its services by name",
        ),
        field(
            "caps",
            Shape::Object(&CAPS),
            "what no scenario, script or flag can exceed here",
        ),
        field(
            "inputs",
            Shape::Named(&Shape::Text),
            "values of scenarios' inputs here",
        ),
        field(
            "secrets",
            Shape::Named(&Shape::Object(&SECRET)),
            "where scenarios' secrets are kept here",
        ),
        field(
            "windows",
            Shape::Object(&WINDOWS),
            "when deploys are verified here",
        ),
        field(
            "enforce",
            Shape::Bool,
            "perform the actions of verdicts here; without it they are only said (false)",
        ),
        field(
            "vantage",
            Shape::List(&Shape::Text),
            "`host:port` that can be reached from where we should be, a private network; where none can, a connection that times out is inconclusive",
        ),
        field(
            "ca_file",
            Shape::Text,
            "further certificate authorities to trust, as PEM",
        ),
        field(
            "proxy",
            PROXY,
            "a proxy on the way to everything here, `from_environment` for `HTTPS_PROXY` and so on",
        ),
        field(
            "browser",
            Shape::Object(&BROWSER),
            "which browser opens pages, and how it is started",
        ),
        field(
            "client_certificate",
            Shape::Object(&CLIENT_CERTIFICATE),
            "what we show of ourselves where a server asks for it",
        ),
    ],
};

static BROWSER: Object = Object {
    name: "environment_browser",
    called: "a browser",
    fields: &[
        field(
            "binary",
            Shape::Text,
            "the program; `chromium-headless-shell`, `chromium` or `google-chrome` of the PATH by default",
        ),
        field(
            "sandbox",
            Shape::Bool,
            "whether it runs within its sandbox, which it cannot as root (true)",
        ),
        field(
            "lighthouse",
            Shape::Text,
            "Lighthouse, for `quality` steps; that beside the scenario (`node_modules`) or of the PATH by default",
        ),
    ],
};

static CLIENT_CERTIFICATE: Object = Object {
    name: "client_certificate",
    called: "a client certificate",
    fields: &[
        required(
            "certificate",
            Shape::Text,
            "the certificate and its chain, as PEM",
        ),
        required("key", Shape::Text, "its private key, as PEM"),
    ],
};

static SERVICE: Object = Object {
    name: "service",
    called: "a service",
    fields: &[
        required("url", Shape::Text, "its base URL"),
        field(
            "limit",
            Shape::Text,
            "what it allows one address, such as `100/m` or `20/s`",
        ),
        field(
            "version",
            Shape::Object(&VERSION),
            "how the version it serves is read",
        ),
    ],
};

static VERSION: Object = Object {
    name: "version",
    called: "a version source",
    fields: &[
        field(
            "path",
            Shape::Text,
            "the path of the service to GET; whichever instance answers",
        ),
        field(
            "url",
            Shape::Template,
            "the address of a platform to GET, which knows all instances",
        ),
        field(
            "bearer",
            Shape::Template,
            "a bearer token for `url`, such as `${secrets.PLATFORM}`",
        ),
        field(
            "command",
            Shape::List(&Shape::Template),
            "a program that asks a platform, such as `[fly, machine, list, --json]`; it knows all instances",
        ),
        field(
            "value",
            Shape::Expression,
            "where the version stands: `body.version` (default), `headers['x-version']`, `find(text, 'build-([0-9]+)')`, or a list with that of each instance, `body.map(m, m.image_ref.tag)`",
        ),
    ],
};

static CAPS: Object = Object {
    name: "caps",
    called: "the caps",
    fields: &[
        field("rate", Shape::Number, "requests per second at the most"),
        field(
            "vus",
            Shape::Count(1, u64::MAX),
            "virtual users at the most",
        ),
    ],
};

/// Hours on weekdays, and dated freezes.
pub static WINDOWS: Object = Object {
    name: "windows",
    called: "the windows",
    fields: &[
        required(
            "zone",
            Shape::Text,
            "an IANA time zone, such as `America/Los_Angeles`",
        ),
        field(
            "allow",
            Shape::List(&Shape::Object(&ALLOW)),
            "when deploys are verified; always where nothing is said",
        ),
        field(
            "freezes",
            Shape::List(&Shape::Object(&FREEZE)),
            "days on which nothing is promoted",
        ),
        field(
            "mode",
            Shape::Word(&["hard", "soft"]),
            "`hard` holds outside of them (default), `soft` says so and goes on",
        ),
    ],
};

static ALLOW: Object = Object {
    name: "allow",
    called: "a window",
    fields: &[
        required(
            "days",
            Shape::List(&Shape::Word(&[
                "mon", "tue", "wed", "thu", "fri", "sat", "sun",
            ])),
            "weekdays",
        ),
        required("from", Shape::Text, "first minute, `09:00`"),
        required("to", Shape::Text, "first minute after, `17:00`"),
    ],
};

static FREEZE: Object = Object {
    name: "freeze",
    called: "a freeze",
    fields: &[
        required("from", Shape::Text, "first day, `2026-12-20`"),
        required("to", Shape::Text, "last day, `2027-01-02`"),
        field("reason", Shape::Text, "why"),
    ],
};
