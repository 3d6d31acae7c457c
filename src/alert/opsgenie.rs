//! Opsgenie, by its Alert API v2: an alert is created, acknowledged and closed under one alias.
//!
//! Limits by its reference: `message` 130 characters, `alias` 512, `description` 15,000.

use super::call::{Call, Event, Filled, cut, details, event, read as read_call, severity};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("opsgenie", Shape::Object(&FORM), "Opsgenie's alerts"),
    what: read,
};

static FORM: Object = Object {
    name: "opsgenie",
    called: "an Opsgenie channel",
    fields: &[
        required(
            "key",
            Shape::Template,
            "the integration's API key, best as `${secrets.NAME}`",
        ),
        field(
            "url",
            Shape::Template,
            "another address, such as `https://api.eu.opsgenie.com`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Opsgenie", call)
}

pub(super) fn call(settings: &Filled, message: &Message, key: &str) -> Option<Call> {
    let base = settings.or("url", "https://api.opsgenie.com");
    let (event, alias) = event(message, key)?;
    let alias = cut(&alias, 512);
    let note = cut(&message.lines.join("\n"), 15_000);
    let address = |what: &str| {
        let alias = utf8_percent_encode(&alias, NON_ALPHANUMERIC);
        format!("{base}/v2/alerts/{alias}/{what}?identifierType=alias")
    };
    let call = match event {
        Event::Resolve => Call::post(
            address("close"),
            json!({ "source": "Bellwether", "note": note }),
        ),
        Event::Acknowledge => Call::post(
            address("acknowledge"),
            json!({ "source": "Bellwether", "note": note }),
        ),
        Event::Trigger => {
            let priority = match severity(message) {
                "critical" => "P1",
                "error" => "P2",
                "warning" => "P3",
                _ => "P5",
            };
            let mut description = note;
            if let Some(link) = &message.link {
                description = format!("{}\n{link}", cut(&description, 14_000));
            }
            Call::post(
                format!("{base}/v2/alerts"),
                json!({
                    "message": cut(&message.subject, 130),
                    "alias": alias,
                    "description": description,
                    "priority": priority,
                    "source": "Bellwether",
                    "details": details(message),
                }),
            )
        }
    };
    Some(call.with(
        "authorization",
        format!("GenieKey {}", settings.text("key")),
    ))
}
