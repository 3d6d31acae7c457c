//! A signed webhook that goes out. The id stays the same over attempts, so receivers can tell repeats.

use super::attempt::{Delivery, of_reply};
use super::means::Means;
use super::signature::sign;
use crate::clock;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::net::client;
use crate::net::connect::Connector;
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use crate::secret::Secret;
use http::{HeaderMap, HeaderValue, Method};
use std::collections::BTreeMap;
use std::time::Duration;

/// Sends a body once.
async fn send(
    connector: &Connector,
    url: &Secret,
    secret: Option<&Secret>,
    id: &str,
    body: String,
    timeout: Duration,
) -> Delivery {
    let timestamp = clock::now().timestamp();
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

/// A webhook that goes out.
#[derive(Debug)]
pub struct Webhook {
    /// Where.
    pub url: Template,
    /// Signing key.
    pub secret: Option<Template>,
}

impl Webhook {
    /// Reads one.
    pub fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Webhook> {
        Some(Webhook {
            url: reader.template(node.get("url")?)?,
            secret: node.get("secret").and_then(|node| reader.template(node)),
        })
    }

    /// Address and key.
    fn filled(
        &self,
        means: &Means,
        facts: &BTreeMap<String, String>,
    ) -> Result<(Secret, Option<Secret>), String> {
        let url = means.fill(&self.url, facts)?;
        let secret = self.secret.as_ref();
        let secret = secret.map(|secret| means.fill(secret, facts)).transpose()?;
        Ok((url, secret))
    }

    /// Why nothing could be sent, as far as can be seen without sending.
    pub fn obstacle(&self, means: &Means, facts: &BTreeMap<String, String>) -> Option<String> {
        let (url, secret) = match self.filled(means, facts) {
            Ok(filled) => filled,
            Err(reason) => return Some(reason),
        };
        if !crate::net::redirect::is_absolute(url.expose()) {
            return Some("its address is no `http` or `https` URL".to_owned());
        }
        sign(&secret?, "preflight", 0, b"").err()
    }

    /// Fills address and key in, and sends a body once.
    pub async fn send(
        &self,
        means: &Means,
        facts: &BTreeMap<String, String>,
        key: &str,
        body: String,
        timeout: Duration,
    ) -> Delivery {
        match self.filled(means, facts) {
            Ok((url, secret)) => {
                send(&means.connector, &url, secret.as_ref(), key, body, timeout).await
            }
            Err(reason) => Delivery::give_up(reason),
        }
    }
}

/// A webhook that goes out.
pub static WEBHOOK: Object = Object {
    name: "webhook",
    called: "a webhook",
    fields: &[
        required("url", Shape::Template, "where it is sent"),
        field(
            "secret",
            Shape::Template,
            "the signing key, `whsec_…` (Standard Webhooks)",
        ),
    ],
};
