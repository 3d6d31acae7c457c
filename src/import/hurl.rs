//! Files of Hurl as scenarios: what differs in meaning is written out.
//!
//! Hurl follows no redirect unless it is told to, takes any status where none is said, and keeps one jar of
//! cookies a file. Knows what its options and sections become; what asserts become is [`super::hurl_asked`]'s.

use super::draft::{Draft, Step};
use super::hurl_asked::{captured, condition, constant};
use super::hurl_options::{Asked, asked};
use super::hurl_syntax::{self, Body, Entry, Reply, Row, Section};
use super::words::text_literal;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::{Source, Span};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Makes a draft of a file.
///
/// # Errors
///
/// What is not Hurl, with its place.
pub fn import(source: &Arc<Source>, name: &str) -> Result<Draft, Box<Diagnostic>> {
    let entries = hurl_syntax::read(&source.text).map_err(|(at, expected)| {
        let line = source.text[at..].split('\n').next().unwrap_or_default();
        let span = Span::new(at, at + line.trim_end().len().max(1));
        let title = "this is no file of Hurl";
        Box::new(Diagnostic::error("bad-import", title).at(
            source,
            span,
            format!("expected {expected}"),
        ))
    })?;
    let mut draft = Draft::new(name);
    for entry in &entries {
        let step = one(&mut draft, entry);
        if let Some(step) = step {
            draft.push(step);
        }
    }
    if draft.steps.is_empty() {
        let title = "there is no request in this file";
        return Err(Box::new(Diagnostic::error("bad-import", title).at(
            source,
            Span::new(0, 0),
            "",
        )));
    }
    Ok(draft)
}

/// The path of a URL that may begin with a placeholder.
fn path_of(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let rest = match path.starts_with("{{") {
        true => path.find("}}").map(|end| &path[end + 2..]),
        false => path
            .split_once("://")
            .map(|(_, rest)| rest.find('/').map_or("/", |at| &rest[at..])),
    };
    rest.filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// What Hurl makes up when somebody asks for it.
fn made_up(name: &str) -> Option<String> {
    match name {
        "newUuid" => Some("uuid()".to_owned()),
        "newDate" => Some("string(now)".to_owned()),
        _ => None,
    }
}

fn one(draft: &mut Draft, entry: &Entry) -> Option<Step> {
    let options = section(&entry.sections, &["Options"]);
    let Asked {
        before,
        sigv4,
        redirects,
        after,
        left,
    } = asked(draft, entry, options)?;
    for wait in before {
        let mut step = Step {
            name: format!("wait {wait}"),
            ..Step::default()
        };
        step.say("wait", wait);
        draft.push(step);
    }
    let url = draft.template(&entry.url, made_up);
    let (url, user) = draft.address(&url);
    let name = format!("{} {}", entry.method, path_of(&entry.url));
    let mut step = Step::request(&name, &entry.method, &url);
    for (line, what) in left {
        draft.leave(&mut step, Some(line), what);
    }
    if let Some([user, word]) = user {
        draft.basic(&mut step, "basic", &user, &word);
    }
    sent(draft, &mut step, entry);
    for row in options {
        let value = draft.template(&row.value, made_up);
        match (row.name.as_str(), value.split_once(':')) {
            ("user", Some(pair)) => match &sigv4 {
                Some(said) => draft.sigv4(&mut step, Some(row.line), (said, &url), pair),
                None => draft.basic(&mut step, "basic", pair.0, pair.1),
            },
            ("header", Some((name, value))) => draft.header(&mut step, name.trim(), value.trim()),
            _ => {}
        }
    }
    step.say(
        "redirects",
        if redirects.0 {
            json!(redirects.1)
        } else {
            json!(false)
        },
    );
    step.says.extend(after);
    match &entry.reply {
        Some(reply) => expected(draft, &mut step, reply),
        None => step.check("status > 0"),
    }
    Some(step)
}

fn section<'a>(sections: &'a [Section], names: &[&str]) -> &'a [Row] {
    let found = sections
        .iter()
        .find(|section| names.contains(&section.name.as_str()));
    found.map_or(&[], |section| section.rows.as_slice())
}

