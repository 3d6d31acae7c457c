//! An HTTP step on the wire: one request, and its redirects.
//!
//! Knows cookies and redirects. Does not know the connections ([`crate::vu::road`]), and does not judge the
//! reply.

use super::exchange::Attempt;
use crate::net::connect::Origin;
use crate::net::digest::{self, Credentials};
use crate::net::http::Keep;
use crate::net::http1::Outgoing;
use crate::net::message::{self, Fixed, Message, origin};
use crate::net::redirect;
use crate::net::{ErrorClass, Fault, Phases, body};
use crate::scenario::plan::{CookieLife, Reuse, Step};
use crate::scenario::steps::http::{Auth, HttpRequest};
use crate::signing::aws;
use crate::vu::binding::Binding;
use crate::vu::compiled::{self, Compiled, Late, offer};
use crate::vu::cookies::Jar;
use crate::vu::reply::Reply;
use crate::vu::request;
use crate::vu::road::{Hop, Road};
use crate::vu::signed;
use crate::vu::traced::Trace;
use crate::vu::user::VirtualUser;
use crate::{clock, ids};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use std::sync::Arc;
use std::time::Instant;

/// URL, headers and body.
type Rendered = (Uri, HeaderMap, Bytes);

/// What a request needs beside the request itself.
struct Route<'a> {
    binding: &'a Binding,
    jar: &'a mut Jar,
    road: Road<'a>,
    /// Who answers a challenge of the server.
    who: Option<Credentials>,
}

