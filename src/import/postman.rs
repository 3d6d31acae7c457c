//! Collections of Postman (2.0 and 2.1) as scenarios.
//!
//! There a failed test does not stop what comes after it, any status passes where no test asks for it, and
//! redirects are followed. Knows the file's form; what tests become is [`super::postman_script`]'s.

use super::draft::{Draft, Step};
use super::placeholders::{Piece, pieces};
use super::postman_auth::authenticate;
use super::postman_body::body;
use super::postman_script;
use super::reading::text;
use super::words::{asks_of_status, identifier};
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Source;
use crate::secret::lets_in;
use serde_json::{Value, json};
use std::sync::Arc;

/// What is asked where nothing asks for a status: there, any passes.
const ANY_STATUS: &str = "status > 0";

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
        variables(&mut draft, environment.get("values"), "environment");
    }
    variables(
        &mut draft,
        collection.get("variable"),
        "collectionVariables",
    );
    let around = Around {
        path: "",
        auth: collection.get("auth"),
        events: &[collection],
        depth: 0,
    };
    walk(&mut draft, items, around);
    nothing_is_judged(&mut draft);
    if draft.steps.is_empty() {
        let title = format!("there is no request in `{}`", source.path);
        return Err(Box::new(Diagnostic::error("bad-import", title)));
    }
    Ok(draft)
}

/// Where of all that was tested nothing could be carried over, nothing that is performed says anything.
fn nothing_is_judged(draft: &mut Draft) {
    let judges = |step: &Step| {
        let checks = step.says.get("check").and_then(Value::as_array);
        let says_little = |check: &Value| check == ANY_STATUS || check == postman_script::IS_JSON;
        checks.is_some_and(|checks| !checks.iter().all(says_little))
    };
    let mut all = draft.left.iter();
    let is_left = all.any(|left| left.what.starts_with(postman_script::OF_TESTS));
    if is_left && !draft.steps.iter().any(judges) {
        for step in &mut draft.steps {
            step.say("advisory", true);
        }
    }
}

fn variables(draft: &mut Draft, all: Option<&Value>, scope: &str) {
    for one in all.and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = one["key"].as_str().filter(|name| !name.is_empty()) else {
            continue;
        };
        if one["enabled"] == json!(false) || one["disabled"] == json!(true) {
            continue;
        }
        let value = text(&one["value"]);
        if let Some(other) = draft.stands_in(name, scope) {
            let what = format!("the variable `{name}` of `{scope}`: that of `{other}` comes first");
            draft.leave_of_all(None, what);
        }
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
            if raw(request.get("url").unwrap_or(request)).trim().is_empty() {
                draft.leave_of_all(None, format!("the request `{path}`, which has no URL"));
                continue;
            }
            let step = one(draft, item, request, &path, around);
            draft.push(step);
        }
    }
}

fn one(draft: &mut Draft, item: &Value, request: &Value, name: &str, around: Around<'_>) -> Step {
    // A request may be a URL alone.
    let address = request.get("url").unwrap_or(request);
    let method = request["method"].as_str().unwrap_or("GET");
    let holders: Vec<&Value> = around.events.iter().copied().chain([item]).collect();
    let scripts = |listen: &str| -> Vec<String> {
        let events = holders.iter().map(|holder| &holder["event"]);
        let events = events.filter_map(Value::as_array).flatten();
        let own = events.filter(|event| event["listen"] == listen);
        own.map(|event| script(&event["script"]["exec"])).collect()
    };
    // What it sets before is known to what is sent.
    let mut set = Step::default();
    for script in scripts("prerequest") {
        postman_script::set_before(draft, &mut set, &script);
    }
    let url = url(draft, address);
    let mut step = Step::request(name, method, &url);
    step.left = set.left;
    if let Some(capture) = set.says.remove("capture") {
        step.say("capture", capture);
    }
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
    // Postman itself sends none with these, unless it is told to.
    let prunes = item["protocolProfileBehavior"]["disableBodyPruning"] != json!(true);
    if !(prunes && ["GET", "HEAD", "COPY", "PURGE", "UNLOCK"].contains(&method)) {
        body(draft, &mut step, &request["body"]);
    }
    behavior(draft, &mut step, &item["protocolProfileBehavior"]);
    step.say("continue", true);
    for script in scripts("test") {
        if !script.trim().is_empty() {
            postman_script::carry_over(draft, &mut step, &script, made_up);
        }
    }
    let asks = |check: &Value| check.as_str().is_some_and(asks_of_status);
    let checks = step.says.get("check").and_then(Value::as_array);
    if !checks.is_some_and(|checks| checks.iter().any(asks)) {
        step.check(ANY_STATUS);
    }
    step
}

fn script(exec: &Value) -> String {
    match exec {
        Value::Array(lines) => lines.iter().map(text).collect::<Vec<_>>().join("\n"),
        other => text(other),
    }
}

pub(super) fn rows(all: &Value) -> impl Iterator<Item = &Value> {
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
        true => format!("${{{}}}", draft.secret_of(key, value)),
        false => draft.template(value, made_up),
    };
    format!("{}={value}", draft.template(key, made_up))
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
