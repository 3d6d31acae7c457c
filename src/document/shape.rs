//! What a file may hold, said once: the same table checks a file, and prints as JSON Schema.
//!
//! Knows forms (text, duration, list, mapping with these fields). Does not know meanings that
//! need more than one value; those are checked where the value is compiled.
//! Invariant: a node that passes [`check`] can be read without any further doubt about its form.

use super::diagnostic::{Diagnostic, Diagnostics, nearest};
use super::node::{Kind, Node};
use super::source::{Source, Span};
use crate::duration;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The form of one value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Text; numbers and truth values count as their text.
    Text,
    /// Text with `${…}` in it.
    Template,
    /// A CEL expression.
    Expression,
    /// `true` or `false`.
    Bool,
    /// A whole number from the first to the second bound.
    Count(u64, u64),
    /// Any number that is not negative.
    Number,
    /// A duration such as `1m30s`.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of one form.
    List(&'static Shape),
    /// One value, or a list of them.
    OneOrMany(&'static Shape),
    /// A mapping whose keys are the user's own.
    Named(&'static Shape),
    /// A mapping with known fields.
    Object(&'static Object),
    /// Any of these forms; the first whose outer kind fits is the one that is checked.
    Either(&'static [Shape]),
    /// Anything that YAML can hold.
    Any,
}

/// A mapping with known fields.
#[derive(Debug)]
pub struct Object {
    /// Short name, the key under `$defs` in the JSON Schema.
    pub name: &'static str,
    /// What a message calls it: `an http step`.
    pub called: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

/// One known field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its key.
    pub key: &'static str,
    /// The form of its value.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
    /// One sentence for editors and the reference.
    pub about: &'static str,
}

impl Field {
    /// The place of a field that is yet to be filled in.
    pub(super) const EMPTY: Field = field("", Shape::Any, "");
}

/// An optional field.
pub const fn field(key: &'static str, shape: Shape, about: &'static str) -> Field {
    Field {
        key,
        shape,
        required: false,
        about,
    }
}

/// A field that must be there.
pub const fn required(key: &'static str, shape: Shape, about: &'static str) -> Field {
    Field {
        key,
        shape,
        required: true,
        about,
    }
}

/// Checks a node against a form and reports everything that does not fit.
pub fn check(source: &Arc<Source>, node: &Node, shape: &Shape, found: &mut Diagnostics) {
    Checker {
        source,
        found,
        context: None,
    }
    .check(node, shape);
}

struct Checker<'a> {
    source: &'a Arc<Source>,
    found: &'a mut Diagnostics,
    context: Option<Span>,
}

impl Checker<'_> {
    fn wrong(&mut self, node: &Node, shape: &Shape, detail: Option<String>) {
        let code = match shape {
            Shape::Duration => "bad-duration",
            _ => "wrong-type",
        };
        let title = match shape {
            Shape::Duration if node.is_scalar() => format!("`{}` is not a duration", node.text),
            _ if node.is_scalar() => format!("expected {}, found `{}`", expected(shape), node.text),
            _ => format!("expected {}, found {}", expected(shape), node.describe()),
        };
        let text = matches!(shape, Shape::Text | Shape::Template | Shape::Expression);
        let detail = detail.or_else(|| {
            let unquoted = text && matches!(node.kind, Kind::Map(_));
            unquoted.then(|| "text that holds `: ` must be quoted".to_owned())
        });
        let mut diagnostic =
            Diagnostic::error(code, title).at(self.source, node.span, expected(shape));
        diagnostic.context = self.context;
        diagnostic.hint = detail;
        self.found.push(diagnostic);
    }

    fn check(&mut self, node: &Node, shape: &Shape) {
        match shape {
            Shape::Any => {}
            Shape::Text | Shape::Template | Shape::Expression => {
                if !node.is_scalar() {
                    self.wrong(node, shape, None);
                }
            }
            Shape::Bool => {
                if node.as_bool().is_none() {
                    self.wrong(node, shape, None);
                }
            }
            Shape::Count(low, high) => match node.as_count() {
                Some(value) if (*low..=*high).contains(&value) => {}
                _ => self.wrong(node, shape, None),
            },
            Shape::Number => match node.as_number() {
                Some(value) if value >= 0.0 => {}
                _ => self.wrong(node, shape, None),
            },
            Shape::Duration => match node.as_text().map(duration::parse) {
                Some(Ok(_)) => {}
                Some(Err(reason)) => self.wrong(node, shape, Some(reason)),
                None => self.wrong(node, shape, None),
            },
            Shape::Word(words) => match node.as_text() {
                Some(text) if words.contains(&text) => {}
                Some(text) => {
                    let near = nearest(text, words.iter().copied());
                    self.wrong(
                        node,
                        shape,
                        near.map(|word| format!("did you mean `{word}`?")),
                    );
                }
                None => self.wrong(node, shape, None),
            },
            Shape::List(item) => match &node.kind {
                Kind::List(items) => items.iter().for_each(|node| self.check(node, item)),
                _ => self.wrong(node, shape, None),
            },
            Shape::OneOrMany(item) => {
                for node in node.items() {
                    self.check(node, item);
                }
            }
            Shape::Named(value) => match &node.kind {
                Kind::Map(entries) => {
                    for (_, node) in entries {
                        self.check(node, value);
                    }
                }
                _ => self.wrong(node, shape, None),
            },
            Shape::Object(object) => self.object(node, shape, object),
            Shape::Either(shapes) => match shapes.iter().find(|shape| fits(node, shape)) {
                Some(shape) => self.check(node, shape),
                None => self.wrong(node, shape, None),
            },
        }
    }

    fn object(&mut self, node: &Node, shape: &Shape, object: &Object) {
        let Kind::Map(entries) = &node.kind else {
            return self.wrong(node, shape, None);
        };
        let outer = self.context.replace(node.span);
        for (key, value) in entries {
            match object.fields.iter().find(|field| field.key == key.text) {
                Some(field) => self.check(value, &field.shape),
                None => {
                    let names = object.fields.iter().map(|field| field.key);
                    let near = nearest(&key.text, names.clone());
                    let hint = match near {
                        Some(word) => format!("did you mean `{word}`?"),
                        None => format!("known fields: {}", names.collect::<Vec<_>>().join(", ")),
                    };
                    self.found.push(
                        Diagnostic::error(
                            "unknown-field",
                            format!("{} has no field `{}`", object.called, key.text),
                        )
                        .at(self.source, key.span, "not known here")
                        .within(node.span)
                        .hint(hint),
                    );
                }
            }
        }
        for field in object.fields.iter().filter(|field| field.required) {
            if node.get(field.key).is_none() {
                let start = entries.first().map_or(node.span, |(key, _)| key.span);
                self.found.push(
                    Diagnostic::error(
                        "missing-field",
                        format!("{} needs a field `{}`", object.called, field.key),
                    )
                    .at(
                        self.source,
                        start,
                        format!("`{}` is missing here", field.key),
                    )
                    .hint(format!("`{}`: {}", field.key, field.about)),
                );
            }
        }
        self.context = outer;
    }
}

pub(super) fn fits(node: &Node, shape: &Shape) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Text | Shape::Template | Shape::Expression | Shape::Word(_) => node.is_scalar(),
        Shape::Duration => node.is_scalar() && duration::parse(&node.text).is_ok(),
        Shape::Bool => node.as_bool().is_some(),
        Shape::Count(..) => matches!(node.kind, Kind::Int(_)),
        Shape::Number => node.as_number().is_some(),
        Shape::List(_) => matches!(node.kind, Kind::List(_)),
        Shape::OneOrMany(item) => matches!(node.kind, Kind::List(_)) || fits(node, item),
        Shape::Named(_) | Shape::Object(_) => matches!(node.kind, Kind::Map(_)),
        Shape::Either(shapes) => shapes.iter().any(|shape| fits(node, shape)),
    }
}

