//! One hop of a request: the reply that a script sees, and the samples that k6 makes of it.
//!
//! Sends nothing.

use super::ask::{BodyAs, Counted, Reply, Request, Timings, method};
use super::going::Going;
use super::sending::{BODY_BYTES_MAX, Seen};
use super::tags::{OfCall, OfRequest, Plain};
use crate::k6::error_code;
use crate::k6::metric::BuiltIn;
use crate::limits;
use crate::net::reply::Reply as WireReply;
use crate::net::tls_facts::TlsFacts;
use crate::net::{Fault, Phases, body, grpc};

/// A reply that is none, with its samples.
pub(super) fn failed(
    seen: &Seen,
    request: &Request,
    going: Option<&Going>,
    fault: &Fault,
    phases: Phases,
) -> Reply {
    let (code, words) = error_code::of_fault(fault);
    let reply = Reply {
        url: match going {
            Some(going) => going.target.text.clone(),
            None => request.url.as_str().into(),
        },
        method: match going {
            Some(going) => method(going.method.as_str()),
            None => request.method.clone(),
        },
        sent: going.map(|going| going.headers.clone()),
        throws: request.throws,
        body_as: request.body_as,
        error: if words.is_empty() {
            fault.detail.clone()
        } else {
            words.to_owned()
        },
        error_code: code,
        phases,
        sent_body: request.body.clone(),
        ..Reply::default()
    };
    count(seen, request, request.expected.includes(0), &reply, (0, 0));
    reply
}

/// Adds the samples of one hop, and whether its status was expected, if anybody says.
pub(super) fn count(
    seen: &Seen,
    request: &Request,
    expected: Option<bool>,
    reply: &Reply,
    bytes: (u64, u64),
) {
    let own = seen.0.tags.borrow();
    let mut digits = [[0; 5]; 2];
    let [status_digits, code_digits] = &mut digits;
    let status = written(status_digits, reply.status);
    let code = if reply.error_code == 0 {
        ""
    } else {
        written(code_digits, reply.error_code)
    };
    let tags = OfRequest {
        plain: Plain {
            own: &own,
            more: &request.tags,
            group: &request.group,
            also: ("", ""),
        },
        method: &reply.method,
        url: &reply.url,
        status,
        proto: reply.proto,
        error: (&reply.error, code),
        expected,
        tls_version: reply.tls_version,
    };
    let timings = Timings::from(reply.phases);
    let is_strict = seen.0.run.as_ref().is_some_and(|run| run.is_strict);
    let duration = if reply.status == 0 && is_strict {
        // What never came is over every limit.
        limits::LATENCY_MICROS_MAX as f64 / 1e3
    } else {
        timings.duration()
    };
    let mut tally = seen.0.tally();
    if let Some(call) = &request.call {
        let tags = OfCall { tags, call, reply };
        match call.counted {
            Counted::Nothing => return,
            Counted::Call => tally.count(BuiltIn::GrpcReqDuration, duration, &tags),
            Counted::Stream(sent) => {
                let came = grpc::messages(reply.headers.map(), reply.body.clone(), BODY_BYTES_MAX);
                let came = came.map_or(0, |came| came.len());
                tally.count(BuiltIn::GrpcStreams, 1.0, &tags);
                tally.count(BuiltIn::GrpcMessagesSent, sent as f64, &tags);
                tally.count(BuiltIn::GrpcMessagesReceived, came as f64, &tags);
            }
        }
        tally.count(BuiltIn::DataSent, bytes.0 as f64, &tags);
        tally.count(BuiltIn::DataReceived, bytes.1 as f64, &tags);
        return;
    }
    tally.count(BuiltIn::HttpReqs, 1.0, &tags);
    if let Some(expected) = expected {
        tally.count(
            BuiltIn::HttpReqFailed,
            f64::from(u8::from(!expected)),
            &tags,
        );
    }
    for (metric, value) in [
        (BuiltIn::HttpReqDuration, duration),
        (BuiltIn::HttpReqBlocked, timings.blocked),
        (BuiltIn::HttpReqConnecting, timings.connecting),
        (BuiltIn::HttpReqTlsHandshaking, timings.tls_handshaking),
        (BuiltIn::HttpReqSending, timings.sending),
        (BuiltIn::HttpReqWaiting, timings.waiting),
        (BuiltIn::HttpReqReceiving, timings.receiving),
    ] {
        tally.count(metric, value, &tags);
    }
    tally.count(BuiltIn::DataSent, bytes.0 as f64, &tags);
    tally.count(BuiltIn::DataReceived, bytes.1 as f64, &tags);
}

/// A number in digits, without asking for memory.
fn written(digits: &mut [u8; 5], number: u16) -> &str {
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or_default()
}

/// A reply as a script sees it, and what was wrong with its body.
pub(super) fn replied(
    request: &Request,
    going: &Going,
    wire: WireReply,
    tls: Option<&TlsFacts>,
) -> (Reply, Option<Fault>) {
    let status = wire.status.as_u16();
    let mut content = wire.body;
    let mut fault = None;
    if wire.headers.encoded && request.body_as != BodyAs::None && !content.is_empty() {
        let encodings = body::encodings(wire.headers.map());
        match body::decode(content.clone(), &encodings, BODY_BYTES_MAX) {
            Ok(decoded) => content = decoded,
            Err(broken) => {
                // Bytes that nobody understands are no body.
                content = bytes::Bytes::new();
                fault = Some(broken);
            }
        }
    }
    let (error, error_code) = match &fault {
        Some(fault) => (fault.detail.clone(), error_code::of_fault(fault).0),
        None => (String::new(), error_code::of_status(status).unwrap_or(0)),
    };
    let reply = Reply {
        status,
        proto: if wire.version == http::Version::HTTP_2 {
            "HTTP/2.0"
        } else {
            "HTTP/1.1"
        },
        url: going.target.text.clone(),
        body: content,
        body_as: request.body_as,
        headers: wire.headers,
        remote: wire.remote,
        phases: wire.phases,
        tls_version: match tls.map(|facts| facts.version.as_str()) {
            Some("1.2") => "tls1.2",
            Some("1.3") => "tls1.3",
            _ => "",
        },
        error,
        error_code,
        method: method(going.method.as_str()),
        sent: Some(going.headers.clone()),
        sent_body: going.body.clone(),
        throws: request.throws,
        trailers: wire.trailers,
    };
    (reply, fault)
}
