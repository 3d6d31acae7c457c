//! Slack: an incoming webhook (also of what is compatible: Mattermost, Discord's `/slack` addresses), or a bot
//! of [`super::slack_bot`], which keeps a thread for each incident and each gate.

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
        "Slack: a (compatible) incoming webhook, or a bot with a thread for each incident and each gate",
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

/// Letters of a section's text at the most: Slack takes 3,000.
const SECTION_MAX: usize = 2_900;
/// Letters of a header at the most: Slack takes 150.
const HEADER_MAX: usize = 148;
/// Letters of a field at the most, of which Slack takes 2,000.
const FIELD_MAX: usize = 1_900;
/// Fields of a section at the most.
const FIELDS_MAX: usize = 10;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// An escaped text of so many letters at the most; an escape is kept whole or left out.
fn cut(text: String, most: usize) -> String {
    if text.chars().count() <= most {
        return text;
    }
    let start: String = text.chars().take(most - 1).collect();
    let whole = match start.rfind('&') {
        Some(at) if !start[at..].contains(';') => &start[..at],
        _ => &start,
    };
    format!("{whole}…")
}

/// A message in blocks: a header, what is told, facts beside one another, and a button.
pub(super) fn payload(message: &Message) -> Value {
    let plain = |text: String| json!({ "type": "plain_text", "text": text, "emoji": true });
    let marked = |text: String| json!({ "type": "mrkdwn", "text": text });
    let header = plain(cut(message.subject.clone(), HEADER_MAX));
    let mut blocks = vec![json!({ "type": "header", "text": header })];
    let lines: Vec<String> = message.lines.iter().map(|line| escaped(line)).collect();
    let told = cut(lines.join("\n"), SECTION_MAX);
    if !told.trim().is_empty() {
        blocks.push(json!({ "type": "section", "text": marked(told) }));
    }
    for facts in message.facts.chunks(FIELDS_MAX) {
        let field = |(name, value): &(String, String)| {
            marked(cut(
                format!("*{}*\n{}", escaped(name), escaped(value)),
                FIELD_MAX,
            ))
        };
        let fields: Vec<Value> = facts.iter().map(field).collect();
        blocks.push(json!({ "type": "section", "fields": fields }));
    }
    if let Some(link) = &message.link {
        let open = json!({ "type": "button", "text": plain("Open in Bellwether".to_owned()), "url": link });
        blocks.push(json!({ "type": "actions", "elements": [open] }));
    }
    // What a notification shows, and what is shown by who takes Slack's messages and knows no blocks.
    json!({ "text": message.subject, "blocks": blocks })
}
