//! Which version a service serves, read now.

use super::settings::Environment;
use crate::net::connect::Connector;
use crate::net::fault::status_class;
use crate::net::{ErrorClass, Fault, client};
use crate::scenario::expression;
use crate::scenario::scope::Scope;
use crate::scenario::template::plain;
use http::{HeaderMap, Method};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// Time for one read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the version that a service serves.
pub async fn read(
    connector: &Connector,
    environment: &Environment,
    service: &str,
) -> Result<String, Fault> {
    let found = environment
        .services
        .get(service)
        .and_then(|service| Some((service, service.version.as_ref()?)));
    let Some((service, source)) = found else {
        return Err(Fault::new(
            ErrorClass::Template,
            format!("the environment says nowhere how `{service}` shows its version"),
        ));
    };
    let url = format!("{}{}", service.url, source.path);
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CACHE_CONTROL,
        http::HeaderValue::from_static("no-cache"),
    );
    let reply = client::send(
        connector,
        Method::GET,
        &url,
        headers,
        bytes::Bytes::new(),
        READ_TIMEOUT,
    )
    .await?;
    if !reply.status.is_success() {
        // A limiter, refused credentials or a wrong path say nothing about the product.
        let class = match reply.status.as_u16() {
            404 => ErrorClass::Capture,
            status => status_class(Some(status)).unwrap_or(ErrorClass::Status),
        };
        return Err(Fault::new(
            class,
            format!("{url} answered {}", reply.status.as_u16()),
        ));
    }
    if let Some(why) = from_cache(reply.headers.map()) {
        // What was served some time ago says nothing of what is served now.
        let text =
            format!("{url} was answered from a cache ({why}): that is no look at the version");
        return Err(Fault::new(ErrorClass::Capture, text));
    }
    // Some editors and servers put a mark of the byte order before the text.
    let body = reply
        .body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&reply.body);
    let scope = MessageScope {
        headers: reply.headers.map().clone(),
        json: serde_json::from_slice(body).ok(),
        text: String::from_utf8_lossy(body).into_owned(),
        status: reply.status.as_u16(),
    };
    let value = source.value.value(&scope).map_err(|reason| {
        Fault::new(
            ErrorClass::Capture,
            format!("{url} shows no version: {reason}"),
        )
    })?;
    let version = plain(&value).trim().to_owned();
    if version.is_empty() || value.is_null() {
        return Err(Fault::new(
            ErrorClass::Capture,
            format!("{url} shows an empty version"),
        ));
    }
    Ok(version)
}

/// The header that says that a reply was kept by somebody on the way, if one does: `Age` above 0
/// (RFC 9111), or `X-Cache` with a hit.
fn from_cache(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let age = text("age").filter(|age| age.trim().parse::<u64>().is_ok_and(|age| age > 0));
    let hit = text("x-cache").filter(|cache| cache.to_ascii_uppercase().contains("HIT"));
    age.map(|age| format!("Age: {age}"))
        .or_else(|| hit.map(|cache| format!("X-Cache: {cache}")))
}

/// A message as expressions see it.
pub struct MessageScope {
    /// Headers.
    pub headers: HeaderMap,
    /// The body, where it is JSON.
    pub json: Option<Value>,
    /// The body as text.
    pub text: String,
    /// The status of a reply; 0 of a request.
    pub status: u16,
}

impl Scope for MessageScope {
    fn lookup(&self, name: &str) -> Option<cel::Value> {
        let text = |text: &str| cel::Value::String(Arc::new(text.to_owned()));
        match name {
            "status" => Some(cel::Value::Int(i64::from(self.status))),
            "text" => Some(text(&self.text)),
            "body" => Some(
                self.json
                    .as_ref()
                    .map_or_else(|| text(&self.text), expression::from_json),
            ),
            "headers" => Some(expression::map(self.headers.iter().map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    text(&String::from_utf8_lossy(value.as_bytes())),
                )
            }))),
            _ => None,
        }
    }

    fn path(&self, _root: &str, _key: &str) -> Option<Value> {
        None
    }

    fn status(&self) -> Option<u16> {
        Some(self.status)
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    fn json(&self) -> Option<&Value> {
        self.json.as_ref()
    }

    fn latency_micros(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cache_answers_is_no_look() {
        for (name, value, is_kept) in [
            ("age", "0", false),
            ("age", "17", true),
            ("age", "soon", false),
            ("x-cache", "MISS", false),
            ("x-cache", "Hit from cloudfront", true),
            ("x-cache", "MISS, HIT", true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(from_cache(&headers).is_some(), is_kept, "{name}: {value}");
        }
    }
}
