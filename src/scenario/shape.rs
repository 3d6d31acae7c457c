//! The form of a scenario file: the one table behind its checks and its JSON Schema.

use super::executors::registry::NAMES;
use super::step_shape::STEP;
use crate::document::shape::{Object, Shape, field, required};
use crate::limits;

/// A whole scenario.
pub static SCENARIO: Object = Object {
    name: "scenario",
    called: "a scenario",
    fields: &[
        required(
            "name",
            Shape::Text,
            "short name, used in reports and metrics",
        ),
        field("description", Shape::Text, "what it shows, for people"),
        field(
            "service",
            Shape::Text,
            "the service of the environment whose base URL paths are relative to",
        ),
        field(
            "secrets",
            Shape::Either(&[
                Shape::List(&Shape::Text),
                Shape::Named(&Shape::Object(&SECRET)),
            ]),
            "secrets it needs, by name; a missing one stops the work before the first request",
        ),
        field(
            "inputs",
            Shape::Named(&Shape::Either(&[Shape::Object(&INPUT), Shape::Text])),
            "values supplied from outside, with their defaults",
        ),
        field(
            "one_of",
            Shape::List(&Shape::List(&Shape::Text)),
            "groups of secrets or inputs of which at least one must be present",
        ),
        field(
            "data",
            Shape::Named(&Shape::Object(&DATA)),
            "CSV or JSON files, read once and shared by all virtual users",
        ),
        field(
            "cookies",
            Shape::Word(&["iteration", "user", "off"]),
            "how long cookies are kept: one iteration (default), the virtual user's life, or not at all",
        ),
        field(
            "connections",
            Shape::Object(&CONNECTIONS),
            "how virtual users use connections",
        ),
        field(
            "headers",
            Shape::Named(&Shape::OneOrMany(&Shape::Template)),
            "headers of every HTTP step",
        ),
        field(
            "browser",
            Shape::Object(&super::browsing::FORM),
            "how pages are looked at, and what of what they show fails a step",
        ),
        field(
            "body_limit",
            Shape::Text,
            "the largest body that checks and captures look at, `64MiB`; others are read and counted, up to 1GiB (8MiB)",
        ),
        field(
            "timeout",
            Shape::Duration,
            "time for one step where the step says nothing (30s)",
        ),
        field(
            "setup",
            Shape::List(&Shape::Object(&STEP)),
            "steps performed once before; their captures are given to every virtual user",
        ),
        required(
            "steps",
            Shape::List(&Shape::Object(&STEP)),
            "what a virtual user performs",
        ),
        field(
            "teardown",
            Shape::List(&Shape::Object(&STEP)),
            "steps performed once after, also after a failure or an abort",
        ),
        field(
            "load",
            Shape::OneOrMany(&Shape::Object(&LOAD)),
            "how many virtual users perform it, and when; without it the scenario is a smoke check",
        ),
        field(
            "objectives",
            Shape::List(&Shape::Text),
            "what must hold: `p95 < 500ms`, `error_rate < 1%`, `p95{step: search} < 2s`",
        ),
        field(
            "warn",
            Shape::List(&Shape::Text),
            "objectives that should hold: one that does not is said, and changes no outcome",
        ),
    ],
};

static SECRET: Object = Object {
    name: "secret",
    called: "a secret",
    fields: &[
        field(
            "env",
            Shape::OneOrMany(&Shape::Text),
            "environment variables to take it from, the first that is set; its own name by default",
        ),
        field(
            "file",
            Shape::Text,
            "a file that holds it; the last line break is dropped",
        ),
        field(
            "command",
            Shape::List(&Shape::Text),
            "a command that prints it",
        ),
        field(
            "optional",
            Shape::Bool,
            "whether the scenario works without it",
        ),
        field("min_length", Shape::Count(1, 65_536), "fewest characters"),
        field(
            "base64_bytes",
            Shape::Count(1, 65_536),
            "it is base64 of exactly this many bytes",
        ),
        field(
            "matches",
            Shape::Text,
            "a regular expression that it matches as a whole",
        ),
        field(
            "refuse",
            Shape::OneOrMany(&Shape::Text),
            "placeholder texts that must not stand in it, such as `YOUR_`",
        ),
        field(
            "valid_for",
            Shape::Duration,
            "it is a JSON Web Token that is good for so long yet (its `exp`)",
        ),
    ],
};

static INPUT: Object = Object {
    name: "input",
    called: "an input",
    fields: &[
        field(
            "env",
            Shape::OneOrMany(&Shape::Text),
            "environment variables to take it from, the first that is set",
        ),
        field(
            "default",
            Shape::Text,
            "its value where nothing else is supplied",
        ),
        field(
            "optional",
            Shape::Bool,
            "whether it may be absent; it is then an empty text",
        ),
        field(
            "matches",
            Shape::Text,
            "a regular expression that it matches as a whole",
        ),
        field("about", Shape::Text, "what it is, for people"),
    ],
};

