//! The form of `bellwether.yaml`: the one table behind its checks and its JSON Schema.

use crate::alert::channel::CHANNEL;
use crate::document::shape::{Object, Shape, field, required};
use crate::environment::form::{ENVIRONMENT, SECRET};
use crate::environment::proxies::PROXY;
use crate::project::alerts::{ALERTS, TELL};
use crate::project::asking::MODULES;
use crate::project::gate_form::GATE;
use crate::project::heartbeat::{DEAD_MAN, HEARTBEAT};
use crate::project::keeping::KEEPING;
use crate::project::openid::OPENID;
use crate::project::probe::PROBE;
use crate::project::pushing::PUSHES;
use crate::project::slo::SLO;
use crate::project::status_page::STATUS_PAGE;

/// The whole file.
pub static FILE: Object = Object {
    name: "bellwether",
    called: "the configuration",
    fields: &[
        field("server", Shape::Object(&SERVER), "where the daemon listens"),
        field(
            "state",
            Shape::Text,
            "the SQLite file that keeps what must outlive the process (bellwether.db)",
        ),
        field(
            "keep",
            Shape::Object(&KEEPING),
            "how long what was seen is kept",
        ),
        field(
            "secrets",
            Shape::Named(&Shape::Object(&SECRET)),
            "secrets of channels, actions and triggers, used as `${secrets.NAME}`",
        ),
        field(
            "proxy",
            PROXY,
            "a proxy on the way of our own errands, such as messages; environments have their own",
        ),
        required(
            "environments",
            Shape::Named(&Shape::Object(&ENVIRONMENT)),
            "production, staging and so on",
        ),
        field(
            "probes",
            Shape::Named(&Shape::Object(&PROBE)),
            "scenarios on a schedule",
        ),
        field(
            "gates",
            Shape::Named(&Shape::Object(&GATE)),
            "what verifies a deploy",
        ),
        field(
            "channels",
            Shape::Named(&Shape::Object(&CHANNEL)),
            "where people are told",
        ),
        field(
            "slos",
            Shape::Named(&Shape::Object(&SLO)),
            "objectives over weeks, with their error budgets",
        ),
        field(
            "status_pages",
            Shape::Named(&Shape::Object(&STATUS_PAGE)),
            "pages that everybody may see, at `/status/NAME`, with badges",
        ),
        field(
            "heartbeats",
            Shape::Named(&Shape::Object(&HEARTBEAT)),
            "jobs that report to us when they come to a good end",
        ),
        field(
            "metrics",
            Shape::Object(&PUSHES),
            "to whom metrics are pushed, beside `/metrics`",
        ),
        field(
            "dead_man",
            Shape::Object(&DEAD_MAN),
            "the heartbeat that Bellwether sends while it is well",
        ),
        field(
            "alerts",
            Shape::Object(&ALERTS),
            "how alerts are grouped, repeated and escalated",
        ),
        field(
            "openslo",
            Shape::Object(&OPENSLO),
            "objectives in files of OpenSLO v1, beside `slos`",
        ),
        field(
            "modules",
            Shape::Object(&MODULES),
            "modules of blackbox_exporter and scenarios, for `/probe?target=…&module=…`",
        ),
    ],
};

static OPENSLO: Object = Object {
    name: "openslo",
    called: "objectives of OpenSLO",
    fields: &[
        required(
            "files",
            Shape::List(&Shape::Text),
            "files of OpenSLO v1, relative to this one; an SLO counts all probes of its service, or what annotations such as `bellwether/probes` say",
        ),
        TELL,
    ],
};

static TOKEN: Object = Object {
    name: "token",
    called: "a token",
    fields: &[
        required(
            "token",
            Shape::Template,
            "the token itself: `${secrets.NAME}`",
        ),
        required(
            "role",
            Shape::Word(&["read", "operate", "approve", "administer"]),
            "what it allows; each includes those before it",
        ),
    ],
};

static SERVER: Object = Object {
    name: "server",
    called: "the server",
    fields: &[
        field("listen", Shape::Text, "address and port (127.0.0.1:9911)"),
        field(
            "token",
            Shape::Template,
            "bearer token that pages and API ask for; needed to listen on more than this machine",
        ),
        field(
            "tokens",
            Shape::Named(&Shape::Object(&TOKEN)),
            "tokens by the name of who has them: who approves or waives is that name",
        ),
        field(
            "openid",
            Shape::Object(&OPENID),
            "OpenID Connect, by which people log in with a browser",
        ),
        field(
            "open_metrics",
            Shape::Bool,
            "whether `/metrics` needs no token (false)",
        ),
        field(
            "public_url",
            Shape::Text,
            "the address that people reach it under, for links in messages",
        ),
    ],
};
