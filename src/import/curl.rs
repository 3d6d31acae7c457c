//! Command lines of curl as steps: each URL of each command is one.
//!
//! curl takes any status for good unless it is told not to; ours expect one under 400, as every step of a
//! scenario does. Knows curl's options; what cannot be carried over is said.

use super::curl_options::{PASSED_OVER, SHORT, VALUED};
use super::draft::{Draft, Step};
use super::placeholders::escaped;
use super::shell_words;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::{Source, Span};
use serde_json::{Value, json};
use std::sync::Arc;

/// One command, as its options say it.
#[derive(Default)]
struct Said {
    method: Option<String>,
    urls: Vec<String>,
    headers: Vec<String>,
    data: Vec<String>,
    json: String,
    has_jar: bool,
    content_type: Option<&'static str>,
    parts: Vec<String>,
    user: Option<String>,
    is_digest: bool,
    sigv4: Option<String>,
    cookies: Vec<String>,
    flags: Vec<String>,
    settings: Vec<(&'static str, Value)>,
    retries: Option<u64>,
    bearer: Option<String>,
    left: Vec<String>,
}

/// Makes a draft of command lines.
///
/// # Errors
///
/// What is no command line of curl, with its place.
pub fn import(source: &Arc<Source>, name: &str) -> Result<Draft, Box<Diagnostic>> {
    let wrong = |at: usize, title: &str, label: &str| {
        let span = Span::new(at, at + 1);
        Box::new(Diagnostic::error("bad-import", title).at(source, span, label))
    };
    let commands = shell_words::commands(&source.text)
        .map_err(|at| wrong(at, "a quote is never closed", "it begins here"))?;
    let mut draft = Draft::new(name);
    let mut keeps = false;
    for words in commands {
        let mut words = words
            .into_iter()
            .skip_while(|word| word == "$" || word.contains('='))
            .peekable();
        match words.next() {
            Some(first) if first == "curl" || first.ends_with("/curl") || first == "curl.exe" => {}
            Some(other) => {
                draft.leave_of_all(None, format!("the command `{other}`: only `curl` is read"));
                continue;
            }
            None => continue,
        }
        let all: Vec<String> = words.collect();
        for one in all.split(|word| word == "--next" || word == "-:") {
            let said = read(one);
            keeps |= said.has_jar || said.cookies.iter().any(|cookie| !cookie.contains('='));
            for url in said.urls.clone() {
                request(&mut draft, &said, &url);
            }
        }
    }
    if !keeps {
        // Each command knows nothing of the others.
        draft.settings.insert("cookies".to_owned(), json!("off"));
    }
    if draft.steps.is_empty() {
        return Err(wrong(
            0,
            "there is no request of curl in here",
            "expected `curl https://…`",
        ));
    }
    Ok(draft)
}

fn read(words: &[String]) -> Said {
    let mut said = Said::default();
    let mut words = words.iter().cloned();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, given) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let name = format!("--{name}");
            let value = given.or_else(|| {
                VALUED
                    .contains(&name.as_str())
                    .then(|| words.next())
                    .flatten()
            });
            take(&mut said, &name, value);
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            short(&mut said, letters, &mut words);
        } else if let Some((number, file)) = word.split_once('>')
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            // Where the shell puts what is printed.
            if file.trim_start_matches('>').is_empty() {
                words.next();
            }
        } else {
            said.urls.push(word);
        }
    }
    if !said.json.is_empty() {
        let json = std::mem::take(&mut said.json);
        said.data.push(json);
    }
    said
}

/// Letters behind one hyphen: the value of one may follow it at once.
fn short(said: &mut Said, letters: &str, words: &mut impl Iterator<Item = String>) {
    for (at, letter) in letters.char_indices() {
        let known = SHORT.iter().find(|(short, _)| *short == letter);
        let Some((_, name)) = known else {
            said.left.push(format!("the option `-{letter}`"));
            continue;
        };
        if !VALUED.contains(name) {
            take(said, name, None);
            continue;
        }
        let rest = &letters[at + letter.len_utf8()..];
        let value = match rest.is_empty() {
            true => words.next(),
            false => Some(rest.to_owned()),
        };
        take(said, name, value);
        return;
    }
}

