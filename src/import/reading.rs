//! Files of others as values: JSON, and YAML where that is usual.

use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::node;
use crate::document::source::{Source, Span};
use serde_json::Value;
use std::sync::Arc;

/// A file of JSON.
///
/// # Errors
///
/// What is no JSON, with its place.
pub fn json(source: &Arc<Source>) -> Result<Value, Box<Diagnostic>> {
    serde_json::from_str(&source.text).map_err(|error| {
        let before: usize = source
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        let at = (before + error.column().saturating_sub(1)).min(source.text.len());
        let title = "this is no JSON";
        let label = error.to_string();
        let label = label.split(" at line ").next().unwrap_or_default();
        Box::new(Diagnostic::error("bad-import", title).at(source, Span::new(at, at + 1), label))
    })
}

/// A file of YAML.
///
/// # Errors
///
/// What is no YAML, with its place.
pub fn yaml(source: &Arc<Source>) -> Result<Value, Box<Diagnostic>> {
    let mut found = Diagnostics::default();
    let read = node::parse(source, &mut found).filter(|_| !found.has_errors());
    read.map(|node| node.to_json()).ok_or_else(|| {
        let first = found.sorted().first().map(|first| (*first).clone());
        Box::new(first.unwrap_or_else(|| Diagnostic::error("bad-import", "this is no YAML")))
    })
}

/// A value as a text.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
