//! What a request of Postman sends.

use super::draft::{Draft, Step};
use super::postman::{made_up, rows};
use super::reading::text;
use crate::secret::lets_in;
use serde_json::{Map, Value, json};

pub(super) fn body(draft: &mut Draft, step: &mut Step, body: &Value) {
    if body["disabled"] == json!(true) {
        return;
    }
    match body["mode"].as_str() {
        Some("raw") => {
            let sent = text(&body["raw"]);
            if sent.is_empty() {
                return;
            }
            let language = body["options"]["raw"]["language"].as_str();
            let kind = match language {
                Some("json") => "application/json",
                Some("xml") => "application/xml",
                Some("html") => "text/html",
                Some("javascript") => "application/javascript",
                _ => "text/plain",
            };
            if !step.has_header("content-type") {
                step.add("headers", "Content-Type", kind);
            }
            let sent = match language {
                Some("json") => without_comments(&sent),
                _ => sent,
            };
            let sent = draft.template(&sent, made_up);
            step.say("body", draft.body(&sent));
        }
        Some("urlencoded") => {
            for row in rows(&body["urlencoded"]) {
                let (key, value) = (text(&row["key"]), text(&row["value"]));
                let value = match lets_in(&key) && !value.is_empty() && !value.contains("{{") {
                    true => format!("${{{}}}", draft.secret_of(&key, &value)),
                    false => draft.template(&value, made_up),
                };
                step.add("form", &draft.template(&key, made_up), &value);
            }
        }
        Some("formdata") => form(draft, step, &body["formdata"]),
        Some("graphql") => graphql(draft, step, &body["graphql"]),
        Some("file") => draft.leave(step, None, "a body of a file: put it into `body`"),
        _ => {}
    }
}

/// JSON without the comments that Postman lets stand in it, and does not send.
fn without_comments(json: &str) -> String {
    let (mut made, mut rest) = (String::new(), json);
    let (mut is_text, mut is_escaped) = (false, false);
    while let Some(letter) = rest.chars().next() {
        if !is_text && (rest.starts_with("//") || rest.starts_with("/*")) {
            let end = if rest.starts_with("//") { "\n" } else { "*/" };
            let length = rest.find(end).map_or(rest.len(), |at| match end {
                "\n" => at,
                _ => at + end.len(),
            });
            rest = &rest[length..];
            continue;
        }
        is_text ^= letter == '"' && !is_escaped;
        is_escaped = is_text && letter == '\\' && !is_escaped;
        made.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    made
}

fn templated(draft: &mut Draft, value: &Value) -> Value {
    match value {
        Value::String(text) => json!(draft.template(text, made_up)),
        Value::Array(items) => items.iter().map(|item| templated(draft, item)).collect(),
        Value::Object(all) => {
            let all = all
                .iter()
                .map(|(key, value)| (key.clone(), templated(draft, value)));
            Value::Object(all.collect())
        }
        other => other.clone(),
    }
}

fn graphql(draft: &mut Draft, step: &mut Step, graphql: &Value) {
    let query = draft.template(&text(&graphql["query"]), made_up);
    let written = text(&graphql["variables"]);
    let written = if written.trim().is_empty() {
        "{}"
    } else {
        &written
    };
    let operation = graphql["operationName"].as_str().unwrap_or_default();
    match serde_json::from_str::<Value>(written) {
        Ok(variables) => {
            let variables = templated(draft, &variables);
            let mut sent = json!({ "query": query, "variables": variables });
            if !operation.is_empty() {
                sent["operationName"] = json!(draft.template(operation, made_up));
            }
            step.say("json", sent);
        }
        // It becomes JSON when names are put in.
        Err(_) => {
            let query = json!(text(&graphql["query"])).to_string();
            let operation = match operation {
                "" => String::new(),
                operation => format!(", \"operationName\": {}", json!(operation)),
            };
            let sent = format!("{{\"query\": {query}, \"variables\": {written}{operation}}}");
            if !step.has_header("content-type") {
                step.add("headers", "Content-Type", "application/json");
            }
            step.say("body", draft.template(&sent, made_up));
        }
    }
}

fn form(draft: &mut Draft, step: &mut Step, fields: &Value) {
    let mut parts = Map::new();
    for row in rows(fields) {
        let key = text(&row["key"]);
        let part = match row["type"] == "file" {
            true => {
                let file = row["src"]
                    .as_str()
                    .map_or_else(|| text(&row["src"][0]), str::to_owned);
                draft.leave(
                    step,
                    None,
                    format!("the file `{file}` of the field `{key}`: its name stands in its place"),
                );
                json!({ "text": file })
            }
            false => {
                let (value, is_one) = (text(&row["value"]), lets_in(&key));
                match is_one && !value.contains("{{") {
                    true => json!({ "text": format!("${{{}}}", draft.secret_of(&key, &value)) }),
                    false => json!({ "text": draft.template(&value, made_up) }),
                }
            }
        };
        if parts.contains_key(&key) {
            draft.leave(step, None, format!("a second field `{key}`"));
            continue;
        }
        parts.insert(key, part);
    }
    step.say("multipart", parts);
}
