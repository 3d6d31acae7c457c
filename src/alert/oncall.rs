//! Grafana OnCall (IRM), by the formatted webhook of an integration: grouped by its `alert_uid`, and resolved
//! by the state `ok`.

use super::call::{Call, Event, Filled, event, read as read_call};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "oncall",
        Shape::Object(&FORM),
        "an integration of Grafana OnCall or IRM, of the kind formatted webhook",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "oncall",
    called: "an OnCall channel",
    fields: &[required(
        "url",
        Shape::Template,
        "the integration's URL, best as `${secrets.NAME}`",
    )],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Grafana OnCall", call)
}

pub(super) fn call(settings: &Filled, message: &Message, key: &str) -> Option<Call> {
    let (event, uid) = event(message, key)?;
    let state = match event {
        Event::Trigger => "alerting",
        Event::Resolve => "ok",
        // It has no state for that: who has it says so there.
        Event::Acknowledge => return None,
    };
    Some(Call::post(
        settings.text("url").to_owned(),
        json!({
            "alert_uid": uid,
            "title": message.subject,
            "state": state,
            "message": message.text(),
            "link_to_upstream_details": message.link,
        }),
    ))
}
