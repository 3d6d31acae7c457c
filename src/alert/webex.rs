//! Webex: a message to a room, of at most 7,439 bytes.

use super::call::{Call, Filled, read as read_call, whole};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("webex", Shape::Object(&FORM), "a room of Webex"),
    what: read,
};

static FORM: Object = Object {
    name: "webex",
    called: "a Webex channel",
    fields: &[
        required(
            "token",
            Shape::Template,
            "a bot's token, best as `${secrets.NAME}`",
        ),
        required("room", Shape::Template, "the room's id"),
        field(
            "url",
            Shape::Template,
            "another address than `https://webexapis.com`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Webex", call)
}

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    let base = settings.or("url", "https://webexapis.com");
    // A letter may have four bytes.
    let body = json!({ "roomId": settings.text("room"), "text": whole(message, 1_800) });
    let call = Call::post(format!("{base}/v1/messages"), body);
    Some(call.with(
        "authorization",
        format!("Bearer {}", settings.text("token")),
    ))
}
