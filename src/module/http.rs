//! A request to a target, with the redirects that it follows, judged by what the module asks.

use super::reach;
use super::seen::{Gauge, REGEX, Seen};
use super::settings::{Authorization, HeaderRule, Http, Modules};
use crate::limits;
use crate::net::client::basic;
use crate::net::http::{Connection, Keep};
use crate::net::message::{Fixed, Message};
use crate::net::reply::Reply;
use crate::net::stream::Stream;
use crate::net::tls_facts::TlsFacts;
use crate::net::{ErrorClass, Fault, body, redirect};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, HOST, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Method, Uri};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

const DURATION: Gauge = Gauge(
    "probe_http_duration_seconds",
    "How long the phases of the request took, redirects included.",
);
const STATUS: Gauge = Gauge(
    "probe_http_status_code",
    "The status of the last reply; 0 where nothing answered.",
);
const ANNOUNCED: Gauge = Gauge(
    "probe_http_content_length",
    "The length of the body as it was announced.",
);
const LENGTH: Gauge = Gauge(
    "probe_http_uncompressed_body_length",
    "The length of the body.",
);
const REDIRECTS: Gauge = Gauge("probe_http_redirects", "Redirects that were met.");
const OVER_TLS: Gauge = Gauge("probe_http_ssl", "Whether the last request went over TLS.");
const VERSION: Gauge = Gauge(
    "probe_http_version",
    "The version of HTTP of the last reply.",
);

fn wrong(text: impl Into<String>) -> Fault {
    Fault::new(ErrorClass::Check, text)
}

/// The address of a target: what has no scheme is asked over plain HTTP.
fn address(target: &str) -> Result<Uri, Fault> {
    let text = match redirect::is_absolute(target) {
        true => target.to_owned(),
        false => format!("http://{target}"),
    };
    let uri: Option<Uri> = text.split('#').next().and_then(|text| text.parse().ok());
    let uri = uri.filter(|uri| uri.host().is_some());
    uri.ok_or_else(|| Fault::new(ErrorClass::Template, format!("`{target}` is no address")))
}

/// What was opened: the connection, and what TLS showed.
type Opened = (Connection, Option<Arc<TlsFacts>>);

