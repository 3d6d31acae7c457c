//! Exchanges as they went over the wire, for whoever wants to see each of them: recordings, and people who look for a reason.
//!
//! Made only where somebody listens; a run without a listener pays one comparison. Does not know how they are shown.
//! Invariant: nothing leaves this room that the redactor has not seen, and what lets somebody in is not in it at all.

use crate::limits::{GLANCED_BODY_BYTES_MAX, GLANCED_LETTERS_MAX, TRACED_BODY_BYTES_MAX};
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
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands for what is not shown.
const HIDDEN: &str = "***";

/// One request and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Exchange {
    /// The step that it is of.
    pub step: String,
    /// When it began.
    #[schemars(with = "String")]
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
    #[serde(flatten, with = "came")]
    #[schemars(with = "came::Came")]
    pub result: Result<Answer, Failed>,
    /// How long each part of it took.
    pub phases: Phases,
}

/// A reply.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2` and so on.
    pub version: String,
    /// Its headers, in their order.
    pub headers: Vec<(String, String)>,
    /// Its body, decompressed.
    pub body: Content,
    /// Bytes of the body as it came.
    pub wire_bytes: u64,
    /// Who answered.
    #[schemars(with = "Option<String>")]
    pub remote: Option<SocketAddr>,
}

/// Why there is no reply.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failed {
    /// Its class.
    pub class: String,
    /// What came back.
    pub detail: String,
}

/// A body.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Content {
    /// Its bytes, before compression.
    pub bytes: u64,
    /// What it says it is.
    pub kind: String,
    /// Its text, if it is one and was kept: all of it, or as much as was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Who wants to see exchanges.
#[derive(Clone)]
pub struct Trace {
    listener: Arc<dyn Fn(Exchange) + Send + Sync>,
    is_glance: bool,
}

/// The last exchange of each step, for whoever asks why one failed.
#[derive(Debug, Clone, Default)]
pub struct Latest(Arc<Mutex<BTreeMap<String, Exchange>>>);

impl Latest {
    /// A trace that keeps them.
    pub fn trace(&self) -> Trace {
        let latest = self.clone();
        Trace::at_a_glance(move |exchange| latest.note(exchange))
    }

    /// Keeps one in the place of the one before.
    pub fn note(&self, exchange: Exchange) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(exchange.step.clone(), exchange);
    }

    /// Those that were kept; from now on there are none.
    pub fn take(&self) -> BTreeMap<String, Exchange> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What came of an exchange, as it is kept: `answer` or `failed`.
mod came {
    use super::{Answer, Failed};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// One of the two.
    #[derive(Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    pub(super) enum Came {
        /// What came back.
        Answer(Answer),
        /// Why nothing came.
        Failed(Failed),
    }

    pub(super) fn serialize<S: Serializer>(
        result: &Result<Answer, Failed>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match result.clone() {
            Ok(answer) => Came::Answer(answer),
            Err(failed) => Came::Failed(failed),
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<Answer, Failed>, D::Error> {
        Ok(match Came::deserialize(deserializer)? {
            Came::Answer(answer) => Ok(answer),
            Came::Failed(failed) => Err(failed),
        })
    }
}

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
        Trace {
            listener: Arc::new(listener),
            is_glance: false,
        }
    }

    /// One for which nothing is kept that would not be kept without it, and of bodies no more than their start.
    pub fn at_a_glance(listener: impl Fn(Exchange) + Send + Sync + 'static) -> Trace {
        Trace {
            listener: Arc::new(listener),
            is_glance: true,
        }
    }

    /// Whether bodies are wanted that nobody else wants.
    pub fn wants_bodies(&self) -> bool {
        !self.is_glance
    }

    fn most(&self) -> usize {
        match self.is_glance {
            true => GLANCED_BODY_BYTES_MAX,
            false => TRACED_BODY_BYTES_MAX,
        }
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
                    class: fault.class.word().to_owned(),
                    detail: clean(&fault.detail),
                };
                (Err(failed), phases)
            }
        };
        (self.trace.listener)(Exchange {
            step: clean(self.step),
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
                body::decode(reply.body.clone(), &encodings, self.trace.most()).ok()
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
            }
            .to_owned(),
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
        let is_here = content.len() as u64 == bytes && content.len() <= self.trace.most();
        let text = is_here.then(|| charset::written(content, head)).flatten();
        Content {
            bytes,
            kind: kind.unwrap_or_default(),
            // Cut when it is clean: half of a secret is one, too.
            text: text.map(|text| match self.trace.is_glance {
                true => cut(self.redactor.clean(&text)),
                false => self.redactor.clean(&text),
            }),
        }
    }
}

/// The start of a text.
fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(GLANCED_LETTERS_MAX) {
        text.truncate(at);
    }
    text
}

/// `name=***` of a cookie.
fn hidden(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    format!("{name}={HIDDEN}")
}
