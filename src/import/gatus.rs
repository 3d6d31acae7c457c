//! Endpoints of Gatus as scenarios, one each.
//!
//! There, any status passes where no condition asks for it, and what is no number counts as 0. Knows endpoints
//! and their conditions; how often they are looked at and who is told stands in a configuration, and is named.

use super::blackbox::DNS_TYPES;
use super::credentials::ClientCredentials;
use super::draft::{Draft, Step};
use super::placeholders::escaped;
use super::reading::{text, yaml};
use super::words::{asks_of_status, member, text_literal};
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Source;
use crate::secret::lets_in;
use serde_json::{Value, json};
use std::sync::Arc;

/// Schemes of endpoints that there are steps for.
const KNOWN: [&str; 8] = [
    "http", "https", "tcp", "tls", "starttls", "icmp", "grpc", "grpcs",
];

/// Makes a draft of each endpoint.
///
/// # Errors
///
/// What is no such file.
pub fn import(source: &Arc<Source>) -> Result<Vec<Draft>, Box<Diagnostic>> {
    let file = yaml(source)?;
    let Some(endpoints) = file["endpoints"].as_array().filter(|all| !all.is_empty()) else {
        let title = format!(
            "`{}` is no file of Gatus: it has no `endpoints`",
            source.path
        );
        return Err(Box::new(Diagnostic::error("bad-import", title)));
    };
    let mut all: Vec<Draft> = endpoints.iter().map(one).collect();
    let known = [
        "endpoints",
        "web",
        "ui",
        "metrics",
        "storage",
        "debug",
        "remote",
    ];
    for key in file.as_object().into_iter().flatten().map(|(key, _)| key) {
        if let (false, Some(first)) = (known.contains(&key.as_str()), all.first_mut()) {
            first.leave_of_all(None, format!("`{key}` of the file"));
        }
    }
    Ok(all)
}

fn one(endpoint: &Value) -> Draft {
    let name = text(&endpoint["name"]);
    let name = match endpoint["group"].as_str() {
        Some(group) => format!("{group}-{name}"),
        None => name,
    };
    let mut draft = Draft::new(&name);
    let url = text(&endpoint["url"]);
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let is_dns = endpoint.get("dns").is_some_and(|dns| !dns.is_null());
    let kind = text(&endpoint["dns"]["query-type"]);
    let is_known = KNOWN.iter().any(|known| scheme == Some(known));
    let why = match endpoint["enabled"] == json!(false) {
        true => Some("which is not enabled".to_owned()),
        false if is_dns && !DNS_TYPES.contains(&kind.as_str()) => {
            Some(format!("a question for `{kind}`"))
        }
        false if !is_dns && !is_known => Some(format!("of `{}`", scheme.unwrap_or(&url))),
        false => None,
    };
    if let Some(why) = why {
        draft.leave_of_all(None, format!("the endpoint `{name}`, {why}"));
        return draft;
    }
    let mut step = step(&mut draft, endpoint);
    if let Some(timeout) = endpoint["client"].get("timeout") {
        step.say("timeout", text(timeout));
    } else {
        step.say("timeout", "10s");
    }
    let mut domain = None;
    for condition in endpoint["conditions"].as_array().into_iter().flatten() {
        let condition = text(condition);
        if let Some(check) = of_domain(&condition) {
            let step = domain.get_or_insert_with(|| Step {
                name: "domain".to_owned(),
                ..Step::default()
            });
            step.check(check);
            continue;
        }
        let made = condition_of(&condition);
        // What a name leads to is no body.
        let made = match is_dns && condition.contains("[BODY]") {
            true => condition
                .strip_prefix("[BODY] == ")
                .map(|wanted| format!("{} in records", text_literal(wanted))),
            false => made,
        };
        match made {
            Some(made) if made.is_empty() => {}
            Some(made) => step.check(made),
            None => draft.leave(&mut step, None, format!("the condition `{condition}`")),
        }
    }
    if step.says.keys().any(|key| is_method(key)) {
        let asks = |check: &Value| check.as_str().is_some_and(asks_of_status);
        let checks = step.says.get("check").and_then(Value::as_array);
        if !checks.is_some_and(|checks| checks.iter().any(asks)) {
            step.check("status > 0");
        }
    }
    let interval = text(&endpoint["interval"]);
    let interval = if interval.is_empty() { "1m" } else { &interval };
    let mut about = format!("`probes: {{ {name}: {{ scenario: …, interval: {interval}");
    if let Some(first) = endpoint["alerts"].as_array().and_then(|all| all.first()) {
        let number = |key: &str, default: u64| first[key].as_u64().unwrap_or(default);
        about.push_str(&format!(
            ", failures: {}, successes: {}",
            number("failure-threshold", 3),
            number("success-threshold", 2)
        ));
    }
    draft.settings.insert(
        "description".to_owned(),
        json!(format!(
            "To be watched by {about} }} }}` of a configuration."
        )),
    );
    for key in [
        "maintenance-windows",
        "ui",
        "extra-labels",
        "always-run",
        "store",
    ] {
        if endpoint.get(key).is_some_and(|value| !value.is_null()) && key != "ui" {
            draft.leave(&mut step, None, format!("`{key}`"));
        }
    }
    draft.push(step);
    if let Some(mut step) = domain {
        step.say("domain", registered(host_of(&url)));
        draft.push(step);
    }
    draft
}

