//! One step, from its mapping to its compiled form.
//!
//! The order of a step is fixed: when → request → checks → captures → think. A capture is known
//! to the steps after it, and to its own `until`.

use super::compile::{Compiler, read_duration, text, time};
use super::plan::*;
use super::shape::{METHODS, VERBS};
use super::template::Template;
use crate::document::diagnostic::Diagnostic;
use crate::document::node::{Kind, Node};
use crate::limits;
use std::sync::Arc;
use std::time::Duration;

/// Names that make a step keep its body.
const BODY_NAMES: [&str; 3] = ["body", "text", "bytes"];

impl Compiler<'_> {
    /// Compiles one step; `None` if it cannot be read, with the reason reported.
    pub(super) fn step(&mut self, node: &Node) -> Option<Step> {
        if node.entries().is_empty() {
            return None;
        }
        let verbs: Vec<&str> = VERBS
            .into_iter()
            .filter(|verb| node.get(verb).is_some())
            .collect();
        let verb = match verbs.as_slice() {
            [verb] => *verb,
            [] => {
                let first = &node.entries()[0].0;
                self.found.push(
                    Diagnostic::error("missing-field", "a step does exactly one thing")
                        .at(self.source, first.span, "this step does nothing")
                        .hint(format!("add one of {}", VERBS.join(", "))),
                );
                return None;
            }
            [_, second, ..] => {
                let place = node.key(second)?.span;
                self.error(
                    "duplicate-field",
                    format!(
                        "a step does exactly one thing, not `{}`",
                        verbs.join("` and `")
                    ),
                    place,
                    "the second one",
                );
                return None;
            }
        };
        let when = node
            .get("when")
            .and_then(|node| self.expression(node, false));
        let action = self.action(node, verb)?;
        let reply = verb != "wait";
        let checks: Vec<_> = node
            .get("check")
            .map(Node::items)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|node| self.expression(node, reply))
            .collect();
        let mut captures = Vec::new();
        for (name, value) in node.get("capture").map(Node::entries).unwrap_or_default() {
            if let Some(expression) = self.expression(value, reply) {
                captures.push((Arc::from(name.text.as_str()), expression));
            }
        }
        for (name, _) in node.get("capture").map(Node::entries).unwrap_or_default() {
            self.captured.insert(name.text.clone());
        }
        let repeat = node.get("repeat").map(|node| self.repeat(node, reply));
        let retry = node.get("retry").map(retry);
        let until = repeat.as_ref().and_then(|repeat| repeat.until.as_ref());
        let looking = || {
            checks
                .iter()
                .chain(captures.iter().map(|(_, expression)| expression))
                .chain(until)
        };
        let wants_body =
            looking().any(|expression| BODY_NAMES.iter().any(|name| expression.uses(name)));
        let paths = super::expression::paths(looking());
        let index = self.step_count;
        self.step_count += 1;
        let timeout_node = node.get("timeout").and_then(read_duration);
        Some(Step {
            name: self.step_name(node, verb, index),
            index,
            span: node.entries()[0].0.span,
            action,
            service: text(node, "service"),
            timeout: timeout_node.unwrap_or(self.timeout),
            checks,
            captures,
            when,
            repeat,
            retry,
            think: node.get("think").map(pause),
            advisory: flag(node, "advisory"),
            go_on: flag(node, "continue"),
            wants_body,
            paths,
        })
    }

    fn step_name(&mut self, node: &Node, verb: &str, index: usize) -> Arc<str> {
        let name = text(node, "name").unwrap_or_else(|| {
            let what = node.get(verb).map(|node| match node.as_text() {
                Some(text) => text.to_owned(),
                None => ["url", "host", "name", "run", "shell"]
                    .iter()
                    .find_map(|key| text(node, key))
                    .unwrap_or_default(),
            });
            let word = if METHODS.contains(&verb) {
                verb.to_uppercase()
            } else {
                verb.to_owned()
            };
            format!("{word} {}", what.unwrap_or_default())
                .trim()
                .to_owned()
        });
        if !self.names.insert(name.clone()) {
            if let Some(written) = node.get("name") {
                self.found.push(
                    Diagnostic::error("duplicate-step", format!("two steps are named `{name}`"))
                        .at(self.source, written.span, "the second one")
                        .hint("names tell steps apart in reports and metrics"),
                );
            }
            return format!("{name} ({})", index + 1).into();
        }
        name.into()
    }

    fn action(&mut self, node: &Node, verb: &str) -> Option<Action> {
        let http_only = [
            "headers",
            "query",
            "json",
            "form",
            "multipart",
            "body",
            "auth",
            "redirects",
            "http",
            "verify",
            "fresh_connection",
            "service",
        ];
        let is_http = METHODS.contains(&verb) || verb == "request";
        if !is_http {
            for (key, _) in node
                .entries()
                .iter()
                .filter(|(key, _)| http_only.contains(&key.text.as_str()))
            {
                self.error(
                    "unknown-field",
                    format!("`{}` belongs to HTTP steps, not to `{verb}`", key.text),
                    key.span,
                    "without effect here",
                );
            }
        }
        let value = node.get(verb)?;
        Some(match verb {
            "tcp" => Action::Tcp(self.template(value)?),
            "tls" => Action::Tls(Box::new(TlsHandshake {
                host: self.template(value.get("host").unwrap_or(value))?,
                server_name: value
                    .get("server_name")
                    .and_then(|node| self.template(node)),
                accepts: words(value.get("accepts")),
                refuses: words(value.get("refuses")),
            })),
            "dns" => Action::Dns(Box::new(DnsQuestion {
                name: self.template(value.get("name").unwrap_or(value))?,
                record: text(value, "type").unwrap_or_else(|| "A".to_owned()),
                server: value.get("server").and_then(|node| self.template(node)),
            })),
            "command" => Action::Command(Box::new(self.command(value)?)),
            "wait" => Action::Wait(pause(value)),
            "request" => {
                let written = value.get("method")?;
                let method =
                    match http::Method::from_bytes(written.text.to_ascii_uppercase().as_bytes()) {
                        Ok(method) => method,
                        Err(_) => {
                            self.error(
                                "wrong-type",
                                format!("`{}` is not an HTTP method", written.text),
                                written.span,
                                "expected a word such as `PURGE`",
                            );
                            return None;
                        }
                    };
                let url = value.get("url")?;
                Action::Http(Box::new(self.http(node, method, url)?))
            }
            _ => {
                let method = http::Method::from_bytes(verb.to_ascii_uppercase().as_bytes()).ok()?;
                Action::Http(Box::new(self.http(node, method, value)?))
            }
        })
    }

    fn http(&mut self, node: &Node, method: http::Method, url_node: &Node) -> Option<HttpRequest> {
        let url = self.template(url_node)?;
        let written = url.start();
        if !is_absolute(written) && !written.starts_with('/') && url.fixed().is_some() {
            self.found.push(
                Diagnostic::error(
                    "bad-url",
                    format!("`{}` is neither a path nor a URL", url_node.text),
                )
                .at(
                    self.source,
                    url_node.span,
                    "expected `/path` or `https://…`",
                ),
            );
        }
        let relative = written.starts_with('/');
        if relative && self.service.is_none() && node.get("service").is_none() {
            self.found.push(
                Diagnostic::error(
                    "unknown-service",
                    "a path needs a service to be relative to",
                )
                .at(self.source, url_node.span, "relative to what?")
                .hint("add `service: NAME` to the scenario or the step, or write the whole URL"),
            );
        }
        let mut headers = Vec::new();
        let shared = self.headers.clone();
        let own = node.get("headers").map(Node::entries).unwrap_or_default();
        let shared = shared.iter().filter(|(name, _)| {
            !own.iter()
                .any(|(own, _)| own.text.eq_ignore_ascii_case(&name.text))
        });
        for (name, value) in shared.chain(own) {
            match http::HeaderName::from_bytes(name.text.as_bytes()) {
                Ok(header) if header == "content-length" || header == "transfer-encoding" => {
                    let title = format!("`{header}` is set from the body that is sent");
                    let span = name.span;
                    self.found.push(
                        Diagnostic::error("wrong-type", title)
                            .at(self.source, span, "not by hand")
                            .hint("leave it out"),
                    );
                }
                Ok(header) => {
                    if let Some(value) = self.template(value) {
                        headers.push((header, value));
                    }
                }
                Err(_) => self.error(
                    "wrong-type",
                    format!("`{}` is not a header name", name.text),
                    name.span,
                    "letters, digits and hyphens",
                ),
            }
        }
        let body = self.body(node)?;
        let auth = match node.get("auth") {
            None => Auth::None,
            Some(auth) => match (auth.get("bearer"), auth.get("basic")) {
                (Some(token), None) => Auth::Bearer(self.template(token)?),
                (None, Some(basic)) => Auth::Basic(
                    self.template(basic.get("user")?)?,
                    self.template(basic.get("password")?)?,
                ),
                _ => {
                    self.error(
                        "missing-field",
                        "authentication is either `bearer` or `basic`",
                        auth.span,
                        "exactly one of them",
                    );
                    return None;
                }
            },
        };
        let query = node.get("query").map(Node::entries).unwrap_or_default();
        Some(HttpRequest {
            method,
            url,
            query: self.named(query),
            headers,
            body,
            auth,
            redirects: match node.get("redirects").map(|node| &node.kind) {
                Some(Kind::Bool(false)) => 0,
                Some(Kind::Int(count)) => u32::try_from(*count).unwrap_or(limits::REDIRECTS_MAX),
                _ => limits::REDIRECTS_MAX,
            },
            version: match node.get("http").and_then(Node::as_text) {
                Some("1.1") => HttpVersion::One,
                Some("2") => HttpVersion::Two,
                _ => HttpVersion::Auto,
            },
            verify: node.get("verify").and_then(Node::as_bool).unwrap_or(true),
            fresh_connection: flag(node, "fresh_connection"),
        })
    }

    fn named(&mut self, entries: &[(Node, Node)]) -> Vec<(String, Template)> {
        entries
            .iter()
            .filter_map(|(name, value)| Some((name.text.clone(), self.template(value)?)))
            .collect()
    }

    fn body(&mut self, node: &Node) -> Option<Body> {
        let kinds = ["json", "form", "multipart", "body"];
        let given: Vec<&str> = kinds
            .into_iter()
            .filter(|key| node.get(key).is_some())
            .collect();
        if let [_, second, ..] = given.as_slice() {
            let place = node.key(second)?.span;
            self.error(
                "duplicate-field",
                format!("a request has one body, not `{}`", given.join("` and `")),
                place,
                "the second one",
            );
            return None;
        }
        let Some(kind) = given.first() else {
            return Some(Body::Empty);
        };
        let value = node.get(kind)?;
        Some(match *kind {
            "json" => Body::Json(self.json(value)?),
            "form" => Body::Form(self.named(value.entries())),
            "multipart" => {
                let mut parts = Vec::new();
                for (name, part) in value.entries() {
                    parts.push(self.part(name, part)?);
                }
                Body::Multipart(parts)
            }
            _ => Body::Raw(self.template(value)?),
        })
    }

    fn part(&mut self, name: &Node, part: &Node) -> Option<Part> {
        let content = match part.get("file") {
            Some(file) => match std::fs::read(self.folder.join(&file.text)) {
                Ok(bytes) => PartContent::File(bytes.into()),
                Err(error) => {
                    self.error(
                        "bad-data",
                        format!("the file `{}` cannot be read", file.text),
                        file.span,
                        &error.to_string(),
                    );
                    return None;
                }
            },
            None => PartContent::Text(self.template(part.get("text").unwrap_or(part))?),
        };
        let default_name = part
            .get("file")
            .and_then(|file| file.text.rsplit('/').next())
            .map(Template::literal);
        let filename = part.get("filename").and_then(|node| self.template(node));
        Some(Part {
            name: name.text.clone(),
            content,
            filename: filename.or(default_name),
            content_type: part
                .get("content_type")
                .and_then(|node| self.template(node)),
        })
    }

    fn json(&mut self, node: &Node) -> Option<JsonTemplate> {
        Some(match &node.kind {
            Kind::Text if node.text.contains("${") => JsonTemplate::Text(self.template(node)?),
            Kind::List(items) => {
                JsonTemplate::List(items.iter().filter_map(|node| self.json(node)).collect())
            }
            Kind::Map(entries) => JsonTemplate::Map(
                entries
                    .iter()
                    .filter_map(|(key, value)| Some((key.text.clone(), self.json(value)?)))
                    .collect(),
            ),
            _ => JsonTemplate::Fixed(node.to_json()),
        })
    }

    fn command(&mut self, node: &Node) -> Option<Command> {
        let run = node.get("run").or(if node.entries().is_empty() {
            Some(node)
        } else {
            None
        });
        let words: Vec<Template> = match (run, node.get("shell")) {
            (Some(run), None) => match &run.kind {
                Kind::List(items) => items
                    .iter()
                    .filter_map(|node| self.template(node))
                    .collect(),
                _ => {
                    let template = self.template(run)?;
                    match template.fixed() {
                        Some(line) => line.split_whitespace().map(Template::literal).collect(),
                        None => {
                            self.found.push(
                                Diagnostic::error(
                                    "bad-command",
                                    "a command with values in it is written as a list of words",
                                )
                                .at(self.source, run.span, "a value could add words of its own")
                                .hint("write `command: [program, \"${inputs.value}\"]`"),
                            );
                            return None;
                        }
                    }
                }
            },
            (None, Some(shell)) => vec![
                Template::literal("sh"),
                Template::literal("-c"),
                self.template(shell)?,
            ],
            _ => {
                self.error(
                    "missing-field",
                    "a command step needs either `run` or `shell`",
                    node.span,
                    "exactly one of them",
                );
                return None;
            }
        };
        if words.is_empty() {
            self.error(
                "missing-field",
                "a command needs a program",
                node.span,
                "no word here",
            );
            return None;
        }
        self.hidden_exit_code(run.or(node.get("shell"))?);
        Some(Command {
            words,
            folder: node.get("dir").and_then(|node| self.template(node)),
            environment: self.named(node.get("env").map(Node::entries).unwrap_or_default()),
            input: node.get("input").and_then(|node| self.template(node)),
        })
    }

    /// `cmd || true` always succeeds, so the step would check nothing.
    fn hidden_exit_code(&mut self, node: &Node) {
        static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
        let form = FORM.get_or_init(|| {
            regex::Regex::new(r"\|\|\s*(true|:|echo\b[^|;&]*|exit 0|/bin/true)\s*$|;\s*(true|:|exit 0)\s*$|\bset \+e\b")
                .expect("the pattern is a constant")
        });
        let pieces: Vec<&Node> = match &node.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        for piece in pieces {
            if let Some(found) = form.find(&piece.text) {
                self.found.push(
                    Diagnostic::error("hidden-exit-code", "this command succeeds whatever happens")
                        .at(
                            self.source,
                            piece.part(found.start(), found.end()),
                            "hides the exit code",
                        )
                        .hint("remove it; `advisory: true` shows a failure without counting it"),
                );
            }
        }
    }

    fn repeat(&mut self, node: &Node, reply: bool) -> Repeat {
        Repeat {
            times: node
                .as_count()
                .or(node.get("times").and_then(Node::as_count))
                .unwrap_or(1),
            until: node
                .get("until")
                .and_then(|node| self.expression(node, reply)),
            every: time(node, "every").unwrap_or_default(),
        }
    }
}

fn retry(node: &Node) -> Retry {
    Retry {
        attempts: node
            .as_count()
            .or(node.get("attempts").and_then(Node::as_count))
            .unwrap_or(1),
        delay: time(node, "delay").unwrap_or(Duration::from_secs(1)),
        factor: node.get("factor").and_then(Node::as_number).unwrap_or(2.0),
        max_delay: time(node, "max_delay").unwrap_or(Duration::from_secs(30)),
    }
}

fn pause(node: &Node) -> Pause {
    let fixed = read_duration(node).unwrap_or_default();
    let min = time(node, "min").unwrap_or(fixed);
    Pause {
        min,
        max: time(node, "max").unwrap_or(fixed).max(min),
    }
}

fn flag(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool).unwrap_or(false)
}

fn words(node: Option<&Node>) -> Vec<String> {
    let items = node.map(Node::items).unwrap_or_default();
    items
        .into_iter()
        .filter_map(Node::as_text)
        .map(str::to_owned)
        .collect()
}
