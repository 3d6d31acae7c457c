//! What a `blackbox.yml` may say. Keys are those of blackbox_exporter's own documentation.

use crate::document::shape::{Field, Object, Shape, field, required};

/// The whole file.
pub static FILE: Object = Object {
    name: "modules",
    called: "the modules",
    fields: &[required(
        "modules",
        Shape::Named(&Shape::Object(&MODULE)),
        "modules by name",
    )],
};

static MODULE: Object = Object {
    name: "module",
    called: "a module",
    fields: &[
        required(
            "prober",
            Shape::Word(&["http", "tcp", "dns", "icmp", "grpc"]),
            "what is done",
        ),
        field("timeout", Shape::Duration, "time for it"),
        field("http", Shape::Object(&HTTP), "the request"),
        field("tcp", Shape::Object(&TCP), "the connection"),
        field("dns", Shape::Object(&DNS), "the question"),
        field("icmp", Shape::Object(&ICMP), "the echo request"),
        field("grpc", Shape::Object(&GRPC), "the question for health"),
    ],
};

const PREFERRED: Field = field(
    "preferred_ip_protocol",
    Shape::Word(&["ip4", "ip6"]),
    "addresses that are taken first (ip6)",
);
const FALLBACK: Field = field(
    "ip_protocol_fallback",
    Shape::Bool,
    "take the other ones where there are none (true)",
);
const SOURCE: Field = field(
    "source_ip_address",
    Shape::Text,
    "the address that it starts from",
);
const TLS: Field = field(
    "tls_config",
    Shape::Object(&TLS_CONFIG),
    "how TLS is spoken",
);

static TLS_CONFIG: Object = Object {
    name: "tls_config",
    called: "settings of TLS",
    fields: &[
        field(
            "insecure_skip_verify",
            Shape::Bool,
            "believe anybody (false)",
        ),
        field(
            "ca_file",
            Shape::Text,
            "authorities that are believed, and no others",
        ),
        field("cert_file", Shape::Text, "our own certificate"),
        field("key_file", Shape::Text, "its key"),
        field("server_name", Shape::Text, "the name that is asked for"),
        field(
            "min_version",
            Shape::Word(VERSIONS),
            "the oldest version (TLS12)",
        ),
        field("max_version", Shape::Word(VERSIONS), "the newest version"),
    ],
};

const VERSIONS: &[&str] = &["TLS10", "TLS11", "TLS12", "TLS13"];

static HTTP: Object = Object {
    name: "module_http",
    called: "a request",
    fields: &[
        field(
            "valid_status_codes",
            Shape::List(&Shape::Count(100, 599)),
            "good statuses (2xx)",
        ),
        field(
            "valid_http_versions",
            Shape::List(&Shape::Text),
            "good versions (all)",
        ),
        PREFERRED,
        FALLBACK,
        SOURCE,
        field("method", Shape::Text, "the method (GET)"),
        field("headers", Shape::Named(&Shape::Text), "headers"),
        field(
            "http_headers",
            Shape::Named(&Shape::Any),
            "headers, with `values`, `secrets` or `files`",
        ),
        field(
            "body_size_limit",
            Shape::Text,
            "bytes of a body at most (no limit)",
        ),
        field(
            "compression",
            Shape::Word(&["gzip", "deflate", "br", "identity", ""]),
            "the encoding that the body comes in",
        ),
        field("follow_redirects", Shape::Bool, "follow redirects (true)"),
        field(
            "no_follow_redirects",
            Shape::Bool,
            "an older spelling of the same",
        ),
        field("fail_if_ssl", Shape::Bool, "TLS is bad (false)"),
        field("fail_if_not_ssl", Shape::Bool, "no TLS is bad (false)"),
        field(
            "fail_if_body_matches_regexp",
            Shape::List(&Shape::Text),
            "what may not be in the body",
        ),
        field(
            "fail_if_body_not_matches_regexp",
            Shape::List(&Shape::Text),
            "what must be in the body",
        ),
        field(
            "fail_if_header_matches",
            Shape::List(&Shape::Object(&HEADER)),
            "headers that may not match",
        ),
        field(
            "fail_if_header_not_matches",
            Shape::List(&Shape::Object(&HEADER)),
            "headers that must match",
        ),
        TLS,
        field("basic_auth", Shape::Object(&BASIC), "user and password"),
        field("authorization", Shape::Object(&AUTHORIZATION), "a token"),
        field("bearer_token", Shape::Text, "a bearer token"),
        field(
            "bearer_token_file",
            Shape::Text,
            "a file with a bearer token",
        ),
        field("body", Shape::Text, "the body"),
        field("body_file", Shape::Text, "a file with the body"),
        field("enable_http2", Shape::Bool, "offer HTTP/2 (true)"),
    ],
};

