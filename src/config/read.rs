//! From the mapping of `bellwether.yaml` to [`File`], reporting every mistake on the way.

use super::file::*;
use super::file_shape::FILE;
use crate::document::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::document::node::{self, Node};
use crate::document::shape::{self, Shape};
use crate::document::source::{Source, Span};
use crate::duration;
use crate::probe::schedule::Schedule;
use crate::scenario::expression::Mistake;
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Reads a configuration. It is returned only if no error was reported.
pub fn read(source: &Arc<Source>, folder: &Path, found: &mut Diagnostics) -> Option<File> {
    let mut own = Diagnostics::default();
    let file = node::parse(source, &mut own).map(|root| {
        shape::check(source, &root, &Shape::Object(&FILE), &mut own);
        Reader {
            source,
            folder,
            found: &mut own,
            secrets: Vec::new(),
        }
        .file(&root)
    });
    let broken = own.has_errors();
    found.append(own);
    if broken { None } else { file }
}

pub(super) struct Reader<'a> {
    pub(super) source: &'a Arc<Source>,
    pub(super) folder: &'a Path,
    pub(super) found: &'a mut Diagnostics,
    secrets: Vec<String>,
}

impl Reader<'_> {
    fn file(&mut self, root: &Node) -> File {
        let secrets = self.secret_sources(root.get("secrets"));
        self.secrets = secrets.keys().cloned().collect();
        for kind in ["probes", "gates", "channels", "environments"] {
            for (name, _) in entries(root, kind) {
                let letter = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ');
                if !name.text.chars().all(letter) || name.text.is_empty() {
                    let title = format!("`{}` cannot be a name", name.text);
                    self.error(
                        "bad-name",
                        title,
                        name.span,
                        "letters, digits, `-`, `_`, `.` and spaces",
                    );
                }
            }
        }
        let server = root.get("server");
        let environments: BTreeMap<String, Arc<Environment>> = entries(root, "environments")
            .iter()
            .map(|(name, node)| (name.text.clone(), Arc::new(self.environment(name, node))))
            .collect();
        let channels: BTreeMap<String, Channel> = entries(root, "channels")
            .iter()
            .filter_map(|(name, node)| Some((name.text.clone(), self.channel(name, node)?)))
            .collect();
        let probes = entries(root, "probes")
            .iter()
            .filter_map(|(name, node)| self.probe(name, node, &environments, root))
            .collect();
        let gates = entries(root, "gates")
            .iter()
            .filter_map(|(name, node)| self.gate(name, node, &environments, root))
            .collect();
        let listen = server
            .and_then(|node| text(node, "listen"))
            .unwrap_or_else(|| "127.0.0.1:9911".to_owned());
        let token = server
            .and_then(|node| node.get("token"))
            .and_then(|node| self.template(node));
        self.open_server(&listen, token.is_some(), server);
        File {
            source: self.source.clone(),
            folder: self.folder.to_owned(),
            listen,
            token,
            public_url: server.and_then(|node| text(node, "public_url")),
            state: self
                .folder
                .join(text(root, "state").unwrap_or_else(|| "bellwether.db".to_owned())),
            secrets,
            environments,
            probes,
            gates,
            channels,
        }
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        title: impl Into<String>,
        span: Span,
        label: &str,
    ) {
        self.found
            .push(Diagnostic::error(code, title).at(self.source, span, label));
    }

    /// An API that starts rollbacks is not open to the network by accident.
    fn open_server(&mut self, listen: &str, token: bool, server: Option<&Node>) {
        let span = server
            .and_then(|node| node.get("listen"))
            .map_or(Span::default(), |node| node.span);
        match listen.parse::<std::net::SocketAddr>() {
            Err(_) => self.error(
                "wrong-type",
                format!("`{listen}` is not an address and port"),
                span,
                "expected `127.0.0.1:9911`",
            ),
            Ok(address) if !address.ip().is_loopback() && !token => self.found.push(
                Diagnostic::warning(
                    "open-api",
                    "the API can be reached from other machines without a token",
                )
                .at(
                    self.source,
                    span,
                    "requests that change anything will be refused",
                )
                .hint("add `token: ${secrets.NAME}` under `server`"),
            ),
            Ok(_) => {}
        }
    }

    pub(super) fn mistake(&mut self, node: &Node, mistake: Mistake) {
        let span = node.part(mistake.range.0, mistake.range.1);
        let mut diagnostic =
            Diagnostic::error(mistake.code, mistake.message).at(self.source, span, "here");
        diagnostic.hint = mistake.hint;
        self.found.push(diagnostic);
    }

    /// The text of a secret or of a token that lets somebody in: never empty.
    pub(super) fn key(&mut self, node: &Node) -> Option<Template> {
        if node.text.trim().is_empty() {
            let label = "whoever shows nothing would be let in";
            self.error("missing-field", "this is empty", node.span, label);
            return None;
        }
        self.template(node)
    }

    pub(super) fn template(&mut self, node: &Node) -> Option<Template> {
        match Template::parse(node.as_text()?, false) {
            Ok(template) => {
                for (expression, at) in template.expressions() {
                    for (name, (start, end)) in expression.members("secrets") {
                        if !self.secrets.contains(&name) {
                            let mut diagnostic = Diagnostic::error(
                                "unknown-secret",
                                format!("the configuration declares no secret `{name}`"),
                            )
                            .at(
                                self.source,
                                node.part(at + start, at + end),
                                "not known here",
                            );
                            diagnostic.hint = Some(
                                match nearest(&name, self.secrets.iter().map(String::as_str)) {
                                    Some(near) => format!("did you mean `{near}`?"),
                                    None => format!(
                                        "declare it: `secrets: {{ {name}: {{ env: {name} }} }}`"
                                    ),
                                },
                            );
                            self.found.push(diagnostic);
                        }
                    }
                }
                Some(template)
            }
            Err(mistake) => {
                self.mistake(node, mistake);
                None
            }
        }
    }

    pub(super) fn secret_sources(&mut self, node: Option<&Node>) -> BTreeMap<String, SecretSource> {
        let mut sources = BTreeMap::new();
        for (name, node) in node.map(Node::entries).unwrap_or_default() {
            let mut source = SecretSource {
                env: texts(node, "env"),
                file: text(node, "file").map(|file| self.folder.join(file)),
                command: texts(node, "command"),
            };
            if source.env.is_empty() && source.file.is_none() && source.command.is_empty() {
                source.env.push(name.text.clone());
            }
            sources.insert(name.text.clone(), source);
        }
        sources
    }

    pub(super) fn known_environment(
        &mut self,
        node: &Node,
        environments: &BTreeMap<String, Arc<Environment>>,
    ) -> Option<String> {
        let name = node.get("environment")?;
        if !environments.contains_key(&name.text) {
            let known: Vec<&str> = environments.keys().map(String::as_str).collect();
            self.unknown("unknown-environment", "environment", name, &known);
            return None;
        }
        Some(name.text.clone())
    }

    pub(super) fn unknown(&mut self, code: &'static str, what: &str, name: &Node, known: &[&str]) {
        let mut diagnostic = Diagnostic::error(code, format!("there is no {what} `{}`", name.text))
            .at(self.source, name.span, "not known here");
        diagnostic.hint = Some(match nearest(&name.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(", ")),
        });
        self.found.push(diagnostic);
    }

    pub(super) fn tell(&mut self, node: &Node, root: &Node) -> Vec<String> {
        let channels: Vec<&str> = entries(root, "channels")
            .iter()
            .map(|(name, _)| name.text.as_str())
            .collect();
        let mut names = Vec::new();
        for name in node.get("tell").map(Node::items).unwrap_or_default() {
            if !channels.contains(&name.text.as_str()) {
                self.unknown("unknown-channel", "channel", name, &channels);
            }
            names.push(name.text.clone());
        }
        names
    }

    fn probe(
        &mut self,
        name: &Node,
        node: &Node,
        environments: &BTreeMap<String, Arc<Environment>>,
        root: &Node,
    ) -> Option<Probe> {
        let environment = self.known_environment(node, environments);
        let schedule = match (node.get("interval"), node.get("cron")) {
            (Some(interval), None) => match duration::parse(&interval.text) {
                Ok(every) if every >= Duration::from_millis(100) => Some(Schedule::every(every)),
                Ok(_) => {
                    self.error(
                        "bad-schedule",
                        "an interval is at least 100ms",
                        interval.span,
                        "too short",
                    );
                    None
                }
                Err(_) => None,
            },
            (None, Some(cron)) => {
                match Schedule::cron(&cron.text, text(node, "zone").as_deref().unwrap_or("UTC")) {
                    Ok(schedule) => Some(schedule),
                    Err(reason) => {
                        self.error(
                            "bad-schedule",
                            format!("`{}` is not a schedule: {reason}", cron.text),
                            cron.span,
                            "five fields, or six with seconds first",
                        );
                        None
                    }
                }
            }
            _ => {
                self.error(
                    "missing-field",
                    "a probe needs either `interval` or `cron`",
                    name.span,
                    "exactly one of them",
                );
                None
            }
        };
        let tell = self.tell(node, root);
        let scenario = self.existing(node.get("scenario")?);
        let count = |key: &str, default| node.get(key).and_then(Node::as_count).unwrap_or(default);
        Some(Probe {
            name: name.text.clone(),
            scenario,
            environment: environment?,
            schedule: schedule?,
            timeout: time(node, "timeout", 30),
            failures: count("failures", 3),
            successes: count("successes", 1),
            inputs: named_texts(node, "inputs"),
            tell,
        })
    }

    pub(super) fn files(&mut self, node: &Node, key: &str) -> Vec<PathBuf> {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items
            .into_iter()
            .filter(|node| node.is_scalar())
            .map(|node| self.existing(node))
            .collect()
    }

    /// A scenario's path; one that is not there is reported where it is named.
    pub(super) fn existing(&mut self, node: &Node) -> PathBuf {
        let path = self.folder.join(&node.text);
        if !path.is_file() {
            self.error(
                "unreadable-file",
                format!("there is no file `{}`", path.display()),
                node.span,
                "relative to this configuration",
            );
        }
        path
    }
}

