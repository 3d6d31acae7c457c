//! Slack-compatible incoming webhooks: Slack itself, Mattermost, Discord's `/slack` addresses.

use crate::delivery::attempt::{Delivery, of_reply};
use crate::document::shape::{Object, Shape, required};
use crate::net::client;
use crate::net::connect::Connector;
use crate::record::message::Message;
use crate::secret::Secret;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// Sends a message.
pub async fn send(
    connector: &Connector,
    url: &Secret,
    message: &Message,
    timeout: Duration,
) -> Delivery {
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let body = payload(message).to_string();
    let result = client::send(
        connector,
        Method::POST,
        url.expose(),
        headers,
        body.into(),
        timeout,
    )
    .await;
    of_reply("the Slack webhook", result)
}

/// Slack's section text is at most 3,000 characters, with `&`, `<` and `>` escaped.
fn payload(message: &Message) -> Value {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let cut = |text: String| -> String { text.chars().take(2900).collect() };
    let mut text = format!("*{}*", escape(&message.subject));
    for line in &message.lines {
        text.push_str(&format!("\n{}", escape(line)));
    }
    let facts: Vec<String> = message
        .facts
        .iter()
        .map(|(name, value)| format!("*{}:* {}", escape(name), escape(value)))
        .collect();
    let mut blocks =
        vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text) } })];
    if !facts.is_empty() {
        blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(facts.join("\n")) } }));
    }
    if let Some(link) = &message.link {
        blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": format!("<{link}|Open in Bellwether>") }] }));
    }
    json!({ "text": message.subject, "blocks": blocks })
}

/// Its form.
pub static SLACK: Object = Object {
    name: "slack",
    called: "a Slack channel",
    fields: &[required(
        "url",
        Shape::Template,
        "the incoming webhook's URL, best as `${secrets.NAME}`",
    )],
};
