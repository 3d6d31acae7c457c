//! Requests of a script on the wire: each hop with its cookies and its samples, until there is a reply.
//!
//! Follows k6: each redirect is a request with samples of its own, and what fails is a reply with status 0.
//! Knows nothing of the interpreter's stack.

use super::ask::{BodyAs, Reply, Request};
use super::going::{Going, understood};
use super::hop::{count, failed, replied};
use super::host::Host;
use super::names::step_of;
use crate::net::connect::Origin;
use crate::net::fault::status_class;
use crate::net::grpc::Status;
use crate::net::http::Keep;
use crate::net::http2;
use crate::net::reply::Reply as WireReply;
use crate::net::tls::Offer;
use crate::net::{ErrorClass, Fault, Phases, redirect};
use crate::vu::road::{Held, Hop, Road};
use crate::vu::traced::Trace;
use crate::vu::{Begin, Sample, Shared, Sink};
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use std::rc::Rc;
use std::time::{Duration, Instant};

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
    let account = Account {
        seen: way.seen,
        shared: way.shared,
        step: step_of(&way.seen.0, &request),
        begin,
    };
    let going = match understood(way.seen, &request) {
        Ok(going) => going,
        Err(fault) => {
            let spent = Phases::default();
            let reply = failed(way.seen, &request, None, &fault, spent);
            account.tell(&reply, Some(&fault), (spent, (0, 0)), sink);
            return reply;
        }
    };
    way.follow(&account, request, going, sink).await
}

/// Whether there is somebody who speaks HTTP/2 where a request would go; who is not there is a request that failed.
pub(super) async fn reach(way: Way<'_>, request: Request, sink: &impl Sink) -> Reply {
    let account = Account {
        seen: way.seen,
        shared: way.shared,
        step: step_of(&way.seen.0, &request),
        begin: Begin::now(),
    };
    let spent = Phases::default();
    let found = match understood(way.seen, &request) {
        Ok(going) => way
            .dialed(&going, request.timeout)
            .await
            .map_err(|fault| (fault, Some(going))),
        Err(fault) => Err((fault, None)),
    };
    let Err((fault, going)) = found else {
        return Reply::default();
    };
    let reply = failed(way.seen, &request, going.as_ref(), &fault, spent);
    account.tell(&reply, Some(&fault), (spent, (0, 0)), sink);
    reply
}

