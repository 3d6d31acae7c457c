//! Matrix: a message to a room. Its transaction is the key of the message, so that a repeat is none.

use super::call::{Call, Filled, read as read_call, whole};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("matrix", Shape::Object(&FORM), "a room of Matrix"),
    what: read,
};

static FORM: Object = Object {
    name: "matrix",
    called: "a Matrix channel",
    fields: &[
        required("url", Shape::Template, "the home server"),
        required("room", Shape::Template, "the room's id, `!…:example.org`"),
        required(
            "token",
            Shape::Template,
            "an access token, best as `${secrets.NAME}`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "the Matrix server", call)
}

/// An event may have 65,536 bytes, of which the text is a part.
const TEXT_MAX: usize = 10_000;

pub(super) fn call(settings: &Filled, message: &Message, key: &str) -> Option<Call> {
    let base = settings.text("url").trim_end_matches('/');
    let room = utf8_percent_encode(settings.text("room"), NON_ALPHANUMERIC);
    let transaction = utf8_percent_encode(key, NON_ALPHANUMERIC);
    let url = format!("{base}/_matrix/client/v3/rooms/{room}/send/m.room.message/{transaction}");
    let mut call = Call::post(
        url,
        json!({ "msgtype": "m.text", "body": whole(message, TEXT_MAX) }),
    );
    call.method = Method::PUT;
    Some(call.with(
        "authorization",
        format!("Bearer {}", settings.text("token")),
    ))
}
