//! Slack-compatible incoming webhooks: Slack itself, Mattermost, Discord's `/slack` addresses.

use super::channel::{Channel, ReadChannel, post};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::doing::Doing;
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use serde_json::{Value, json};

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "slack",
        Shape::Object(&FORM),
        "a Slack-compatible incoming webhook",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "slack",
    called: "a Slack channel",
    fields: &[required(
        "url",
        Shape::Template,
        "the incoming webhook's URL, best as `${secrets.NAME}`",
    )],
};

#[derive(Debug)]
struct Slack {
    url: Template,
}

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    let url = reader.template(node.get("url")?)?;
    Some(Box::new(Slack { url }))
}

impl Channel for Slack {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        _key: &'a str,
    ) -> Doing<'a, Delivery> {
        Box::pin(
            async move { post("the Slack webhook", means, &self.url, "", &payload(message)).await },
        )
    }
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