impl VirtualUser {
    /// Performs an HTTP step once.
    pub(super) async fn http(
        &mut self,
        step: &Step,
        http: &HttpRequest,
        start: Instant,
        deadline: Instant,
    ) -> Attempt {
        let shared = self.shared.clone();
        let binding = &shared.binding;
        let Some(compiled) = binding.compiled.get(step.index).and_then(Option::as_ref) else {
            let missing = Fault::new(ErrorClass::Template, "the step was not compiled");
            return Attempt::failed(missing, Phases::default());
        };
        let (rendered, who) = match self.rendered(http, compiled) {
            Ok(rendered) => rendered,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let own = rendered.as_ref();
        let none = HeaderMap::new();
        let message = Message {
            method: &http.method,
            uri: match own {
                Some((uri, ..)) => uri,
                None => compiled.uri.as_ref().expect("a steady request has its URL"),
            },
            fixed: &compiled.fixed,
            headers: own.map_or(&none, |(_, headers, _)| headers),
            body: match own {
                Some((_, _, body)) => body,
                None => compiled
                    .body
                    .as_ref()
                    .expect("a steady request has its body"),
            },
        };
        let mut route = Route {
            binding,
            jar: &mut self.jar,
            road: Road {
                connector: &binding.connector,
                pool: &shared.pool,
                kept: shared.kept.as_deref(),
                held: &mut self.held,
                fresh: http.fresh_connection || binding.plan.connections.reuse == Reuse::Never,
                keep: Keep {
                    head: compiled.wants_head || binding.trace().is_some(),
                    body: step.wants_body,
                    shows: binding.trace().is_some_and(Trace::wants_bodies),
                    limit: binding.plan.body_limit,
                },
                start,
                deadline,
                repeated: 0,
                tracing: binding.tracing(&step.name),
            },
            who,
        };
        let known = match &compiled.origin {
            Some(known) => Ok(known.clone()),
            None => origin(message.uri, offer(http), http.verify).map(Arc::new),
        };
        let hop = match known {
            Ok(known) => {
                let prepared = compiled.whole.as_ref().filter(|_| own.is_none());
                let prepared = prepared.map(|whole| Outgoing {
                    head: &whole.wire,
                    body: if whole.has_body { &[] } else { message.body },
                    to_head: *message.method == Method::HEAD,
                });
                route.send(&known, message, prepared).await
            }
            Err(fault) => Err((fault, Phases::default())),
        };
        if let (Ok((reply, _)), Some(shows)) = (&hop, &compiled.shows)
            && let Some(guard) = &binding.guard
        {
            guard.note(shows, &reply.headers);
        }
        let leads_on = http.redirects > 0
            && matches!(&hop, Ok((reply, _)) if redirect::target(message.uri, reply).is_some());
        if leads_on {
            // Boxed: it happens seldom, and its state would be carried by every virtual user.
            let mut attempt = Box::pin(route.follow(step, http, message, hop)).await;
            attempt.repeated = route.road.repeated;
            return attempt;
        }
        let url =
            (own.is_some() || compiled.wants_url || hop.is_err()).then(|| message.uri.clone());
        let repeated = route.road.repeated;
        Attempt {
            repeated,
            ..finish(
                (step, binding.plan.body_limit),
                hop,
                Journey::default(),
                url,
            )
        }
    }

    /// What must be rendered for this request, nothing if nothing of it ever changes; and who answers a challenge.
    fn rendered(
        &self,
        http: &HttpRequest,
        compiled: &Compiled,
    ) -> Result<(Option<Rendered>, Option<Credentials>), Fault> {
        let who = match http.auth {
            Auth::Digest(..) => request::credentials(&http.auth, &self.scope(None))?,
            _ => None,
        };
        if compiled.whole.is_some() {
            return Ok((None, who));
        }
        let scope = self.scope(None);
        let uri = match &compiled.uri {
            Some(uri) => uri.clone(),
            None => request::url(http, compiled.base.as_deref(), &scope)?,
        };
        let (mut headers, body) = compiled::late(http, compiled, &scope)?;
        if let (Some(bearer), true) = (&self.bearer, compiled.late.contains(&Late::Token)) {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        if let Auth::Signed(by) = &http.auth {
            let written = headers.get(HOST).or_else(|| compiled.fixed.map().get(HOST));
            let written = written.cloned();
            let host = written.as_ref().and_then(|host| host.to_str().ok());
            let request = aws::Request {
                method: http.method.as_str(),
                host: host.unwrap_or_else(|| message::host(&uri)),
                path: uri.path(),
                query: uri.query().unwrap_or_default(),
                body: &body,
            };
            let moment = (clock::now(), &ids::random_uuid()[..]);
            signed::sign(by, &scope, request, &mut headers, moment)?;
        }
        Ok((Some((uri, headers, body)), who))
    }
}

/// What the hops before the last one left behind.
#[derive(Debug, Default)]
struct Journey {
    phases: Phases,
    bytes: (u64, u64),
    redirects: u32,
    fault: Option<Fault>,
}

/// A reply as checks see it.
fn finish((step, limit): (&Step, usize), hop: Hop, journey: Journey, url: Option<Uri>) -> Attempt {
    let mut phases = journey.phases;
    let (wire, tls) = match hop {
        Ok(hop) => hop,
        Err((fault, spent)) => {
            phases.add(spent);
            let mut attempt = Attempt::failed(fault, phases);
            attempt.reply.url = url;
            attempt.reply.redirects = journey.redirects;
            return attempt;
        }
    };
    phases.add(wire.phases);
    let mut fault = journey.fault;
    let mut content = wire.body;
    if wire.headers.encoded && step.wants_body && !content.is_empty() {
        let encoding = body::encodings(wire.headers.map());
        match body::decode(content.clone(), &encoding, limit) {
            Ok(decoded) => content = decoded,
            Err(broken) => {
                fault.get_or_insert(broken);
            }
        }
    }
    Attempt {
        fault,
        repeated: 0,
        bytes_sent: journey.bytes.0 + wire.wire_bytes.0,
        bytes_received: journey.bytes.1 + wire.wire_bytes.1.max(wire.body_bytes),
        pictures: Vec::new(),
        tests: Vec::new(),
        end: Some(wire.end),
        reply: Reply {
            status: Some(wire.status.as_u16()),
            headers: wire.headers,
            body: content,
            phases,
            tls,
            url,
            version: match wire.version {
                http::Version::HTTP_2 => "HTTP/2",
                http::Version::HTTP_3 => "HTTP/3",
                http::Version::HTTP_10 => "HTTP/1.0",
                _ => "HTTP/1.1",
            },
            redirects: journey.redirects,
            ..Reply::default()
        },
    }
}

/// Takes out what is of the host that it was written for alone.
fn forget_credentials(headers: &mut HeaderMap, http: &HttpRequest) {
    let own = headers.iter().filter(|(_, value)| value.is_sensitive());
    let own: Vec<HeaderName> = own.map(|(name, _)| name.clone()).collect();
    let rendered = http.headers.iter();
    let rendered = rendered.filter(|(_, value)| value.fixed().is_none());
    // Nor is the name of a host one of another.
    let named = [&AUTHORIZATION, &COOKIE, &HOST];
    for name in own
        .iter()
        .chain(named)
        .chain(rendered.map(|(name, _)| name))
    {
        headers.remove(name);
    }
}

impl Route<'_> {
    /// Follows redirects from a first reply.
    async fn follow(
        &mut self,
        step: &Step,
        http: &HttpRequest,
        first: Message<'_>,
        mut hop: Hop,
    ) -> Attempt {
        let kept = (step, self.binding.plan.body_limit);
        let mut journey = Journey::default();
        let mut method = first.method.clone();
        let mut uri = first.uri.clone();
        let mut body = first.body.clone();
        let mut headers = first.fixed.map().clone();
        for (name, value) in first.headers {
            headers.insert(name, value.clone());
        }
        loop {
            let target = match &hop {
                Ok((reply, _)) => {
                    redirect::target(&uri, reply).map(|target| (target, reply.status))
                }
                Err(_) => None,
            };
            let Some((target, status)) = target else {
                return finish(kept, hop, journey, Some(uri));
            };
            let target = match target {
                Ok(target) => target,
                Err(why) => {
                    journey.fault = Some(Fault::new(ErrorClass::RedirectAway, why));
                    return finish(kept, hop, journey, Some(uri));
                }
            };
            if journey.redirects >= http.redirects {
                journey.fault = Some(Fault::new(
                    ErrorClass::RedirectLoop,
                    format!(
                        "more than {} redirects; the last one leads to {target}",
                        http.redirects
                    ),
                ));
                return finish(kept, hop, journey, Some(uri));
            }
            let host = target.host().unwrap_or_default();
            let guard = self.binding.guard.as_ref();
            if guard.is_some_and(|guard| !guard.allows(host, &http.leads_to)) {
                journey.fault = Some(Fault::new(
                    ErrorClass::RedirectAway,
                    format!(
                        "it is redirected to {target}, and `{host}` is no host of the environment `{}`; where it may, the step says `leads_to: [{host}]`",
                        self.binding.environment
                    ),
                ));
                return finish(kept, hop, journey, Some(uri));
            }
            if let Ok((reply, _)) = hop {
                journey.phases.add(reply.phases);
                journey.bytes.0 += reply.wire_bytes.0;
                journey.bytes.1 += reply.wire_bytes.1.max(reply.body_bytes);
            }
            journey.redirects += 1;
            if target.authority() != uri.authority() || target.scheme() != uri.scheme() {
                forget_credentials(&mut headers, http);
                self.who = None;
            }
            let rewrites = status == StatusCode::SEE_OTHER
                || (matches!(status.as_u16(), 301 | 302) && method == Method::POST);
            if rewrites && method != Method::HEAD {
                method = Method::GET;
                body = Bytes::new();
                headers.remove(CONTENT_TYPE);
            }
            uri = target;
            let fixed = Fixed::new(headers.clone());
            let message = Message {
                method: &method,
                uri: &uri,
                fixed: &fixed,
                headers: &HeaderMap::new(),
                body: &body,
            };
            self.road.start = Instant::now();
            hop = match origin(&uri, offer(http), http.verify) {
                Ok(origin) => self.send(&Arc::new(origin), message, None).await,
                Err(fault) => Err((fault, Phases::default())),
            };
        }
    }

    /// Sends one request, again with what answers the challenge of the server where it challenges.
    async fn send(
        &mut self,
        origin: &Arc<Origin>,
        message: Message<'_>,
        prepared: Option<Outgoing<'_>>,
    ) -> Hop {
        let hop = self.send_once(origin, message, prepared).await;
        let (Some(who), Ok((first, _))) = (&self.who, &hop) else {
            return hop;
        };
        let Some(line) = digest::answer(who, &message, first) else {
            return hop;
        };
        let (spent, bytes) = (first.phases, first.wire_bytes);
        let mut headers = message.headers.clone();
        headers.insert(AUTHORIZATION, line);
        self.road.start = Instant::now();
        let message = Message {
            headers: &headers,
            ..message
        };
        // Boxed: few servers challenge, and its state would be carried by every virtual user.
        let second = Box::pin(self.send_once(origin, message, None)).await;
        match second {
            Ok((mut reply, tls)) => {
                reply.phases.add(spent);
                reply.wire_bytes.0 += bytes.0;
                reply.wire_bytes.1 += bytes.1;
                Ok((reply, tls))
            }
            Err((fault, mut phases)) => {
                phases.add(spent);
                Err((fault, phases))
            }
        }
    }

    /// Sends one request with its cookies and takes those that come back.
    async fn send_once(
        &mut self,
        origin: &Arc<Origin>,
        message: Message<'_>,
        prepared: Option<Outgoing<'_>>,
    ) -> Hop {
        let cookies = self.binding.plan.cookies != CookieLife::Off;
        // Who has no cookies pays nothing for when they end.
        let cookie = if cookies && !self.jar.is_empty() {
            let now_ms = crate::clock::now_ms();
            self.jar
                .header(&origin.host, message.uri.path(), origin.tls, now_ms)
                .filter(|_| {
                    !message.headers.contains_key(COOKIE)
                        && !message.fixed.map().contains_key(COOKIE)
                })
                .and_then(|cookie| HeaderValue::from_str(&cookie).ok())
        } else {
            None
        };
        let hop = match cookie {
            None => self.road.exchange(origin, message, prepared).await,
            Some(cookie) => {
                let mut headers = message.headers.clone();
                headers.insert(COOKIE, cookie);
                let message = Message {
                    headers: &headers,
                    ..message
                };
                self.road.exchange(origin, message, None).await
            }
        };
        if let Ok((reply, _)) = &hop
            && cookies
            && reply.headers.sets_cookies
        {
            let now_ms = crate::clock::now_ms();
            if let Some(host) = message.uri.host() {
                self.jar
                    .store_all(reply.headers.map(), host, message.uri.path(), now_ms);
            }
        }
        hop
    }
}
