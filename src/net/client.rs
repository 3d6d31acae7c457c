//! A single exchange for our own errands: reading a version, delivering a webhook, asking a vendor.
//!
//! No redirects, no cookies, a new connection each time, and a deadline for everything.

use super::connect::{Connector, Origin};
use super::fault::{ErrorClass, Fault};
use super::http::{Connection, Keep, Reply};
use super::tls::Offer;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;
use std::time::{Duration, Instant};

/// Bytes of a reply that an errand reads.
const REPLY_BYTES_MAX: usize = 1024 * 1024;

/// The name that we send as `user-agent`.
pub const USER_AGENT: &str = concat!("bellwether/", env!("CARGO_PKG_VERSION"));

/// Sends one request and reads the whole reply; its body is decompressed.
pub async fn send(
    connector: &Connector,
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: Bytes,
    timeout: Duration,
) -> Result<Reply, Fault> {
    let deadline = Instant::now() + timeout;
    let uri: Uri = url
        .parse()
        .map_err(|_| Fault::new(ErrorClass::Template, "the address is not a URL"))?;
    let origin = origin(&uri, Offer::One, true)?;
    let request = request(&method, &uri, headers, body, false)?;
    let (mut connection, _) = Connection::open(connector, &origin, deadline)
        .await
        .map_err(|(fault, _)| fault)?;
    let keep = Keep {
        body: true,
        limit: REPLY_BYTES_MAX,
    };
    let mut reply = connection
        .exchange(request, keep, deadline)
        .await
        .map_err(|(fault, _)| fault)?;
    let encoding = reply
        .headers
        .get(http::header::CONTENT_ENCODING)
        .and_then(|value| value.to_str().ok());
    reply.body = super::body::decode(reply.body, encoding, REPLY_BYTES_MAX)?;
    Ok(reply)
}

/// The origin of an absolute URL.
pub fn origin(uri: &Uri, offer: Offer, verify: bool) -> Result<Origin, Fault> {
    let wrong = |what: &str| Fault::new(ErrorClass::Template, format!("`{uri}` {what}"));
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(wrong("is neither http nor https")),
    };
    let host = uri
        .host()
        .filter(|host| !host.is_empty())
        .ok_or_else(|| wrong("has no host"))?;
    Ok(Origin {
        tls,
        host: host.to_owned(),
        port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
        offer,
        verify,
    })
}

/// A request as hyper wants it: the path alone and a `host` header for HTTP/1.1, the whole URL for HTTP/2.
pub fn request(
    method: &Method,
    uri: &Uri,
    mut headers: HeaderMap,
    body: Bytes,
    two: bool,
) -> Result<Request<Full<Bytes>>, Fault> {
    use http::header::{HOST, HeaderValue, USER_AGENT as AGENT};
    let wrong = |error: &dyn std::fmt::Display| {
        Fault::new(
            ErrorClass::Template,
            format!("the request cannot be made: {error}"),
        )
    };
    if !headers.contains_key(AGENT) {
        headers.insert(AGENT, HeaderValue::from_static(USER_AGENT));
    }
    let target = if two {
        uri.clone()
    } else {
        if !headers.contains_key(HOST)
            && let Some(authority) = uri.authority()
        {
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            headers.insert(
                HOST,
                HeaderValue::from_str(host).map_err(|error| wrong(&error))?,
            );
        }
        let path = uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        path.parse().map_err(|error| wrong(&error))?
    };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method.clone();
    *request.uri_mut() = target;
    *request.headers_mut() = headers;
    Ok(request)
}