impl Way<'_> {
    async fn dialed(&self, going: &Going, time: Duration) -> Result<(), Fault> {
        let origin = &going.target.origin;
        guarded(self.shared, origin)?;
        let mut origin = (**origin).clone();
        origin.offer = Offer::Two;
        let deadline = Instant::now() + time;
        let opened = self.shared.binding.connector.open(&origin, deadline).await;
        let opened = opened.map_err(|(fault, _)| fault)?;
        http2::answers(opened.stream, deadline).await
    }

    async fn follow(
        mut self,
        account: &Account<'_>,
        request: Request,
        mut going: Going,
        sink: &impl Sink,
    ) -> Reply {
        let begin = account.begin.start;
        let deadline = begin + request.timeout;
        let of_options = self.seen.0.run.as_ref();
        let of_options = of_options.map_or(0, |run| run.options.max_redirects);
        let most = request.redirects.unwrap_or(of_options);
        let (mut start, mut hops) = (begin, 0);
        let (mut phases, mut bytes) = (Phases::default(), (0, 0));
        // As in k6: who says that there is a challenge expects nothing else first.
        let mut is_challenged = going.who.is_some();
        loop {
            put_cookies(self.seen, &request, &mut going);
            let hop = self.send(&request, &going, start, deadline).await;
            let (wire, tls) = match hop {
                Ok(hop) => hop,
                Err((fault, spent)) => {
                    phases.add(spent);
                    let reply = failed(self.seen, &request, Some(&going), &fault, spent);
                    account.tell(&reply, Some(&fault), (phases, bytes), sink);
                    return reply;
                }
            };
            phases.add(wire.phases);
            let moved = (wire.wire_bytes.0, wire.wire_bytes.1.max(wire.body_bytes));
            bytes = (bytes.0 + moved.0, bytes.1 + moved.1);
            self.keep_cookies(&request, &going, &wire);
            let target = redirect::target(&going.target.uri, &wire);
            let leads_on = target.is_some();
            let target = target.filter(|_| hops < most);
            // Where the script itself says how many, the last one is what it asked for.
            let is_endless =
                leads_on && target.is_none() && most > 0 && request.redirects.is_none();
            let status = wire.status;
            let answer = going.answer(&wire);
            let (reply, mut fault) = replied(&request, &going, wire, tls.as_deref());
            let expected = match std::mem::take(&mut is_challenged) {
                true => Some(reply.status == 401),
                false => request.expected.includes(reply.status),
            };
            count(self.seen, &request, expected, &reply, moved);
            if let Some(line) = answer {
                going.answered(line);
                start = Instant::now();
                continue;
            }
            if is_endless {
                let why = format!("more than {most} redirects");
                fault = fault.or(Some(Fault::new(ErrorClass::RedirectLoop, why)));
            }
            if let Some(Err(why)) = &target {
                fault = fault.or(Some(Fault::new(ErrorClass::RedirectAway, why.clone())));
            }
            if let Some(Ok(target)) = target {
                match going.led_on(&self.seen.0, target, status) {
                    Ok(()) => {
                        hops += 1;
                        start = Instant::now();
                        continue;
                    }
                    Err(astray) => fault = Some(astray),
                }
            }
            let unexpected = request.expected.includes(reply.status) == Some(false);
            let class = status_class(Some(reply.status)).unwrap_or(ErrorClass::Status);
            let wrong = fault.or_else(|| {
                request.call.as_ref()?;
                broken_call(&reply)
            });
            let wrong = wrong.or_else(|| {
                unexpected
                    .then(|| Fault::new(class, format!("status {} was not expected", reply.status)))
            });
            account.tell(&reply, wrong.as_ref(), (phases, bytes), sink);
            return reply;
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
        let origin = &going.target.origin;
        guarded(self.shared, origin).map_err(|fault| (fault, Phases::default()))?;
        let none = HeaderMap::new();
        let message = going.message(&none);
        let mut road = Road {
            connector: &binding.connector,
            pool: self.shared.pool(),
            kept: None,
            held: self.held,
            fresh: options.is_some_and(|options| options.no_connection_reuse),
            keep: Keep {
                head: true,
                body: request.body_as != BodyAs::None,
                shows: binding.trace().is_some_and(Trace::wants_bodies),
                limit: BODY_BYTES_MAX,
            },
            start,
            deadline,
            repeated: 0,
            tracing: binding.tracing(request.called()),
        };
        road.exchange(origin, message, None).await
    }

    fn keep_cookies(&self, request: &Request, going: &Going, wire: &WireReply) {
        if !wire.headers.sets_cookies {
            return;
        }
        let mut jars = self.seen.0.jars.borrow_mut();
        let (Some(jar), Some(host)) = (jars.get_mut(&request.jar), going.target.uri.host()) else {
            return;
        };
        let now = crate::clock::now_ms();
        jar.store_all(wire.headers.map(), host, going.target.uri.path(), now);
    }
}

/// What a call of gRPC came to that nobody can have wanted; of all else, checks tell.
fn broken_call(reply: &Reply) -> Option<Fault> {
    let status = Status::of(reply.headers.map(), reply.trailers.as_deref());
    let Some(status) = status else {
        let detail = format!("the answer has no status of gRPC: HTTP {}", reply.status);
        return Some(Fault::new(ErrorClass::Protocol, detail));
    };
    status
        .fault()
        .filter(|_| matches!(status.code, 2 | 4 | 13..=15))
}

