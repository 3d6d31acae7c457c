//! Requests of a script on the wire: each hop with its cookies and its samples, until there is a reply.
//!
//! Follows k6: each redirect is a request with samples of its own, and what fails is a reply with status 0.
//! Knows nothing of the interpreter's stack.

use super::ask::{BodyAs, Reply, Request};
use super::going::{Going, head_of, led_on, understood};
use super::hop::{count, failed, replied};
use super::host::Host;
use super::names::step_of;
use crate::net::fault::status_class;
use crate::net::http::Keep;
use crate::net::message::{Fixed, Message, origin};
use crate::net::reply::Reply as WireReply;
use crate::net::tls::Offer;
use crate::net::{ErrorClass, Fault, Phases, redirect};
use crate::vu::road::{Held, Hop, Road};
use crate::vu::{Begin, Sample, Shared, Sink};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// The host, as requests that are under way at once see it.
#[derive(Clone)]
pub(super) struct Seen(pub Rc<Host>);

// SAFETY: only the future of one virtual user holds it, and what is within one future is polled by one thread
// at a time, one after the other.
unsafe impl Send for Seen {}
// SAFETY: as above: there are never two at once.
unsafe impl Sync for Seen {}

/// Bytes of a body that a script may read.
pub(super) const BODY_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What a request needs beside the request.
pub(super) struct Way<'a> {
    pub seen: &'a Seen,
    pub shared: &'a Shared,
    pub held: &'a mut Vec<Held>,
}

/// Performs a request of a script.
pub(super) async fn perform(
    way: Way<'_>,
    request: Request,
    begin: Begin,
    sink: &impl Sink,
) -> Reply {
    let step = step_of(&way.seen.0, &request);
    let going = match understood(way.seen, &request) {
        Ok(going) => going,
        Err(fault) => {
            let spent = Phases::default();
            let reply = failed(
                way.seen,
                &request,
                (&request.method, &request.url),
                &fault,
                spent,
            );
            way.tell(
                step,
                begin,
                &reply,
                Some((fault.class, fault.detail)),
                (Phases::default(), (0, 0)),
                sink,
            );
            return reply;
        }
    };
    way.follow(step, request, going, begin, sink).await
}

