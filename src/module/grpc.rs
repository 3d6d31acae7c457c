//! A module that asks for the health of a service of gRPC (`grpc.health.v1.Health/Check`).

use super::reach;
use super::seen::{EXPIRY, Gauge, Seen};
use super::settings::Grpc;
use crate::limits;
use crate::net::connect::host_port;
use crate::net::grpc::{Status, framed, messages};
use crate::net::http::Keep;
use crate::net::http2::Http2;
use crate::net::protobuf::{HEALTH as HEALTH_CALL, Schema};
use crate::net::stream::Stream;
use crate::net::{ErrorClass, Fault};
use http::header::{CONTENT_TYPE, TE};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Instant;

const DURATION: Gauge = Gauge(
    "probe_grpc_duration_seconds",
    "How long the phases of the call took.",
);
const HEALTH: Gauge = Gauge(
    "probe_grpc_healthcheck_response",
    "What the server says of the service's health.",
);
const STATUS: Gauge = Gauge("probe_grpc_status_code", "How the call ended.");
const TLS: Gauge = Gauge("probe_grpc_ssl", "Whether TLS was spoken.");
/// The code of a call that came nowhere.
const UNAVAILABLE: f64 = 14.0;
/// The code of an answer that is none of gRPC.
const UNKNOWN: u32 = 2;
/// What a server may say of its health.
const STATES: [&str; 4] = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

/// Looks at a target.
///
/// # Errors
///
/// Why it did not go well.
pub async fn look(
    settings: &Grpc,
    target: &str,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(), Fault> {
    for phase in ["resolve", "check"] {
        seen.put(DURATION, &[("phase", phase)], 0.0);
    }
    for state in STATES {
        seen.put(HEALTH, &[("serving_status", state)], 0.0);
    }
    seen.set(STATUS, 0.0);
    seen.set(TLS, 0.0);
    seen.set(EXPIRY, 0.0);
    let bare = target.split_once("://").map_or(target, |(_, rest)| rest);
    let bare = bare.split('/').next().unwrap_or_default();
    let usual = if settings.speaks_tls { 443 } else { 80 };
    let (host, port) =
        host_port(bare, usual).map_err(|reason| Fault::new(ErrorClass::Template, reason))?;
    let begun = Instant::now();
    let ip = reach::resolve(&host, settings.family, deadline, seen).await?;
    let took = begun.elapsed().as_secs_f64();
    seen.put(DURATION, &[("phase", "resolve")], took);
    let begun = Instant::now();
    let checked = check(settings, (&host, SocketAddr::new(ip, port)), deadline, seen).await;
    let took = begun.elapsed().as_secs_f64();
    seen.put(DURATION, &[("phase", "check")], took);
    if checked.is_err() {
        // As clients say it of themselves: whoever is asked was not available.
        seen.set(STATUS, UNAVAILABLE);
    }
    let (status, state) = checked?;
    seen.set(STATUS, f64::from(status.code));
    if let Some(fault) = status.fault() {
        return Err(fault);
    }
    seen.put(HEALTH, &[("serving_status", &state)], 1.0);
    match state.as_str() {
        "SERVING" => Ok(()),
        state => Err(Fault::new(
            ErrorClass::Check,
            format!("its health is {state}"),
        )),
    }
}

/// How the call ended, and what the server says of its health.
async fn check(
    settings: &Grpc,
    (host, address): (&str, SocketAddr),
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(Status, String), Fault> {
    let tcp = reach::connect(address, deadline).await?;
    let stream = match settings.speaks_tls {
        false => Stream::Plain(tcp),
        true => {
            let secured = reach::secure(tcp, &settings.tls, host, &[b"h2"], deadline).await;
            let (stream, facts, is_two) = secured?;
            seen.tls(&facts);
            if !is_two {
                let why = "the server did not choose HTTP/2 in the TLS handshake";
                return Err(Fault::new(ErrorClass::Protocol, why));
            }
            stream
        }
    };
    let wrong = |why: String| Fault::new(ErrorClass::Protocol, why);
    let call = Schema::own().call(HEALTH_CALL).map_err(wrong)?;
    let asked = call.encode(&json!({ "service": settings.service }));
    let way = if settings.speaks_tls { "https" } else { "http" };
    let mut request = Request::new(Full::new(framed(&[asked.map_err(wrong)?])));
    *request.method_mut() = Method::POST;
    let uri = format!("{way}://{host}:{}{}", address.port(), call.path());
    *request.uri_mut() = uri
        .parse()
        .map_err(|_| wrong(format!("`{uri}` is no URL")))?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    let keep = Keep {
        head: true,
        body: true,
        shows: false,
        limit: limits::BODY_BYTES_MAX,
    };
    let mut connection = Http2::start(stream, deadline).await?;
    let reply = connection
        .exchange(request, keep, Instant::now(), deadline)
        .await;
    let reply = reply.map_err(|(fault, _)| fault)?;
    let head = reply.headers.map();
    let Some(status) = Status::of(head, reply.trailers.as_deref()) else {
        let status = reply.status.as_u16();
        let message = format!("the answer has no status of gRPC: HTTP {status}");
        return Ok((
            Status {
                code: UNKNOWN,
                message,
            },
            String::new(),
        ));
    };
    seen.set(TLS, f64::from(u8::from(settings.speaks_tls)));
    if status.code != 0 {
        return Ok((status, String::new()));
    }
    let mut all = messages(head, reply.body, limits::BODY_BYTES_MAX)?;
    let answer = all
        .pop()
        .ok_or_else(|| wrong("no health came back".to_owned()))?;
    let answer = call.decode(answer).map_err(wrong)?;
    let state = answer["status"].as_str().unwrap_or("UNKNOWN").to_owned();
    Ok((status, state))
}
