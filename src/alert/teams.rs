//! Microsoft Teams, by the webhook of a workflow: an adaptive card.
//!
//! A message may have 28 KB by its reference.

use super::call::{Call, Filled, cut, read as read_call};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::{Message, Tone};
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "teams",
        Shape::Object(&FORM),
        "the webhook of a workflow of Microsoft Teams",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "teams",
    called: "a Teams channel",
    fields: &[required(
        "url",
        Shape::Template,
        "the webhook's URL, best as `${secrets.NAME}`",
    )],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "the Teams workflow", call)
}

/// Facts of a card, and characters of its text, so that the whole stays below 28 KB.
const FACTS_MAX: usize = 20;
const TEXT_MAX: usize = 5_000;

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    let color = match message.tone {
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "attention",
    };
    let facts: Vec<_> = message
        .facts
        .iter()
        .take(FACTS_MAX)
        .map(|(name, value)| json!({ "title": cut(name, 100), "value": cut(value, 300) }))
        .collect();
    let actions: Vec<_> = message
        .link
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": "Open in Bellwether", "url": link }))
        .collect();
    // Two line ends are one in a card.
    let text = cut(&message.lines.join("\n\n"), TEXT_MAX);
    Some(Call::post(
        settings.text("url").to_owned(),
        json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "msteams": { "width": "Full" },
                    "body": [
                        { "type": "TextBlock", "text": cut(&message.subject, 300), "weight": "bolder", "size": "medium", "wrap": true, "color": color },
                        { "type": "TextBlock", "text": text, "wrap": true },
                        { "type": "FactSet", "facts": facts },
                    ],
                    "actions": actions,
                },
            }],
        }),
    ))
}
