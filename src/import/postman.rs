//! Collections of Postman (2.0 and 2.1) as scenarios.
//!
//! There a failed test does not stop what comes after it, any status passes where no test asks for it, and
//! redirects are followed. Knows the file's form; what tests become is [`super::postman_script`]'s.

use super::draft::{Draft, Step, lets_in};
use super::placeholders::{Piece, pieces};
use super::postman_auth::authenticate;
use super::postman_script;
use super::reading::text;
use super::words::{asks_of_status, identifier};
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Source;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Folders in each other.
const DEPTH_MAX: usize = 30;

/// What requests are given by the folders they stand in.
#[derive(Clone, Copy)]
struct Around<'a> {
    path: &'a str,
    auth: Option<&'a Value>,
    events: &'a [&'a Value],
    depth: usize,
}

/// Makes a draft of a collection, with the values of an environment, if there is one.
///
/// # Errors
///
/// What is no collection.
pub fn import(
    source: &Arc<Source>,
    name: &str,
    environment: Option<&Arc<Source>>,
) -> Result<Draft, Box<Diagnostic>> {
    let collection = super::reading::json(source)?;
    // As it is exported, and as the API gives it.
    let collection = collection.get("collection").unwrap_or(&collection);
    let Some(items) = collection.get("item").and_then(Value::as_array) else {
        let title = format!(
            "`{}` is no collection of Postman: it has no `item`",
            source.path
        );
        return Err(Box::new(Diagnostic::error("bad-import", title)));
    };
    let mut draft = Draft::new(name);
    if let Some(environment) = environment {
        let environment = super::reading::json(environment)?;
        variables(&mut draft, environment.get("values"));
    }
    variables(&mut draft, collection.get("variable"));
    let around = Around {
        path: "",
        auth: collection.get("auth"),
        events: &[collection],
        depth: 0,
    };
    walk(&mut draft, items, around);
    if draft.steps.is_empty() {
        let title = format!("there is no request in `{}`", source.path);
        return Err(Box::new(Diagnostic::error("bad-import", title)));
    }
    Ok(draft)
}

fn variables(draft: &mut Draft, all: Option<&Value>) {
    for one in all.and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = one["key"].as_str().filter(|name| !name.is_empty()) else {
            continue;
        };
        if one["enabled"] == json!(false) || one["disabled"] == json!(true) {
            continue;
        }
        let value = text(&one["value"]);
        if value.contains("{{") {
            draft.leave_of_all(
                None,
                format!("the value of the variable `{name}`, which is made of others"),
            );
            draft.input(name, None);
            continue;
        }
        match one["type"] == "secret" || lets_in(name) {
            true => drop(draft.secret(name)),
            false => drop(
                draft.input(
                    name,
                    Some(&value)
                        .filter(|value| !value.is_empty())
                        .map(|value| value.as_str()),
                ),
            ),
        }
    }
}

/// What Postman makes up when somebody asks for it.
pub(super) fn made_up(name: &str) -> Option<String> {
    let name = name.strip_prefix('$')?;
    let fixed = |text: &str| Some(format!("'{text}'"));
    match name {
        "guid" | "randomUUID" => Some("uuid()".to_owned()),
        "timestamp" => Some("int(now)".to_owned()),
        "isoTimestamp" => Some("string(now)".to_owned()),
        "randomInt" => Some("random(0, 1000)".to_owned()),
        "randomBoolean" => Some("random(0, 1) == 1".to_owned()),
        "randomEmail" | "randomExampleEmail" => {
            Some("'user' + string(random(1, 1000000)) + '@example.com'".to_owned())
        }
        "randomFirstName" => fixed("Robin"),
        "randomLastName" => fixed("Miller"),
        "randomFullName" => fixed("Robin Miller"),
        "randomUserName" => Some("'user' + string(random(1, 1000000))".to_owned()),
        "randomWord" | "randomNoun" => fixed("word"),
        "randomCity" => fixed("Springfield"),
        "randomColor" => fixed("green"),
        "randomPrice" => Some("string(random(1, 1000)) + '.00'".to_owned()),
        _ => None,
    }
}