fn take(said: &mut Said, name: &str, value: Option<String>) {
    let text = value.unwrap_or_default();
    match name {
        "--request" => said.method = Some(text),
        "--url" => said.urls.push(text),
        "--header" => said.headers.push(text),
        "--data" | "--data-ascii" => said.data.push(text.replace(['\r', '\n'], "")),
        "--data-raw" | "--data-binary" => said.data.push(text),
        "--data-urlencode" => said.data.push(encoded(&text)),
        "--json" => {
            said.json.push_str(&text);
            said.content_type = Some("application/json");
        }
        "--form" => said.parts.push(text),
        "--form-string" => said
            .left
            .push("the option `--form-string`: say it in `multipart`".to_owned()),
        "--user" => said.user = Some(text),
        "--digest" => said.is_digest = true,
        "--aws-sigv4" => said.sigv4 = Some(text),
        "--cookie" => said.cookies.push(text),
        "--cookie-jar" => said.has_jar = true,
        "--basic" => {}
        "--user-agent" => said.headers.push(format!("User-Agent: {text}")),
        "--referer" => said.headers.push(format!("Referer: {text}")),
        "--range" => said.headers.push(format!("Range: bytes={text}")),
        "--oauth2-bearer" => said.bearer = Some(text),
        "--max-time" => said.settings.push(("timeout", json!(seconds(&text)))),
        "--max-redirs" => {
            let most = text.parse::<u64>().unwrap_or(50).min(100);
            said.settings.push(("redirects", json!(most)));
        }
        "--insecure" => said.settings.push(("verify", json!(false))),
        "--http1.1" | "--http1.0" => said.settings.push(("http", json!("1.1"))),
        "--http2-prior-knowledge" => said.settings.push(("http", json!("2"))),
        "--http2" => {}
        "--retry" => said.retries = text.parse().ok(),
        "--location" | "--location-trusted" | "--get" | "--head" => {
            said.flags.push(name.to_owned());
        }
        name if PASSED_OVER.contains(&name) => {}
        "--connect-timeout" | "--retry-delay" | "--retry-max-time" | "--retry-all-errors" => {}
        "--resolve" | "--connect-to" => {
            said.left.push(format!(
                "`{name} {text}`: say `connections: {{ hosts: … }}`"
            ));
        }
        "--cert" | "--key" | "--cacert" | "--proxy" => {
            let what = format!("`{name}`: say it in the environment (`tls`, `proxy`)");
            said.left.push(what);
        }
        _ => said.left.push(format!("the option `{name}`")),
    }
}

fn seconds(text: &str) -> String {
    format!("{text}s")
}

/// A value of `--data-urlencode`: the name stays, the rest is encoded.
fn encoded(text: &str) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    match text.split_once('=') {
        Some(("", value)) => encode(value),
        Some((name, value)) => format!("{name}={}", encode(value)),
        None => encode(text),
    }
}

/// A URL as a template, of which parts are already.
fn escaped_once(url: &str) -> String {
    let pieces: Vec<String> = url.split("${secrets.").map(escaped).collect();
    pieces.join("${secrets.")
}

fn request(draft: &mut Draft, said: &Said, url: &str) {
    let is_flagged = |name: &str| said.flags.iter().any(|flag| flag.starts_with(name));
    let in_query = is_flagged("--get");
    let sends = !in_query && (!said.data.is_empty() || !said.parts.is_empty());
    let method = match &said.method {
        Some(method) => method.as_str(),
        None if is_flagged("--head") => "HEAD",
        None if sends => "POST",
        None => "GET",
    };
    let mut url = match url.contains("://") {
        true => url.to_owned(),
        false => format!("http://{url}"),
    };
    if in_query {
        let mark = if url.contains('?') { '&' } else { '?' };
        url = format!("{url}{mark}{}", said.data.join("&"));
    }
    let is_open = url.contains("$") || url.contains(['[', '{']);
    let (url, pair) = draft.address(&url);
    let pair = pair.map(|[name, word]| format!("{name}:{word}"));
    let user = said.user.clone().or(pair);
    let url = escaped_once(&url);
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let shown = path.split_once("://").map_or(path, |(_, rest)| rest);
    let mut step = Step::request(&format!("{method} {shown}"), method, &url);
    for header in &said.headers {
        let (name, value) = header.split_once(':').unwrap_or((header, ""));
        // Without a value it is one that curl leaves out.
        if !value.trim().is_empty() {
            draft.header(&mut step, name.trim(), &escaped(value.trim()));
        }
    }
    if let Some(user) = &user {
        let (name, word) = user.split_once(':').unwrap_or((user, ""));
        let (name, word) = (escaped(name), escaped(word));
        match &said.sigv4 {
            Some(signed) => draft.sigv4(&mut step, None, (signed, &url), (&name, &word)),
            None => {
                let way = if said.is_digest { "digest" } else { "basic" };
                draft.basic(&mut step, way, &name, &word);
            }
        }
    }
    if said.bearer.is_some() {
        draft.header(&mut step, "Authorization", "Bearer x");
    }
    for cookies in &said.cookies {
        match cookies.contains('=') {
            true => draft.header(&mut step, "Cookie", &escaped(cookies)),
            false => draft.leave(
                &mut step,
                None,
                "cookies of a file: a scenario keeps those that steps before it were given",
            ),
        }
    }
    if sends {
        body(draft, &mut step, said);
    }
    if !is_flagged("--location") {
        step.say("redirects", false);
    }
    for (key, value) in &said.settings {
        if *key != "redirects" || is_flagged("--location") {
            step.say(key, value.clone());
        }
    }
    if let Some(retries) = said.retries.filter(|retries| *retries > 0) {
        step.say("retry", json!({ "attempts": retries + 1 }));
    }
    if is_open {
        draft.leave(
            &mut step,
            None,
            "variables and patterns of the shell or of curl in the URL",
        );
    }
    for left in &said.left {
        draft.leave(&mut step, None, left.clone());
    }
    draft.push(step);
}

