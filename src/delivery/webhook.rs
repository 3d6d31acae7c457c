//! A signed webhook that goes out. The id stays the same over attempts, so receivers can tell repeats.

use super::attempt::{Delivery, of_reply};
use super::means::Means;
use super::signature::sign;
use crate::clock;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::net::client;
use crate::net::connect::Connector;
use crate::scenario::reader::{Reader, entries};
use crate::scenario::template::Template;
use crate::secret::Secret;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::collections::BTreeMap;
use std::time::Duration;

/// Sends a body once.
async fn send(
    connector: &Connector,
    filled: Filled,
    id: &str,
    body: String,
    timeout: Duration,
) -> Delivery {
    let Filled {
        url,
        secret,
        mut headers,
    } = filled;
    let timestamp = clock::now().timestamp();
    let kind = HeaderValue::from_static("application/json");
    headers.entry(CONTENT_TYPE).or_insert(kind);
    let mut put = |name: &'static str, value: &str| {
        // Ids and signatures are ASCII by construction.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put("webhook-id", id);
    put("webhook-timestamp", &timestamp.to_string());
    if let Some(secret) = &secret {
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
    /// Headers of its own.
    pub headers: Vec<(HeaderName, Template)>,
    /// JSON that is sent instead of ours.
    pub body: Option<Template>,
}

/// A webhook whose secrets and facts are filled in.
struct Filled {
    url: Secret,
    secret: Option<Secret>,
    headers: HeaderMap,
}

/// What says who sent it and when: nobody else may.
const OURS: [&str; 4] = [
    "content-length",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

impl Webhook {
    /// Reads one.
    pub fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Webhook> {
        let headers = entries(node, "headers").iter();
        let headers = headers.filter_map(|(name, value)| {
            let known = HeaderName::from_bytes(name.text.as_bytes()).ok();
            let Some(known) = known.filter(|name| !OURS.contains(&name.as_str())) else {
                let title = format!("`{}` is no header that can be sent", name.text);
                reader.error("bad-header", title, name.span, "not this one");
                return None;
            };
            Some((known, reader.template(value)?))
        });
        let headers = headers.collect();
        let body = node.get("body");
        if let Some(body) = body.filter(|body| !is_json(&body.text)) {
            let label = "JSON, with `${inputs.NAME}` inside of its texts";
            reader.error("bad-data", "the body is no JSON", body.span, label);
        }
        Some(Webhook {
            url: reader.template(node.get("url")?)?,
            secret: node.get("secret").and_then(|node| reader.template(node)),
            headers,
            body: body.and_then(|node| reader.template(node)),
        })
    }

    /// Address, key and headers.
    fn filled(&self, means: &Means, facts: &BTreeMap<String, String>) -> Result<Filled, String> {
        let secret = self.secret.as_ref();
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let filled = means.fill(value, facts)?;
            let value = HeaderValue::from_str(filled.expose());
            let mut value =
                value.map_err(|_| format!("the header `{name}` cannot hold its value"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Filled {
            url: means.fill(&self.url, facts)?,
            secret: secret.map(|secret| means.fill(secret, facts)).transpose()?,
            headers,
        })
    }

    /// The JSON of its own with facts filled in, if it has one.
    fn own_body(
        &self,
        means: &Means,
        facts: &BTreeMap<String, String>,
    ) -> Result<Option<String>, String> {
        let own = self.body.as_ref();
        let own = own.map(|own| means.fill_json(own, facts)).transpose()?;
        Ok(own.map(|own| own.expose().to_owned()))
    }

    /// Why nothing could be sent, as far as can be seen without sending.
    pub fn obstacle(&self, means: &Means, facts: &BTreeMap<String, String>) -> Option<String> {
        let Filled { url, secret, .. } = match self.filled(means, facts) {
            Ok(filled) => filled,
            Err(reason) => return Some(reason),
        };
        if let Err(reason) = self.own_body(means, facts) {
            return Some(reason);
        }
        if !crate::net::redirect::is_absolute(url.expose()) {
            return Some("its address is no `http` or `https` URL".to_owned());
        }
        sign(&secret?, "preflight", 0, b"").err()
    }

    /// Fills address, key and headers in, and sends a body once: its own, or the given.
    pub async fn send(
        &self,
        means: &Means,
        facts: &BTreeMap<String, String>,
        key: &str,
        body: String,
        timeout: Duration,
    ) -> Delivery {
        let filled = self.filled(means, facts);
        let own = self.own_body(means, facts);
        match filled.and_then(|filled| Ok((filled, own?))) {
            Ok((filled, own)) => {
                let body = own.unwrap_or(body);
                send(&means.connector, filled, key, body, timeout).await
            }
            Err(reason) => Delivery::give_up(reason),
        }
    }
}

/// Whether a text is JSON once something stands in its places.
fn is_json(text: &str) -> bool {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        filled.push('0');
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    filled.push_str(rest);
    serde_json::from_str::<serde::de::IgnoredAny>(&filled).is_ok()
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
        field(
            "headers",
            Shape::Named(&Shape::Template),
            "headers of its own; values may hold secrets and facts",
        ),
        field(
            "body",
            Shape::Template,
            "JSON that is sent instead of ours, with `${inputs.NAME}` of the message (`bellwether docs messages` lists them) or the gate inside of its texts",
        ),
    ],
};