/// Whether an environment lets anything go there.
pub(super) fn guarded(shared: &Shared, origin: &Origin) -> Result<(), Fault> {
    let binding = &shared.binding;
    match &binding.guard {
        Some(guard) if !guard.allows(&origin.host, &[]) => {
            let why = format!(
                "`{}` is no host of the environment `{}`",
                origin.host, binding.environment
            );
            Err(Fault::new(ErrorClass::RedirectAway, why))
        }
        _ => Ok(()),
    }
}

/// Puts cookies of the jar and of the request into its head.
pub(super) fn put_cookies(seen: &Seen, request: &Request, going: &mut Going) {
    let jars = seen.0.jars.borrow();
    let uri = &going.target.uri;
    let of_jar = jars.get(&request.jar).filter(|jar| !jar.is_empty());
    // Who has no cookies pays nothing for when they end.
    let of_jar = of_jar.and_then(|jar| {
        let tls = uri.scheme_str() == Some("https");
        let now = crate::clock::now_ms();
        jar.header(uri.host().unwrap_or_default(), uri.path(), tls, now)
    });
    let is_given = going.headers.map().contains_key(COOKIE);
    if of_jar.is_none() && request.cookies.is_empty() && !is_given {
        return;
    }
    let mut pairs: Vec<String> = Vec::new();
    if let Some(given) = request
        .headers
        .chunks_exact(2)
        .find(|pair| pair[0].eq_ignore_ascii_case("cookie"))
    {
        pairs.push(given[1].clone());
    }
    let own: Vec<&[String]> = request.cookies.chunks_exact(3).collect();
    // As in k6, both are sent where the request does not say that its own replaces that of the jar.
    let replaced = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        own.iter().any(|own| own[0] == name && !own[2].is_empty())
    };
    pairs.extend(own.iter().map(|pair| format!("{}={}", pair[0], pair[1])));
    let of_jar = of_jar.unwrap_or_default();
    pairs.extend(
        of_jar
            .split("; ")
            .filter(|pair| !pair.is_empty() && !replaced(pair))
            .map(str::to_owned),
    );
    going.with(|headers| {
        headers.remove(COOKIE);
        if let (false, Ok(value)) = (pairs.is_empty(), HeaderValue::try_from(pairs.join("; "))) {
            headers.insert(COOKIE, value);
        }
    });
}

/// Waits as the cap of the environment says; whether that took time.
pub(super) async fn held_back(shared: &Shared, sink: &impl Sink) -> bool {
    let Some(pace) = &shared.binding.pace else {
        return false;
    };
    let wait = pace.take(Instant::now());
    if wait <= Duration::from_millis(1) {
        return false;
    }
    sink.held_back();
    tokio::time::sleep(wait).await;
    true
}

/// A request as the run is told of it: which step it is, and when it began.
pub(super) struct Account<'a> {
    pub seen: &'a Seen,
    pub shared: &'a Shared,
    pub step: usize,
    pub begin: Begin,
}

impl Account<'_> {
    /// Tells the run of the whole of it.
    pub fn tell(
        &self,
        reply: &Reply,
        wrong: Option<&Fault>,
        (phases, bytes): (Phases, (u64, u64)),
        sink: &impl Sink,
    ) {
        if let Some(fault) = wrong {
            self.fail(fault, &reply.url, sink);
        }
        sink.sample(&Sample {
            step: self.step,
            intended: self.begin.intended,
            start: self.begin.start,
            end: Instant::now(),
            phases,
            error: wrong.map(|fault| fault.class),
            status: reply.status,
            bytes_sent: bytes.0,
            bytes_received: bytes.1,
            advisory: false,
        });
    }

    /// Tells the run what went wrong with it.
    pub fn fail(&self, fault: &Fault, url: &str, sink: &impl Sink) {
        let failed = &self.seen.0.failed;
        failed.set(failed.get().or(Some(fault.class)));
        let redactor = &self.shared.binding.redactor;
        sink.failure(self.step, fault.class, &|| {
            redactor.clean(&format!("{url}: {}", fault.detail))
        });
    }
}
