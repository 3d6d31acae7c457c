//! The form of a step: what it does, and what is asked of the reply.

use crate::document::shape::{Object, Shape, field, required};
use crate::limits;

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
