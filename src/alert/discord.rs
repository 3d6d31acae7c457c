//! Discord's webhooks, in its own form: an embed with the message's tone as its color.
//!
//! `?wait=true` asks for the message that was saved; without it Discord answers before it has looked.

use super::call::cut;
use super::channel::{Channel, ReadChannel, post};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field, required};
use crate::doing::Doing;
use crate::record::message::{Message, Tone};
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use serde_json::{Value, json};

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field("discord", Shape::Object(&FORM), "a Discord webhook"),
    what: read,
};

static FORM: Object = Object {
    name: "discord",
    called: "a Discord channel",
    fields: &[required(
        "url",
        Shape::Template,
        "the webhook's URL, best as `${secrets.NAME}`",
    )],
};

/// Characters of an embed's parts at the most, by Discord's reference.
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 4096;
const FACT_NAME_MAX: usize = 256;
const FACT_MAX: usize = 1024;
/// Characters of a whole embed at the most, with room for its title.
const WHOLE_MAX: usize = 5_500;
/// Facts of an embed at the most.
const FACTS_MAX: usize = 25;

#[derive(Debug)]
struct Discord {
    url: Template,
}

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    let url = reader.template(node.get("url")?)?;
    Some(Box::new(Discord { url }))
}

impl Channel for Discord {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        _key: &'a str,
    ) -> Doing<'a, Delivery> {
        Box::pin(async move {
            post(
                "the Discord webhook",
                means,
                &self.url,
                "wait=true",
                &payload(message),
            )
            .await
        })
    }
}

/// Nobody is mentioned by what a deploy is called: `allowed_mentions` is empty.
fn payload(message: &Message) -> Value {
    let description = cut(&message.lines.join("\n"), DESCRIPTION_MAX);
    let mut left = WHOLE_MAX.saturating_sub(TITLE_MAX + description.chars().count());
    let mut fields = Vec::new();
    for (name, value) in message.facts.iter().take(FACTS_MAX) {
        // Discord refuses a field without a value.
        let value = if value.is_empty() { "–" } else { value };
        let (name, value) = (cut(name, FACT_NAME_MAX), cut(value, FACT_MAX));
        let length = name.chars().count() + value.chars().count();
        if length > left {
            break;
        }
        left -= length;
        fields.push(json!({ "name": name, "value": value, "inline": true }));
    }
    let color = match message.tone {
        Tone::Good => 0x2e_a0_43,
        Tone::Warning => 0xd2_99_22,
        Tone::Bad => 0xcf_22_2e,
    };
    let mut embed = json!({
        "title": cut(&message.subject, TITLE_MAX),
        "description": description,
        "color": color,
        "fields": fields,
    });
    if let Some(link) = &message.link {
        embed["url"] = json!(link);
    }
    json!({ "embeds": [embed], "allowed_mentions": { "parse": [] } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_embed_stays_within_what_discord_takes() {
        let message = Message {
            subject: "ü".repeat(300),
            tone: Tone::Bad,
            lines: vec!["@everyone".to_owned(), "x".repeat(5000)],
            facts: vec![
                ("Empty".to_owned(), String::new()),
                ("Long".to_owned(), "y".repeat(2000)),
                ("Next".to_owned(), "z".repeat(1000)),
            ],
            link: Some("https://bell.example/gates/7".to_owned()),
            at_ms: 0,
            gate: None,
            incident: None,
        };
        let body = payload(&message);
        let embed = &body["embeds"][0];
        let length = |value: &Value| value.as_str().unwrap().chars().count();
        assert_eq!(length(&embed["title"]), TITLE_MAX);
        assert_eq!(length(&embed["description"]), DESCRIPTION_MAX);
        assert_eq!(embed["fields"][0]["value"], "–");
        let all: usize = embed["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| length(&field["name"]) + length(&field["value"]))
            .sum();
        assert!(
            all + TITLE_MAX + DESCRIPTION_MAX < 6000,
            "Discord refuses more than 6,000 characters"
        );
        assert_eq!(body["allowed_mentions"]["parse"], json!([]));
        assert_eq!(embed["url"], "https://bell.example/gates/7");
    }
}
