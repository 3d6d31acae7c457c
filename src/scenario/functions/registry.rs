//! All functions by their names, as they are offered, explained and evaluated.
//!
//! Knows no function itself. Invariant: what is explained is what there is; the example of each gives what it says.

use super::{codecs, documents, pages, schemas, texts};
use cel::{Context, ExecutionError, Value};
use std::sync::Arc;

/// Bytes of a text that a function makes at the most.
pub(super) const TEXT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Elements of a list that a function makes at the most.
pub(super) const LIST_MAX: usize = 100_000;

/// A function.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// How it is called: `split(text, separator)`; the first argument may stand before it, `text.split(separator)`.
    pub form: &'static str,
    /// What it gives, for people.
    pub about: &'static str,
    /// An expression that needs nothing else, and what it gives as JSON; nothing where that is by chance.
    pub example: (&'static str, &'static str),
    /// Whether it goes through a text.
    pub searches: bool,
    /// Makes it known to an interpreter.
    pub(super) add: fn(&mut Context<'_, '_>),
}

/// All functions, in the order in which they are explained.
pub fn all() -> impl Iterator<Item = &'static Function> {
    let rooms = [
        texts::ALL,
        codecs::ALL,
        documents::ALL,
        schemas::ALL,
        pages::ALL,
    ];
    rooms.into_iter().flatten()
}

/// A function by its name.
pub fn named(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

/// Makes all of them known to an interpreter.
pub fn add(context: &mut Context<'_, '_>) {
    for function in all() {
        (function.add)(context);
    }
}

/// A text that a function made.
pub(super) fn made(text: String) -> Value {
    Value::String(Arc::new(text))
}

/// A failure of a function, in words.
pub(super) fn failed(name: &'static str) -> impl Fn(String) -> ExecutionError {
    move |why| ExecutionError::function_error(name, why)
}

/// Refuses what would fill the memory.
pub(super) fn bounded(name: &'static str, bytes: usize) -> Result<(), ExecutionError> {
    match bytes <= TEXT_BYTES_MAX {
        true => Ok(()),
        false => Err(failed(name)(format!(
            "`{name}` would make a text of more than {} MiB",
            TEXT_BYTES_MAX >> 20
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::standard;
    use super::*;
    use crate::scenario::expression::Expression;
    use crate::scenario::scope::Scope;
    use std::collections::BTreeSet;

    struct Nothing;

    impl Scope for Nothing {
        fn lookup(&self, name: &str) -> Option<cel::Value> {
            let large = || Arc::new("x".repeat(8 << 20));
            (name == "text").then(|| cel::Value::String(large()))
        }

        fn path(&self, _: &str, _: &str) -> Option<serde_json::Value> {
            None
        }
    }

    #[test]
    fn every_example_gives_what_it_says() {
        let names: BTreeSet<&str> = all().map(|function| function.name).collect();
        assert_eq!(names.len(), all().count(), "each name once");
        for function in all().chain(standard::ALL) {
            let (text, expected) = function.example;
            let expression = Expression::compile(text, true)
                .unwrap_or_else(|mistake| panic!("{text}: {}", mistake.message));
            let value = expression
                .value(&Nothing)
                .unwrap_or_else(|why| panic!("{text}: {why}"));
            if !expected.is_empty() {
                assert_eq!(value.to_string(), expected, "{text}");
            }
            assert!(function.form.contains(function.name), "{}", function.form);
        }
    }

    #[test]
    fn the_first_argument_may_stand_before_a_function() {
        for (text, expected) in [
            ("'Shop'.lower() == 'shop'", "true"),
            ("'a,b'.split(',').join('-').upper()", "\"A-B\""),
            ("{'a': [1]}.jsonpath('$.a[0]')[0] == 1", "true"),
            ("[1].kind()", "\"list\""),
            ("18446744073709551615u", "18446744073709551615"),
        ] {
            let expression = Expression::compile(text, true);
            let expression = expression.unwrap_or_else(|wrong| panic!("{text}: {}", wrong.message));
            let value = expression.value(&Nothing);
            let value = value.unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!(value.to_string(), expected, "{text}");
        }
    }

    #[test]
    fn nothing_that_a_function_is_given_fills_the_memory_or_ends_the_process() {
        for (text, why) in [
            ("replace(text, 'x', text)", "of more than 32 MiB"),
            ("replace(text, '', text)", "of more than 32 MiB"),
            ("split(text, '')", "more than 100000 parts"),
            ("split(text, 'x')", "more than 100000 parts"),
            (
                "join([text, text, text, text, text], '')",
                "of more than 32 MiB",
            ),
            ("base64Decode('*')", "is not base64"),
            ("hexDecode('0')", "is not hexadecimal"),
            ("jsonpath({'a': 1}, '$[')", "is no JSONPath"),
            ("parseJson('{')", "is not JSON"),
            ("urlDecode('%FF')", "is not UTF-8"),
            ("html('<p>', '[')", "is no selector"),
            ("matchesSchema(1, '{')", "the schema is not JSON"),
            (
                "matchesSchema(1, {'type': 'string'})",
                "must be string, and is 1",
            ),
            ("lower(5)", ""),
            ("join([1, {}], '-')", ""),
        ] {
            let expression = Expression::compile(text, true)
                .unwrap_or_else(|mistake| panic!("{text}: {}", mistake.message));
            let refused = expression.value(&Nothing).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