static HEADER: Object = Object {
    name: "header_match",
    called: "a header and a pattern",
    fields: &[
        required("header", Shape::Text, "its name"),
        required("regexp", Shape::Text, "the pattern"),
        field(
            "allow_missing",
            Shape::Bool,
            "whether it may be missing (false)",
        ),
    ],
};

static BASIC: Object = Object {
    name: "basic_auth",
    called: "user and password",
    fields: &[
        required("username", Shape::Text, "the user"),
        field("password", Shape::Text, "the password"),
        field("password_file", Shape::Text, "a file with the password"),
    ],
};

static AUTHORIZATION: Object = Object {
    name: "authorization",
    called: "a token",
    fields: &[
        field("type", Shape::Text, "its type (Bearer)"),
        field("credentials", Shape::Text, "the token"),
        field("credentials_file", Shape::Text, "a file with the token"),
    ],
};

static TCP: Object = Object {
    name: "module_tcp",
    called: "a connection",
    fields: &[
        PREFERRED,
        FALLBACK,
        SOURCE,
        field(
            "query_response",
            Shape::List(&Shape::Object(&TURN)),
            "a conversation",
        ),
        field("tls", Shape::Bool, "begin with TLS (false)"),
        TLS,
    ],
};

static TURN: Object = Object {
    name: "turn",
    called: "a turn of a conversation",
    fields: &[
        field("expect", Shape::Text, "what a line must match"),
        field("send", Shape::Text, "what is said then"),
        field("starttls", Shape::Bool, "whether TLS begins then (false)"),
    ],
};

static DNS: Object = Object {
    name: "module_dns",
    called: "a question",
    fields: &[
        PREFERRED,
        FALLBACK,
        SOURCE,
        field(
            "transport_protocol",
            Shape::Word(&["udp", "tcp"]),
            "how it goes (udp)",
        ),
        field("dns_over_tls", Shape::Bool, "over TLS (false)"),
        TLS,
        required("query_name", Shape::Text, "the name"),
        field("query_type", Shape::Text, "the type of record (ANY)"),
        field("query_class", Shape::Text, "the class (IN)"),
        field("recursion_desired", Shape::Bool, "have others asked (true)"),
        field(
            "valid_rcodes",
            Shape::List(&Shape::Text),
            "good codes (NOERROR)",
        ),
        field(
            "validate_answer_rrs",
            Shape::Object(&RECORDS),
            "what is asked of answers",
        ),
        field(
            "validate_authority_rrs",
            Shape::Object(&RECORDS),
            "what is asked of authorities",
        ),
        field(
            "validate_additional_rrs",
            Shape::Object(&RECORDS),
            "what is asked of what is beside",
        ),
    ],
};

static RECORDS: Object = Object {
    name: "records",
    called: "what is asked of records",
    fields: &[
        field(
            "fail_if_matches_regexp",
            Shape::List(&Shape::Text),
            "bad if one matches",
        ),
        field(
            "fail_if_all_match_regexp",
            Shape::List(&Shape::Text),
            "bad if all match",
        ),
        field(
            "fail_if_not_matches_regexp",
            Shape::List(&Shape::Text),
            "bad if one does not match",
        ),
        field(
            "fail_if_none_matches_regexp",
            Shape::List(&Shape::Text),
            "bad if none matches",
        ),
    ],
};

static GRPC: Object = Object {
    name: "module_grpc",
    called: "a question for health",
    fields: &[
        PREFERRED,
        FALLBACK,
        field(
            "service",
            Shape::Text,
            "the service, nothing for the server as a whole",
        ),
        field("tls", Shape::Bool, "speak TLS"),
        TLS,
    ],
};

static ICMP: Object = Object {
    name: "module_icmp",
    called: "an echo request",
    fields: &[
        PREFERRED,
        FALLBACK,
        SOURCE,
        field(
            "payload_size",
            Shape::Count(0, 65_000),
            "bytes that are sent (36)",
        ),
        field("dont_fragment", Shape::Bool, "not carried"),
        field("ttl", Shape::Count(0, 255), "not carried"),
    ],
};