/// What is sent: headers, sections and the body.
fn sent(draft: &mut Draft, step: &mut Step, entry: &Entry) {
    for row in &entry.headers {
        let value = draft.template(&row.value, made_up);
        draft.header(step, &row.name, &value);
    }
    for (names, key) in [
        (["Query", "QueryStringParams"], "query"),
        (["Form", "FormParams"], "form"),
    ] {
        for row in section(&entry.sections, &names) {
            let (name, value) = (
                draft.template(&row.name, made_up),
                draft.template(&row.value, made_up),
            );
            let is_fixed = !value.contains("${") && !value.is_empty();
            let value = match is_fixed && crate::secret::lets_in(&name) {
                true => format!("${{{}}}", draft.secret_of(&name, &value)),
                false => value,
            };
            step.add(key, &name, &value);
        }
    }
    for row in section(&entry.sections, &["Multipart", "MultipartFormData"]) {
        multipart(draft, step, row);
    }
    let cookies: Vec<String> = section(&entry.sections, &["Cookies"])
        .iter()
        .map(|row| format!("{}={}", row.name, draft.template(&row.value, made_up)))
        .collect();
    if !cookies.is_empty() {
        draft.header(step, "Cookie", &cookies.join("; "));
    }
    if let Some(row) = section(&entry.sections, &["BasicAuth"]).first() {
        let (user, word) = (
            draft.template(&row.name, made_up),
            draft.template(&row.value, made_up),
        );
        draft.basic(step, "basic", &user, &word);
    }
    if entry.body.is_some() && (step.has("form") || step.has("multipart")) {
        let what = "a body beside a form: one of them is sent there";
        draft.leave(step, Some(entry.line), what);
        return;
    }
    let typed = step.has_header("content-type");
    match &entry.body {
        None => {}
        Some(Body::Json(text)) => {
            if !typed {
                step.add("headers", "Content-Type", "application/json");
            }
            let text = draft.json_template(text, made_up);
            step.say("body", draft.body(&text));
        }
        Some(Body::Xml(text)) => {
            if !typed {
                step.add("headers", "Content-Type", "application/xml");
            }
            step.say("body", super::placeholders::escaped(text));
        }
        Some(Body::Made(kind)) => {
            draft.leave(step, Some(entry.line), format!("a body of `{kind}`"));
        }
        Some(Body::Text(text)) => step.say("body", draft.template(text, made_up)),
        Some(Body::Letters(text)) => step.say("body", super::placeholders::escaped(text)),
        Some(Body::File(file)) => {
            draft.leave(
                step,
                Some(entry.line),
                format!("the body of the file `{file}`: put it into `body`"),
            );
        }
        Some(Body::Bytes(_)) => draft.leave(step, Some(entry.line), "a body of bytes"),
    }
}

fn multipart(draft: &mut Draft, step: &mut Step, row: &Row) {
    let name = draft.template(&row.name, made_up);
    let part = match row.value.strip_prefix("file,") {
        Some(rest) => {
            let (file, about) = rest.split_once(';').unwrap_or((rest, ""));
            let mut part = json!({ "file": file.trim() });
            if !about.trim().is_empty() {
                part["content_type"] = json!(about.trim());
            }
            part
        }
        None if crate::secret::lets_in(&name) && !row.value.contains("{{") => {
            json!({ "text": format!("${{{}}}", draft.secret_of(&name, &row.value)) })
        }
        None => json!({ "text": draft.template(&row.value, made_up) }),
    };
    let parts = step.says.entry("multipart").or_insert_with(|| json!({}));
    match parts.get(&name) {
        None => parts[&name] = part,
        Some(_) => draft.leave(step, Some(row.line), format!("a second field `{name}`")),
    }
}

/// What is expected of the reply, and what is kept of it.
fn expected(draft: &mut Draft, step: &mut Step, reply: &Reply) {
    let asks_of_status = |row: &Row| row.value.starts_with("status");
    let asserts = section(&reply.sections, &["Asserts"]);
    match reply.status.as_str() {
        "*" if asserts.iter().any(asks_of_status) => {}
        "*" => step.check("status > 0"),
        status => step.check(format!("status == {status}")),
    }
    match reply.version.as_str() {
        "HTTP/2" => step.check("version == 'HTTP/2'"),
        "HTTP/1.1" => step.check("version == 'HTTP/1.1'"),
        "HTTP" => {}
        other => draft.leave(step, None, format!("the version `{other}`")),
    }
    let mut named = BTreeSet::new();
    for row in &reply.headers {
        if !named.insert(row.name.to_ascii_lowercase()) {
            draft.leave(
                step,
                Some(row.line),
                format!("a second header `{}`", row.name),
            );
            continue;
        }
        let value = draft.expression(&row.value, made_up);
        step.check(format!("headers[{}] == {value}", text_literal(&row.name)));
    }
    for row in section(&reply.sections, &["Captures"]) {
        match captured(draft, &row.words) {
            Ok((expression, must)) => {
                must.into_iter().for_each(|must| step.check(must));
                draft.capture(step, &row.name, expression);
            }
            Err(why) => draft.leave(
                step,
                Some(row.line),
                format!("the capture `{}`: {why}", row.value),
            ),
        }
    }
    for row in asserts {
        match condition(draft, &row.words) {
            Ok(assert) => {
                if let Some(first) = assert.first {
                    step.check(first);
                }
                step.check(assert.condition);
            }
            Err(why) => draft.leave(
                step,
                Some(row.line),
                format!("the assert `{}`: {why}", row.value),
            ),
        }
    }
    match &reply.body {
        None => {}
        Some(Body::Json(text)) => {
            // Letter by letter, as Hurl has it.
            let value = draft.expression(text, constant);
            step.check(format!("text == {value}"));
        }
        Some(Body::Made(kind)) => draft.leave(step, None, format!("a body of `{kind}`")),
        Some(Body::Text(text)) => {
            let value = draft.expression(text, constant);
            step.check(format!("text == {value}"));
        }
        Some(Body::Letters(text) | Body::Xml(text)) => {
            step.check(format!("text == {}", text_literal(text)));
        }
        Some(Body::File(file)) => draft.leave(step, None, format!("the body of the file `{file}`")),
        Some(Body::Bytes(_)) => draft.leave(step, None, "a body of bytes"),
    }
}
