//! Modules of blackbox_exporter as scenarios: each takes the input `target`.
//!
//! Knows the modules of its file; a scenario is performed by `/probe?module=…` where the configuration names it.

use super::credentials::ClientCredentials;
use super::draft::{Draft, Step};
use super::placeholders::escaped;
use super::reading::{text, yaml};
use super::words::text_literal;
use crate::document::diagnostic::Diagnostic;
use crate::document::source::Source;
use serde_json::{Value, json};
use std::sync::Arc;

/// Types that a `dns` step asks for.
pub(super) const DNS_TYPES: [&str; 8] = ["A", "AAAA", "CNAME", "MX", "NS", "TXT", "CAA", "SRV"];

/// Makes a draft of each module.
///
/// # Errors
///
/// What is no such file.
pub fn import(source: &Arc<Source>) -> Result<Vec<Draft>, Box<Diagnostic>> {
    let file = yaml(source)?;
    let Some(modules) = file["modules"]
        .as_object()
        .filter(|modules| !modules.is_empty())
    else {
        let title = format!(
            "`{}` is no file of blackbox_exporter: it has no `modules`",
            source.path
        );
        return Err(Box::new(Diagnostic::error("bad-import", title)));
    };
    Ok(modules
        .iter()
        .map(|(name, module)| one(name, module))
        .collect())
}

fn one(name: &str, module: &Value) -> Draft {
    let mut draft = Draft::new(name);
    let target = draft.input("target", None);
    let prober = module["prober"].as_str().unwrap_or_default();
    let about = &module[prober];
    let mut step = match prober {
        "http" => http(&mut draft, about, &target),
        "tcp" => tcp(&mut draft, about, &target),
        "dns" => dns(&mut draft, about, &target),
        "icmp" => icmp(&mut draft, about, &target),
        "grpc" => grpc(&mut draft, about, &target),
        other => {
            let mut step = Step {
                name: other.to_owned(),
                ..Step::default()
            };
            step.say("tcp", format!("${{{target}}}"));
            draft.leave(
                &mut step,
                None,
                format!("the prober `{other}`: a connection stands in its place"),
            );
            step
        }
    };
    if let Some(timeout) = module.get("timeout") {
        step.say("timeout", text(timeout));
    }
    for (key, value) in module.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "prober" | "timeout") && key != prober && !value.is_null() {
            draft.leave(&mut step, None, format!("`{key}` of the module"));
        }
    }
    draft.push(step);
    draft
}

fn icmp(draft: &mut Draft, about: &Value, target: &str) -> Step {
    let mut step = Step {
        name: "ping".to_owned(),
        ..Step::default()
    };
    let host = format!("${{{target}}}");
    step.say(
        "icmp",
        match about["payload_size"].as_u64() {
            Some(bytes) => json!({ "host": host, "payload": bytes }),
            None => json!(host),
        },
    );
    leave_others(draft, &mut step, about, ("icmp", &["payload_size"]));
    step
}

fn grpc(draft: &mut Draft, about: &Value, target: &str) -> Step {
    let mut step = Step {
        name: "health".to_owned(),
        ..Step::default()
    };
    let way = if about["tls"] == true {
        "https"
    } else {
        "http"
    };
    let mut call = json!({
        "url": format!("{way}://${{{target}}}"),
        "health": text(&about["service"]),
    });
    if about["tls_config"]["insecure_skip_verify"] == true {
        call["verify"] = json!(false);
    }
    step.say("grpc", call);
    leave_others(draft, &mut step, about, ("grpc", &["service", "tls"]));
    step
}

/// Names what a prober is told beside what is carried over.
fn leave_others(
    draft: &mut Draft,
    step: &mut Step,
    about: &Value,
    (prober, known): (&str, &[&str]),
) {
    for (key, value) in about.as_object().into_iter().flatten() {
        let only_verifies = key == "tls_config"
            && value
                .as_object()
                .is_some_and(|all| all.keys().all(|key| key == "insecure_skip_verify"));
        if !known.contains(&key.as_str()) && !only_verifies && !value.is_null() {
            draft.leave(step, None, format!("`{prober}.{key}`"));
        }
    }
}

fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn http(draft: &mut Draft, about: &Value, target: &str) -> Step {
    let method = about["method"].as_str().unwrap_or("GET");
    let mut step = Step::request("probe", method, &format!("${{{target}}}"));
    let family = about["preferred_ip_protocol"].as_str();
    if let (Some(family), Some(false)) = (family, about["ip_protocol_fallback"].as_bool()) {
        let family = if family == "ip4" { "ipv4" } else { "ipv6" };
        draft
            .settings
            .insert("connections".to_owned(), json!({ "family": family }));
    }
    for (key, value) in about.as_object().into_iter().flatten() {
        match key.as_str() {
            "valid_status_codes" if !list(value).is_empty() => {
                let codes: Vec<String> = list(value).into_iter().map(text).collect();
                step.check(match codes.as_slice() {
                    [one] => format!("status == {one}"),
                    several => format!("status in [{}]", several.join(", ")),
                });
            }
            "method" | "preferred_ip_protocol" | "ip_protocol_fallback" => {}
            "valid_status_codes" | "accept_any_response" => {}
            "valid_http_versions" => {
                let versions: Vec<String> = list(value)
                    .into_iter()
                    .map(|one| {
                        let version = text(one).replace("HTTP/2.0", "HTTP/2");
                        text_literal(&version)
                    })
                    .collect();
                step.check(format!("version in [{}]", versions.join(", ")));
            }
            "headers" | "http_headers" => {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let value = match value {
                        Value::Object(inner) => {
                            let values = inner.get("values").map(list).unwrap_or_default();
                            if values.len() != 1 {
                                draft.secret(name);
                                let what = format!("all but one value of the header `{name}`");
                                draft.leave(&mut step, None, what);
                            }
                            values.first().map(|one| text(one)).unwrap_or_default()
                        }
                        other => text(other),
                    };
                    draft.header(&mut step, name, &escaped(&value));
                }
            }
            "body" => step.say("body", escaped(&text(value))),
            "follow_redirects" | "no_follow_redirects" => {
                if (value == true) == (key == "no_follow_redirects") {
                    step.say("redirects", false);
                }
            }
            "fail_if_ssl" if value == true => step.check("url.startsWith('http://')"),
            "fail_if_not_ssl" if value == true => step.check("url.startsWith('https://')"),
            "fail_if_ssl" | "fail_if_not_ssl" => {}
            "fail_if_body_matches_regexp" => {
                for pattern in list(value) {
                    step.check(format!("!text.matches({})", text_literal(&text(pattern))));
                }
            }
            "fail_if_body_not_matches_regexp" => {
                for pattern in list(value) {
                    step.check(format!("text.matches({})", text_literal(&text(pattern))));
                }
            }
            "fail_if_body_json_matches_cel" => step.check(format!("!({})", text(value))),
            "fail_if_body_json_not_matches_cel" => step.check(text(value)),
            "fail_if_header_matches" | "fail_if_header_not_matches" => {
                for one in list(value) {
                    step.check(of_header(one, key == "fail_if_header_matches"));
                }
            }
            "basic_auth" => {
                let user = escaped(&text(&value["username"]));
                draft.basic(&mut step, "basic", &user, "x");
            }
            "authorization" => {
                let kind = value["type"].as_str().unwrap_or("Bearer");
                draft.header(&mut step, "Authorization", &format!("{kind} x"));
            }
            "bearer_token" | "bearer_token_file" => {
                draft.header(&mut step, "Authorization", "Bearer x");
            }
            "oauth2" => oauth2(draft, &mut step, value),
            "tls_config" => tls(draft, &mut step, value),
            other => draft.leave(&mut step, None, format!("`{other}`")),
        }
    }
    let is_any = about["accept_any_response"] == true;
    if is_any {
        step.check("status > 0");
    } else if list(&about["valid_status_codes"]).is_empty() {
        step.check("status >= 200 && status < 300");
    }
    step
}

fn oauth2(draft: &mut Draft, step: &mut Step, about: &Value) {
    let given = |key: &str| escaped(&text(&about[key]));
    let params = about["endpoint_params"].as_object().into_iter().flatten();
    let params = params.map(|(name, value)| (name.clone(), Value::from(escaped(&text(value)))));
    let scopes = list(&about["scopes"]).into_iter();
    let about = ClientCredentials {
        token_url: &given("token_url"),
        id: &given("client_id"),
        scopes: scopes.map(|scope| escaped(&text(scope))).collect(),
        params: params.collect(),
        ..ClientCredentials::default()
    };
    draft.client_credentials(step, about);
}

