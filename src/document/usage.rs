//! Which keys a document uses, and where: so that every key can be shown as somebody wrote it.
//!
//! Knows forms and nodes. Does not know meanings. Invariant: a key is told with the mapping whose form it belongs to.

use super::node::{Kind, Node};
use super::shape::{Field, Object, Shape, fits};
use super::source::Span;

/// One key of a document.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// The form of the mapping that it stands in.
    pub object: &'static Object,
    /// The key.
    pub field: &'static Field,
    /// From the key to the end of its value.
    pub span: Span,
}

/// All known keys of a document, in their order.
pub fn used(node: &Node, root: &'static Object) -> Vec<Used> {
    let mut all = Vec::new();
    walk(node, &Shape::Object(root), &mut all);
    all
}

fn walk(node: &Node, shape: &Shape, all: &mut Vec<Used>) {
    match shape {
        Shape::Object(object) => {
            for (key, value) in node.entries() {
                let Some(field) = object.fields.iter().find(|field| field.key == key.text) else {
                    continue;
                };
                all.push(Used {
                    object,
                    field,
                    span: Span::new(key.span.start, value.span.end.max(key.span.end)),
                });
                walk(value, &field.shape, all);
            }
        }
        Shape::List(item) | Shape::OneOrMany(item) => node
            .items()
            .into_iter()
            .for_each(|node| walk(node, item, all)),
        Shape::Named(value) => {
            if let Kind::Map(entries) = &node.kind {
                entries.iter().for_each(|(_, node)| walk(node, value, all));
            }
        }
        Shape::Either(shapes) => {
            if let Some(shape) = shapes.iter().find(|shape| fits(node, shape)) {
                walk(node, shape, all);
            }
        }
        _ => {}
    }
}

/// Every mapping that may stand in a document, itself first, each before those that it holds.
pub fn objects(root: &'static Object) -> Vec<&'static Object> {
    fn add(shape: &Shape, all: &mut Vec<&'static Object>) {
        match shape {
            Shape::Object(object) if all.iter().all(|known| known.name != object.name) => {
                all.push(object);
                object
                    .fields
                    .iter()
                    .for_each(|field| add(&field.shape, all));
            }
            Shape::List(item) | Shape::OneOrMany(item) | Shape::Named(item) => add(item, all),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| add(shape, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    add(&Shape::Object(root), &mut all);
    all
}
