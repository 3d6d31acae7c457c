//! Alertmanager, by its API v2: we are a client of it. An alert is one incident, by its labels; it ends by
//! `endsAt`, and is posted anew with each message while it lasts.

use super::call::{Call, Carried, Event, Filled, event, read as read_call, severity};
use super::channel::{Channel, ReadChannel};
use crate::clock;
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::Message;
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("alertmanager", Shape::Object(&FORM), "an Alertmanager"),
    what: read,
};

static FORM: Object = Object {
    name: "alertmanager",
    called: "an Alertmanager channel",
    fields: &[
        required("url", Shape::Template, "its address, without `/api/v2`"),
        field(
            "token",
            Shape::Template,
            "a bearer token, best as `${secrets.NAME}`",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Alertmanager", call)
}

/// While it lasts it ends so much later: longer than any pause between two reminders, so that Alertmanager
/// does not take our silence for the end.
const LASTS_MS: i64 = 24 * 3_600_000;

pub(super) fn call(settings: &Filled, message: &Message, key: &str) -> Option<Call> {
    let base = settings.text("url").trim_end_matches('/');
    let (event, id) = event(message, key)?;
    let now_ms = clock::now_ms();
    let incident = message.incident.as_ref();
    let starts = incident.map_or(now_ms, |incident| incident.opened_ms);
    let ends = match event {
        Event::Resolve => incident
            .and_then(|incident| incident.ended_ms)
            .unwrap_or(now_ms),
        Event::Trigger | Event::Acknowledge => now_ms + LASTS_MS,
    };
    let fact = |title: &str| {
        let mut facts = message.facts.iter();
        let found = facts.find(|(name, _)| name == title);
        found.map(|(_, value)| value.clone())
    };
    // Labels are what the alert is: they must not change while it lasts.
    let mut labels = json!({ "alertname": "Bellwether", "incident": id });
    if let Some(incident) = incident {
        labels["group"] = incident.group.as_str().into();
    }
    for (label, title) in [("environment", "Environment"), ("service", "Service")] {
        if let Some(value) = fact(title) {
            labels[label] = value.into();
        }
    }
    let alert = json!([{
        "labels": labels,
        "annotations": {
            "summary": message.subject,
            "description": message.lines.join("\n"),
            "severity": severity(message),
            "runbook_url": fact("Runbook").unwrap_or_default(),
        },
        "startsAt": clock::text_of(starts),
        "endsAt": clock::text_of(ends),
        "generatorURL": message.link,
    }]);
    let mut call = Call::post(format!("{base}/api/v2/alerts"), alert);
    if let Carried::Json(alerts) = &mut call.carried
        && message.link.is_none()
        && let Some(alert) = alerts[0].as_object_mut()
    {
        alert.remove("generatorURL");
    }
    Some(match settings.text("token") {
        "" => call,
        token => call.with("authorization", format!("Bearer {token}")),
    })
}
