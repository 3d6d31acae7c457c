//! Descriptions of interfaces (OpenAPI 3.0 and 3.1) as scenarios: each reading that can be asked as it stands.
//!
//! Knows paths, parameters, security and replies; what a schema asks for is [`super::openapi_schema`]'s. Writes
//! nothing that changes anything: other methods than GET are named as left out.

use super::draft::{Draft, Step};
use super::openapi_schema::Schemas;
use super::placeholders::escaped;
use super::reading::text;
use super::words::text_literal;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Source;
use serde_json::{Value, json};
use std::sync::Arc;

/// Makes a draft of a description.
///
/// # Errors
///
/// What is no description, or has nothing that can be read.
pub fn import(source: &Arc<Source>, name: &str) -> Result<Draft, Box<Diagnostic>> {
    let wrong = |title: String| Box::new(Diagnostic::error("bad-import", title));
    let root = super::reading::yaml(source)?;
    let version = text(&root["openapi"]);
    if !version.starts_with('3') {
        return Err(wrong(format!(
            "`{}` is no description that is known: expected `openapi: 3.0.x` or `3.1.x`",
            source.path
        )));
    }
    let mut draft = Draft::new(name);
    let schemas = Schemas { root: &root };
    let base = base(&mut draft, &root);
    let mut others = 0;
    for (path, item) in root["paths"].as_object().into_iter().flatten() {
        let item = schemas.resolved(item);
        for (method, operation) in item.as_object().into_iter().flatten() {
            match method.as_str() {
                "get" => reading(&mut draft, &schemas, &base, path, item, operation),
                "post" | "put" | "patch" | "delete" => others += 1,
                _ => {}
            }
        }
    }
    if others > 0 {
        draft.leave_of_all(None, format!("operations that change something ({others}): write them with what they are to be given"));
    }
    if draft.steps.is_empty() {
        return Err(wrong(format!(
            "`{}` has no GET that can be asked without more",
            source.path
        )));
    }
    Ok(draft)
}

/// The address that paths are put to.
fn base(draft: &mut Draft, root: &Value) -> String {
    let server = &root["servers"][0];
    let mut url = server["url"].as_str().unwrap_or("/").to_owned();
    for (name, about) in server["variables"].as_object().into_iter().flatten() {
        let default = about["default"].as_str().unwrap_or_default();
        url = url.replace(&format!("{{{name}}}"), default);
    }
    let url = url.trim_end_matches('/');
    let input = match url.contains("://") {
        true => draft.input("base_url", Some(url)),
        false => {
            let input = draft.input("base_url", None);
            return format!("${{{input}}}{}", escaped(url));
        }
    };
    format!("${{{input}}}")
}

fn reading(
    draft: &mut Draft,
    schemas: &Schemas<'_>,
    base: &str,
    path: &str,
    item: &Value,
    operation: &Value,
) {
    if operation["deprecated"] == json!(true) {
        return;
    }
    let shown = format!("GET {path}");
    let name = operation["operationId"]
        .as_str()
        .unwrap_or(&shown)
        .to_owned();
    let mut parameters: Vec<&Value> = Vec::new();
    for one in [operation, item]
        .iter()
        .flat_map(|of| of["parameters"].as_array().into_iter().flatten())
    {
        let one = schemas.resolved(one);
        if !parameters
            .iter()
            .any(|known| known["name"] == one["name"] && known["in"] == one["in"])
        {
            parameters.push(one);
        }
    }
    let mut url = escaped(path);
    let mut query = Vec::new();
    let mut headers = Vec::new();
    for one in parameters {
        let (name, place) = (
            one["name"].as_str().unwrap_or_default(),
            one["in"].as_str().unwrap_or_default(),
        );
        let value = example(schemas, one);
        let is_needed = one["required"] == json!(true) || place == "path";
        if !is_needed {
            continue;
        }
        let input = draft.input(name, value.as_deref());
        let value = format!("${{{input}}}");
        match place {
            "path" => url = url.replace(&format!("{{{name}}}"), &value),
            "query" => query.push((name.to_owned(), value)),
            "header" => headers.push((name.to_owned(), value)),
            _ => {}
        }
    }
    let mut step = Step::request(&name, "GET", &format!("{base}{url}"));
    for (name, value) in query {
        step.add("query", &name, &value);
    }
    for (name, value) in headers {
        draft.header(&mut step, &name, &value);
    }
    let_in(draft, schemas, &mut step, operation);
    replies(draft, schemas, &mut step, operation);
    draft.push(step);
}

