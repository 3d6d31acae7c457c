//! What is known while a scenario is compiled, and what every part of the compiler needs of it:
//! expressions and templates whose names are checked, mistakes at their places.

use super::expression::Expression;
use super::scope::Mistake;
use super::template::Template;
use crate::document::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::document::node::Node;
use crate::document::source::{Source, Span};
use crate::duration;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What is known while a file is compiled.
pub struct Compiler<'a> {
    pub(in crate::scenario) source: &'a Arc<Source>,
    pub(in crate::scenario) folder: &'a Path,
    pub(in crate::scenario) found: &'a mut Diagnostics,
    pub(in crate::scenario) captured: BTreeSet<String>,
    pub(in crate::scenario) secrets: BTreeSet<String>,
    pub(in crate::scenario) inputs: BTreeSet<String>,
    pub(in crate::scenario) data: BTreeSet<String>,
    /// Columns of each data file.
    pub(in crate::scenario) columns: Vec<(String, BTreeSet<String>)>,
    /// The part of the scenario that is compiled, if it has no rows of data files.
    pub(in crate::scenario) without_rows: Option<&'static str>,
    pub(in crate::scenario) reads: BTreeSet<String>,
    pub(in crate::scenario) step_count: usize,
    pub(in crate::scenario) names: BTreeSet<String>,
    pub(in crate::scenario) headers: Vec<(Node, Node)>,
    pub(in crate::scenario) timeout: Option<Duration>,
    pub(in crate::scenario) service: Option<String>,
}

impl Compiler<'_> {
    /// Templates by their names; one that has several values stands there several times.
    pub(in crate::scenario) fn named(
        &mut self,
        entries: &[(Node, Node)],
    ) -> Vec<(String, Template)> {
        entries
            .iter()
            .flat_map(|(name, value)| value.items().into_iter().map(move |value| (name, value)))
            .filter_map(|(name, value)| Some((name.text.clone(), self.template(value)?)))
            .collect()
    }

    /// Reports an error at a place.
    pub fn error(&mut self, code: &'static str, title: impl Into<String>, span: Span, label: &str) {
        self.found
            .push(Diagnostic::error(code, title).at(self.source, span, label));
    }

    fn mistake(&mut self, node: &Node, mistake: Mistake) {
        let mut diagnostic = Diagnostic::error(mistake.code, mistake.message).at(
            self.source,
            node.part(mistake.range.0, mistake.range.1),
            "here",
        );
        diagnostic.hint = mistake.hint;
        self.found.push(diagnostic);
    }

    /// Compiles an expression; `reply` says whether there is a reply to look at.
    pub fn expression(&mut self, node: &Node, reply: bool) -> Option<Expression> {
        let written = node.as_text()?;
        let lead = written.len() - written.trim_start().len();
        match Expression::compile(written, reply) {
            Ok(expression) => {
                self.check_members(node, &expression, lead);
                Some(expression)
            }
            Err(mut mistake) => {
                mistake.range = (mistake.range.0 + lead, mistake.range.1 + lead);
                self.mistake(node, mistake);
                None
            }
        }
    }

    /// Compiles a text.
    pub fn template(&mut self, node: &Node) -> Option<Template> {
        match Template::parse(node.as_text()?, false) {
            Ok(template) => {
                for (expression, at) in template.expressions() {
                    self.check_members(node, expression, at);
                }
                Some(template)
            }
            Err(mistake) => {
                self.mistake(node, mistake);
                None
            }
        }
    }

    fn check_members(&mut self, node: &Node, expression: &Expression, at: usize) {
        self.check_rows(node, expression, at);
        for (root, known, code, what) in [
            (
                "vars",
                self.captured.clone(),
                "capture-before-made",
                "no earlier step captures",
            ),
            (
                "inputs",
                self.inputs.clone(),
                "unknown-input",
                "the scenario declares no input",
            ),
            (
                "secrets",
                self.secrets.clone(),
                "unknown-secret",
                "the scenario declares no secret",
            ),
            (
                "data",
                self.data.clone(),
                "unknown-data",
                "the scenario declares no data file",
            ),
        ] {
            for (name, (start, end)) in expression.members(root) {
                self.reads.insert(name.clone());
                if known.contains(&name) {
                    continue;
                }
                let mut diagnostic = Diagnostic::error(code, format!("{what} `{name}`")).at(
                    self.source,
                    node.part(at + start, at + end),
                    "not known here",
                );
                diagnostic.hint = match nearest(&name, known.iter().map(String::as_str)) {
                    Some(near) => Some(format!("did you mean `{near}`?")),
                    None if root == "vars" => Some(
                        "capture it first: `capture: { NAME: body.path }` in a step that stands before".to_owned(),
                    ),
                    None => Some(format!("declare it under `{root}:`")),
                };
                self.found.push(diagnostic);
            }
        }
    }
}

impl Compiler<'_> {
    /// Whether there is a row where one is asked for, and whether it has that column.
    fn check_rows(&mut self, node: &Node, expression: &Expression, at: usize) {
        let place = |(start, end)| node.part(at + start, at + end);
        if let (Some(part), Some((_, range))) =
            (self.without_rows, expression.members("data").first())
        {
            let title = format!("`data` has no row in {part}: each iteration takes one");
            self.error("data-without-row", title, place(*range), "only in `steps`");
            return;
        }
        for (file, column, range) in expression.columns() {
            let known = self.columns.iter().find(|(name, _)| *name == file);
            let Some((_, columns)) = known.filter(|(_, columns)| !columns.is_empty()) else {
                continue;
            };
            if columns.contains(&column) {
                continue;
            }
            let near = nearest(&column, columns.iter().map(String::as_str));
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let all: Vec<&str> = columns.iter().map(String::as_str).collect();
                    format!("its columns are {}", all.join(", "))
                }
            };
            let title = format!("the data file `{file}` has no column `{column}`");
            self.found.push(
                Diagnostic::error("unknown-column", title)
                    .at(self.source, place(range), "not in that file")
                    .hint(hint),
            );
        }
    }
}

/// The text of a field.
pub(in crate::scenario) fn text(node: &Node, key: &str) -> Option<String> {
    node.get(key).and_then(Node::as_text).map(str::to_owned)
}

/// The duration of a field.
pub(in crate::scenario) fn time(node: &Node, key: &str) -> Option<Duration> {
    node.get(key).and_then(read_duration)
}

/// A scalar as a duration.
pub(in crate::scenario) fn read_duration(node: &Node) -> Option<Duration> {
    duration::parse(node.as_text()?).ok()
}

/// Whether a field says `true`.
pub(in crate::scenario) fn flag(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool).unwrap_or(false)
}