async fn open(
    settings: &Http,
    uri: &Uri,
    name: &str,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<Opened, Fault> {
    let is_tls = uri.scheme_str() == Some("https");
    let host = uri.host().unwrap_or_default();
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let begun = Instant::now();
    let ip = reach::resolve(host, settings.family, deadline, seen).await?;
    seen.add(
        DURATION,
        &[("phase", "resolve")],
        begun.elapsed().as_secs_f64(),
    );
    let begun = Instant::now();
    let stream = reach::connect(SocketAddr::new(ip, port), deadline).await?;
    let connecting = begun.elapsed();
    seen.add(DURATION, &[("phase", "connect")], connecting.as_secs_f64());
    let connect_micros = connecting.as_micros() as u64;
    if !is_tls {
        let connection =
            Connection::on(Stream::Plain(stream), None, false, connect_micros, deadline).await?;
        return Ok((connection, None));
    }
    let begun = Instant::now();
    let protocols: &[&[u8]] = match settings.offers_two {
        true => &[b"h2", b"http/1.1"],
        false => &[b"http/1.1"],
    };
    let (stream, facts, is_two) =
        reach::secure(stream, &settings.tls, name, protocols, deadline).await?;
    seen.add(DURATION, &[("phase", "tls")], begun.elapsed().as_secs_f64());
    let connection = Connection::on(
        stream,
        Some(facts.clone()),
        is_two,
        connect_micros,
        deadline,
    )
    .await?;
    Ok((connection, Some(facts)))
}

fn authorization(settings: &Http) -> Result<Option<HeaderValue>, Fault> {
    let read = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path);
        text.map(|text| text.trim().to_owned()).map_err(|error| {
            Fault::new(
                ErrorClass::Template,
                format!("`{}` cannot be read: {error}", path.display()),
            )
        })
    };
    let text = match &settings.authorization {
        None => return Ok(None),
        Some(Authorization::Value(secret)) => secret.expose().to_owned(),
        Some(Authorization::File(kind, path)) => format!("{kind} {}", read(path)?),
        Some(Authorization::BasicFile(user, path)) => basic(user, &read(path)?),
    };
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Fault::new(ErrorClass::Template, "the credentials cannot be a header"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Looks at a target.
///
/// # Errors
///
/// Why it did not go well.
pub async fn look(
    settings: &Http,
    target: &str,
    (hostname, bounds): (Option<&str>, Option<&Modules>),
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(), Fault> {
    for gauge in [
        STATUS, ANNOUNCED, LENGTH, REDIRECTS, OVER_TLS, VERSION, REGEX,
    ] {
        seen.set(gauge, 0.0);
    }
    for phase in ["resolve", "connect", "tls", "processing", "transfer"] {
        seen.put(DURATION, &[("phase", phase)], 0.0);
    }
    let mut headers = settings.headers.clone();
    if let Some(name) = hostname
        && let Ok(value) = HeaderValue::from_str(name)
    {
        headers.insert(HOST, value);
    }
    if let Some(value) = authorization(settings)? {
        headers.insert(AUTHORIZATION, value);
    }
    if let (Some(encoding), false) = (&settings.compression, headers.contains_key(ACCEPT_ENCODING))
        && let Ok(value) = HeaderValue::from_str(encoding)
    {
        headers.insert(ACCEPT_ENCODING, value);
    }
    let (reply, is_tls) = journey(
        settings,
        address(target)?,
        (headers, bounds),
        deadline,
        seen,
    )
    .await?;
    judge(settings, &reply, is_tls, seen)
}

/// The request and the redirects that it follows: the last reply, and whether it came over TLS.
async fn journey(
    settings: &Http,
    mut uri: Uri,
    (mut headers, bounds): (HeaderMap, Option<&Modules>),
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(Reply, bool), Fault> {
    let mut method = settings.method.clone();
    let mut content = Bytes::from(settings.body.clone());
    for redirects in 0..=limits::REDIRECTS_MAX {
        let is_tls = uri.scheme_str() == Some("https");
        // What does not answer now has no status, whoever sent us there.
        for gauge in [STATUS, OVER_TLS, VERSION] {
            seen.set(gauge, 0.0);
        }
        let host = uri.host().unwrap_or_default().to_owned();
        let given = headers.get(HOST).and_then(|value| value.to_str().ok());
        let name = given
            .and_then(|text| text.split(':').next())
            .unwrap_or(&host)
            .to_owned();
        seen.note(format!("{method} {uri}"));
        let (mut connection, facts) = open(settings, &uri, &name, deadline, seen).await?;
        let message = Message {
            method: &method,
            uri: &uri,
            fixed: &Fixed::new(headers.clone()),
            headers: &HeaderMap::new(),
            body: &content,
        };
        let keep = Keep {
            head: true,
            body: true,
            shows: false,
            limit: settings.body_bytes_max.unwrap_or(limits::BODY_BYTES_MAX),
        };
        let start = Instant::now();
        let reply = connection
            .exchange(&message, None, keep, start, deadline)
            .await;
        let reply = reply.map_err(|(fault, _)| fault)?;
        let seconds = |micros: u64| micros as f64 / 1e6;
        seen.add(
            DURATION,
            &[("phase", "processing")],
            seconds(reply.phases.send + reply.phases.wait),
        );
        seen.add(
            DURATION,
            &[("phase", "transfer")],
            seconds(reply.phases.receive),
        );
        if let Some(facts) = facts {
            seen.tls(&facts);
        }
        let status = reply.status.as_u16();
        seen.note(format!("{:?} {status}", reply.version));
        said(&reply, is_tls, seen);
        let Some(next) = redirect::target(&uri, &reply) else {
            return Ok((reply, is_tls));
        };
        // One that is not followed counts too.
        seen.set(REDIRECTS, f64::from(redirects + 1));
        if !settings.follows {
            return Ok((reply, is_tls));
        }
        let next = next.map_err(|why| Fault::new(ErrorClass::RedirectAway, why))?;
        let is_elsewhere = next.authority() != uri.authority();
        if is_elsewhere && bounds.is_some_and(|bounds| !bounds.allows(&next.to_string())) {
            let title = format!("it leads to {next}, which not everybody may ask for");
            return Err(Fault::new(ErrorClass::RedirectAway, title));
        }
        if matches!(status, 301..=303) && method != Method::HEAD {
            method = Method::GET;
            content = Bytes::new();
        }
        if next.host() != uri.host() {
            // What is meant for one host is not told to another.
            for name in [HOST, AUTHORIZATION, http::header::COOKIE] {
                headers.remove(name);
            }
        }
        uri = next;
    }
    Err(Fault::new(
        ErrorClass::RedirectLoop,
        "more than ten redirects",
    ))
}

fn version_of(reply: &Reply) -> (&'static str, f64) {
    match reply.version {
        http::Version::HTTP_2 => ("HTTP/2.0", 2.0),
        http::Version::HTTP_10 => ("HTTP/1.0", 1.0),
        _ => ("HTTP/1.1", 1.1),
    }
}

/// Notes what a reply said, be it the last or not.
fn said(reply: &Reply, is_tls: bool, seen: &mut Seen) {
    seen.set(STATUS, f64::from(reply.status.as_u16()));
    seen.set(OVER_TLS, f64::from(u8::from(is_tls)));
    seen.set(VERSION, version_of(reply).1);
}

fn judge(settings: &Http, reply: &Reply, is_tls: bool, seen: &mut Seen) -> Result<(), Fault> {
    let status = reply.status.as_u16();
    let version = version_of(reply).0;
    let text = |name: &http::HeaderName| {
        reply
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let announced =
        text(&http::header::CONTENT_LENGTH).and_then(|text| text.trim().parse::<f64>().ok());
    seen.set(ANNOUNCED, announced.unwrap_or(-1.0));
    if let Some(at) =
        text(&LAST_MODIFIED).and_then(|text| chrono::DateTime::parse_from_rfc2822(text).ok())
    {
        let what = "When the content changed last, in seconds since 1970.";
        seen.set(
            Gauge("probe_http_last_modified_timestamp_seconds", what),
            at.timestamp() as f64,
        );
    }
    let is_good = match settings.statuses.as_slice() {
        [] => (200..300).contains(&status),
        good => good.contains(&status),
    };
    let mut content = reply.body.clone();
    if settings.compression.is_some() {
        let limit = settings.body_bytes_max.unwrap_or(limits::BODY_BYTES_MAX);
        content = body::decode(content, &body::encodings(reply.headers.map()), limit)?;
    }
    seen.set(LENGTH, content.len() as f64);
    if !is_good {
        return Err(Fault::new(
            ErrorClass::Status,
            format!("status {status} is not a good one"),
        ));
    }
    if let Err(fault) =
        headers_match(settings, reply).and_then(|()| body_matches(settings, &content))
    {
        seen.set(REGEX, 1.0);
        return Err(fault);
    }
    if !settings.versions.is_empty() && !settings.versions.iter().any(|good| good == version) {
        return Err(wrong(format!("{version} is not a good version")));
    }
    if settings.fails_with_tls && is_tls {
        return Err(wrong("the last request went over TLS"));
    }
    if settings.fails_without_tls && !is_tls {
        return Err(wrong("the last request did not go over TLS"));
    }
    Ok(())
}

fn headers_match(settings: &Http, reply: &Reply) -> Result<(), Fault> {
    let values = |rule: &HeaderRule| -> Vec<Vec<u8>> {
        let all = reply.headers.map().get_all(rule.header.as_str());
        all.iter().map(|value| value.as_bytes().to_vec()).collect()
    };
    for (rules, is_bad) in [
        (&settings.not_in_headers, true),
        (&settings.in_headers, false),
    ] {
        for rule in rules {
            let found = values(rule);
            if found.is_empty() && !rule.allow_missing {
                return Err(wrong(format!("the header `{}` is missing", rule.header)));
            }
            let matches = found.iter().any(|value| rule.regexp.is_match(value));
            if !found.is_empty() && matches == is_bad {
                let does = if is_bad { "matches" } else { "does not match" };
                return Err(wrong(format!(
                    "the header `{}` {does} `{}`",
                    rule.header, rule.regexp
                )));
            }
        }
    }
    Ok(())
}

fn body_matches(settings: &Http, content: &[u8]) -> Result<(), Fault> {
    if let Some(found) = settings.not_in_body.iter().find(|it| it.is_match(content)) {
        return Err(wrong(format!("the body matches `{found}`")));
    }
    if let Some(missed) = settings.in_body.iter().find(|it| !it.is_match(content)) {
        return Err(wrong(format!("the body does not match `{missed}`")));
    }
    Ok(())
}