/// Whether a header has what fails a probe, or has not what it needs.
fn of_header(one: &Value, fails: bool) -> String {
    let (name, pattern) = (
        text_literal(&text(&one["header"])),
        text_literal(&text(&one["regexp"])),
    );
    let may_miss = one["allow_missing"] == true;
    match (fails, may_miss) {
        (true, true) => format!("!({name} in headers) || !headers[{name}].matches({pattern})"),
        (true, false) => format!("{name} in headers && !headers[{name}].matches({pattern})"),
        (false, true) => format!("!({name} in headers) || headers[{name}].matches({pattern})"),
        (false, false) => format!("{name} in headers && headers[{name}].matches({pattern})"),
    }
}

fn tls(draft: &mut Draft, step: &mut Step, about: &Value) {
    for (key, value) in about.as_object().into_iter().flatten() {
        match key.as_str() {
            "insecure_skip_verify" if value == true => step.say("verify", false),
            "insecure_skip_verify" => {}
            other => draft.leave(
                step,
                None,
                format!("`tls_config.{other}`: say it in the environment's `tls`"),
            ),
        }
    }
}

fn tcp(draft: &mut Draft, about: &Value, target: &str) -> Step {
    let mut step = Step {
        name: "probe".to_owned(),
        ..Step::default()
    };
    let dialogue = list(&about["query_response"]);
    let has_starttls = dialogue.iter().any(|one| one["starttls"] == true);
    match (about["tls"] == true, has_starttls) {
        (true, false) => {
            step.say("tls", json!({ "host": format!("${{{target}}}") }));
            tls(draft, &mut step, &about["tls_config"]);
        }
        (_, true) => {
            // Who greets tells which protocol it is.
            let expects = dialogue
                .iter()
                .map(|one| text(&one["expect"]))
                .collect::<String>();
            let protocol = if expects.contains("220") {
                "smtp"
            } else if expects.contains("OK") && expects.contains('+') {
                "pop3"
            } else {
                "imap"
            };
            step.say(
                "tls",
                json!({ "host": format!("${{{target}}}"), "starttls": protocol }),
            );
            tls(draft, &mut step, &about["tls_config"]);
        }
        (false, false) => step.say("tcp", format!("${{{target}}}")),
    }
    let is_plain = step.has("tcp") && !dialogue.is_empty();
    if is_plain && dialogue.iter().all(|one| is_turn(one)) {
        let turns: Vec<Value> = dialogue.iter().flat_map(|one| turns(one)).collect();
        let host = format!("${{{target}}}");
        step.say("tcp", json!({ "host": host, "exchange": turns }));
        return step;
    }
    for one in dialogue {
        if !has_starttls {
            draft.leave(&mut step, None, format!("`query_response: {one}`"));
        }
    }
    step
}

/// Whether a line of a conversation is one that we can hold: what is sent holds nothing of what came.
fn is_turn(one: &Value) -> bool {
    let known = ["expect", "send"];
    let all = one.as_object().into_iter().flatten();
    let mut all = all.map(|(key, value)| known.contains(&key.as_str()) && value.is_string());
    let pattern = one["expect"].as_str().unwrap_or_default();
    all.all(|is_known| is_known)
        && regex::Regex::new(pattern).is_ok()
        && !text(&one["send"]).contains("${")
}

/// A line of a conversation as turns: first it is waited for, then something is sent.
fn turns(one: &Value) -> Vec<Value> {
    let expected = one
        .get("expect")
        .map(|pattern| json!({ "expect": pattern }));
    let sent = one.get("send");
    let sent = sent.map(|sent| json!({ "send": format!("{}\n", text(sent)) }));
    expected.into_iter().chain(sent).collect()
}

fn dns(draft: &mut Draft, about: &Value, target: &str) -> Step {
    let mut step = Step {
        name: "probe".to_owned(),
        ..Step::default()
    };
    let kind = about["query_type"].as_str().unwrap_or("ANY");
    if !DNS_TYPES.contains(&kind) {
        step.say("tcp", format!("${{{target}}}"));
        draft.leave(
            &mut step,
            None,
            format!("a question for `{kind}`: a connection stands in its place"),
        );
        return step;
    }
    step.say(
        "dns",
        json!({
            "name": text(&about["query_name"]), "type": kind, "server": format!("${{{target}}}"),
        }),
    );
    for (key, value) in about.as_object().into_iter().flatten() {
        let is_known = matches!(
            key.as_str(),
            "query_name" | "query_type" | "preferred_ip_protocol"
        );
        let is_plain = key == "valid_rcodes" && list(value).iter().all(|one| *one == "NOERROR");
        if !is_known && !is_plain {
            draft.leave(&mut step, None, format!("`dns.{key}`"));
        }
    }
    step
}