/// A condition on when the domain of an endpoint ends, as one of a step of its own.
fn of_domain(condition: &str) -> Option<String> {
    let rest = condition.trim().strip_prefix("[DOMAIN_EXPIRATION]")?;
    let (operator, right) = rest.trim().split_once(' ')?;
    let known = ["==", "!=", "<=", ">=", "<", ">"].contains(&operator);
    let days = operand(right, Kind::Days)?;
    known.then(|| format!("domain.days_left {operator} {days}"))
}

/// The name of a host in an address.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default()
}

/// The domain that a host most likely is of: its last two parts, or three below endings such as `co.uk`. Where that is
/// wrong, its registry says that it knows no such domain.
fn registered(host: &str) -> String {
    let parts: Vec<&str> = host.trim_end_matches('.').split('.').collect();
    let wanted = match parts[..] {
        [.., _, below, top] if top.len() == 2 && below.len() <= 3 => 3,
        _ => 2,
    };
    parts[parts.len().saturating_sub(wanted)..].join(".")
}

fn is_method(key: &str) -> bool {
    matches!(
        key,
        "get" | "post" | "put" | "patch" | "delete" | "head" | "options" | "request"
    )
}

fn step(draft: &mut Draft, endpoint: &Value) -> Step {
    let url = text(&endpoint["url"]);
    let named = |key: &str, value: Value| {
        let mut step = Step {
            name: "probe".to_owned(),
            ..Step::default()
        };
        step.say(key, value);
        step
    };
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url.as_str()));
    if let Some(dns) = endpoint.get("dns").filter(|dns| !dns.is_null()) {
        let server = match rest.contains(':') {
            true => rest.to_owned(),
            false => format!("{rest}:53"),
        };
        let name = text(&dns["query-name"]);
        return named(
            "dns",
            json!({ "name": name.trim_end_matches('.'), "type": text(&dns["query-type"]), "server": server }),
        );
    }
    match scheme {
        "tcp" => return named("tcp", json!(rest)),
        "icmp" => return named("icmp", json!(rest)),
        "grpc" | "grpcs" => {
            let way = if scheme == "grpc" { "http" } else { "https" };
            return named(
                "grpc",
                json!({ "url": format!("{way}://{rest}"), "health": "" }),
            );
        }
        "tls" => return named("tls", json!({ "host": rest })),
        "starttls" => return named("tls", json!({ "host": rest, "starttls": "smtp" })),
        "http" | "https" => {}
        _ => {}
    }
    let is_graphql = endpoint["graphql"] == true;
    let method = endpoint["method"].as_str().unwrap_or("GET");
    let url = of_environment(draft, &url);
    let (url, user) = draft.address(&url);
    let mut step = Step::request("probe", method, &url);
    if let Some([user, word]) = user {
        draft.basic(&mut step, "basic", &user, &word);
    }
    for (name, value) in endpoint["headers"].as_object().into_iter().flatten() {
        let value = of_environment(draft, &text(value));
        draft.header(&mut step, name, &value);
    }
    let body = text(&endpoint["body"]);
    match (is_graphql, body.is_empty()) {
        (true, _) => step.say("json", json!({ "query": escaped(&body) })),
        (false, false) => step.say("body", escaped(&body)),
        (false, true) => {}
    }
    for (key, value) in endpoint["client"].as_object().into_iter().flatten() {
        match key.as_str() {
            "timeout" => {}
            "insecure" if *value == true => step.say("verify", false),
            "ignore-redirect" if *value == true => step.say("redirects", false),
            "insecure" | "ignore-redirect" => {}
            "oauth2" => {
                let given = |key: &str| text(&value[key]);
                let [url, id] = [given("token-url"), given("client-id")]
                    .map(|text| of_environment(draft, &text));
                let secret = of_environment(draft, &given("client-secret"));
                let scopes = value["scopes"].as_array().into_iter().flatten();
                let about = ClientCredentials {
                    token_url: &url,
                    id: &id,
                    secret: &secret,
                    scopes: scopes.map(|scope| escaped(&text(scope))).collect(),
                    ..ClientCredentials::default()
                };
                draft.client_credentials(&mut step, about);
            }
            other => draft.leave(&mut step, None, format!("`client.{other}`")),
        }
    }
    step
}

