//! What a step does: the registry of kinds of steps, and their compiled forms.
//!
//! To add one: its file here with form and reader, its variant and its line in [`KINDS`]; and its
//! file in `vu::steps` with its doing, for which the compiler asks.

use super::alertmanager::{self, AlertQuestion};
use super::browser::{self, Browse};
use super::command::{self, Command};
use super::dns::{self, DnsQuestion};
use super::domain::{self, DomainQuestion};
use super::dotenv::{self, Dotenv};
use super::events::{self, Followed};
use super::grpc::{self, GrpcCall};
use super::http::HttpRequest;
use super::http_read::{self, method};
use super::icmp::{self, Ping};
use super::logs::{self, Logs};
use super::ntp::{self, TimeQuestion};
use super::prometheus::{self, PromQuestion};
use super::quality::{self, Quality};
use super::sql::{self, SqlQuestion};
use super::tls::{self, TlsHandshake};
use super::udp::{self, Datagram};
use super::wait::{self, Pause};
use super::{tcp, websocket};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::Field;
use crate::scenario::compiler::Compiler;

/// What a step does.
#[derive(Debug)]
pub enum Action {
    /// An HTTP exchange.
    Http(Box<HttpRequest>),
    /// A TCP connection to `host:port`, and what is said on it.
    Tcp(Box<tcp::Connection>),
    /// A TLS handshake.
    Tls(Box<TlsHandshake>),
    /// A DNS question.
    Dns(Box<DnsQuestion>),
    /// An echo request.
    Icmp(Ping),
    /// A datagram and its answer.
    Udp(Box<Datagram>),
    /// A question to a server of time.
    Ntp(TimeQuestion),
    /// A question to the registry of a domain.
    Domain(DomainQuestion),
    /// A WebSocket conversation.
    WebSocket(Box<websocket::Conversation>),
    /// Server-sent events.
    Events(Box<Followed>),
    /// A call of gRPC.
    Grpc(Box<GrpcCall>),
    /// A program.
    Command(Box<Command>),
    /// A log.
    Logs(Box<Logs>),
    /// A question to Prometheus.
    Prometheus(Box<PromQuestion>),
    /// A question to Alertmanager.
    Alertmanager(Box<AlertQuestion>),
    /// A question to a database.
    Sql(Box<SqlQuestion>),
    /// A file of environment variables.
    Dotenv(Box<Dotenv>),
    /// Something that is done in a browser.
    Browser(Box<Browse>),
    /// How good a page is, as Lighthouse measures it.
    Quality(Box<Quality>),
    /// A pause.
    Wait(Pause),
}

/// How a step is written: the step, the key that names its kind, and that key's value.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// The whole step.
    pub step: &'a Node,
    /// The key that names its kind.
    pub key: &'a str,
    /// That key's value.
    pub value: &'a Node,
}

/// What the language wants to know of a kind of step.
#[derive(Debug, Clone, Copy)]
pub struct StepKind {
    /// Whether it is an HTTP exchange, which has fields of its own.
    pub is_http: bool,
    /// Whether its address may be a path of a service.
    pub has_service: bool,
    /// Whether it has a reply that checks and captures can look at.
    pub has_reply: bool,
    /// Compiles it, reporting what is wrong.
    pub read: fn(&mut Compiler<'_>, Written<'_>) -> Option<Action>,
}

const fn http(field: Field) -> Kind<StepKind> {
    Kind {
        field,
        what: StepKind {
            is_http: true,
            has_service: true,
            has_reply: true,
            read: |compiler, written| {
                let Written { step, key, value } = written;
                let http = match key {
                    "request" => http_read::read_request(compiler, step, value)?,
                    method => http_read::read(compiler, step, method, value)?,
                };
                Some(Action::Http(Box::new(http)))
            },
        },
    }
}

const fn other(
    field: Field,
    read: fn(&mut Compiler<'_>, Written<'_>) -> Option<Action>,
) -> Kind<StepKind> {
    Kind {
        field,
        what: StepKind {
            is_http: false,
            has_service: false,
            has_reply: true,
            read,
        },
    }
}

const fn browser(number: usize) -> Kind<StepKind> {
    Kind {
        field: browser::FIELDS[number],
        what: StepKind {
            is_http: false,
            has_service: number == 0,
            has_reply: true,
            read: |compiler, written| {
                let Written { step, key, value } = written;
                let browse = browser::read(compiler, step, key, value)?;
                Some(Action::Browser(Box::new(browse)))
            },
        },
    }
}