fn walk(draft: &mut Draft, items: &[Value], around: Around<'_>) {
    for item in items {
        let name = item["name"].as_str().unwrap_or_default();
        let path = match (around.path, name) {
            ("", name) => name.to_owned(),
            (path, "") => path.to_owned(),
            (path, name) => format!("{path} / {name}"),
        };
        if let Some(inner) = item.get("item").and_then(Value::as_array) {
            if around.depth >= DEPTH_MAX {
                draft.leave_of_all(None, format!("the folder `{path}`, which stands too deep"));
                continue;
            }
            let mut events = around.events.to_vec();
            events.push(item);
            let inside = Around {
                path: &path,
                auth: item
                    .get("auth")
                    .filter(|auth| !auth.is_null())
                    .or(around.auth),
                events: &events,
                depth: around.depth + 1,
            };
            walk(draft, inner, inside);
        } else if let Some(request) = item.get("request") {
            let step = one(draft, item, request, &path, around);
            draft.push(step);
        }
    }
}

fn one(draft: &mut Draft, item: &Value, request: &Value, name: &str, around: Around<'_>) -> Step {
    // A request may be a URL alone.
    let address = request.get("url").unwrap_or(request);
    let method = request["method"].as_str().unwrap_or("GET");
    let url = url(draft, address);
    let mut step = Step::request(name, method, &url);
    for made in pieces(&raw(address)) {
        if let Piece::Name(known) = made
            && known.starts_with('$')
            && made_up(known).is_none()
        {
            draft.leave(
                &mut step,
                None,
                format!("`{{{{{known}}}}}`, which Postman makes up: an input stands in its place"),
            );
        }
    }
    for row in rows(&request["header"]) {
        let (name, value) = (text(&row["key"]), text(&row["value"]));
        let value = draft.template(&value, made_up);
        if !name.trim().is_empty() {
            draft.header(&mut step, name.trim(), &value);
        }
    }
    let own = request.get("auth").filter(|auth| !auth.is_null());
    if let Some(auth) = own.or(around.auth) {
        authenticate(draft, &mut step, auth);
    }
    body(draft, &mut step, &request["body"]);
    behavior(draft, &mut step, &item["protocolProfileBehavior"]);
    step.say("continue", true);
    let holders: Vec<&Value> = around.events.iter().copied().chain([item]).collect();
    for (listen, carries) in [("prerequest", false), ("test", true)] {
        for holder in &holders {
            for event in holder["event"].as_array().into_iter().flatten() {
                if event["listen"] == listen {
                    let script = script(&event["script"]["exec"]);
                    scripted(draft, &mut step, &script, carries);
                }
            }
        }
    }
    let asks = |check: &Value| check.as_str().is_some_and(asks_of_status);
    let checks = step.says.get("check").and_then(Value::as_array);
    if !checks.is_some_and(|checks| checks.iter().any(asks)) {
        step.check("status > 0");
    }
    step
}

fn script(exec: &Value) -> String {
    match exec {
        Value::Array(lines) => lines.iter().map(text).collect::<Vec<_>>().join("\n"),
        other => text(other),
    }
}

fn scripted(draft: &mut Draft, step: &mut Step, script: &str, is_after: bool) {
    if script.trim().is_empty() {
        return;
    }
    if is_after {
        postman_script::carry_over(draft, step, script, made_up);
        return;
    }
    let line = script.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().take(160).collect();
    draft.leave(step, None, format!("the script before it: `{line}`"));
}

fn rows(all: &Value) -> impl Iterator<Item = &Value> {
    let all = all.as_array().into_iter().flatten();
    all.filter(|row| row["disabled"] != json!(true))
}

fn raw(address: &Value) -> String {
    if let Some(raw) = address.as_str() {
        return raw.to_owned();
    }
    if let Some(raw) = address["raw"].as_str() {
        return raw.to_owned();
    }
    let joined = |key: &str, by: &str| match &address[key] {
        Value::Array(parts) => parts
            .iter()
            .map(|part| {
                part["value"]
                    .as_str()
                    .map_or_else(|| text(part), str::to_owned)
            })
            .collect::<Vec<_>>()
            .join(by),
        other => text(other),
    };
    let protocol = address["protocol"].as_str().unwrap_or("http");
    format!(
        "{protocol}://{}/{}",
        joined("host", "."),
        joined("path", "/")
    )
}

