//! Registries of kinds: a mapping names one of several by its key (`slack:`, `fly:`, `get:`).
//!
//! A kind is said once, in its own file, with the field that names it and whatever its registry
//! wants to know of it. Forms, JSON Schema and the sentences of mistakes are made from the registry,
//! so that a new kind is a file and a line.

use super::node::Node;
use super::shape::Field;

/// One kind.
#[derive(Debug, Clone, Copy)]
pub struct Kind<T> {
    /// The field that names it: key, form and one sentence.
    pub field: Field,
    /// What its registry wants to know of it.
    pub what: T,
}

/// The fields of a form: those that stand before the kinds, the kinds, and those after.
pub const fn fields<T, const N: usize>(
    before: &[Field],
    kinds: &[Kind<T>],
    after: &[Field],
) -> [Field; N] {
    let mut all = [Field::EMPTY; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < before.len() {
            before[at]
        } else if at < before.len() + kinds.len() {
            kinds[at - before.len()].field
        } else {
            after[at - before.len() - kinds.len()]
        };
        at += 1;
    }
    all
}

/// The kinds that a mapping names, in the order of the registry, each with its value.
pub fn named<'k, 'n, T>(kinds: &'k [Kind<T>], node: &'n Node) -> Vec<(&'k Kind<T>, &'n Node)> {
    kinds
        .iter()
        .filter_map(|kind| Some((kind, node.get(kind.field.key)?)))
        .collect()
}

/// The keys of kinds as people read them: "`email`, `slack` and `webhook`".
pub fn list<T>(kinds: &[Kind<T>]) -> String {
    let keys: Vec<String> = kinds
        .iter()
        .map(|kind| format!("`{}`", kind.field.key))
        .collect();
    match keys.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::shape::{Shape, field};

    const KINDS: &[Kind<u8>] = &[
        Kind {
            field: field("one", Shape::Text, "the first"),
            what: 1,
        },
        Kind {
            field: field("two", Shape::Text, "the second"),
            what: 2,
        },
    ];
    static FIELDS: [Field; 4] = fields(
        &[field("name", Shape::Text, "before")],
        KINDS,
        &[field("end", Shape::Text, "after")],
    );

    #[test]
    fn a_form_is_made_of_its_registry() {
        let keys: Vec<&str> = FIELDS.iter().map(|field| field.key).collect();
        assert_eq!(keys, ["name", "one", "two", "end"]);
        assert_eq!(list(KINDS), "`one` and `two`");
        assert_eq!(list(&KINDS[..1]), "`one`");
    }
}
