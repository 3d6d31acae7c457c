//! The API as OpenAPI 3.1, and as a page of the reference: both from the table of operations.
//!
//! Source: OpenAPI Specification 3.1.1. Does not know how anything is done.

use super::operations::{self, Operation};
use crate::reference::{Entry, Page, Section};
use axum::Json;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// Problems that every operation may answer with.
const ALWAYS: [(u16, &str); 6] = [
    (400, "The request is not understood."),
    (401, "It needs a token, or the token is wrong."),
    (
        403,
        "The role of the token is not enough, or it speaks for somebody else.",
    ),
    (405, "The address has no such method."),
    (413, "The body is too large."),
    (
        503,
        "Not now: the state cannot be written, or the daemon stops.",
    ),
];

/// `GET /api/v1/openapi.json`
pub async fn served() -> Json<&'static Value> {
    static MADE: LazyLock<Value> = LazyLock::new(document);
    Json(&MADE)
}

/// What people find operations under.
const TAGS: [(&str, &str); 5] = [
    ("gates", "Deploys that are verified, and their runs."),
    (
        "probes",
        "What is watched: probes, objectives over weeks, jobs that report.",
    ),
    ("alerts", "Incidents, silences, and who is told."),
    ("loads", "Loads that run now."),
    ("daemon", "The daemon itself."),
];

/// The whole document.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for operation in operations::all() {
        let path = paths
            .entry(operation.path.to_owned())
            .or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = described(&operation, &mut generator);
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Bellwether",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Gates, probes, incidents and loads of a running daemon. Where tokens exist every operation needs one; errors are problem details of RFC 9457.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }, {}],
        "tags": TAGS.map(|(name, about)| json!({ "name": name, "description": about })),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": {
            "type": { "type": "string", "description": "Always about:blank: the status says which kind it is." },
            "title": { "type": "string", "description": "The status in words." },
            "status": { "type": "integer", "description": "The status." },
            "detail": { "type": "string", "description": "What is wrong, in a sentence." },
        },
        "required": ["type", "title", "status", "detail"],
    })
}

fn refusal(about: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": about, "content": { "application/problem+json": { "schema": schema } } })
}

/// The one of [`TAGS`] that an operation belongs to.
fn tag(path: &str) -> &'static str {
    match path.trim_start_matches("/api/v1/").split('/').next() {
        Some("gates" | "rollback" | "runs") => "gates",
        Some("probes" | "heartbeats" | "slos") => "probes",
        Some("incidents" | "silences" | "alerts") => "alerts",
        Some("loads") => "loads",
        _ => "daemon",
    }
}