/// The URL as a template: variables of its path are put in, and what is disabled is left out.
fn url(draft: &mut Draft, address: &Value) -> String {
    let whole = raw(address);
    let mut path = whole
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_owned();
    for variable in address["variable"].as_array().into_iter().flatten() {
        let (key, value) = (text(&variable["key"]), text(&variable["value"]));
        let value = match value.is_empty() {
            true => format!("{{{{{key}}}}}"),
            false => value,
        };
        let parts: Vec<&str> = path.split('/').collect();
        let put = |part: &&str| match part.strip_prefix(':') {
            Some(name) if name == key => value.clone(),
            _ => (*part).to_owned(),
        };
        path = parts.iter().map(put).collect::<Vec<_>>().join("/");
    }
    if !path.contains("://") && !path.starts_with("{{") {
        path = format!("http://{path}");
    }
    let url = draft.template(&path, made_up);
    let pairs: Vec<String> = match address["query"].as_array() {
        Some(_) => rows(&address["query"])
            .map(|row| pair(draft, &text(&row["key"]), &text(&row["value"])))
            .collect(),
        None => whole
            .split_once('?')
            .map_or("", |(_, query)| query.split('#').next().unwrap_or_default())
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|one| {
                let (key, value) = one.split_once('=').unwrap_or((one, ""));
                pair(draft, key, value)
            })
            .collect(),
    };
    match pairs.is_empty() {
        true => url,
        false => format!("{url}?{}", pairs.join("&")),
    }
}

fn pair(draft: &mut Draft, key: &str, value: &str) -> String {
    let value = match lets_in(key) && !value.is_empty() && !value.contains("{{") {
        true => format!("${{{}}}", draft.secret(key)),
        false => draft.template(value, made_up),
    };
    format!("{}={value}", draft.template(key, made_up))
}

fn body(draft: &mut Draft, step: &mut Step, body: &Value) {
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
            let sent = draft.template(&sent, made_up);
            step.say("body", draft.body(&sent));
        }
        Some("urlencoded") => {
            for row in rows(&body["urlencoded"]) {
                let (key, value) = (text(&row["key"]), text(&row["value"]));
                let value = match lets_in(&key) && !value.is_empty() && !value.contains("{{") {
                    true => format!("${{{}}}", draft.secret(&key)),
                    false => draft.template(&value, made_up),
                };
                step.add("form", &draft.template(&key, made_up), &value);
            }
        }
        Some("formdata") => {
            let mut parts = Map::new();
            for row in rows(&body["formdata"]) {
                let key = text(&row["key"]);
                let part = match row["type"] == "file" {
                    true => {
                        let file = row["src"]
                            .as_str()
                            .map_or_else(|| text(&row["src"][0]), str::to_owned);
                        draft.leave(step, None, format!("the file `{file}` of the field `{key}`: its name stands in its place"));
                        json!({ "text": file })
                    }
                    false => {
                        let (value, is_one) = (text(&row["value"]), lets_in(&key));
                        match is_one && !value.contains("{{") {
                            true => json!({ "text": format!("${{{}}}", draft.secret(&key)) }),
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
        Some("graphql") => {
            let graphql = &body["graphql"];
            let query = draft.template(&text(&graphql["query"]), made_up);
            let variables = serde_json::from_str::<Value>(&text(&graphql["variables"]))
                .unwrap_or_else(|_| json!({}));
            let variables = templated(draft, &variables);
            step.say("json", json!({ "query": query, "variables": variables }));
        }
        Some("file") => draft.leave(step, None, "a body of a file: put it into `body`"),
        _ => {}
    }
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

fn behavior(draft: &mut Draft, step: &mut Step, behavior: &Value) {
    for (key, value) in behavior.as_object().into_iter().flatten() {
        match key.as_str() {
            "followRedirects" if value == false => step.say("redirects", false),
            "maxRedirects" if value.is_u64() && !step.has("redirects") => {
                step.say("redirects", value.clone());
            }
            "strictSSL" if value == false => step.say("verify", false),
            "followRedirects" | "strictSSL" | "disableBodyPruning" | "maxRedirects"
            | "disableCookies" => {}
            other => draft.leave(
                step,
                None,
                format!("`{}` of the request", identifier(other)),
            ),
        }
    }
}