pub(super) fn converge(node: Option<&Node>, timeout_s: u64) -> Converge {
    Converge {
        reads: node
            .and_then(|node| node.get("reads"))
            .and_then(Node::as_count)
            .unwrap_or(3),
        every: node.map_or(Duration::from_secs(1), |node| time(node, "every", 1)),
        timeout: node.map_or(Duration::from_secs(timeout_s), |node| {
            time(node, "timeout", timeout_s)
        }),
    }
}

pub(super) fn entries<'a>(node: &'a Node, key: &str) -> &'a [(Node, Node)] {
    node.get(key).map(Node::entries).unwrap_or_default()
}

pub(super) fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::as_text).map(str::to_owned)
}

pub(super) fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    items
        .into_iter()
        .filter_map(Node::as_text)
        .map(str::to_owned)
        .collect()
}

pub(super) fn named_texts(node: &Node, key: &str) -> BTreeMap<String, String> {
    entries(node, key)
        .iter()
        .map(|(name, value)| (name.text.clone(), value.text.clone()))
        .collect()
}

pub(super) fn time(node: &Node, key: &str, default_s: u64) -> Duration {
    node.get(key)
        .and_then(Node::as_text)
        .and_then(|text| duration::parse(text).ok())
        .unwrap_or(Duration::from_secs(default_s))
}

pub(super) fn per_second(text: &str) -> Option<f64> {
    let (count, unit) = text.split_once('/')?;
    let seconds = match unit.trim() {
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3600.0,
        _ => return None,
    };
    count
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|count| *count > 0.0)
        .map(|count| count / seconds)
}
