//! What channels and hooks are sent, for who reads it with a program.
//!
//! Fields come from the types that are sent. Does not know how anything is delivered.

use super::page::{Entry, Page, Section};
use crate::pipeline::action::{ActionBody, ActionData};
use crate::record::message::{INPUTS, Message, VERSION};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

/// The JSON Schema (2020-12) of what a webhook of a channel is sent.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let data = generator.subschema_for::<Message>();
    let definitions = generator.take_definitions(true);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A message of Bellwether",
        "type": "object",
        "properties": {
            "type": { "const": "bellwether.message", "description": "What it is." },
            "version": { "const": VERSION, "description": "Counted up by a change that breaks who reads it; fields may be added without." },
            "timestamp": { "type": "string", "format": "date-time", "description": "When what it tells happened." },
            "data": data,
        },
        "required": ["type", "version", "timestamp", "data"],
        "$defs": definitions,
    })
}

/// The form of a value, in words.
fn form(value: &Value) -> String {
    let types = match &value["type"] {
        Value::String(word) => vec![word.clone()],
        Value::Array(words) => words
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    let of = |reference: &str| reference.rsplit('/').next().unwrap_or_default().to_owned();
    let refers = value["$ref"].as_str().map(of);
    let inner = value["anyOf"].as_array().into_iter().flatten();
    let inner = inner.filter_map(|one| one["$ref"].as_str()).map(of);
    let constant = (!value["const"].is_null()).then(|| value["const"].to_string());
    let all: Vec<String> = types
        .into_iter()
        .chain(refers)
        .chain(inner)
        .chain(constant)
        .collect();
    all.join(" or ")
}

fn fields(schema: &Value) -> Vec<Entry> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let field = |(name, value): (&String, &Value)| Entry {
        name: name.clone(),
        form: form(value),
        about: value["description"].as_str().unwrap_or_default().to_owned(),
        ..Entry::default()
    };
    properties.map(field).collect()
}

fn root<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<T>().to_value()
}

/// The page.
pub fn page() -> Page {
    let schema = schema();
    let headers = [
        (
            "webhook-id",
            "the same over all attempts: who has seen it has the message",
        ),
        (
            "webhook-timestamp",
            "when this attempt was made, in seconds since 1970",
        ),
        (
            "webhook-signature",
            "v1 and the base64 HMAC-SHA256 of id, timestamp and body, joined by dots (Standard Webhooks)",
        ),
    ];
    let named = |(name, about): &(&str, &str)| Entry {
        name: (*name).to_owned(),
        about: (*about).to_owned(),
        ..Entry::default()
    };
    let mut sections = vec![
        Section::new("Headers of a webhook", "").with(headers.iter().map(named)),
        Section::new(
            "Body of a webhook",
            "bellwether schema message prints it as JSON Schema.",
        )
        .with(fields(&schema)),
    ];
    for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
        let fields = fields(definition);
        if !fields.is_empty() {
            sections.push(Section::new(name.clone(), "").with(fields));
        }
    }
    let (action, data) = (root::<ActionBody<'static>>(), root::<ActionData<'static>>());
    sections.push(Section::new("Body of an action's webhook", "").with(fields(&action)));
    sections.push(Section::new("ActionData", "").with(fields(&data)));
    let inputs = INPUTS.iter().map(|input| named(&(input.name, input.about)));
    let own = Entry {
        name: "body of a channel's webhook".to_owned(),
        about: "JSON that is sent instead; values are made safe inside of its texts.".to_owned(),
        example: "channels:\n  deploys:\n    webhook:\n      url: https://example.com/hook\n      headers: { Authorization: \"Bearer ${secrets.HOOK}\" }\n      body: '{\"text\": \"${inputs.subject}\", \"version\": \"${inputs.version}\"}'".to_owned(),
        ..Entry::default()
    };
    sections.push(Section::new("Inputs of a body of your own", "").with(inputs.chain([own])));
    Page {
        name: "messages",
        title: "Messages",
        about: "What a webhook of a channel is sent, and a command reads as `data` on its standard input. E-mails of a gate or an incident are one thread (In-Reply-To), and so are the messages of a Slack bot.",
        sections,
    }
}
