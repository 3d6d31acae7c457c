//! A signed webhook that goes out. The id stays the same over attempts, so receivers can tell repeats.

use super::signature::sign;
use crate::delivery::attempt::{Delivery, of_reply};
use crate::net::client;
use crate::net::connect::Connector;
use crate::secret::Secret;
use http::{HeaderMap, HeaderValue, Method};
use std::time::Duration;

/// Sends a body once.
pub async fn send(
    connector: &Connector,
    url: &Secret,
    secret: Option<&Secret>,
    id: &str,
    body: String,
    timeout: Duration,
) -> Delivery {
    let timestamp = chrono::Utc::now().timestamp();
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        // Ids and signatures are ASCII by construction.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put("content-type", "application/json");
    put("webhook-id", id);
    put("webhook-timestamp", &timestamp.to_string());
    if let Some(secret) = secret {
        match sign(secret, id, timestamp, body.as_bytes()) {
            Ok(signature) => put("webhook-signature", &signature),
            Err(reason) => return Delivery::give_up(reason),
        }
    }
    let result = client::send(
        connector,
        Method::POST,
        url.expose(),
        headers,
        body.into(),
        timeout,
    )
    .await;
    of_reply("the webhook", result)
}
