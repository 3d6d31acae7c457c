//! Server-sent events and streamed lines: a request, and what follows until the event that is awaited.
//!
//! What comes before it is passed over and counted; a stream that ends, or says nothing more until the time is over, has
//! failed the step.

use super::exchange::Attempt;
use crate::net::address;
use crate::net::events::{self, Answer, Event, EventStream, Format};
use crate::net::fault::status_class;
use crate::net::headers::Headers;
use crate::net::message::{Fixed, Message, origin};
use crate::net::tls::Offer;
use crate::net::{ErrorClass, Fault, Phases};
use crate::scenario::plan::Step;
use crate::scenario::steps::events::Followed;
use crate::vu::reply::Reply;
use crate::vu::request::{joined, parsed};
use crate::vu::user::VirtualUser;
use crate::witness::said::Said;
use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use serde_json::json;
use std::time::{Duration, Instant};

/// Events that are passed over at the most, so that a flood ends a step.
const PASSED_OVER_MAX: u64 = 100_000;
/// Time for the body of a refusal.
const REFUSAL_MAX: Duration = Duration::from_secs(1);

impl VirtualUser {
    pub(super) async fn events(
        &mut self,
        step: &Step,
        followed: &Followed,
        deadline: Instant,
    ) -> Attempt {
        let limit = self.shared.binding.plan.body_limit;
        let (uri, headers) = match self.following(step, followed) {
            Ok(prepared) => prepared,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let origin = match origin(&uri, Offer::Both, followed.verify) {
            Ok(origin) => origin,
            Err(fault) => return Attempt::failed(fault, Phases::default()),
        };
        let message = Message {
            method: &Method::GET,
            uri: &uri,
            fixed: &Fixed::new(headers),
            headers: &HeaderMap::new(),
            body: &Bytes::new(),
        };
        let connector = self.shared.binding.connector.clone();
        let opened = events::open(
            &connector,
            &origin,
            &message,
            (followed.format, limit),
            deadline,
        )
        .await;
        let answer = match opened {
            Ok(answer) => answer,
            Err((fault, phases)) => return Attempt::failed(fault, phases),
        };
        let Answer {
            status,
            headers,
            mut phases,
            tls,
            version,
            mut stream,
        } = answer;
        let start = Instant::now();
        let mut reply = Reply {
            status: Some(status.as_u16()),
            tls,
            version,
            ..Reply::default()
        };
        let fault = match is_stream(followed.format, status.as_u16(), &headers) {
            Ok(()) => match self.awaited(&mut stream, followed, deadline).await {
                Ok((event, passed)) => {
                    reply.body = event.data.clone().into();
                    reply.said = Some(Box::new(said(&event, passed + 1)));
                    None
                }
                Err(fault) => Some(fault),
            },
            Err(fault) => {
                reply.body = stream.refusal(deadline.min(start + REFUSAL_MAX)).await;
                Some(fault)
            }
        };
        let end = Instant::now();
        phases.receive = end.saturating_duration_since(start).as_micros() as u64;
        reply.phases = phases;
        reply.headers = Headers::from_map(headers);
        Attempt {
            end: Some(end),
            bytes_received: stream.bytes,
            reply,
            fault,
            ..Attempt::default()
        }
    }

    /// The address and the headers, filled in.
    fn following(&self, step: &Step, followed: &Followed) -> Result<(Uri, HeaderMap), Fault> {
        let written = followed.url.render_by(&self.scope(None), address::put);
        let written = written.map_err(|reason| Fault::new(ErrorClass::Template, reason))?;
        let uri = parsed(joined(written, self.base(step))?)?;
        let mut headers = self.filled(&followed.headers)?;
        let wanted = HeaderValue::from_static(followed.format.accepted());
        headers.entry(ACCEPT).or_insert(wanted);
        let fresh = HeaderValue::from_static("no-cache");
        headers.entry(CACHE_CONTROL).or_insert(fresh);
        Ok((uri, headers))
    }

    /// The event that is awaited, and how many came before.
    async fn awaited(
        &self,
        stream: &mut EventStream,
        followed: &Followed,
        deadline: Instant,
    ) -> Result<(Event, u64), Fault> {
        let expect = &followed.expect;
        let mut last = String::new();
        for passed in 0..PASSED_OVER_MAX {
            let so_far = || match passed {
                0 => "no event came before".to_owned(),
                _ => format!(
                    "{passed} events came before, the last: {}",
                    self.start_of(last.as_bytes())
                ),
            };
            match stream.next(deadline).await {
                Ok(Some(event)) if self.is_awaited(followed, &event, passed + 1) => {
                    return Ok((event, passed));
                }
                Ok(Some(event)) => last = event.data,
                Ok(None) => {
                    let text = format!(
                        "the stream ended before `{}` held; {}",
                        expect.text,
                        so_far()
                    );
                    return Err(Fault::new(ErrorClass::Check, text));
                }
                Err(fault) => {
                    let text = format!(
                        "`{}` did not hold: {}; {}",
                        expect.text,
                        fault.detail,
                        so_far()
                    );
                    return Err(Fault::new(fault.class, text));
                }
            }
        }
        let text = format!(
            "`{}` held for none of {PASSED_OVER_MAX} events",
            expect.text
        );
        Err(Fault::new(ErrorClass::Check, text))
    }

    fn is_awaited(&self, followed: &Followed, event: &Event, count: u64) -> bool {
        let reply = Reply {
            status: Some(200),
            body: event.data.clone().into(),
            said: Some(Box::new(said(event, count))),
            ..Reply::default()
        };
        // An event of another form is another event: `body.state` of one that is no JSON.
        matches!(followed.expect.holds(&self.scope(Some(&reply))), Ok(true))
    }
}

fn said(event: &Event, count: u64) -> Said {
    let mut said = Said::default();
    let shown = json!({ "name": event.name, "id": event.id, "data": event.data });
    said.value("event", shown);
    said.value("count", count);
    said
}

/// Whether what is asked for came: any other answer is a failure, whatever checks say of its status, since nothing
/// was measured of what they are about.
fn is_stream(format: Format, status: u16, headers: &HeaderMap) -> Result<(), Fault> {
    if status != 200 {
        let class = status_class(Some(status)).unwrap_or(ErrorClass::Status);
        let detail = format!("the server answered with status {status}, and no events");
        return Err(Fault::new(class, detail));
    }
    if format == Format::Lines {
        return Ok(());
    }
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.map_or("", |kind| kind.to_str().unwrap_or("?"));
    let essence = kind.split(';').next().unwrap_or_default().trim();
    match essence.eq_ignore_ascii_case("text/event-stream") {
        true => Ok(()),
        false => Err(Fault::new(
            ErrorClass::Check,
            format!("the answer is no stream of events: its content type is `{kind}`"),
        )),
    }
}
