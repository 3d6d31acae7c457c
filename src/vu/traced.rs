//! Exchanges as they went over the wire, for whoever wants to see each of them, or the last ones: recordings, and people who look for a reason.
//!
//! Made only where somebody listens; a run without a listener pays one comparison. Does not know how they are shown.
//! Invariant: nothing leaves this room that the redactor has not seen, and what lets somebody in is not in it at all.

use super::exchange::{Answer, Content, Exchange, Failed};
use crate::browser::requests::Requested;
use crate::limits::{GLANCED_BODY_BYTES_MAX, GLANCED_LETTERS_MAX, TRACED_BODY_BYTES_MAX};
use crate::net::headers::Headers;
use crate::net::message::{self, Message};
use crate::net::reply::Reply;
use crate::net::{ErrorClass, Fault, Phases, address, body, charset};
use crate::secret::{HIDDEN, Redactor, Secret, lets_in, without_named};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{
    AUTHORIZATION, COOKIE, HOST, HeaderMap, HeaderName, HeaderValue, LOCATION, PROXY_AUTHORIZATION,
    SET_COOKIE,
};
use http::{Method, Uri};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Letters of a value that was given on the way from which on it is hidden wherever it stands: `true` lets nobody in.
pub(super) const GIVEN_MIN: usize = 8;

/// Who wants to see exchanges.
#[derive(Clone)]
pub enum Trace {
    /// Each of them, whole; whoever takes it must not wait.
    Each(Arc<dyn Fn(Exchange) + Send + Sync>),
    /// The last of each step: nothing is kept for it that would not be kept without it.
    Last(Latest),
}

/// The last exchange of each step, for whoever asks why one failed: shown only then, since most do not.
#[derive(Debug, Clone, Default)]
pub struct Latest {
    all: Arc<Mutex<BTreeMap<String, Noted>>>,
    redactor: Redactor,
}

/// An exchange that nobody has looked at. It holds whatever went over the wire, and is not shown to anybody.
struct Noted {
    at: DateTime<Utc>,
    method: Method,
    uri: Uri,
    head: HeaderMap,
    body: Bytes,
    hop: Result<Reply, (Fault, Phases)>,
}

impl std::fmt::Debug for Noted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Noted")
    }
}

impl Latest {
    /// None yet.
    pub fn new(redactor: Redactor) -> Latest {
        Latest {
            all: Arc::default(),
            redactor,
        }
    }

    /// Those that were kept, at a glance; from now on there are none.
    pub fn take(&self) -> BTreeMap<String, Exchange> {
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        let shown = all.into_iter().map(|(step, noted)| {
            let exchange = Showing::new(&self.redactor, &noted.head, true).exchange(&step, &noted);
            (step, exchange)
        });
        shown.collect()
    }

    /// Forgets those that were kept.
    pub fn forget(&self) {
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
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
        Trace::Each(Arc::new(listener))
    }

    /// Whether bodies are wanted that nobody else wants.
    pub fn wants_bodies(&self) -> bool {
        matches!(self, Trace::Each(_))
    }
}

impl Tracing<'_> {
    /// Takes a request that a page made: of those the browser tells address, status, sizes and times.
    pub fn note_page(self, request: &Requested) {
        let Trace::Each(listener) = self.trace else {
            return;
        };
        let url = without_named(&self.redactor.clean(&request.url));
        let came = Answer {
            status: request.status.unwrap_or_default(),
            version: request.version().to_owned(),
            headers: Vec::new(),
            body: Content {
                bytes: request.bytes,
                kind: request.content_type.clone(),
                text: None,
            },
            wire_bytes: request.bytes,
            remote: request.remote.parse().ok(),
        };
        let failed = || Failed {
            class: ErrorClass::Protocol.word().to_owned(),
            detail: request.error.clone(),
        };
        listener(Exchange {
            step: self.step.to_owned(),
            at: DateTime::from_timestamp_millis((request.began * 1_000.0) as i64)
                .unwrap_or_default(),
            method: request.method.clone(),
            url,
            headers: Vec::new(),
            body: Content::default(),
            result: request.status.map(|_| came).ok_or_else(failed),
            phases: request.phases,
        });
    }

    /// Takes what went over the wire.
    pub fn note(
        self,
        at: DateTime<Utc>,
        message: &Message<'_>,
        hop: Result<&Reply, (&Fault, Phases)>,
    ) {
        let mut head = message.fixed.map().clone();
        for (name, value) in message.headers {
            head.append(name, value.clone());
        }
        let noted = Noted {
            at,
            method: message.method.clone(),
            uri: message.uri.clone(),
            head,
            body: message.body.clone(),
            hop: match hop {
                Ok(reply) => Ok(reply.clone()),
                Err((fault, phases)) => Err((fault.clone(), phases)),
            },
        };
        match self.trace {
            Trace::Each(listener) => {
                let showing = Showing::new(self.redactor, &noted.head, false);
                listener(showing.exchange(self.step, &noted));
            }
            Trace::Last(latest) => {
                let mut all = latest.all.lock().unwrap_or_else(PoisonError::into_inner);
                all.insert(self.step.to_owned(), noted);
            }
        }
    }
}