/// A name of its own: `post_gates_id_cancel`.
fn named(operation: &Operation) -> String {
    let path = operation.path.trim_start_matches("/api/v1/");
    let words = path.replace(['{', '}'], "").replace(['/', '-', '.'], "_");
    format!("{}_{words}", operation.method.as_str().to_lowercase())
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let places = operation.path.split('/');
    let places = places.filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = places.map(|name| {
        let form = match name {
            "id" => json!({ "type": "integer", "format": "int64", "minimum": 0 }),
            _ => json!({ "type": "string", "minLength": 1 }),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": form })
    });
    let in_query = operation.query.iter().map(|(name, about)| {
        let form = match *name {
            "all" => json!({ "type": "boolean" }),
            _ => json!({ "type": "string" }),
        };
        json!({ "name": name, "in": "query", "description": about, "schema": form })
    });
    in_path.chain(in_query).collect()
}

fn described(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut answers = Map::new();
    let (status, form) = operation.answers;
    let done = |body: Option<Value>| match body {
        Some(schema) => {
            json!({ "description": "Done.", "content": { "application/json": { "schema": schema } } })
        }
        None => json!({ "description": "Done." }),
    };
    let body = form.map(|form| form(generator).to_value());
    if status == 201 && operation.path.ends_with("/gates") {
        answers.insert("200".to_owned(), done(body.clone()));
    }
    answers.insert(status.to_string(), done(body));
    for (status, about) in ALWAYS {
        answers.insert(status.to_string(), refusal(about));
    }
    for status in operation.problems {
        let about = match status {
            404 => "There is none.",
            409 => "It cannot be done as things stand.",
            _ => "The body is no such order.",
        };
        answers.insert(status.to_string(), refusal(about));
    }
    if operation.takes.is_some() {
        answers.insert("415".to_owned(), refusal("The body is no JSON."));
        answers.insert("422".to_owned(), refusal("The body is no such order."));
    }
    let mut described = json!({
        "operationId": named(operation),
        "summary": operation.about,
        "tags": [tag(operation.path)],
        "responses": answers,
    });
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(takes) = operation.takes {
        let schema = takes(generator);
        described["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    match operation.role {
        Some(role) => described["description"] = format!("Needs the role {}.", role.word()).into(),
        None => described["description"] = "Needs a token of its own, or the role operate.".into(),
    }
    described
}

/// The page of the reference.
pub fn page() -> Page {
    let mut sections: Vec<Section> = Vec::new();
    for operation in operations::all() {
        let tag = tag(operation.path);
        let section = match sections.iter_mut().find(|section| section.title == tag) {
            Some(section) => section,
            None => {
                sections.push(Section::new(tag, ""));
                sections.last_mut().expect("it was just pushed")
            }
        };
        section.entries.push(entry(&operation));
    }
    Page {
        name: "api",
        title: "API",
        about: "Operations of a running daemon; /api/v1/openapi.json has their bodies as OpenAPI 3.1, and so has bellwether docs api --json. Errors are problem details (RFC 9457).",
        sections,
    }
}

/// The fields of a body, and one that has what is needed.
fn body(operation: &Operation) -> Option<(String, Value)> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let schema = (operation.takes?)(&mut generator).to_value();
    let definitions = Value::Object(generator.take_definitions(true));
    let name = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next());
    let schema = name.map_or(&schema, |name| &definitions[name]);
    let needed = schema["required"].as_array().into_iter().flatten();
    let needed: Vec<&str> = needed.filter_map(Value::as_str).collect();
    let names = schema["properties"].as_object()?.keys();
    let shown = names.map(|name| match needed.contains(&name.as_str()) {
        true => format!("{name} (needed)"),
        false => name.clone(),
    });
    let example = needed.iter().map(|name| {
        let value = match schema["properties"][*name]["type"].as_str() {
            Some("integer") => json!(60),
            Some("array") => json!(["probe=api-*"]),
            _ => json!("…"),
        };
        ((*name).to_owned(), value)
    });
    Some((
        shown.collect::<Vec<_>>().join(", "),
        Value::Object(example.collect()),
    ))
}

/// How it is asked with curl.
fn curl(operation: &Operation) -> String {
    let method = match operation.method.as_str() {
        "GET" => String::new(),
        other => format!(" -X {other}"),
    };
    let token = " -H \"Authorization: Bearer $BELLWETHER_TOKEN\"";
    let data = body(operation)
        .map(|(_, example)| format!(" -H 'Content-Type: application/json' -d '{example}'"));
    let path = operation.path.replace(['{', '}'], "").replace("/id", "/1");
    format!(
        "curl{method}{token}{} http://127.0.0.1:9911{path}",
        data.unwrap_or_default()
    )
}

fn entry(operation: &Operation) -> Entry {
    let query = operation
        .query
        .iter()
        .map(|(name, about)| format!("?{name}= {about}"));
    let query = query.collect::<Vec<_>>().join("; ");
    let mut about = operation.about.to_owned();
    if !query.is_empty() {
        about.push_str(&format!(" {query}."));
    }
    if let Some((fields, _)) = body(operation) {
        about.push_str(&format!(" Takes JSON: {fields}."));
    }
    Entry {
        name: format!("{} {}", operation.method, operation.path),
        form: operation
            .role
            .map_or("its own token, or operate", |role| role.word())
            .to_owned(),
        about,
        example: curl(operation),
    }
}