impl Way<'_> {
    async fn follow(
        mut self,
        step: usize,
        request: Request,
        mut going: Going,
        begin: Begin,
        sink: &impl Sink,
    ) -> Reply {
        let deadline = begin.start + request.timeout;
        let of_options = self.seen.0.run.as_ref();
        let of_options = of_options.map_or(0, |run| run.options.max_redirects);
        let most = request.redirects.unwrap_or(of_options);
        let (mut start, mut hops) = (begin.start, 0);
        let (mut phases, mut bytes) = (Phases::default(), (0, 0));
        loop {
            let sent_head = self.with_cookies(&request, &mut going);
            let hop = self.send(&request, &going, start, deadline).await;
            let (wire, tls) = match hop {
                Ok(hop) => hop,
                Err((fault, spent)) => {
                    phases.add(spent);
                    let url = going.uri.to_string();
                    let names = (going.method.as_str(), url.as_str());
                    let reply = failed(self.seen, &request, names, &fault, spent);
                    self.tell(
                        step,
                        begin,
                        &reply,
                        Some((fault.class, fault.detail)),
                        (phases, bytes),
                        sink,
                    );
                    return Reply { sent_head, ..reply };
                }
            };
            phases.add(wire.phases);
            let moved = (wire.wire_bytes.0, wire.wire_bytes.1.max(wire.body_bytes));
            bytes = (bytes.0 + moved.0, bytes.1 + moved.1);
            self.keep_cookies(&request, &going, &wire);
            let target = redirect::target(&going.uri, &wire).filter(|_| hops < most);
            let (reply, fault) = replied(&request, &going, &wire, tls.as_deref());
            count(self.seen, &request, &reply, moved);
            let Some(Ok(target)) = target else {
                let unexpected = request.expected.includes(reply.status) == Some(false);
                let class = status_class(Some(reply.status)).unwrap_or(ErrorClass::Status);
                let wrong = fault.or_else(|| {
                    unexpected.then(|| {
                        Fault::new(class, format!("status {} was not expected", reply.status))
                    })
                });
                let wrong = wrong.map(|fault| (fault.class, fault.detail));
                self.tell(step, begin, &reply, wrong, (phases, bytes), sink);
                return Reply { sent_head, ..reply };
            };
            hops += 1;
            led_on(&mut going, target, wire.status);
            start = Instant::now();
        }
    }

    async fn send(
        &mut self,
        request: &Request,
        going: &Going,
        start: Instant,
        deadline: Instant,
    ) -> Hop {
        let binding = &self.shared.binding;
        let options = self.seen.0.run.as_ref().map(|run| &run.options);
        let verify = !options.is_some_and(|options| options.insecure_skip_tls_verify);
        let fresh = options.is_some_and(|options| options.no_connection_reuse);
        let nothing = || Phases::default();
        let origin = origin(&going.uri, Offer::Both, verify).map_err(|fault| (fault, nothing()))?;
        if let Some(guard) = &binding.guard
            && !guard.allows(&origin.host, &[])
        {
            let why = format!(
                "`{}` is no host of the environment `{}`",
                origin.host, binding.environment
            );
            return Err((Fault::new(ErrorClass::RedirectAway, why), nothing()));
        }
        let fixed = Fixed::new(going.headers.clone());
        let message = Message {
            method: &going.method,
            uri: &going.uri,
            fixed: &fixed,
            headers: &HeaderMap::new(),
            body: &going.body,
        };
        let mut road = Road {
            connector: &binding.connector,
            pool: self.shared.pool(),
            kept: None,
            held: self.held,
            fresh,
            keep: Keep {
                head: true,
                body: request.body_as != BodyAs::None,
                limit: BODY_BYTES_MAX,
            },
            start,
            deadline,
            repeated: 0,
        };
        road.exchange(&Arc::new(origin), message, None).await
    }

    /// Puts cookies of the jar and of the request into its head; the head as it is sent.
    fn with_cookies(&self, request: &Request, going: &mut Going) -> String {
        let jars = self.seen.0.jars.borrow();
        let host = going.uri.host().unwrap_or_default();
        let tls = going.uri.scheme_str() == Some("https");
        let of_jar = jars.get(request.jar).filter(|jar| !jar.is_empty());
        // Who has no cookies pays nothing for when they end.
        let of_jar = of_jar.and_then(|jar| {
            let now = crate::clock::now_ms();
            jar.header(host, going.uri.path(), tls, now)
        });
        let mut pairs: Vec<String> = Vec::new();
        if let Some(given) = request
            .headers
            .chunks_exact(2)
            .find(|pair| pair[0].eq_ignore_ascii_case("cookie"))
        {
            pairs.push(given[1].clone());
        }
        let own: Vec<&[String]> = request.cookies.chunks_exact(2).collect();
        let replaced = |pair: &str| {
            let name = pair.split('=').next().unwrap_or_default();
            own.iter().any(|own| own[0] == name)
        };
        let of_jar = of_jar.unwrap_or_default();
        pairs.extend(
            of_jar
                .split("; ")
                .filter(|pair| !pair.is_empty() && !replaced(pair))
                .map(str::to_owned),
        );
        pairs.extend(own.iter().map(|pair| format!("{}={}", pair[0], pair[1])));
        going.headers.remove(COOKIE);
        if let (false, Ok(value)) = (pairs.is_empty(), HeaderValue::try_from(pairs.join("; "))) {
            going.headers.insert(COOKIE, value);
        }
        head_of(&going.headers)
    }

    fn keep_cookies(&self, request: &Request, going: &Going, wire: &WireReply) {
        if !wire.headers.sets_cookies {
            return;
        }
        let mut jars = self.seen.0.jars.borrow_mut();
        let (Some(jar), Some(host)) = (jars.get_mut(request.jar), going.uri.host()) else {
            return;
        };
        let now = crate::clock::now_ms();
        jar.store_all(wire.headers.map(), host, going.uri.path(), now);
    }

    /// Tells the run of the whole of a request.
    fn tell(
        &self,
        step: usize,
        begin: Begin,
        reply: &Reply,
        wrong: Option<(ErrorClass, String)>,
        (phases, bytes): (Phases, (u64, u64)),
        sink: &impl Sink,
    ) {
        if let Some((class, detail)) = &wrong {
            self.seen
                .0
                .failed
                .set(self.seen.0.failed.get().or(Some(*class)));
            let redactor = &self.shared.binding.redactor;
            sink.failure(step, *class, &|| {
                redactor.clean(&format!("{}: {detail}", reply.url))
            });
        }
        sink.sample(&Sample {
            step,
            intended: begin.intended,
            start: begin.start,
            end: Instant::now(),
            phases,
            error: wrong.map(|(class, _)| class),
            status: reply.status,
            bytes_sent: bytes.0,
            bytes_received: bytes.1,
            advisory: false,
        });
    }
}
