//! Recordings of browsers (HAR 1.2) as scenarios: what the product was asked, without what surrounds it.
//!
//! Pictures, scripts, preflights and other sites are left out and counted; redirects are one step; what a reply
//! gave and a later request sends is captured by [`super::har_origin`]. Invariant: nothing that lets somebody in
//! is written down.

use super::draft::{Draft, Step};
use super::har_origin::{Origins, Seen};
use super::placeholders::escaped;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Source;
use crate::secret::lets_in;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Headers of requests that are part of the journey; the others are made anew by who sends it.
const KEPT: [&str; 5] = [
    "content-type",
    "accept",
    "origin",
    "x-requested-with",
    "authorization",
];
/// Longest pause that is taken over, in milliseconds.
const THINK_MAX_MS: i64 = 5_000;

/// What is wanted of a recording.
#[derive(Debug, Default, Clone)]
pub struct Wanted {
    /// Hosts whose requests are taken; the first one's alone by default.
    pub hosts: Vec<String>,
    /// Whether pauses between requests are taken over.
    pub think: bool,
}

/// Makes a draft of a recording.
///
/// # Errors
///
/// What is no recording, or holds no request of these hosts.
pub fn import(source: &Arc<Source>, name: &str, wanted: &Wanted) -> Result<Draft, Box<Diagnostic>> {
    let har = super::reading::json(source)?;
    let wrong = |title: String| Box::new(Diagnostic::error("bad-import", title));
    let Some(entries) = har["log"]["entries"].as_array() else {
        return Err(wrong(format!(
            "`{}` is no recording: it has no `log.entries`",
            source.path
        )));
    };
    let hosts = match wanted.hosts.is_empty() {
        true => entries
            .iter()
            .find(|entry| is_kept(entry))
            .map(|entry| vec![host(entry)])
            .unwrap_or_default(),
        false => wanted.hosts.clone(),
    };
    let mut elsewhere: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken = Vec::new();
    for entry in entries {
        let host = host(entry);
        if !hosts.iter().any(|known| known.eq_ignore_ascii_case(&host)) {
            *elsewhere.entry(host).or_default() += 1;
        } else if is_kept(entry) {
            taken.push(entry);
        }
    }
    let mut draft = Draft::new(name);
    let mut origins = Origins::default();
    let mut at = 0;
    while at < taken.len() {
        let last = last_hop(&taken, at);
        one(&mut draft, &mut origins, taken[at], taken[last]);
        if wanted.think
            && let Some(next) = taken.get(last + 1)
            && let Some(step) = draft.steps.last_mut()
        {
            let pause = (began(next) - ended(taken[last])).min(THINK_MAX_MS);
            if pause > 0 {
                step.say("think", format!("{pause}ms"));
            }
        }
        at = last + 1;
    }
    if draft.steps.is_empty() {
        return Err(wrong(format!(
            "`{}` holds no request to {}",
            source.path,
            hosts.join(", ")
        )));
    }
    for (host, count) in elsewhere {
        let are = if count == 1 { "request" } else { "requests" };
        draft.leave_of_all(
            None,
            format!("{count} {are} to `{host}`: name it with `--host` if it is yours"),
        );
    }
    Ok(draft)
}

fn host(entry: &Value) -> String {
    let url = entry["request"]["url"].as_str().unwrap_or_default();
    let uri = url
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .parse::<http::Uri>()
        .ok();
    let authority = uri.and_then(|uri| uri.authority().map(|authority| authority.to_string()));
    authority.unwrap_or_default()
}

/// Whether a request is part of what the product was asked.
fn is_kept(entry: &Value) -> bool {
    let (request, reply) = (&entry["request"], &entry["response"]);
    let url = request["url"].as_str().unwrap_or_default();
    let has_status = reply["status"].as_u64().is_some_and(|status| status > 0);
    if !url.starts_with("http")
        || request["method"] == "OPTIONS"
        || !has_status
        || entry.get("_fromCache").is_some()
    {
        return false;
    }
    if let Some(kind) = entry["_resourceType"].as_str() {
        return matches!(kind, "document" | "xhr" | "fetch");
    }
    let kind = reply["content"]["mimeType"].as_str().unwrap_or_default();
    let beside = [
        "image/",
        "font/",
        "text/css",
        "javascript",
        "video/",
        "audio/",
    ];
    !beside.iter().any(|word| kind.contains(word))
}

/// The last of the requests that redirects made of one.
fn last_hop(taken: &[&Value], first: usize) -> usize {
    let mut at = first;
    loop {
        let to = taken[at]["response"]["redirectURL"]
            .as_str()
            .unwrap_or_default();
        let is_hop =
            (300..400).contains(&taken[at]["response"]["status"].as_u64().unwrap_or_default());
        let Some(next) = taken.get(at + 1).filter(|_| is_hop && !to.is_empty()) else {
            return at;
        };
        let base = taken[at]["request"]["url"].as_str().unwrap_or_default();
        let Some(resolved) = base
            .parse()
            .ok()
            .and_then(|base| crate::net::redirect::resolve(&base, to).ok())
        else {
            return at;
        };
        if next["request"]["url"].as_str() != Some(resolved.to_string().as_str()) {
            return at;
        }
        at += 1;
    }
}

fn began(entry: &Value) -> i64 {
    let text = entry["startedDateTime"].as_str().unwrap_or_default();
    chrono::DateTime::parse_from_rfc3339(text).map_or(0, |time| time.timestamp_millis())
}

