//! Exchanges as they went over the wire, for whoever wants to see each of them: recordings, and people who look for a reason.
//!
//! Made only where somebody listens; a run without a listener pays one comparison. Does not know how they are shown.
//! Invariant: nothing leaves this room that the redactor has not seen, and what lets somebody in is not in it at all.

use crate::limits::TRACED_BODY_BYTES_MAX;
use crate::net::headers::Headers;
use crate::net::message::{self, Message};
use crate::net::reply::Reply;
use crate::net::{Fault, Phases, address, body, charset};
use crate::secret::Redactor;
use chrono::{DateTime, Utc};
use http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHORIZATION,
    SET_COOKIE,
};
use std::net::SocketAddr;
use std::sync::Arc;

/// What stands for what is not shown.
const HIDDEN: &str = "***";

/// One request and what came of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The step that it is of.
    pub step: Arc<str>,
    /// When it began.
    pub at: DateTime<Utc>,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// Its headers, in their order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Content,
    /// What came of it.
    pub result: Result<Answer, Failed>,
    /// How long each part of it took.
    pub phases: Phases,
}

/// A reply.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2` and so on.
    pub version: &'static str,
    /// Its headers, in their order.
    pub headers: Vec<(String, String)>,
    /// Its body, decompressed.
    pub body: Content,
    /// Bytes of the body as it came.
    pub wire_bytes: u64,
    /// Who answered.
    pub remote: Option<SocketAddr>,
}

/// Why there is no reply.
#[derive(Debug, Clone)]
pub struct Failed {
    /// Its class.
    pub class: &'static str,
    /// What came back.
    pub detail: String,
}

/// A body.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// Its bytes, before compression.
    pub bytes: u64,
    /// What it says it is.
    pub kind: String,
    /// Its text, if it is one and all of it is here.
    pub text: Option<String>,
}

/// Who wants to see exchanges.
#[derive(Clone)]
pub struct Trace(Arc<dyn Fn(Exchange) + Send + Sync>);

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trace")
    }
}

/// A trace, on one step.
#[derive(Debug, Clone, Copy)]
pub struct Tracing<'a> {
    /// Who listens.
    pub trace: &'a Trace,
    /// Cleans secrets from it.
    pub redactor: &'a Redactor,
    /// The step.
    pub step: &'a str,
}

impl Trace {
    /// One that hands each exchange over; whoever takes it must not wait.
    pub fn new(listener: impl Fn(Exchange) + Send + Sync + 'static) -> Trace {
        Trace(Arc::new(listener))
    }
}

impl Tracing<'_> {
    /// Hands over what went over the wire.
    pub fn note(
        self,
        at: DateTime<Utc>,
        message: &Message<'_>,
        hop: Result<&Reply, (&Fault, Phases)>,
    ) {
        let clean = |text: &str| self.redactor.clean(text);
        let mut head = message.fixed.map().clone();
        for (name, value) in message.headers {
            head.append(name, value.clone());
        }
        let mut headers = self.headers(&head);
        if !head.contains_key(HOST) {
            let host = clean(message::host(message.uri));
            headers.insert(0, (HOST.as_str().to_owned(), host));
        }
        let (result, phases) = match hop {
            Ok(reply) => (Ok(self.answer(reply)), reply.phases),
            Err((fault, phases)) => {
                let failed = Failed {
                    class: fault.class.word(),
                    detail: clean(&fault.detail),
                };
                (Err(failed), phases)
            }
        };
        (self.trace.0)(Exchange {
            step: clean(self.step).into(),
            at,
            method: message.method.to_string(),
            url: clean(&address::without_credentials(&message.uri.to_string())),
            headers,
            body: self.content(message.body, &head, message.body.len() as u64),
            result,
            phases,
        });
    }

    fn answer(self, reply: &Reply) -> Answer {
        let head = reply.headers.map();
        // What is there is all that was kept: part of a compressed body is none.
        let is_whole = reply.body.len() as u64 == reply.body_bytes;
        let decoded = match reply.headers.encoded {
            false => Some(reply.body.clone()),
            true => {
                let encodings = body::encodings(head);
                body::decode(reply.body.clone(), &encodings, TRACED_BODY_BYTES_MAX).ok()
            }
        };
        let content = match decoded {
            Some(decoded) if is_whole => {
                let bytes = decoded.len() as u64;
                self.content(&decoded, head, bytes)
            }
            _ => self.content(&[], head, reply.body_bytes),
        };
        Answer {
            status: reply.status.as_u16(),
            version: match reply.version {
                http::Version::HTTP_10 => "HTTP/1.0",
                http::Version::HTTP_2 => "HTTP/2",
                http::Version::HTTP_3 => "HTTP/3",
                _ => "HTTP/1.1",
            },
            headers: self.headers(head),
            body: content,
            wire_bytes: reply.body_bytes,
            remote: reply.remote,
        }
    }

    fn headers(self, head: &HeaderMap) -> Vec<(String, String)> {
        head.iter()
            .map(|(name, value)| (self.redactor.clean(name.as_str()), self.value(name, value)))
            .collect()
    }

    /// A header without what lets somebody in: of a cookie its name stays, and of credentials their scheme.
    fn value(self, name: &HeaderName, value: &HeaderValue) -> String {
        let text = Headers::letters(value);
        if *name == AUTHORIZATION || *name == PROXY_AUTHORIZATION {
            return match text.split_once(' ') {
                Some((scheme, _)) => format!("{scheme} {HIDDEN}"),
                None => HIDDEN.to_owned(),
            };
        }
        if *name == COOKIE {
            let pairs = text.split(';').map(|pair| hidden(pair.trim()));
            return self.redactor.clean(&pairs.collect::<Vec<_>>().join("; "));
        }
        if *name == SET_COOKIE {
            let (pair, rest) = text.split_once(';').unwrap_or((&text, ""));
            let mark = if rest.is_empty() { "" } else { ";" };
            return self
                .redactor
                .clean(&format!("{}{mark}{rest}", hidden(pair)));
        }
        if value.is_sensitive() {
            return HIDDEN.to_owned();
        }
        if *name == LOCATION {
            return self.redactor.clean(&address::without_credentials(&text));
        }
        self.redactor.clean(&text)
    }

    fn content(self, content: &[u8], head: &HeaderMap, bytes: u64) -> Content {
        let kind = head.get(http::header::CONTENT_TYPE);
        let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        let is_here = content.len() as u64 == bytes && content.len() <= TRACED_BODY_BYTES_MAX;
        let text = is_here.then(|| charset::written(content, head)).flatten();
        Content {
            bytes,
            kind: kind.unwrap_or_default(),
            text: text.map(|text| self.redactor.clean(&text)),
        }
    }
}

/// `name=***` of a cookie.
fn hidden(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    format!("{name}={HIDDEN}")
}
