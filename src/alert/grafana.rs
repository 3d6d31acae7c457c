//! Grafana's annotations (`POST /api/annotations`): what happened, as a line through its graphs.
//!
//! Nobody is called by one: it says when a deploy was promoted, rolled back, held, or when trouble began.

use super::call::{Call, Filled, cut, read as read_call};
use super::channel::{Channel, ReadChannel};
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::record::message::{Message, Tone};
use crate::scenario::reader::Reader;
use serde_json::json;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "grafana",
        Shape::Object(&FORM),
        "annotations in the graphs of Grafana",
    ),
    what: read,
};

static FORM: Object = Object {
    name: "grafana",
    called: "a Grafana channel",
    fields: &[
        required("url", Shape::Template, "Grafana's base URL"),
        required(
            "token",
            Shape::Template,
            "a service account's token that may write annotations",
        ),
        field(
            "dashboard",
            Shape::Template,
            "the UID of one dashboard; all that ask for the tag `bellwether` where none is named",
        ),
    ],
};

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    read_call(reader, node, &FORM, "Grafana", call)
}

fn tone(message: &Message) -> &'static str {
    match message.tone {
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
    }
}

pub(super) fn call(settings: &Filled, message: &Message, _: &str) -> Option<Call> {
    let fact = |wanted: &str| {
        let mut facts = message.facts.iter();
        facts
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.clone())
    };
    let mut tags = vec!["bellwether".to_owned(), tone(message).to_owned()];
    tags.extend(
        ["Environment", "Gate", "Version"]
            .into_iter()
            .filter_map(fact),
    );
    let mut text = cut(
        &format!("{}\n{}", message.subject, message.lines.join("\n")),
        4_000,
    );
    if let Some(link) = &message.link {
        text.push_str(&format!("\n<a href=\"{link}\">Open in Bellwether</a>"));
    }
    let mut body = json!({ "text": text, "tags": tags });
    if !settings.text("dashboard").is_empty() {
        body["dashboardUID"] = settings.text("dashboard").into();
    }
    let url = format!("{}/api/annotations", settings.or("url", ""));
    let token = format!("Bearer {}", settings.text("token"));
    Some(Call::post(url, body).with("authorization", token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::call::Carried;

    #[test]
    fn an_annotation_has_the_facts_as_its_tags() {
        let settings = Filled::of(&[
            ("url", "https://grafana.example/"),
            ("token", "t"),
            ("dashboard", "d1"),
        ]);
        let message = Message {
            subject: "✅ Production Deployment Successful".to_owned(),
            tone: Tone::Good,
            lines: vec!["every phase passed".to_owned()],
            facts: vec![
                ("Environment".to_owned(), "production".to_owned()),
                ("Version".to_owned(), "1.2".to_owned()),
            ],
            link: Some("https://bell.example/gates/7".to_owned()),
            at_ms: 0,
            gate: None,
            incident: None,
        };
        let call = call(&settings, &message, "key").unwrap();
        assert_eq!(call.url, "https://grafana.example/api/annotations");
        let Carried::Json(body) = call.carried else {
            panic!("it is JSON");
        };
        assert_eq!(
            body["tags"],
            json!(["bellwether", "good", "production", "1.2"])
        );
        assert_eq!(body["dashboardUID"], "d1");
        assert!(
            body["text"]
                .to_string()
                .contains("https://bell.example/gates/7")
        );
    }
}
