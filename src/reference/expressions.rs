//! What an expression may use: names, operators, functions, each with what it is and gives.

use super::page::{Entry, Page, Section};
use crate::scenario::functions::{self, Function, standard};
use crate::scenario::names;

const OPERATORS: [(&str, &str, &str); 6] = [
    (
        "== != < <= > >=",
        "compare; texts by their letters, durations and times by length",
        "latency < duration('300ms')",
    ),
    (
        "&& || !",
        "and, or, not",
        "status == 200 && !('error' in body)",
    ),
    (
        "+ - * / %",
        "calculate; `+` also joins texts and lists",
        "'a' + 'b' gives ab",
    ),
    (
        "x in list",
        "whether a list has an element, or a map a key",
        "status in [200, 204]",
    ),
    (
        "a ? b : c",
        "`b` where `a` holds, else `c`",
        "status == 404 ? 'gone' : body.state",
    ),
    (
        "x.y x['y'] x[0]",
        "a part of a map or a list; `has(x.y)` asks first",
        "body.items[0].id",
    ),
];

/// The page.
pub fn page() -> Page {
    let named = |title: &str, all: &[(&str, &str)]| {
        let entries = all.iter().map(|(name, about)| Entry {
            name: (*name).to_owned(),
            about: (*about).to_owned(),
            ..Entry::default()
        });
        Section::new(title, "").with(entries)
    };
    let operators = OPERATORS.iter().map(|(form, about, example)| Entry {
        name: (*form).to_owned(),
        about: (*about).to_owned(),
        example: (*example).to_owned(),
        ..Entry::default()
    });
    Page {
        name: "expressions",
        title: "Expressions",
        about: "Expressions are CEL (cel.dev): in `check`, `capture`, `when`, `measure`, `until`, and within `${…}`.",
        sections: vec![
            named("Names that are always there", &names::ALWAYS),
            named("Names that are there once there is a reply", &names::AFTER),
            Section::new("Operators", "").with(operators),
            Section::new(
                "Functions",
                "The first argument may stand before it: `text.lower()`.",
            )
            .with(functions::all().map(entry)),
            Section::new("Functions of CEL", "").with(standard::ALL.iter().map(entry)),
        ],
    }
}

fn entry(function: &Function) -> Entry {
    let (example, gives) = function.example;
    let gives = match gives {
        "" => String::new(),
        gives => format!(" gives {gives}"),
    };
    Entry {
        name: function.form.to_owned(),
        form: String::new(),
        about: function.about.to_owned(),
        example: format!("{example}{gives}"),
    }
}
