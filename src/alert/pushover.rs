//! Pushover: a title of 250 characters, a message of 1,024, an address of 512.

use super::call::{Call, Carried, Filled, cut, read as read_call, severity};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::{Message, Tone};
use crate::scenario::reader::Reader;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("pushover", Shape::Object(&FORM), "Pushover"),
    what: read,
};

static FORM: Object = Object {
    name: "pushover",
    called: "a Pushover channel",
    fields: &[
        required(
            "token",
            Shape::Template,
            "the application's token, best as `${secrets.NAME}`",
        ),
        required("user", Shape::Template, "the key of a user or a group"),
        field(
            "url",
            Shape::Template,
            "another address than `https://api.pushover.net`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Pushover", call)
}

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    let base = settings.or("url", "https://api.pushover.net");
    let text = message.lines.join("\n");
    // A message without text is refused.
    let text = if text.is_empty() {
        message.subject.clone()
    } else {
        text
    };
    let priority = match (message.tone, severity(message)) {
        (Tone::Good, _) => "0",
        (_, "critical" | "error") => "1",
        _ => "0",
    };
    let mut form = vec![
        ("token", settings.text("token").to_owned()),
        ("user", settings.text("user").to_owned()),
        ("title", cut(&message.subject, 250)),
        ("message", cut(&text, 1_024)),
        ("priority", priority.to_owned()),
    ];
    if let Some(link) = message.link.as_ref().filter(|link| link.len() <= 512) {
        form.push(("url", link.clone()));
        form.push(("url_title", "Open in Bellwether".to_owned()));
    }
    let mut call = Call::post(format!("{base}/1/messages.json"), serde_json::Value::Null);
    call.carried = Carried::Form(form);
    Some(call)
}