fn example(schemas: &Schemas<'_>, parameter: &Value) -> Option<String> {
    let schema = schemas.resolved(&parameter["schema"]);
    let first = parameter["examples"]
        .as_object()
        .and_then(|all| all.values().next());
    let candidates = [
        &parameter["example"],
        first.map_or(&Value::Null, |first| &schemas.resolved(first)["value"]),
        &schema["example"],
        &schema["examples"][0],
        &schema["default"],
        &schema["enum"][0],
    ];
    candidates.into_iter().find(|one| !one.is_null()).map(text)
}

/// What lets it in: of the first way that is named.
fn let_in(draft: &mut Draft, schemas: &Schemas<'_>, step: &mut Step, operation: &Value) {
    let security = operation
        .get("security")
        .unwrap_or(&schemas.root["security"]);
    let Some(names) = security[0].as_object() else {
        return;
    };
    for name in names.keys() {
        let scheme =
            schemas.resolved(&schemas.root["components"]["securitySchemes"][name.as_str()]);
        let kind = scheme["type"].as_str().unwrap_or_default();
        let way = scheme["scheme"]
            .as_str()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let secret = |draft: &mut Draft, name: &str| format!("${{{}}}", draft.secret(name));
        match (kind, way.as_str()) {
            ("http", "basic") => {
                let (user, password) = (secret(draft, "USER"), secret(draft, "PASSWORD"));
                step.say(
                    "auth",
                    json!({ "basic": { "user": user, "password": password } }),
                );
            }
            ("http", "bearer") | ("oauth2" | "openIdConnect", _) => {
                let token = secret(draft, "TOKEN");
                step.say("auth", json!({ "bearer": token }));
            }
            ("apiKey", _) => {
                let (key, value) = (
                    scheme["name"].as_str().unwrap_or_default(),
                    secret(draft, name),
                );
                match scheme["in"].as_str() {
                    Some("query") => step.add("query", key, &value),
                    Some("cookie") => step.add("headers", "Cookie", &format!("{key}={value}")),
                    _ => step.add("headers", key, &value),
                }
            }
            (kind, way) => draft.leave(step, None, format!("the security `{name}` ({kind} {way})")),
        }
    }
}

/// The status, the media type and the schema of what may come back.
fn replies(draft: &mut Draft, schemas: &Schemas<'_>, step: &mut Step, operation: &Value) {
    let all = operation["responses"].as_object();
    let good: Vec<(&String, &Value)> = all
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'))
        .collect();
    let exact: Vec<&str> = good
        .iter()
        .map(|(status, _)| status.as_str())
        .filter(|status| status.parse::<u16>().is_ok())
        .collect();
    match (exact.as_slice(), good.len()) {
        (_, 0) => step.check("status < 400"),
        ([one], 1) => step.check(format!("status == {one}")),
        (exact, count) if exact.len() == count => {
            step.check(format!("status in [{}]", exact.join(", ")));
        }
        _ => step.check("status >= 200 && status < 300"),
    }
    let [(_, only)] = good.as_slice() else {
        return;
    };
    let content = schemas.resolved(only)["content"].as_object();
    let kinds: Vec<&String> = content
        .into_iter()
        .flatten()
        .map(|(kind, _)| kind)
        .collect();
    if let [kind] = kinds.as_slice()
        && !kind.contains('*')
    {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        step.check(format!(
            "lower(headers['Content-Type']).startsWith({})",
            text_literal(&kind.to_ascii_lowercase())
        ));
        let schema = content
            .and_then(|all| all.values().next())
            .map_or(&Value::Null, |about| &about["schema"]);
        if kind.contains("json") && !schema.is_null() {
            let (conditions, unknown) = schemas.conditions(schema, "body");
            for condition in conditions {
                step.check(condition);
            }
            if !unknown.is_empty() {
                let words: Vec<String> = unknown.iter().map(|word| format!("`{word}`")).collect();
                draft.leave(
                    step,
                    None,
                    format!("of the reply's schema: {}", words.join(", ")),
                );
            }
        }
    }
}