/// How an exchange is shown: without known secrets, and without what the request let itself in by.
struct Showing<'a> {
    redactor: &'a Redactor,
    own: Redactor,
    is_glance: bool,
}

impl Showing<'_> {
    fn new<'a>(redactor: &'a Redactor, head: &HeaderMap, is_glance: bool) -> Showing<'a> {
        let mut own = Vec::new();
        for (name, value) in head {
            let text = Headers::letters(value).into_owned();
            if *name == COOKIE {
                let values = text.split(';').filter_map(|pair| pair.split_once('='));
                own.extend(values.map(|(name, value)| (name.trim().to_owned(), value.to_owned())));
            } else if hides(name, value) {
                // With and without its scheme.
                let last = text.rsplit(' ').next().unwrap_or_default().to_owned();
                own.extend([(name.to_string(), text), (name.to_string(), last)]);
            }
        }
        // What is short stands for nobody, and everywhere.
        let own = own
            .into_iter()
            .filter(|(_, value)| value.len() >= GIVEN_MIN);
        Showing {
            redactor,
            own: Redactor::new(own.map(|(name, value)| (name, Secret::new(value)))),
            is_glance,
        }
    }

    fn clean(&self, text: &str) -> String {
        without_named(&self.own.clean(&self.redactor.clean(text)))
    }

    fn exchange(&self, step: &str, noted: &Noted) -> Exchange {
        let mut headers = self.headers(&noted.head);
        if !noted.head.contains_key(HOST) {
            let host = self.clean(message::host(&noted.uri));
            headers.insert(0, (HOST.as_str().to_owned(), host));
        }
        let (result, phases) = match &noted.hop {
            Ok(reply) => (Ok(self.answer(reply)), reply.phases),
            Err((fault, phases)) => {
                let failed = Failed {
                    class: fault.class.word().to_owned(),
                    detail: self.clean(&fault.detail),
                };
                (Err(failed), *phases)
            }
        };
        Exchange {
            step: self.redactor.clean(step),
            at: noted.at,
            method: noted.method.to_string(),
            url: self.clean(&address::without_credentials(&noted.uri.to_string())),
            headers,
            body: self.content(&noted.body, &noted.head, noted.body.len() as u64),
            result,
            phases,
        }
    }

    fn answer(&self, reply: &Reply) -> Answer {
        let head = reply.headers.map();
        // What is there is all that was kept: part of a compressed body is none.
        let is_whole = reply.body.len() as u64 == reply.body_bytes;
        let decoded = match reply.headers.encoded {
            false => Some(reply.body.clone()),
            true => {
                let encodings = body::encodings(head);
                body::decode(reply.body.clone(), &encodings, self.most()).ok()
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

    fn most(&self) -> usize {
        match self.is_glance {
            true => GLANCED_BODY_BYTES_MAX,
            false => TRACED_BODY_BYTES_MAX,
        }
    }

    fn headers(&self, head: &HeaderMap) -> Vec<(String, String)> {
        head.iter()
            .map(|(name, value)| (self.redactor.clean(name.as_str()), self.value(name, value)))
            .collect()
    }

    /// A header without what lets somebody in: of a cookie its name stays, and of credentials their scheme.
    fn value(&self, name: &HeaderName, value: &HeaderValue) -> String {
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
            return self.clean(&format!("{}{mark}{rest}", hidden(pair)));
        }
        if hides(name, value) {
            return HIDDEN.to_owned();
        }
        if *name == LOCATION {
            return self.clean(&address::without_credentials(&text));
        }
        self.clean(&text)
    }

    fn content(&self, content: &[u8], head: &HeaderMap, bytes: u64) -> Content {
        let kind = head.get(http::header::CONTENT_TYPE);
        let kind = kind.map(|kind| self.clean(&String::from_utf8_lossy(kind.as_bytes())));
        let is_here = content.len() as u64 == bytes && content.len() <= self.most();
        let text = is_here.then(|| charset::written(content, head)).flatten();
        Content {
            bytes,
            kind: kind.unwrap_or_default(),
            // Cut when it is clean: half of a secret is one, too.
            text: text.map(|text| match self.is_glance {
                true => cut(self.clean(&text)),
                false => self.clean(&text),
            }),
        }
    }
}

/// Whether the value of a header lets somebody in.
fn hides(name: &HeaderName, value: &HeaderValue) -> bool {
    value.is_sensitive() || *name != SET_COOKIE && lets_in(name.as_str())
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
