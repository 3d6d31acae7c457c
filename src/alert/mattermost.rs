//! Mattermost's incoming webhooks: Markdown of at most 16,383 characters.

use super::call::{Call, Filled, cut, read as read_call};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "mattermost",
        Shape::Object(&FORM),
        "an incoming webhook of Mattermost",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "mattermost",
    called: "a Mattermost channel",
    fields: &[
        required(
            "url",
            Shape::Template,
            "the incoming webhook's URL, best as `${secrets.NAME}`",
        ),
        field(
            "channel",
            Shape::Template,
            "another channel than the webhook's own",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "the Mattermost webhook", call)
}

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    // Nobody is mentioned by what a probe is called.
    let tame = |text: &str| text.replace('@', "@\u{200b}").replace('|', "\\|");
    let mut text = format!(
        "#### {}\n{}\n",
        tame(&message.subject),
        tame(&message.lines.join("\n"))
    );
    if !message.facts.is_empty() {
        text.push_str("\n| | |\n|:--|:--|\n");
        for (name, value) in &message.facts {
            text.push_str(&format!(
                "| {} | {} |\n",
                tame(name),
                tame(value).replace('\n', " ")
            ));
        }
    }
    let mut text = cut(&text, 16_000);
    if let Some(link) = &message.link {
        text.push_str(&format!("\n[Open in Bellwether]({link})"));
    }
    let mut body = json!({ "text": text, "username": "Bellwether" });
    if !settings.text("channel").is_empty() {
        body["channel"] = settings.text("channel").into();
    }
    Some(Call::post(settings.text("url").to_owned(), body))
}
