//! The functions that CEL itself has, as they are explained. Nothing is evaluated here.

use super::registry::Function;

macro_rules! function {
    ($name:literal, $form:literal, $about:literal, $example:literal, $gives:literal) => {
        Function {
            name: $name,
            form: $form,
            about: $about,
            example: ($example, $gives),
            searches: false,
            add: |_| {},
        }
    };
}

/// Those that a check of a reply may want.
pub const ALL: &[Function] = &[
    function!(
        "size",
        "size(value)",
        "letters of a text, elements of a list or map",
        "size('shop')",
        "4"
    ),
    function!(
        "has",
        "has(map.key)",
        "whether a map has a key",
        "has({'a': 1}.b)",
        "false"
    ),
    function!(
        "contains",
        "text.contains(part)",
        "whether a text has a part",
        "'shop'.contains('ho')",
        "true"
    ),
    function!(
        "startsWith",
        "text.startsWith(part)",
        "whether it begins so",
        "'shop'.startsWith('sh')",
        "true"
    ),
    function!(
        "endsWith",
        "text.endsWith(part)",
        "whether it ends so",
        "'shop'.endsWith('op')",
        "true"
    ),
    function!(
        "matches",
        "text.matches(pattern)",
        "whether a regular expression finds something",
        "'v1.2'.matches('^v[0-9.]+$')",
        "true"
    ),
    function!(
        "all",
        "list.all(x, condition)",
        "whether it holds for every element",
        "[1, 2].all(x, x > 0)",
        "true"
    ),
    function!(
        "exists",
        "list.exists(x, condition)",
        "whether it holds for any",
        "[1, 2].exists(x, x > 1)",
        "true"
    ),
    function!(
        "exists_one",
        "list.exists_one(x, condition)",
        "whether it holds for exactly one",
        "[1, 2].exists_one(x, x > 0)",
        "false"
    ),
    function!(
        "map",
        "list.map(x, value)",
        "a value for each element",
        "[1, 2].map(x, x * 10)",
        "[10,20]"
    ),
    function!(
        "filter",
        "list.filter(x, condition)",
        "the elements for which it holds",
        "[1, 2].filter(x, x > 1)",
        "[2]"
    ),
    function!(
        "int",
        "int(value)",
        "a whole number, of a text too",
        "int('42')",
        "42"
    ),
    function!(
        "double",
        "double(value)",
        "a number with a fraction",
        "double('1.5')",
        "1.5"
    ),
    function!("string", "string(value)", "a text", "string(42)", "\"42\""),
    function!(
        "duration",
        "duration(text)",
        "a length of time",
        "duration('90s') > duration('1m')",
        "true"
    ),
    function!(
        "timestamp",
        "timestamp(text)",
        "a moment (RFC 3339)",
        "timestamp('2026-01-02T00:00:00Z') > timestamp('2026-01-01T00:00:00Z')",
        "true"
    ),
    function!(
        "getFullYear",
        "time.getFullYear()",
        "a part of a moment; also getMonth and getDayOfMonth (from 0), getDate, getHours, getMinutes, getSeconds, getDayOfWeek",
        "timestamp('2026-01-02T00:00:00Z').getFullYear()",
        "2026"
    ),
];
