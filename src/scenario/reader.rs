//! From nodes of a configuration to its values, reporting every mistake at its place.

use super::expression::Expression;
use super::scope::Mistake;
use super::template::Template;
use crate::document::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::document::node::Node;
use crate::document::source::{Source, Span};
use crate::duration;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Reads one file.
pub struct Reader<'a> {
    /// The file.
    pub source: &'a Arc<Source>,
    /// The folder that its relative paths start from.
    pub folder: &'a Path,
    /// What is wrong with it so far.
    pub found: &'a mut Diagnostics,
    /// The secrets that it declares.
    pub secrets: Vec<String>,
}

impl Reader<'_> {
    /// Reports a mistake at a place.
    pub fn error(&mut self, code: &'static str, title: impl Into<String>, span: Span, label: &str) {
        self.found
            .push(Diagnostic::error(code, title).at(self.source, span, label));
    }

    /// Reports what is wrong with an expression or a template.
    pub fn mistake(&mut self, node: &Node, mistake: Mistake) {
        let span = node.part(mistake.range.0, mistake.range.1);
        let mut diagnostic =
            Diagnostic::error(mistake.code, mistake.message).at(self.source, span, "here");
        diagnostic.hint = mistake.hint;
        self.found.push(diagnostic);
    }

    /// The text of a secret or of a token that lets somebody in: never empty.
    pub fn key(&mut self, node: &Node) -> Option<Template> {
        if node.text.trim().is_empty() {
            let label = "whoever shows nothing would be let in";
            self.error("missing-field", "this is empty", node.span, label);
            return None;
        }
        self.template(node)
    }

    /// A text with `${…}` in it; secrets that are not declared are reported.
    pub fn template(&mut self, node: &Node) -> Option<Template> {
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

    /// Reports inputs in the texts of a node that `whose` does not have.
    pub fn known_inputs(&mut self, node: &Node, known: &[&str], whose: &str) {
        for (_, value) in node.entries() {
            self.known_inputs(value, known, whose);
        }
        if node.entries().is_empty() && !node.items().is_empty() && node.as_text().is_none() {
            for item in node.items() {
                self.known_inputs(item, known, whose);
            }
        }
        let Some(Ok(template)) = node.as_text().map(|text| Template::parse(text, false)) else {
            return;
        };
        for (expression, at) in template.expressions() {
            for (name, (start, end)) in expression.members("inputs") {
                if known.contains(&name.as_str()) {
                    continue;
                }
                let hint = match nearest(&name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("facts of {whose}: {}", known.join(", ")),
                };
                let span = node.part(at + start, at + end);
                let title = format!("{whose} has no fact `{name}`");
                let diagnostic = Diagnostic::error("unknown-fact", title);
                let diagnostic = diagnostic.at(self.source, span, "not known here");
                self.found.push(diagnostic.hint(hint));
            }
        }
    }

    /// An expression on a reply.
    pub fn expression(&mut self, node: &Node) -> Option<Expression> {
        match Expression::compile(node.as_text()?, true) {
            Ok(expression) => Some(expression),
            Err(mistake) => {
                self.mistake(node, mistake);
                None
            }
        }
    }

    /// Reports a name that stands nowhere, with what may have been meant.
    pub fn unknown(&mut self, code: &'static str, what: &str, name: &Node, known: &[&str]) {
        let mut diagnostic = Diagnostic::error(code, format!("there is no {what} `{}`", name.text))
            .at(self.source, name.span, "not known here");
        diagnostic.hint = Some(match nearest(&name.text, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(", ")),
        });
        self.found.push(diagnostic);
    }

    /// Scenarios' paths.
    pub fn files(&mut self, node: &Node, key: &str) -> Vec<PathBuf> {
        let items = node.get(key).map(Node::items).unwrap_or_default();
        items
            .into_iter()
            .filter(|node| node.is_scalar())
            .map(|node| self.existing(node))
            .collect()
    }

    /// A scenario's path; one that is not there is reported where it is named.
    pub fn existing(&mut self, node: &Node) -> PathBuf {
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

/// The entries of a mapping under a key.
pub fn entries<'a>(node: &'a Node, key: &str) -> &'a [(Node, Node)] {
    node.get(key).map(Node::entries).unwrap_or_default()
}

/// The text under a key.
pub fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::as_text).map(str::to_owned)
}

/// The texts under a key.
pub fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).map(Node::items).unwrap_or_default();
    items
        .into_iter()
        .filter_map(Node::as_text)
        .map(str::to_owned)
        .collect()
}

/// The texts of a mapping under a key, by their names.
pub fn named_texts(node: &Node, key: &str) -> BTreeMap<String, String> {
    entries(node, key)
        .iter()
        .map(|(name, value)| (name.text.clone(), value.text.clone()))
        .collect()
}

/// The duration under a key, or so many seconds.
pub fn time(node: &Node, key: &str, default_s: u64) -> Duration {
    node.get(key)
        .and_then(Node::as_text)
        .and_then(|text| duration::parse(text).ok())
        .unwrap_or(Duration::from_secs(default_s))
}

/// A rate such as `100/m`, in events a second.
pub fn per_second(text: &str) -> Option<f64> {
    let (count, unit) = text.split_once('/')?;
    let seconds = match unit.trim() {
        "s" | "sec" | "second" => 1.0,
        "m" | "min" | "minute" => 60.0,
        "h" | "hour" => 3600.0,
        // Of a longer span, such as `100/15m`.
        span => duration::parse(span).ok()?.as_secs_f64(),
    };
    count
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|count| *count > 0.0 && seconds > 0.0)
        .map(|count| count / seconds)
}