/// All kinds of steps; each step is exactly one of them.
pub const KINDS: &[Kind<StepKind>] = &[
    http(method("get", "GET this path or URL")),
    http(method("head", "HEAD this path or URL")),
    http(method("post", "POST to this path or URL")),
    http(method("put", "PUT to this path or URL")),
    http(method("patch", "PATCH this path or URL")),
    http(method("delete", "DELETE this path or URL")),
    http(method("options", "OPTIONS of this path or URL")),
    http(http_read::REQUEST),
    other(tcp::FIELD, |compiler, written| {
        Some(Action::Tcp(Box::new(tcp::read(compiler, written.value)?)))
    }),
    other(tls::FIELD, |compiler, written| {
        Some(Action::Tls(Box::new(tls::read(compiler, written.value)?)))
    }),
    other(dns::FIELD, |compiler, written| {
        Some(Action::Dns(Box::new(dns::read(compiler, written.value)?)))
    }),
    other(icmp::FIELD, |compiler, written| {
        Some(Action::Icmp(icmp::read(compiler, written.value)?))
    }),
    other(udp::FIELD, |compiler, written| {
        Some(Action::Udp(Box::new(udp::read(compiler, written.value)?)))
    }),
    other(ntp::FIELD, |compiler, written| {
        Some(Action::Ntp(ntp::read(compiler, written.value)?))
    }),
    other(domain::FIELD, |compiler, written| {
        Some(Action::Domain(domain::read(compiler, written.value)?))
    }),
    Kind {
        field: websocket::FIELD,
        what: StepKind {
            is_http: false,
            has_service: true,
            has_reply: true,
            read: |compiler, written| {
                let conversation = websocket::read(compiler, written.step, written.value)?;
                Some(Action::WebSocket(Box::new(conversation)))
            },
        },
    },
    Kind {
        field: events::FIELD,
        what: StepKind {
            is_http: false,
            has_service: true,
            has_reply: true,
            read: |compiler, written| {
                let followed = events::read(compiler, written.step, written.value)?;
                Some(Action::Events(Box::new(followed)))
            },
        },
    },
    Kind {
        field: grpc::FIELD,
        what: StepKind {
            is_http: false,
            has_service: true,
            has_reply: true,
            read: |compiler, written| {
                let call = grpc::read(compiler, written.step, written.value)?;
                Some(Action::Grpc(Box::new(call)))
            },
        },
    },
    other(command::FIELD, |compiler, written| {
        let command = command::read(compiler, written.value)?;
        Some(Action::Command(Box::new(command)))
    }),
    other(logs::FIELD, |compiler, written| {
        Some(Action::Logs(Box::new(logs::read(compiler, written.value)?)))
    }),
    other(prometheus::FIELD, |compiler, written| {
        let question = prometheus::read(compiler, written.value)?;
        Some(Action::Prometheus(Box::new(question)))
    }),
    other(alertmanager::FIELD, |compiler, written| {
        let question = alertmanager::read(compiler, written.value)?;
        Some(Action::Alertmanager(Box::new(question)))
    }),
    other(sql::FIELD, |compiler, written| {
        Some(Action::Sql(Box::new(sql::read(compiler, written.value)?)))
    }),
    other(dotenv::FIELD, |compiler, written| {
        let step = dotenv::read(compiler, written.value)?;
        Some(Action::Dotenv(Box::new(step)))
    }),
    browser(0),
    browser(1),
    browser(2),
    browser(3),
    browser(4),
    browser(5),
    browser(6),
    browser(7),
    browser(8),
    browser(9),
    browser(10),
    browser(11),
    browser(12),
    browser(13),
    browser(14),
    browser(15),
    browser(16),
    browser(17),
    browser(18),
    browser(19),
    Kind {
        field: quality::FIELD,
        what: StepKind {
            is_http: false,
            has_service: true,
            has_reply: true,
            read: |compiler, written| {
                let quality = quality::read(compiler, written.step, written.value)?;
                Some(Action::Quality(Box::new(quality)))
            },
        },
    },
    Kind {
        field: wait::FIELD,
        what: StepKind {
            is_http: false,
            has_service: false,
            has_reply: false,
            read: |_, written| Some(Action::Wait(wait::read(written.value))),
        },
    },
];