/// A text in which `${NAME}` and `$NAME` are given by the environment.
fn of_environment(draft: &mut Draft, text: &str) -> String {
    let Ok(pattern) = regex::Regex::new(r"\$\{(\w+)\}|\$([A-Z_][A-Z0-9_]*)") else {
        return escaped(text);
    };
    let (mut made, mut from) = (String::new(), 0);
    for found in pattern.captures_iter(text) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1).or(found.get(2))) else {
            continue;
        };
        made.push_str(&escaped(&text[from..whole.start()]));
        let called = match lets_in(name.as_str()) {
            true => draft.secret(name.as_str()),
            false => draft.input(name.as_str(), None),
        };
        made.push_str(&format!("${{{called}}}"));
        from = whole.end();
    }
    made + &escaped(&text[from..])
}

/// A condition as one of ours; empty where it says what every step asks for.
fn condition_of(condition: &str) -> Option<String> {
    let operators = [" == ", " != ", " <= ", " >= ", " < ", " > "];
    let (left, operator, right) = operators.iter().find_map(|operator| {
        let (left, right) = condition.split_once(operator)?;
        Some((left.trim(), operator.trim(), right.trim()))
    })?;
    if left == "[CONNECTED]" {
        return (operator == "==" && right == "true").then(String::new);
    }
    if left == "[DNS_RCODE]" {
        return (operator == "==" && right == "NOERROR").then(String::new);
    }
    if let Some(inner) = inside(left, "has") {
        let path = inner.strip_prefix("[BODY]")?;
        let there = match path.rsplit_once('.') {
            Some((of, name)) if !name.contains('[') => {
                format!("{} in {}", text_literal(name), path_of(of)?)
            }
            _ => return None,
        };
        let wanted = (operator == "==") == (right == "true");
        return Some(if wanted { there } else { format!("!({there})") });
    }
    let (of, kind) = value_of(left)?;
    if let Some(inner) = inside(right, "pat") {
        let condition = format!("string({of}).matches({})", text_literal(&globbed(inner)));
        return Some(if operator == "!=" {
            format!("!{condition}")
        } else {
            condition
        });
    }
    if let Some(inner) = inside(right, "any") {
        let is_body = matches!(kind, Kind::Body);
        let of = if is_body { format!("string({of})") } else { of };
        let one = |one: &str| match is_body {
            true => Some(text_literal(unquoted(one.trim()))),
            false => operand(one.trim(), kind),
        };
        let all: Option<Vec<String>> = inner.split(',').map(one).collect();
        let condition = format!("{of} in [{}]", all?.join(", "));
        return Some(if operator == "!=" {
            format!("!({condition})")
        } else {
            condition
        });
    }
    let of = match kind {
        // It compares as text there, whatever the value is.
        Kind::Body
            if right.parse::<f64>().is_err() && !matches!(right, "true" | "false" | "null") =>
        {
            of
        }
        Kind::Body if matches!(operator, "==" | "!=") => {
            return Some(format!(
                "string({of}) {operator} {}",
                text_literal(unquoted(right))
            ));
        }
        _ => of,
    };
    Some(format!("{of} {operator} {}", operand(right, kind)?))
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Time,
    Days,
    Body,
}

