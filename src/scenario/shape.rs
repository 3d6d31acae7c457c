//! The form of a scenario file: the one table behind its checks and its JSON Schema.

use crate::config::shape::{Object, Shape, field, required};
use crate::limits;

/// HTTP methods that have a field of their own in a step.
pub const METHODS: [&str; 7] = ["get", "head", "post", "put", "patch", "delete", "options"];

/// Fields that say what a step does; each step has exactly one.
pub const VERBS: [&str; 13] = [
    "get", "head", "post", "put", "patch", "delete", "options", "request", "tcp", "tls", "dns",
    "command", "wait",
];

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
            Shape::Named(&Shape::Template),
            "headers of every HTTP step",
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

/// One step.
pub static STEP: Object = Object {
    name: "step",
    called: "a step",
    fields: &[
        field(
            "name",
            Shape::Text,
            "short name, used in reports and metrics; made from what the step does by default",
        ),
        field("get", Shape::Template, "GET this path or URL"),
        field("head", Shape::Template, "HEAD this path or URL"),
        field("post", Shape::Template, "POST to this path or URL"),
        field("put", Shape::Template, "PUT to this path or URL"),
        field("patch", Shape::Template, "PATCH this path or URL"),
        field("delete", Shape::Template, "DELETE this path or URL"),
        field("options", Shape::Template, "OPTIONS of this path or URL"),
        field("request", Shape::Object(&REQUEST), "any other method"),
        field("tcp", Shape::Template, "connect to `host:port`"),
        field(
            "tls",
            Shape::Either(&[Shape::Object(&TLS), Shape::Template]),
            "a TLS handshake with `host:port`",
        ),
        field(
            "dns",
            Shape::Either(&[Shape::Object(&DNS), Shape::Template]),
            "look a name up",
        ),
        field(
            "command",
            Shape::Either(&[
                Shape::Object(&COMMAND),
                Shape::List(&Shape::Template),
                Shape::Template,
            ]),
            "run a program; a list is its words, one text is cut at spaces, and no shell is involved",
        ),
        field(
            "wait",
            Shape::Either(&[Shape::Duration, Shape::Object(&BETWEEN)]),
            "do nothing for a while",
        ),
        field(
            "service",
            Shape::Text,
            "another service than the scenario's",
        ),
        field("headers", Shape::Named(&Shape::Template), "request headers"),
        field(
            "query",
            Shape::Named(&Shape::Template),
            "query parameters, percent-encoded for you",
        ),
        field(
            "json",
            Shape::Any,
            "a JSON body; texts in it may hold `${…}`, and a text that is nothing else keeps the value's type",
        ),
        field(
            "form",
            Shape::Named(&Shape::Template),
            "a form body, URL-encoded",
        ),
        field(
            "multipart",
            Shape::Named(&Shape::Either(&[Shape::Object(&PART), Shape::Template])),
            "a multipart/form-data body",
        ),
        field("body", Shape::Template, "a body as it stands"),
        field(
            "auth",
            Shape::Object(&AUTH),
            "basic or bearer authentication",
        ),
        field(
            "redirects",
            Shape::Either(&[Shape::Bool, Shape::Count(0, 100)]),
            "how many redirects to follow: `true` is 10 (default), `false` none",
        ),
        field(
            "http",
            Shape::Word(&["auto", "1.1", "2"]),
            "the HTTP version: `auto` takes 2 where TLS offers it",
        ),
        field(
            "verify",
            Shape::Bool,
            "whether the server's certificate must be valid (default `true`)",
        ),
        field(
            "fresh_connection",
            Shape::Bool,
            "open a new connection for this step",
        ),
        field("timeout", Shape::Duration, "time for the whole step"),
        field(
            "check",
            Shape::OneOrMany(&Shape::Expression),
            "conditions that must hold, `status == 200`; an HTTP step that says nothing of `status` also expects one under 400",
        ),
        field(
            "capture",
            Shape::Named(&Shape::Expression),
            "values kept as `vars.NAME` for later steps",
        ),
        field(
            "when",
            Shape::Expression,
            "perform the step only where this holds",
        ),
        field(
            "repeat",
            Shape::Either(&[Shape::Count(1, limits::REPEAT_MAX), Shape::Object(&REPEAT)]),
            "perform it several times",
        ),
        field(
            "retry",
            Shape::Either(&[Shape::Count(1, limits::RETRY_MAX), Shape::Object(&RETRY)]),
            "perform it again while it fails",
        ),
        field(
            "think",
            Shape::Either(&[Shape::Duration, Shape::Object(&BETWEEN)]),
            "pause after the step; not part of any latency",
        ),
        field(
            "advisory",
            Shape::Bool,
            "show a failure, but do not count it",
        ),
        field(
            "continue",
            Shape::Bool,
            "go on with the next step after a failure (default `false`)",
        ),
    ],
};