static DATA: Object = Object {
    name: "data",
    called: "a data file",
    fields: &[
        required(
            "file",
            Shape::Text,
            "a CSV file with a header line, or a JSON file with a list of objects; relative to the scenario",
        ),
        field(
            "pick",
            Shape::Word(&["next", "random", "user"]),
            "which row an iteration gets: the next one (default), a random one, or the virtual user's own",
        ),
    ],
};

/// One executor.
pub static LOAD: Object = Object {
    name: "load",
    called: "a load",
    fields: &[
        required(
            "executor",
            Shape::Word(&NAMES),
            "how virtual users are driven: k6's names and meanings",
        ),
        field("name", Shape::Text, "name of this part of the load"),
        field(
            "startTime",
            Shape::Duration,
            "when it starts, from the start of the run",
        ),
        field(
            "gracefulStop",
            Shape::Duration,
            "time for running iterations to finish (30s)",
        ),
        field(
            "vus",
            Shape::Count(1, limits::VIRTUAL_USERS_MAX),
            "virtual users",
        ),
        field(
            "iterations",
            Shape::Count(1, u64::MAX),
            "iterations, in all or of each virtual user",
        ),
        field(
            "maxDuration",
            Shape::Duration,
            "longest time for all iterations (10m)",
        ),
        field("duration", Shape::Duration, "how long"),
        field(
            "startVUs",
            Shape::Count(0, limits::VIRTUAL_USERS_MAX),
            "virtual users at the start (1)",
        ),
        field(
            "gracefulRampDown",
            Shape::Duration,
            "time for an iteration to finish when its user is taken away (30s)",
        ),
        field(
            "stages",
            Shape::List(&Shape::Object(&STAGE)),
            "targets reached one after another, in a straight line each",
        ),
        field(
            "rate",
            Shape::Number,
            "iterations started per `timeUnit`; fractions are fine",
        ),
        field(
            "startRate",
            Shape::Number,
            "iterations per `timeUnit` at the start (0)",
        ),
        field(
            "arrivals",
            Shape::Word(&["even", "poisson"]),
            "how arrivals are spaced: evenly (default), or at random as independent people come",
        ),
        field(
            "maxRate",
            Shape::Number,
            "the rate at which a breakpoint search ends if nothing broke",
        ),
        field(
            "stepDuration",
            Shape::Duration,
            "how long a breakpoint search holds each rate (10s)",
        ),
        field(
            "stepFactor",
            Shape::Number,
            "each step of a breakpoint search is this many times the one before (1.5)",
        ),
        field(
            "precision",
            Shape::Number,
            "a breakpoint search ends when the highest rate that held and the lowest that broke are this close (0.05)",
        ),
        field("timeUnit", Shape::Duration, "the unit of rates (1s)"),
        field(
            "preAllocatedVUs",
            Shape::Count(1, limits::VIRTUAL_USERS_MAX),
            "virtual users made before the start",
        ),
        field(
            "maxVUs",
            Shape::Count(1, limits::VIRTUAL_USERS_MAX),
            "virtual users at the most",
        ),
        field(
            "maxWait",
            Shape::Duration,
            "an arrival that waits longer than this for a free virtual user is dropped and counted as a failure (60s)",
        ),
    ],
};

static CONNECTIONS: Object = Object {
    name: "connections",
    called: "the use of connections",
    fields: &[
        field(
            "reuse",
            Shape::Word(&["user", "iteration", "never"]),
            "for how long one is used: the virtual user's life (default), one iteration, or one request",
        ),
        field(
            "streams",
            Shape::Count(1, limits::STREAMS_MAX),
            "virtual users that share an HTTP/2 connection at the most (1)",
        ),
        field(
            "local_addresses",
            Shape::List(&Shape::Text),
            "addresses of this machine that connections start from, in turn",
        ),
        field(
            "tls_resumption",
            Shape::Bool,
            "whether TLS sessions are taken up again (true); without it every handshake is a full one",
        ),
        field(
            "dns_ttl",
            Shape::Duration,
            "how long resolved addresses are kept; `0s` asks for each connection",
        ),
        field(
            "family",
            Shape::Word(&["ipv4", "ipv6"]),
            "the only family of addresses that is used; both by default, IPv4 first",
        ),
        field(
            "hosts",
            Shape::Named(&Shape::Text),
            "addresses that names lead to, whatever DNS says: `{ api.example.com: 10.0.0.7 }`; TLS and `Host` keep the name",
        ),
    ],
};

static STAGE: Object = Object {
    name: "stage",
    called: "a stage",
    fields: &[
        required("duration", Shape::Duration, "how long; `0s` jumps"),
        required("target", Shape::Number, "virtual users or rate at its end"),
    ],
};