fn inside<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.strip_prefix(name)?
        .strip_prefix('(')?
        .strip_suffix(')')
}

fn value_of(left: &str) -> Option<(String, Kind)> {
    if let Some(inner) = inside(left, "len") {
        let (of, _) = value_of(inner)?;
        return Some((format!("size({of})"), Kind::Number));
    }
    match left {
        "[STATUS]" => return Some(("status".to_owned(), Kind::Number)),
        "[RESPONSE_TIME]" => return Some(("latency".to_owned(), Kind::Time)),
        "[CERTIFICATE_EXPIRATION]" => return Some(("tls.days_left".to_owned(), Kind::Days)),
        "[BODY]" => return Some(("text".to_owned(), Kind::Body)),
        _ => {}
    }
    let path = left.strip_prefix("[BODY]")?;
    Some((path_of(path)?, Kind::Body))
}

/// `.a[0].b` as an expression.
fn path_of(path: &str) -> Option<String> {
    let mut made = "body".to_owned();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']')?;
            index.parse::<u32>().ok()?;
            made = format!("{made}[{index}]");
            rest = after;
        } else {
            let inner = rest.strip_prefix('.')?;
            let end = inner.find(['.', '[']).unwrap_or(inner.len());
            made = member(&made, inner.get(..end).filter(|name| !name.is_empty())?);
            rest = &inner[end..];
        }
    }
    Some(made)
}

fn unquoted(text: &str) -> &str {
    text.trim_matches('"')
}

fn operand(right: &str, kind: Kind) -> Option<String> {
    let right = right.trim();
    match kind {
        Kind::Number => right.parse::<f64>().ok().map(|_| right.to_owned()),
        Kind::Time => match right.parse::<u64>() {
            Ok(number) => Some(format!("duration('{number}ms')")),
            Err(_) => crate::duration::parse(right)
                .ok()
                .map(|_| format!("duration('{right}')")),
        },
        Kind::Days => {
            let time = crate::duration::parse(right).ok()?;
            Some(format!("{}", time.as_secs_f64() / 86_400.0))
        }
        Kind::Body => {
            match right.parse::<f64>().is_ok() || matches!(right, "true" | "false" | "null") {
                true => Some(right.to_owned()),
                false => Some(text_literal(unquoted(right))),
            }
        }
    }
}

/// A pattern of file names as a regular expression for the whole text.
fn globbed(pattern: &str) -> String {
    let mut made = "^(?s)".to_owned();
    for letter in pattern.chars() {
        match letter {
            '*' => made.push_str(".*"),
            '?' => made.push('.'),
            letter => made.push_str(&regex::escape(letter.encode_utf8(&mut [0; 4]))),
        }
    }
    made + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_ours() {
        for (condition, expected) in [
            ("[STATUS] == 200", "status == 200"),
            ("[STATUS] == any(200, 429)", "status in [200, 429]"),
            ("[RESPONSE_TIME] < 300", "latency < duration('300ms')"),
            ("[BODY].a[0].b == x", "body.a[0].b == 'x'"),
            ("[BODY].n == 3", "string(body.n) == '3'"),
            ("[BODY].n > 3", "body.n > 3"),
            ("len([BODY].a) > 1", "size(body.a) > 1"),
            ("has([BODY].e) == false", "!('e' in body)"),
            (
                "[BODY] == pat(*a.b*)",
                r"string(text).matches('^(?s).*a\\.b.*$')",
            ),
            ("[CERTIFICATE_EXPIRATION] > 48h", "tls.days_left > 2"),
            ("[CONNECTED] == true", ""),
        ] {
            assert_eq!(
                condition_of(condition).as_deref(),
                Some(expected),
                "{condition}"
            );
        }
        for condition in ["[IP] == 127.0.0.1", "x"] {
            assert_eq!(condition_of(condition), None, "{condition}");
        }
        let days = of_domain("[DOMAIN_EXPIRATION] > 720h");
        assert_eq!(days.as_deref(), Some("domain.days_left > 30"));
        for (url, domain) in [
            ("https://user@api.example.com:8443/a", "example.com"),
            ("https://www.shop.co.uk", "shop.co.uk"),
            ("example.org", "example.org"),
        ] {
            assert_eq!(registered(host_of(url)), domain);
        }
    }
}
