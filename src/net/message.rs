//! A request before it goes out: URL, headers and body, and how they stand on the wire.
//!
//! Headers that never change are written out once ([`Fixed`]); only the others are written for
//! each request.

use super::connect::Origin;
use super::fault::{ErrorClass, Fault};
use super::tls::Offer;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING, USER_AGENT,
};
use http::{HeaderMap, Method, Request, Uri};
use http_body_util::Full;

/// The name that we send as `user-agent`.
pub const AGENT: &str = concat!("bellwether/", env!("CARGO_PKG_VERSION"));

/// Headers that are the same in every request, with their form on an HTTP/1.1 wire.
#[derive(Debug)]
pub struct Fixed {
    map: HeaderMap,
    wire: Vec<u8>,
}

impl Fixed {
    /// Writes headers out; where none is a `user-agent`, ours is added.
    pub fn new(mut map: HeaderMap) -> Fixed {
        // How a body is framed is decided where it is written.
        map.remove(CONTENT_LENGTH);
        map.remove(TRANSFER_ENCODING);
        if !map.contains_key(USER_AGENT) {
            map.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        }
        let mut wire = Vec::new();
        for (name, value) in &map {
            line(&mut wire, name, value.as_bytes());
        }
        Fixed { map, wire }
    }

    /// The headers.
    pub fn map(&self) -> &HeaderMap {
        &self.map
    }
}

/// A request.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// The method.
    pub method: &'a Method,
    /// The whole URL.
    pub uri: &'a Uri,
    /// Headers that never change.
    pub fixed: &'a Fixed,
    /// Headers of this request; none of them is in `fixed` too.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a Bytes,
}

/// What a request says of whom it is for, where nobody wrote a `host`.
pub fn host(uri: &Uri) -> &str {
    let host = uri.authority().map_or("", http::uri::Authority::as_str);
    host.rsplit('@').next().unwrap_or_default()
}

impl Message<'_> {
    /// Writes request line, headers and, up to a size, the body; whether the body is in it.
    pub fn write(&self, wire: &mut Vec<u8>) -> bool {
        let path = self
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str);
        wire.extend_from_slice(self.method.as_str().as_bytes());
        wire.push(b' ');
        // `OPTIONS *` aside, a path starts with a slash; a query alone follows the root.
        if path.starts_with('?') {
            wire.push(b'/');
        }
        wire.extend_from_slice(path.as_bytes());
        wire.extend_from_slice(b" HTTP/1.1\r\n");
        if !self.fixed.map.contains_key(HOST) && !self.headers.contains_key(HOST) {
            line(wire, &HOST, host(self.uri).as_bytes());
        }
        wire.extend_from_slice(&self.fixed.wire);
        for (name, value) in self.headers {
            line(wire, name, value.as_bytes());
        }
        let expects = matches!(*self.method, Method::POST | Method::PUT | Method::PATCH);
        if !self.body.is_empty() || expects {
            line(
                wire,
                &CONTENT_LENGTH,
                self.body.len().to_string().as_bytes(),
            );
        }
        wire.extend_from_slice(b"\r\n");
        let small = self.body.len() <= SMALL_BODY_BYTES;
        if small {
            wire.extend_from_slice(self.body);
        }
        small
    }

    /// As hyper wants it for HTTP/2.
    pub fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let mut headers = self.fixed.map.clone();
        for (name, value) in self.headers {
            headers.append(name, value.clone());
        }
        // HTTP/2 has the host in the URL, and no headers about the connection.
        if let Some(host) = headers.remove(HOST)
            && let Ok(authority) = http::uri::Authority::try_from(host.as_bytes())
        {
            let mut parts = self.uri.clone().into_parts();
            parts.authority = Some(authority);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
        headers.remove(CONNECTION);
        *request.headers_mut() = headers;
        request
    }

    /// Whether it may be sent again when nothing is known of its fate (RFC 9110, section 9.2.2).
    pub fn is_repeatable(&self) -> bool {
        matches!(
            *self.method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
        )
    }
}

/// Bodies up to here travel in the same buffer as the head: a copy is cheaper than a second piece.
pub const SMALL_BODY_BYTES: usize = 16 * 1024;

fn line(wire: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    wire.extend_from_slice(name.as_str().as_bytes());
    wire.extend_from_slice(b": ");
    wire.extend_from_slice(value);
    wire.extend_from_slice(b"\r\n");
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
    let authority = uri.authority().map_or("", |all| all.as_str());
    let has_port = !authority.ends_with(host) && !authority.ends_with(':');
    if has_port && uri.port_u16().is_none() {
        return Err(wrong("has no port that could be: they go from 0 to 65535"));
    }
    if !tls && offer == Offer::Three {
        return Err(wrong("is not https, and HTTP/3 is never without TLS"));
    }
    let offer = if !tls && offer == Offer::Both {
        Offer::One
    } else {
        offer
    };
    Ok(Origin {
        tls,
        host: host.to_owned(),
        port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
        offer,
        verify,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(
        method: Method,
        uri: &str,
        headers: &[(&'static str, &'static str)],
        body: &'static str,
    ) -> String {
        let map: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let fixed = Fixed::new(map);
        let message = Message {
            method: &method,
            uri: &uri.parse().unwrap(),
            fixed: &fixed,
            headers: &HeaderMap::new(),
            body: &Bytes::from_static(body.as_bytes()),
        };
        let mut wire = Vec::new();
        message.write(&mut wire);
        String::from_utf8(wire).unwrap()
    }

    #[test]
    fn a_request_stands_on_the_wire_as_the_standard_says() {
        let text = written(
            Method::GET,
            "http://user:word@shop.test:81?q=1",
            &[("user-agent", "x")],
            "",
        );
        assert_eq!(
            text,
            "GET /?q=1 HTTP/1.1\r\nhost: shop.test:81\r\nuser-agent: x\r\n\r\n"
        );
        let text = written(
            Method::POST,
            "http://shop.test/a",
            &[("host", "other.test"), ("user-agent", "x")],
            "{}",
        );
        assert_eq!(
            text,
            "POST /a HTTP/1.1\r\nhost: other.test\r\nuser-agent: x\r\ncontent-length: 2\r\n\r\n{}"
        );
        let text = written(
            Method::POST,
            "http://shop.test/a",
            &[("user-agent", "x")],
            "",
        );
        assert_eq!(
            text,
            "POST /a HTTP/1.1\r\nhost: shop.test\r\nuser-agent: x\r\ncontent-length: 0\r\n\r\n"
        );
    }
}
