//! One step, from its mapping to its compiled form.
//!
//! The order of a step is fixed: when → request → checks → captures → think. A capture is known
//! to the steps after it, and to its own `until`.

use super::compiler::{Compiler, flag, read_duration, text, time};
use super::expression::Expression;
use super::plan::*;
use super::steps::action::{Action, KINDS, StepKind, Written};
use super::steps::{http_read, wait};
use crate::document::diagnostic::Diagnostic;
use crate::document::kind::{self, Kind};
use crate::document::node::Node;
use crate::limits;
use crate::scenario::reader::texts;
use crate::severity::Severity;
use std::sync::Arc;
use std::time::Duration;

/// Names that make a step keep its body.
const BODY_NAMES: [&str; 3] = ["body", "text", "bytes"];

/// What a step is called by, where it has no name: the first of these that it says.
const CALLED: [&str; 20] = [
    "call",
    "url",
    "host",
    "name",
    "run",
    "shell",
    "button",
    "link",
    "heading",
    "textbox",
    "checkbox",
    "radio",
    "combobox",
    "image",
    "label",
    "text",
    "placeholder",
    "test_id",
    "css",
    "key",
];

impl Compiler<'_> {
    /// Compiles one step; `None` if it cannot be read, with the reason reported.
    pub(super) fn step(&mut self, node: &Node) -> Option<Step> {
        if node.entries().is_empty() {
            return None;
        }
        let kinds = kind::named(KINDS, node);
        let kind = match kinds.as_slice() {
            [(kind, _)] => *kind,
            [] => {
                let first = &node.entries()[0].0;
                let keys: Vec<&str> = KINDS.iter().map(|kind| kind.field.key).collect();
                self.found.push(
                    Diagnostic::error("missing-field", "a step does exactly one thing")
                        .at(self.source, first.span, "this step does nothing")
                        .hint(format!("add one of {}", keys.join(", "))),
                );
                return None;
            }
            [_, (second, _), ..] => {
                let place = node.key(second.field.key)?.span;
                let keys: Vec<&str> = kinds.iter().map(|(kind, _)| kind.field.key).collect();
                self.error(
                    "duplicate-field",
                    format!(
                        "a step does exactly one thing, not `{}`",
                        keys.join("` and `")
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
        let action = self.action(node, kind)?;
        let reply = kind.what.has_reply;
        let checks = self.conditions(node, "check", reply);
        let warnings = self.conditions(node, "warn", reply);
        let measures = self.values(node, "measure", reply);
        let captures = self.values(node, "capture", reply);
        for (name, _) in node.get("capture").map(Node::entries).unwrap_or_default() {
            self.captured.insert(name.text.clone());
        }
        let repeat = node.get("repeat").map(|node| self.repeat(node, reply));
        let retry = node.get("retry").map(retry);
        let until = repeat.as_ref().and_then(|repeat| repeat.until.as_ref());
        let looking = || {
            checks
                .iter()
                .chain(&warnings)
                .chain(measures.iter().map(|(_, expression)| expression))
                .chain(captures.iter().map(|(_, expression)| expression))
                .chain(until)
        };
        let keeps = flag(node, "keep") || matches!(action, Action::Quality(_));
        let wants_body = keeps
            || looking().any(|expression| BODY_NAMES.iter().any(|name| expression.uses(name)));
        let paths = super::expression::paths(looking());
        let looks_at_nothing = looking().next().is_none();
        self.asks_for_something(node, kind, looks_at_nothing);
        let index = self.step_count;
        self.step_count += 1;
        let timeout_node = node.get("timeout").and_then(read_duration);
        let default = match &action {
            // A page that answers at all does so sooner; what is not there is not waited for half a minute.
            Action::Browser(browse) if !browse.loads() => limits::BROWSER_ACT_TIMEOUT,
            Action::Quality(_) => limits::QUALITY_TIMEOUT,
            _ => limits::STEP_TIMEOUT,
        };
        Some(Step {
            name: self.step_name(node, kind, index),
            index,
            span: node.entries()[0].0.span,
            action,
            service: text(node, "service"),
            timeout: timeout_node.or(self.timeout).unwrap_or(default),
            checks,
            warnings,
            measures,
            captures,
            when,
            repeat,
            retry,
            think: node.get("think").map(wait::read),
            advisory: flag(node, "advisory") || node.get("pending").is_some(),
            pending: text(node, "pending"),
            instead_of: text(node, "instead_of"),
            has_stand_in: false,
            severity: text(node, "severity").and_then(|word| Severity::of(&word)),
            keeps,
            only_in: texts(node, "only_in"),
            go_on: flag(node, "continue"),
            wants_body,
            paths,
        })
    }

    /// A question whose answer nobody looks at.
    fn asks_for_something(&mut self, node: &Node, kind: &Kind<StepKind>, looks_at_nothing: bool) {
        if kind.field.key == "sql" && looks_at_nothing {
            let title = "whatever the database answers, this passes";
            let span = node.entries()[0].0.span;
            self.error(
                "nothing-checked",
                title,
                span,
                "add `check: [ value == 0 ]`",
            );
        }
    }

    /// Values of a reply, by the names that they are given.
    fn values(&mut self, node: &Node, key: &str, reply: bool) -> Vec<(Arc<str>, Expression)> {
        let mut values = Vec::new();
        for (name, value) in node.get(key).map(Node::entries).unwrap_or_default() {
            if let Some(expression) = self.expression(value, reply) {
                values.push((Arc::from(name.text.as_str()), expression));
            }
        }
        values
    }

    fn conditions(&mut self, node: &Node, key: &str, reply: bool) -> Vec<Expression> {
        let written = node.get(key).map(Node::items).unwrap_or_default();
        let written = written.into_iter();
        written
            .filter_map(|node| self.expression(node, reply))
            .collect()
    }

    fn step_name(&mut self, node: &Node, kind: &Kind<StepKind>, index: usize) -> Arc<str> {
        let name = text(node, "name").unwrap_or_else(|| {
            let verb = kind.field.key;
            let what = node.get(verb).map(|node| match node.as_text() {
                // `screenshot: true` says no more than its key.
                Some(text) if node.as_bool().is_some() && text == "true" => String::new(),
                Some(text) => text.to_owned(),
                None => CALLED
                    .iter()
                    .find_map(|key| text(node, key))
                    .unwrap_or_default(),
            });
            let word = if kind.what.is_http && verb != "request" {
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

    fn action(&mut self, node: &Node, kind: &Kind<StepKind>) -> Option<Action> {
        let key = kind.field.key;
        let StepKind {
            is_http,
            has_service,
            read,
            ..
        } = kind.what;
        let http_only = |name: &str| http_read::FIELDS.iter().any(|field| field.key == name);
        for (name, _) in node.entries() {
            let fits = is_http || has_service && name.text == "service";
            if !fits && http_only(&name.text) {
                self.error(
                    "unknown-field",
                    format!("`{}` belongs to HTTP steps, not to `{key}`", name.text),
                    name.span,
                    "without effect here",
                );
            }
        }
        let value = node.get(key)?;
        read(
            self,
            Written {
                step: node,
                key,
                value,
            },
        )
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