fn body(draft: &mut Draft, step: &mut Step, said: &Said) {
    for part in &said.parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        multipart(step, name, value);
    }
    if said.data.is_empty() {
        return;
    }
    if let Some(file) = said.data.iter().find_map(|data| data.strip_prefix('@')) {
        draft.leave(
            step,
            None,
            format!("the body of the file `{file}`: put it into `body`"),
        );
        return;
    }
    let text = said.data.join("&");
    let is_json = said.content_type.is_some();
    let typed = step.has_header("content-type");
    if !typed {
        let form = "application/x-www-form-urlencoded";
        step.add("headers", "Content-Type", said.content_type.unwrap_or(form));
        if is_json {
            step.add("headers", "Accept", "application/json");
        }
    }
    let text = draft.body(&escaped(&text));
    step.say("body", text);
}

/// A field of a multipart body, as curl writes it.
pub(super) fn multipart(step: &mut Step, name: &str, value: &str) {
    let parts = step.says.entry("multipart").or_insert_with(|| json!({}));
    let mut pieces = value.split(';');
    let first = pieces.next().unwrap_or_default();
    let mut part = match first.strip_prefix('@') {
        Some(file) => json!({ "file": file }),
        None => json!({ "text": escaped(first) }),
    };
    for piece in pieces {
        match piece.trim().split_once('=') {
            Some(("type", value)) => part["content_type"] = json!(value),
            Some(("filename", value)) => part["filename"] = json!(value.trim_matches('"')),
            _ => {}
        }
    }
    parts[name] = part;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> Value {
        let draft = import(&Source::new("a.sh", text), "a").unwrap_or_else(|why| panic!("{why:?}"));
        let all = draft.steps.into_iter().map(|step| Value::Object(step.says));
        Value::Array(all.collect())
    }

    #[test]
    fn a_command_is_a_step() {
        let text = "curl -sSfL -XPUT 'https://a.example/x?token=abc&y=1' -H 'X-A: 1' -u jane:abc --data '{\"a\":\n1}' -k -m5";
        let expected = json!([{
            "put": "https://a.example/x?token=${secrets.TOKEN}&y=1",
            "headers": { "X-A": "1", "Content-Type": "application/x-www-form-urlencoded" },
            "auth": { "basic": { "user": "jane", "password": "${secrets.PASSWORD}" } },
            "body": "{\"a\":1}", "verify": false, "timeout": "5s",
        }]);
        assert_eq!(steps(text), expected);
    }

    #[test]
    fn several_are_several() {
        let all = steps(
            "$ curl a.example/x --next -I https://b.example\ncurl -G -d a=1 -d b=2 'https://c.example/?z'",
        );
        assert_eq!(
            all[0],
            json!({ "get": "http://a.example/x", "redirects": false })
        );
        assert_eq!(
            all[1],
            json!({ "head": "https://b.example", "redirects": false })
        );
        assert_eq!(all[2]["get"], "https://c.example/?z&a=1&b=2");
    }
}