static REQUEST: Object = Object {
    name: "request",
    called: "a request",
    fields: &[
        required("method", Shape::Text, "the HTTP method"),
        required("url", Shape::Template, "path or URL"),
    ],
};

static PART: Object = Object {
    name: "part",
    called: "a multipart field",
    fields: &[
        field("text", Shape::Template, "its content"),
        field(
            "file",
            Shape::Text,
            "a file with its content, relative to the scenario",
        ),
        field("filename", Shape::Template, "the file name that is sent"),
        field("content_type", Shape::Template, "its media type"),
    ],
};

static AUTH: Object = Object {
    name: "auth",
    called: "authentication",
    fields: &[
        field("bearer", Shape::Template, "a bearer token"),
        field("basic", Shape::Object(&BASIC), "user and password"),
    ],
};

static BASIC: Object = Object {
    name: "basic",
    called: "basic authentication",
    fields: &[
        required("user", Shape::Template, "user name"),
        required("password", Shape::Template, "password"),
    ],
};

static TLS: Object = Object {
    name: "tls",
    called: "a TLS step",
    fields: &[
        required(
            "host",
            Shape::Template,
            "`host:port`; the port is 443 by default",
        ),
        field(
            "server_name",
            Shape::Template,
            "the name sent and verified; the host by default",
        ),
        field(
            "accepts",
            Shape::List(&Shape::Word(&["1.0", "1.1", "1.2", "1.3"])),
            "versions that the server must accept (1.2 and 1.3 can be tried)",
        ),
        field(
            "refuses",
            Shape::List(&Shape::Word(&["1.0", "1.1", "1.2", "1.3"])),
            "versions that the server must refuse",
        ),
    ],
};

static DNS: Object = Object {
    name: "dns",
    called: "a DNS step",
    fields: &[
        required("name", Shape::Template, "the name to look up"),
        field(
            "type",
            Shape::Word(&["A", "AAAA", "CNAME", "MX", "NS", "TXT", "CAA", "SRV"]),
            "record type (A)",
        ),
        field(
            "server",
            Shape::Template,
            "`address:port` of the server to ask; the machine's own by default",
        ),
    ],
};

static COMMAND: Object = Object {
    name: "command",
    called: "a command step",
    fields: &[
        field(
            "run",
            Shape::Either(&[Shape::List(&Shape::Template), Shape::Template]),
            "program and arguments, without a shell",
        ),
        field(
            "shell",
            Shape::Template,
            "a line for `sh -c`, asked for on purpose",
        ),
        field(
            "dir",
            Shape::Template,
            "working directory, relative to the scenario",
        ),
        field(
            "env",
            Shape::Named(&Shape::Template),
            "environment variables beside the inherited ones",
        ),
        field("input", Shape::Template, "standard input"),
    ],
};

static BETWEEN: Object = Object {
    name: "between",
    called: "a random pause",
    fields: &[
        required("min", Shape::Duration, "shortest"),
        required("max", Shape::Duration, "longest"),
    ],
};

static REPEAT: Object = Object {
    name: "repeat",
    called: "a repetition",
    fields: &[
        required(
            "times",
            Shape::Count(1, limits::REPEAT_MAX),
            "how often at most",
        ),
        field("until", Shape::Expression, "stop as soon as this holds"),
        field("every", Shape::Duration, "pause between two rounds"),
    ],
};

static RETRY: Object = Object {
    name: "retry",
    called: "a retry",
    fields: &[
        required(
            "attempts",
            Shape::Count(1, limits::RETRY_MAX),
            "attempts in all, the first included",
        ),
        field(
            "delay",
            Shape::Duration,
            "pause before the second attempt (1s)",
        ),
        field(
            "factor",
            Shape::Number,
            "each further pause is this many times longer (2)",
        ),
        field("max_delay", Shape::Duration, "longest pause (30s)"),
    ],
};

/// One executor.
pub static LOAD: Object = Object {
    name: "load",
    called: "a load",
    fields: &[
        required(
            "executor",
            Shape::Word(&EXECUTORS),
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

/// k6's six executors, and the search for the highest rate that holds.
pub const EXECUTORS: [&str; 7] = [
    "shared-iterations",
    "per-vu-iterations",
    "constant-vus",
    "ramping-vus",
    "constant-arrival-rate",
    "ramping-arrival-rate",
    "breakpoint",
];

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
