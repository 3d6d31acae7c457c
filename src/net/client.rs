//! A single exchange for our own errands: reading a version, delivering a webhook, asking a vendor.
//!
//! No redirects, no cookies, a new connection each time, and a deadline for everything.

use super::address;
use super::connect::Connector;
use super::fault::{ErrorClass, Fault};
use super::http::{Connection, Keep};
use super::message::{Fixed, Message, origin};
use super::reply::Reply;
use super::tls::Offer;
use base64::Engine as _;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method, Uri};
use std::time::{Duration, Instant};

/// Bytes of a reply that an errand reads.
const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// Sends one request and reads the whole reply; its body is decompressed.
pub async fn send(
    connector: &Connector,
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
) -> Result<Reply, Fault> {
    exchange(
        connector,
        method,
        url,
        headers,
        (body, REPLY_BYTES_MAX),
        timeout,
    )
    .await
}

/// Gets what may be larger than an errand reads, up to so many bytes.
pub async fn get(
    connector: &Connector,
    url: &str,
    headers: HeaderMap,
    timeout: Duration,
    limit: usize,
) -> Result<Reply, Fault> {
    exchange(
        connector,
        Method::GET,
        url,
        headers,
        (Bytes::new(), limit),
        timeout,
    )
    .await
}

async fn exchange(
    connector: &Connector,
    method: Method,
    url: &str,
    mut headers: HeaderMap,
    (body, limit): (Bytes, usize),
    timeout: Duration,
) -> Result<Reply, Fault> {
    let start = Instant::now();
    let deadline = start + timeout;
    let wrong = || {
        Fault::new(
            ErrorClass::Template,
            "the address is not a URL, such as `http://127.0.0.1:9911`",
        )
    };
    let mut uri: Uri = address::url(url).map_err(|_| wrong())?;
    if address::has_user(&uri)
        && let Some((bare, authorization)) = address::without_user(&uri.to_string())
    {
        uri = bare.parse().map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(authorization).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.entry(AUTHORIZATION).or_insert(value);
    }
    let origin = origin(&uri, Offer::One, true)?;
    let (mut connection, _) = Connection::open(connector, &origin, deadline)
        .await
        .map_err(|(fault, _)| fault)?;
    let keep = Keep {
        head: true,
        body: true,
        shows: false,
        limit,
    };
    let message = Message {
        method: &method,
        uri: &uri,
        fixed: &Fixed::new(headers),
        headers: &HeaderMap::new(),
        body: &body,
    };
    let mut reply = connection
        .exchange(&message, None, keep, start, deadline)
        .await
        .map_err(|(fault, _)| fault)?;
    let encodings = super::body::encodings(reply.headers.map());
    reply.body = super::body::decode(reply.body, &encodings, limit)?;
    Ok(reply)
}

/// Sends JSON by POST.
pub async fn post_json(
    connector: &Connector,
    url: &str,
    body: &serde_json::Value,
    timeout: Duration,
) -> Result<Reply, Fault> {
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let body = body.to_string();
    send(connector, Method::POST, url, headers, body.into(), timeout).await
}

/// User and password as a header has them (RFC 7617).
pub fn basic(user: &str, password: &str) -> String {
    let both = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {both}")
}

/// The value of `authorization` for a bearer token (RFC 6750), kept out of what is shown of headers.
///
/// # Errors
///
/// The token cannot be in a header.
pub fn bearer(token: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::try_from(format!("Bearer {}", token.trim()));
    let mut value = value.map_err(|_| "the token cannot be a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}
