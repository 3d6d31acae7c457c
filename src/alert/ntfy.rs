//! ntfy: a message of at most 4,096 bytes, with a priority from 1 to 5.

use super::call::{Call, Filled, cut, read as read_call, severity, whole};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::{Message, Tone};
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("ntfy", Shape::Object(&FORM), "a topic of ntfy"),
    what: read,
};

static FORM: Object = Object {
    name: "ntfy",
    called: "an ntfy channel",
    fields: &[
        required("topic", Shape::Template, "the topic"),
        field("url", Shape::Template, "the server (https://ntfy.sh)"),
        field(
            "token",
            Shape::Template,
            "an access token, best as `${secrets.NAME}`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "ntfy", call)
}

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    let priority = match (message.tone, severity(message)) {
        (Tone::Good, _) => 3,
        (_, "critical") => 5,
        (_, "error") => 4,
        _ => 3,
    };
    let mut body = json!({
        "topic": settings.text("topic"),
        "title": cut(&message.subject, 200),
        // A letter may have four bytes.
        "message": whole(message, 1_000),
        "priority": priority,
    });
    if let Some(link) = &message.link {
        body["click"] = link.as_str().into();
    }
    let call = Call::post(settings.or("url", "https://ntfy.sh").to_owned(), body);
    Some(match settings.text("token") {
        "" => call,
        token => call.with("authorization", format!("Bearer {token}")),
    })
}
