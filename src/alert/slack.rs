//! Slack: an incoming webhook (also of what is compatible: Mattermost, Discord's `/slack` addresses), or a bot
//! of [`super::slack_bot`], which keeps a thread for each incident.

use super::channel::{Channel, ReadChannel, post};
use super::slack_bot::Bot;
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field};
use crate::doing::Doing;
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use serde_json::{Value, json};

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "slack",
        Shape::Object(&FORM),
        "Slack: a (compatible) incoming webhook, or a bot with a thread for each incident",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "slack",
    called: "a Slack channel",
    fields: &[
        field(
            "url",
            Shape::Template,
            "the incoming webhook's URL, best as `${secrets.NAME}`",
        ),
        field(
            "token",
            Shape::Template,
            "instead, a bot's token with `chat:write`, and `channels:history` for threads",
        ),
        field(
            "channel",
            Shape::Template,
            "the id of the channel that the bot writes to, `C0123456789`",
        ),
        field(
            "api",
            Shape::Template,
            "another address than `https://slack.com/api`",
        ),
    ],
};

#[derive(Debug)]
enum Slack {
    Webhook(Template),
    Bot(Bot),
}

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    let mut of = |key: &str| node.get(key).map(|node| reader.template(node));
    let (url, token, channel, api) = (of("url"), of("token"), of("channel"), of("api"));
    match (url, token, channel) {
        (Some(url), None, None) => Some(Box::new(Slack::Webhook(url?))),
        (None, Some(token), Some(channel)) => Some(Box::new(Slack::Bot(Bot {
            token: token?,
            channel: channel?,
            api: match api {
                Some(api) => Some(api?),
                None => None,
            },
        }))),
        _ => {
            let title = "Slack needs `url`, or `token` and `channel`";
            reader.error("missing-field", title, node.span, "one of the two ways");
            None
        }
    }
}

impl Channel for Slack {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        key: &'a str,
    ) -> Doing<'a, Delivery> {
        Box::pin(async move {
            match self {
                Slack::Webhook(url) => {
                    post("the Slack webhook", means, url, "", &payload(message)).await
                }
                Slack::Bot(bot) => bot.tell(means, message, key).await,
            }
        })
    }
}

/// Slack's section text is at most 3,000 characters, with `&`, `<` and `>` escaped.
pub(super) fn payload(message: &Message) -> Value {
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