fn ended(entry: &Value) -> i64 {
    began(entry) + entry["time"].as_f64().unwrap_or_default() as i64
}

fn one(draft: &mut Draft, origins: &mut Origins, first: &Value, last: &Value) {
    let request = &first["request"];
    let (method, url) = (
        request["method"].as_str().unwrap_or("GET"),
        request["url"].as_str().unwrap_or_default(),
    );
    let plain = url.split('#').next().unwrap_or_default();
    let (path, query) = plain.split_once('?').unwrap_or((plain, ""));
    let shown = path.splitn(4, '/').nth(3).unwrap_or_default();
    let mut address = String::new();
    for (at, part) in path.split('/').enumerate() {
        if at > 0 {
            address.push('/');
        }
        match at > 2 {
            true => address.push_str(&origins.put(draft, part).unwrap_or_else(|| escaped(part))),
            false => address.push_str(&escaped(part)),
        }
    }
    let pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            let made = origins.put(draft, &plain);
            let made = made
                .or_else(|| hidden(draft, name, &plain))
                .unwrap_or_else(|| escaped(value));
            format!("{}={made}", escaped(name))
        })
        .collect();
    if !pairs.is_empty() {
        address = format!("{address}?{}", pairs.join("&"));
    }
    let mut step = Step::request(&format!("{method} /{shown}"), method, &address);
    for header in request["headers"].as_array().into_iter().flatten() {
        let (name, value) = (
            header["name"].as_str().unwrap_or_default(),
            header["value"].as_str().unwrap_or_default(),
        );
        let lower = name.to_ascii_lowercase();
        if !KEPT.contains(&lower.as_str()) && !lower.contains("csrf") && !lower.contains("xsrf") {
            continue;
        }
        if lower == "content-type" && value.contains("multipart") {
            continue;
        }
        let token = value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let made = match token {
            Some((scheme, token)) => origins
                .put(draft, token)
                .map(|made| format!("{scheme} {made}")),
            None => origins.put(draft, value),
        };
        let made = made.unwrap_or_else(|| escaped(value));
        draft.header(&mut step, name, &made);
    }
    body(draft, origins, &mut step, &request["postData"]);
    let status = last["response"]["status"].as_u64().unwrap_or_default();
    step.check(format!("status == {status}"));
    if (300..400).contains(&status) {
        step.say("redirects", false);
    }
    draft.push(step);
    origins.see(draft.steps.len() - 1, &seen(last));
}

/// What lets somebody in, as the secret that stands in its place.
fn hidden(draft: &mut Draft, name: &str, value: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let is_one =
        lets_in(&lower) || lower.contains("pass") || lower == "code" || lower == "assertion";
    (is_one && !value.is_empty()).then(|| format!("${{{}}}", draft.secret(name)))
}

fn body(draft: &mut Draft, origins: &mut Origins, step: &mut Step, data: &Value) {
    let text = data["text"].as_str().unwrap_or_default();
    let kind = data["mimeType"].as_str().unwrap_or_default();
    if kind.contains("urlencoded") {
        let given = data["params"]
            .as_array()
            .filter(|params| !params.is_empty());
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text)
                .decode_utf8_lossy()
                .into_owned()
        };
        let pairs: Vec<(String, String)> = match given {
            Some(params) => params
                .iter()
                .map(|one| {
                    let part = |key: &str| decoded(one[key].as_str().unwrap_or_default());
                    (part("name"), part("value"))
                })
                .collect(),
            None => text
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decoded(name), decoded(value))
                })
                .collect(),
        };
        for (name, value) in pairs {
            let made = origins.put(draft, &value);
            let made = made
                .or_else(|| hidden(draft, &name, &value))
                .unwrap_or_else(|| escaped(&value));
            step.add("form", &escaped(&name), &made);
        }
        return;
    }
    if kind.contains("multipart") {
        draft.leave(step, None, "a multipart body: say `multipart`");
        return;
    }
    if text.is_empty() {
        return;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() || value.is_array() => {
            let value = leaves(draft, origins, "", &value);
            step.say("json", value);
        }
        _ => step.say("body", escaped(text)),
    }
}

/// A value of JSON with what came from elsewhere put in.
fn leaves(draft: &mut Draft, origins: &mut Origins, name: &str, value: &Value) -> Value {
    match value {
        Value::Object(all) => {
            let mut made = Map::new();
            for (key, value) in all {
                made.insert(key.clone(), leaves(draft, origins, key, value));
            }
            Value::Object(made)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| leaves(draft, origins, name, item))
            .collect(),
        Value::String(text) => {
            let made = origins.put(draft, text);
            let made = made.or_else(|| hidden(draft, name, text));
            json!(made.unwrap_or_else(|| escaped(text)))
        }
        Value::Number(number) => match origins.put(draft, &number.to_string()) {
            Some(made) => json!(made),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

/// What a reply gave.
fn seen(entry: &Value) -> Seen {
    let content = &entry["response"]["content"];
    let text = content["text"].as_str().unwrap_or_default();
    let text = match content["encoding"] == "base64" {
        true => STANDARD.decode(text).map_or(String::new(), |bytes| {
            String::from_utf8_lossy(&bytes).into_owned()
        }),
        false => text.to_owned(),
    };
    let headers = entry["response"]["headers"]
        .as_array()
        .into_iter()
        .flatten();
    let headers = headers.filter_map(|header| {
        Some((
            header["name"].as_str()?.to_owned(),
            header["value"].as_str()?.to_owned(),
        ))
    });
    Seen {
        headers: headers.collect(),
        text,
    }
}
