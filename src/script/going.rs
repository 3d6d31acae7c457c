//! A request of a script with everything understood: how it goes out, and where a redirect leads it.
//!
//! Sends nothing. Follows k6 in what a redirect keeps and drops.

use super::ask::Request;
use super::sending::Seen;
use crate::net::redirect::encoded;
use crate::net::{ErrorClass, Fault};
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

/// A request with everything understood.
pub(super) struct Going {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: bytes::Bytes,
}

/// What a request of a script comes to; where it cannot be sent, why.
pub(super) fn understood(seen: &Seen, request: &Request) -> Result<Going, Fault> {
    let wrong = |why: String| Fault::new(ErrorClass::Template, why);
    let url = encoded(request.url.split('#').next().unwrap_or_default().as_bytes());
    let uri: Uri = url
        .parse()
        .map_err(|error| wrong(format!("invalid URL `{}`: {error}", request.url)))?;
    let method = Method::from_bytes(request.method.as_bytes())
        .map_err(|_| wrong(format!("`{}` is no method", request.method)))?;
    let mut headers = HeaderMap::new();
    for pair in request.headers.chunks_exact(2) {
        let (Ok(name), Ok(value)) = (
            HeaderName::try_from(pair[0].as_str()),
            HeaderValue::from_bytes(pair[1].as_bytes()),
        ) else {
            return Err(wrong(format!("the header `{}` cannot be sent", pair[0])));
        };
        headers.append(name, value);
    }
    let agent = seen
        .0
        .run
        .as_ref()
        .and_then(|run| run.options.user_agent.clone());
    if let Some(Ok(agent)) = agent.map(HeaderValue::try_from)
        && !headers.contains_key(USER_AGENT)
    {
        headers.insert(USER_AGENT, agent);
    }
    Ok(Going {
        method,
        uri,
        headers,
        body: request.body.clone(),
    })
}

/// The request that a redirect leads to.
pub(super) fn led_on(going: &mut Going, target: Uri, status: StatusCode) {
    if target.authority() != going.uri.authority() || target.scheme() != going.uri.scheme() {
        // Credentials are for the host that they were written for.
        for name in [AUTHORIZATION, COOKIE, HOST] {
            going.headers.remove(name);
        }
    }
    if matches!(status.as_u16(), 301..=303) && going.method != Method::HEAD {
        going.method = Method::GET;
        going.body = bytes::Bytes::new();
        going.headers.remove(CONTENT_TYPE);
    }
    going.uri = target;
}

/// Headers as text, each on a line of its own.
pub(super) fn head_of(headers: &HeaderMap) -> String {
    let mut head = String::new();
    for (name, value) in headers {
        head.push_str(name.as_str());
        head.push_str(": ");
        head.push_str(&String::from_utf8_lossy(value.as_bytes()));
        head.push_str("\r\n");
    }
    head
}