/// A form in words.
pub fn expected(shape: &Shape) -> String {
    match shape {
        Shape::Any => "anything".to_owned(),
        Shape::Text => "text".to_owned(),
        Shape::Template => "text".to_owned(),
        Shape::Expression => "an expression".to_owned(),
        Shape::Bool => "`true` or `false`".to_owned(),
        Shape::Count(0, u64::MAX) => "a whole number".to_owned(),
        Shape::Count(low, u64::MAX) => format!("a whole number of at least {low}"),
        Shape::Count(low, high) => format!("a whole number from {low} to {high}"),
        Shape::Number => "a number that is not negative".to_owned(),
        Shape::Duration => "a duration such as `1m30s`".to_owned(),
        Shape::Word(words) => format!(
            "one of {}",
            words
                .iter()
                .map(|word| format!("`{word}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Shape::List(_) => "a list".to_owned(),
        Shape::OneOrMany(item) => format!("{} or a list of it", expected(item)),
        Shape::Named(_) => "a mapping of names".to_owned(),
        Shape::Object(object) => format!("{} (a mapping)", object.called),
        Shape::Either(shapes) => shapes
            .iter()
            .map(expected)
            .collect::<Vec<_>>()
            .join(", or "),
    }
}

/// The JSON Schema (2020-12) of a file.
pub fn json_schema(title: &str, root: &'static Object) -> Value {
    let mut definitions = Map::new();
    let reference = schema_of(&Shape::Object(root), &mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "$ref": reference["$ref"],
        "$defs": definitions,
    })
}

fn schema_of(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    match shape {
        Shape::Any => json!(true),
        Shape::Text | Shape::Template | Shape::Expression => {
            json!({ "type": ["string", "number", "boolean"] })
        }
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Count(low, u64::MAX) => json!({ "type": "integer", "minimum": low }),
        Shape::Count(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Shape::Number => json!({ "type": "number", "minimum": 0 }),
        Shape::Duration => json!({
            "type": ["string", "integer"],
            "pattern": "^(0|([0-9.]+(us|µs|ms|s|m|min|h|d))+)$",
        }),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::List(item) => json!({ "type": "array", "items": schema_of(item, definitions) }),
        Shape::OneOrMany(item) => {
            let item = schema_of(item, definitions);
            json!({ "anyOf": [item, { "type": "array", "items": item }] })
        }
        Shape::Named(value) => {
            json!({ "type": "object", "additionalProperties": schema_of(value, definitions) })
        }
        Shape::Either(shapes) => {
            let any: Vec<Value> = shapes
                .iter()
                .map(|shape| schema_of(shape, definitions))
                .collect();
            json!({ "anyOf": any })
        }
        Shape::Object(object) => {
            if !definitions.contains_key(object.name) {
                definitions.insert(object.name.to_owned(), Value::Null);
                let mut properties = Map::new();
                for field in object.fields {
                    let mut schema = schema_of(&field.shape, definitions);
                    if let Value::Object(schema) = &mut schema {
                        schema.insert("description".to_owned(), json!(field.about));
                    }
                    properties.insert(field.key.to_owned(), schema);
                }
                let required: Vec<&str> = object
                    .fields
                    .iter()
                    .filter(|field| field.required)
                    .map(|field| field.key)
                    .collect();
                definitions.insert(
                    object.name.to_owned(),
                    json!({
                        "type": "object",
                        "description": object.called,
                        "properties": properties,
                        "required": required,
                        "additionalProperties": false,
                    }),
                );
            }
            json!({ "$ref": format!("#/$defs/{}", object.name) })
        }
    }
}
