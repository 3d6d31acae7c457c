//! A request of a script with everything understood: how it goes out, and where a redirect leads it.
//!
//! Sends nothing. Follows k6 in what a redirect keeps and drops. What is the same in the next request of a
//! virtual user is not understood again.

use super::ask::Request;
use super::host::Host;
use super::sending::Seen;
use crate::net::connect::Origin;
use crate::net::digest::{self, Credentials};
use crate::net::message::{Fixed, Message, origin};
use crate::net::redirect::encoded;
use crate::net::reply::Reply;
use crate::net::tls::Offer;
use crate::net::{ErrorClass, Fault};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use std::sync::Arc;

/// URLs that a virtual user knows: a script asks for few, or each time for another.
const TARGETS_MAX: usize = 16;

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Target {
    pub uri: Uri,
    /// The same as text.
    pub text: Arc<str>,
    pub origin: Arc<Origin>,
}

impl Target {
    fn new(host: &Host, uri: Uri, offer: Offer) -> Result<Target, Fault> {
        let options = host.run.as_ref().map(|run| &run.options);
        let verify = !options.is_some_and(|options| options.insecure_skip_tls_verify);
        let origin = Arc::new(origin(&uri, offer, verify)?);
        let text = uri.to_string().into();
        Ok(Target { uri, text, origin })
    }

    /// That of a URL as a script writes it.
    fn of(host: &Host, request: &Request) -> Result<Arc<Target>, Fault> {
        let url = request.url.as_str();
        // Calls of gRPC go to paths that nothing else goes to.
        let offer = match request.call {
            Some(_) => Offer::Two,
            None => Offer::Both,
        };
        if let Some(known) = host.targets.borrow().get(url) {
            return Ok(known.clone());
        }
        let text = encoded(url.split('#').next().unwrap_or_default().as_bytes());
        let uri: Uri = text
            .parse()
            .map_err(|error| wrong(format!("invalid URL `{url}`: {error}")))?;
        let target = Arc::new(Target::new(host, uri, offer)?);
        let mut known = host.targets.borrow_mut();
        if known.len() >= TARGETS_MAX {
            known.clear();
        }
        known.insert(url.into(), target.clone());
        Ok(target)
    }
}

/// A request with everything understood.
pub(super) struct Going {
    pub method: Method,
    pub target: Arc<Target>,
    pub headers: Arc<Fixed>,
    pub body: bytes::Bytes,
    /// Who answers a challenge.
    pub who: Option<Box<Credentials>>,
    /// Whether one was answered already here.
    is_answered: bool,
}

fn wrong(why: String) -> Fault {
    Fault::new(ErrorClass::Template, why)
}

/// What a request of a script comes to; where it cannot be sent, why.
pub(super) fn understood(seen: &Seen, request: &Request) -> Result<Going, Fault> {
    let host = &seen.0;
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| wrong(format!("`{}` is no method", request.method)))?;
    let target = Target::of(host, request)?;
    let headers = match &host.run {
        Some(run) if request.headers.is_empty() => {
            let plain = run.plain.get_or_init(|| Arc::new(fixed(host, &[])));
            plain.clone()
        }
        _ => {
            let unfit = |pair: &&[String]| {
                HeaderName::try_from(pair[0].as_str()).is_err()
                    || HeaderValue::from_bytes(pair[1].as_bytes()).is_err()
            };
            if let Some(pair) = request.headers.chunks_exact(2).find(unfit) {
                return Err(wrong(format!("the header `{}` cannot be sent", pair[0])));
            }
            Arc::new(fixed(host, &request.headers))
        }
    };
    Ok(Going {
        method,
        target,
        headers,
        body: request.body.clone(),
        who: request.who.clone(),
        is_answered: false,
    })
}

/// Headers of a request, with the agent of the options.
fn fixed(host: &Host, headers: &[String]) -> Fixed {
    let mut map = HeaderMap::with_capacity(headers.len() / 2 + 1);
    for pair in headers.chunks_exact(2) {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(pair[0].as_str()),
            HeaderValue::from_bytes(pair[1].as_bytes()),
        ) {
            map.append(name, value);
        }
    }
    let agent = host.run.as_ref();
    let agent = agent.and_then(|run| run.options.user_agent.as_deref());
    if let Some(Ok(agent)) = agent.map(HeaderValue::try_from)
        && !map.contains_key(USER_AGENT)
    {
        map.insert(USER_AGENT, agent);
    }
    Fixed::new(map)
}

impl Going {
    /// Changes its headers.
    pub fn with(&mut self, change: impl FnOnce(&mut HeaderMap)) {
        let mut map = self.headers.map().clone();
        change(&mut map);
        self.headers = Arc::new(Fixed::new(map));
    }

    /// What answers the challenge of a reply to it, if somebody does and it is one.
    pub fn answer(&self, wire: &Reply) -> Option<HeaderValue> {
        let who = self.who.as_ref().filter(|_| !self.is_answered)?;
        digest::answer(who, &self.message(&HeaderMap::new()), wire)
    }

    /// The request as it is sent; all of its headers are fixed, and these are none.
    pub fn message<'a>(&'a self, none: &'a HeaderMap) -> Message<'a> {
        Message {
            method: &self.method,
            uri: &self.target.uri,
            fixed: &self.headers,
            headers: none,
            body: &self.body,
        }
    }

    /// Answers a challenge.
    pub fn answered(&mut self, line: HeaderValue) {
        self.is_answered = true;
        self.with(|headers| {
            headers.insert(AUTHORIZATION, line);
        });
    }

    /// The request that a redirect leads to.
    pub fn led_on(&mut self, host: &Host, to: Uri, status: StatusCode) -> Result<(), Fault> {
        let from = &self.target.uri;
        let is_elsewhere = to.authority() != from.authority() || to.scheme() != from.scheme();
        let is_fetched = matches!(status.as_u16(), 301..=303) && self.method != Method::HEAD;
        if is_fetched {
            self.method = Method::GET;
            self.body = bytes::Bytes::new();
        }
        let was_answered = std::mem::take(&mut self.is_answered);
        self.who = self.who.take().filter(|_| !is_elsewhere);
        self.with(|headers| {
            if was_answered {
                // What answers is for one address.
                headers.remove(AUTHORIZATION);
            }
            if is_elsewhere {
                // Credentials are for the host that they were written for.
                for name in [AUTHORIZATION, COOKIE, HOST] {
                    headers.remove(name);
                }
            }
            if is_fetched {
                headers.remove(CONTENT_TYPE);
            }
        });
        self.target = Arc::new(Target::new(host, to, Offer::Both)?);
        Ok(())
    }
}
