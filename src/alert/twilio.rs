//! Twilio: a text message of at most 1,600 characters, or a call that reads it out.

use super::call::{Call, Carried, Filled, cut, read as read_call};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::net::client::basic;
use crate::record::message::Message;
use crate::scenario::reader::Reader;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "twilio",
        Shape::Object(&FORM),
        "a text message or a call by Twilio",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "twilio",
    called: "a Twilio channel",
    fields: &[
        required("account", Shape::Template, "the account's SID"),
        required(
            "token",
            Shape::Template,
            "its token, best as `${secrets.NAME}`",
        ),
        required("from", Shape::Template, "the number that it comes from"),
        required("to", Shape::Template, "the number that it goes to"),
        field(
            "by",
            Shape::Word(&["sms", "voice"]),
            "a text message, or a call (sms)",
        ),
        field(
            "url",
            Shape::Template,
            "another address than `https://api.twilio.com`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Twilio", call)
}

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    let base = settings.or("url", "https://api.twilio.com");
    let (account, token) = (settings.text("account"), settings.text("token"));
    let mut form = vec![
        ("From", settings.text("from").to_owned()),
        ("To", settings.text("to").to_owned()),
    ];
    let what = if settings.text("by") == "voice" {
        let escaped = cut(&message.subject, 500)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        let said = format!("<Response><Say loop=\"2\">{escaped}</Say></Response>");
        form.push(("Twiml", said));
        "Calls"
    } else {
        let mut text = message.subject.clone();
        if let Some(line) = message.lines.first() {
            text.push_str(&format!("\n{line}"));
        }
        let link = message
            .link
            .as_ref()
            .map_or(String::new(), |link| format!("\n{link}"));
        // A text message is paid by the part: two parts are enough to know where to look.
        form.push(("Body", format!("{}{link}", cut(&text, 300))));
        "Messages"
    };
    let mut call = Call::post(
        format!("{base}/2010-04-01/Accounts/{account}/{what}.json"),
        serde_json::Value::Null,
    );
    call.carried = Carried::Form(form);
    Some(call.with("authorization", basic(account, token)))
}
