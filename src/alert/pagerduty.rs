//! PagerDuty, by its Events API v2: one incident there for one here, opened, acknowledged and resolved under
//! one `dedup_key`. Good news that are no incident are change events.
//!
//! Limits by its reference: `dedup_key` 255 characters, `summary` 1,024, an event 512 KB.

use super::call::Filled;
use super::call::{Call, Event, cut, details, event, read as read_call, severity};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("pagerduty", Shape::Object(&FORM), "PagerDuty's events"),
    what: read,
};

static FORM: Object = Object {
    name: "pagerduty",
    called: "a PagerDuty channel",
    fields: &[
        required(
            "routing_key",
            Shape::Template,
            "the integration's key, best as `${secrets.NAME}`",
        ),
        field(
            "url",
            Shape::Template,
            "another address, such as `https://events.eu.pagerduty.com`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "PagerDuty", call)
}

pub(super) fn call(settings: &Filled, message: &Message, key: &str) -> Option<Call> {
    let base = settings.or("url", "https://events.pagerduty.com");
    let summary = cut(&message.subject, 1_024);
    let mut details = details(message);
    details["text"] = message.lines.join("\n").into();
    let link = message.link.iter();
    let links: Vec<_> = link
        .map(|href| json!({ "href": href, "text": "Bellwether" }))
        .collect();
    let routing_key = settings.text("routing_key");
    let Some((event, dedup_key)) = event(message, key) else {
        return Some(Call::post(
            format!("{base}/v2/change/enqueue"),
            json!({
                "routing_key": routing_key,
                "payload": { "summary": summary, "source": "Bellwether", "custom_details": details },
                "links": links,
            }),
        ));
    };
    let action = match event {
        Event::Trigger => "trigger",
        Event::Acknowledge => "acknowledge",
        Event::Resolve => "resolve",
    };
    let group = message
        .incident
        .as_ref()
        .map(|incident| incident.group.clone());
    Some(Call::post(
        format!("{base}/v2/enqueue"),
        json!({
            "routing_key": routing_key,
            "event_action": action,
            "dedup_key": cut(&dedup_key, 255),
            "client": "Bellwether",
            "client_url": message.link,
            "links": links,
            "payload": {
                "summary": summary,
                "source": group.clone().unwrap_or_else(|| "Bellwether".to_owned()),
                "group": group,
                "severity": severity(message),
                "custom_details": details,
            },
        }),
    ))
}
