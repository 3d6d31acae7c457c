//! Files of environment variables (`.env`): which are there, and which nobody has filled in.
//!
//! Invariant: no value leaves this room, only names.

use super::placeholder::placeholder;
use super::said::Said;
use serde_json::Value;
use std::collections::BTreeMap;

/// What must hold of a file.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Variables that must be there and not be empty.
    pub required: Vec<String>,
    /// Of each of these groups one must be there.
    pub one_of: Vec<Vec<String>>,
    /// Texts that must not stand in a value, beside the usual placeholders.
    pub refuse: Vec<String>,
    /// Variables whose values are what is said here.
    pub equal: Vec<(String, String)>,
}

/// Understands a file.
pub fn understand(text: &str, wanted: &Wanted) -> Said {
    let (variables, broken) = parse(text);
    let mut said = Said::default();
    for number in broken {
        said.objections
            .push(format!("line {number} is no `NAME=value`"));
    }
    let filled = |name: &str| variables.get(name).is_some_and(|value| !value.is_empty());
    for name in wanted.required.iter().filter(|name| !filled(name)) {
        let what = match variables.contains_key(name) {
            true => "is empty",
            false => "is missing",
        };
        said.objections.push(format!("`{name}` {what}"));
    }
    for group in &wanted.one_of {
        if !group.iter().any(|name| filled(name)) {
            let names = group.join("`, `");
            said.objections.push(format!("none of `{names}` is there"));
        }
    }
    for (name, value) in &variables {
        let refused = wanted
            .refuse
            .iter()
            .find(|part| value.contains(part.as_str()));
        // What is known as a placeholder is no secret, and still is not shown.
        if refused.is_some() || placeholder(value).is_some() {
            said.objections
                .push(format!("`{name}` still holds a placeholder"));
        }
    }
    for (name, value) in &wanted.equal {
        match variables.get(name) {
            Some(found) if found == value => {}
            Some(_) => said
                .objections
                .push(format!("`{name}` is not what it must be")),
            None if wanted.required.contains(name) => {}
            None => said.objections.push(format!("`{name}` is missing")),
        }
    }
    said.value("count", variables.len());
    let names = variables.into_keys().map(Value::String);
    said.value("lines", Value::Array(names.collect()));
    said
}

/// Variables, and the numbers of lines that are none: `NAME=value` with `export`, comments and quotes.
fn parse(text: &str) -> (BTreeMap<String, String>, Vec<usize>) {
    let text = text.trim_start_matches('\u{feff}');
    let (mut found, mut broken) = (BTreeMap::new(), Vec::new());
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with(|letter: char| letter.is_ascii_digit())
                && name
                    .chars()
                    .all(|letter| letter.is_ascii_alphanumeric() || "_.-".contains(letter))
        };
        let Some((name, value)) = line
            .split_once('=')
            .filter(|(name, _)| is_name(name.trim()))
        else {
            broken.push(number + 1);
            continue;
        };
        let value = value.trim();
        let quote = value
            .chars()
            .next()
            .filter(|letter| matches!(letter, '"' | '\''));
        let value = match quote {
            Some(quote) => {
                let mut whole = value[1..].to_owned();
                // A value in quotes may go over lines.
                while !whole.contains(quote) {
                    let Some((_, more)) = lines.next() else {
                        broken.push(number + 1);
                        break;
                    };
                    whole.push('\n');
                    whole.push_str(more);
                }
                whole.split(quote).next().unwrap_or_default().to_owned()
            }
            None => value
                .split(" #")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
        };
        found.insert(name.trim().to_owned(), value);
    }
    (found, broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{feff}# of production\nexport API=https://api.example.com # the base\nKEY=\"two\nlines\"\nEMPTY=\nHOOK='https://hooks.slack.com/services/YOUR/WEBHOOK/URL'\nJWT=changeme\n";

    #[test]
    fn names_are_told_and_values_never() {
        let wanted = Wanted {
            required: ["API", "KEY", "EMPTY", "GONE"].map(str::to_owned).to_vec(),
            one_of: vec![vec!["A".to_owned(), "B".to_owned()], vec!["API".to_owned()]],
            refuse: vec!["example".to_owned()],
            equal: vec![
                ("KEY".to_owned(), "two\nlines".to_owned()),
                ("API".to_owned(), "x".to_owned()),
            ],
        };
        let said = understand(TEXT, &wanted);
        assert_eq!(
            said.objections,
            [
                "`EMPTY` is empty",
                "`GONE` is missing",
                "none of `A`, `B` is there",
                "`API` still holds a placeholder",
                "`HOOK` still holds a placeholder",
                "`JWT` still holds a placeholder",
                "`API` is not what it must be",
            ]
        );
        let told = format!("{:?}", said.values);
        assert!(
            !told.contains("api.example.com") && told.contains("KEY"),
            "{told}"
        );
        let good = understand("A=1\nB=\"2\"\n", &Wanted::default());
        assert!(good.objections.is_empty(), "{good:?}");
        assert_eq!(
            understand("<html>", &Wanted::default()).objections,
            ["line 1 is no `NAME=value`"]
        );
    }

    #[test]
    fn what_is_missing_is_not_equal_and_an_open_quote_hides_nothing() {
        let wanted = Wanted {
            equal: vec![("MODE".to_owned(), "production".to_owned())],
            ..Wanted::default()
        };
        assert_eq!(
            understand("A=1\n", &wanted).objections,
            ["`MODE` is missing"]
        );
        let open = understand("A=\"open\nMODE=staging\n", &wanted);
        assert!(open.objections.len() == 2, "{open:?}");
    }
}
