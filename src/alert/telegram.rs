//! Telegram, by its Bot API: plain text of at most 4,096 characters.

use super::call::{Call, Filled, read as read_call, whole};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::{Message, Tone};
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("telegram", Shape::Object(&FORM), "a bot of Telegram"),
    what: read,
};

static FORM: Object = Object {
    name: "telegram",
    called: "a Telegram channel",
    fields: &[
        required(
            "token",
            Shape::Template,
            "the bot's token, best as `${secrets.NAME}`",
        ),
        required(
            "chat",
            Shape::Template,
            "the chat's number, or `@name` of a channel",
        ),
        field(
            "url",
            Shape::Template,
            "another address than `https://api.telegram.org`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Telegram", call)
}

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    let base = settings.or("url", "https://api.telegram.org");
    let url = format!("{base}/bot{}/sendMessage", settings.text("token"));
    let body = json!({
        "chat_id": settings.text("chat"),
        "text": whole(message, 4_096),
        "disable_notification": message.tone == Tone::Good,
        "link_preview_options": { "is_disabled": true },
    });
    Some(Call::post(url, body))
}
