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
    let scope = MessageScope {
        headers: reply.headers.map().clone(),
        json: serde_json::from_slice(&reply.body).ok(),
        text: String::from_utf8_lossy(&reply.body).into_owned(),
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
