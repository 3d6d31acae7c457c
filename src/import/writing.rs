//! A draft as the YAML of a scenario that people read.
//!
//! Invariant: what is read back is what was said, letter by letter.

use super::draft::{Draft, Left, Step};
use serde_json::{Map, Value, json};

/// The file of a draft. `origin` is what it was made by.
pub fn yaml(draft: &Draft, origin: &str) -> String {
    let mut out = format!("# Written by `{}`.\n", in_a_line(origin));
    if !draft.left.is_empty() {
        out.push_str("# Not carried over:\n");
        for (at, left) in draft.left.iter().enumerate() {
            out.push_str(&format!("#   {}. {}\n", at + 1, in_a_line(&shown(left))));
        }
    }
    let mut head = Map::new();
    head.insert("name".to_owned(), json!(draft.name));
    head.extend(draft.settings.clone());
    if !draft.secrets.is_empty() {
        head.insert("secrets".to_owned(), json!(draft.secrets));
    }
    if !draft.inputs.is_empty() {
        head.insert("inputs".to_owned(), json!(draft.inputs));
    }
    entries(&mut out, 0, &head);
    out.push_str("steps:\n");
    for step in &draft.steps {
        put_step(&mut out, step, &draft.left);
    }
    out
}

/// Something that was left out, as it is said.
pub fn shown(left: &Left) -> String {
    match left.line {
        Some(line) => format!("line {line}: {}", left.what),
        None => left.what.clone(),
    }
}

fn put_step(out: &mut String, step: &Step, left: &[Left]) {
    for number in &step.left {
        let what = left.get(number - 1).map(|left| in_a_line(&left.what));
        out.push_str(&format!(
            "  # not carried over ({number}): {}\n",
            what.unwrap_or_default()
        ));
    }
    let mut says = Map::new();
    says.insert("name".to_owned(), json!(step.name));
    says.extend(step.says.clone());
    item(out, 2, &Value::Object(says));
}

/// A comment ends with its line.
fn in_a_line(text: &str) -> String {
    let line = text.split(|letter: char| letter.is_control() || is_line_end(letter));
    line.collect::<Vec<_>>().join(" ")
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn entries(out: &mut String, depth: usize, all: &Map<String, Value>) {
    for (key, value) in all {
        out.push_str(&" ".repeat(depth));
        entry(out, depth, key, value);
    }
}

fn entry(out: &mut String, depth: usize, key: &str, value: &Value) {
    out.push_str(&scalar(key, 0));
    out.push(':');
    match value {
        Value::Object(all) if !all.is_empty() => {
            out.push('\n');
            entries(out, depth + 2, all);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            for one in items {
                item(out, depth + 2, one);
            }
        }
        other => {
            out.push(' ');
            out.push_str(&leaf(other, depth + 2));
            out.push('\n');
        }
    }
}

fn item(out: &mut String, depth: usize, value: &Value) {
    out.push_str(&" ".repeat(depth));
    out.push_str("- ");
    match value {
        Value::Object(all) if !all.is_empty() => {
            for (at, (key, value)) in all.iter().enumerate() {
                if at > 0 {
                    out.push_str(&" ".repeat(depth + 2));
                }
                entry(out, depth + 2, key, value);
            }
        }
        // A list in a list stands in one line.
        other => {
            out.push_str(&leaf(other, depth + 2));
            out.push('\n');
        }
    }
}

fn leaf(value: &Value, depth: usize) -> String {
    match value {
        Value::String(text) => scalar(text, depth),
        // JSON is YAML, in one line.
        other => quoted_letters(&other.to_string()),
    }
}

/// A text as it may stand there: plain where that is safe, else over several lines or in quotes.
fn scalar(text: &str, depth: usize) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    if depth > 0 && stands_in_lines(text) {
        let chomp = if text.ends_with('\n') { "" } else { "-" };
        let margin = " ".repeat(depth);
        let lines = text
            .trim_end_matches('\n')
            .split('\n')
            .map(|line| match line {
                "" => String::new(),
                line => format!("{margin}{line}"),
            });
        return format!("|{chomp}\n{}", lines.collect::<Vec<_>>().join("\n"));
    }
    quoted_letters(&json!(text).to_string())
}

/// Letters that YAML does not take as they are, escaped; only quoted texts have any.
fn quoted_letters(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            letter if letter.is_control() || is_line_end(letter) => {
                made.push_str(&format!("\\u{:04x}", u32::from(letter)));
            }
            '\u{fffe}' | '\u{ffff}' => made.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => made.push(letter),
        }
    }
    made
}

fn stands_in_lines(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let plain = |letter: char| letter == '\n' || !(letter.is_control() || is_line_end(letter));
    body.contains('\n')
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && text.chars().all(plain)
}

/// Whether a text is itself where it stands plain.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let first = text.chars().next();
    let starts = first.is_some_and(|first| first.is_ascii_alphabetic() || "/$_(".contains(first));
    let safe = |letter: char| {
        letter.is_ascii_alphanumeric() || " _-./${}()'=<>|+*!,;:?@[]~\"&%".contains(letter)
    };
    starts
        && text.chars().all(safe)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::diagnostic::Diagnostics;
    use crate::document::node;
    use crate::document::source::Source;

    fn read(text: &str) -> Value {
        let mut found = Diagnostics::default();
        let source = Source::new("a.yaml", text);
        let node = node::parse(&source, &mut found).unwrap_or(node::Node::null());
        assert!(!found.has_errors(), "{text}\n{}", found.render(false));
        node.to_json()
    }

    #[test]
    fn a_draft_is_a_file() {
        let mut draft = Draft::new("a: b");
        let mut step = Step::request("first", "POST", "/x");
        step.check("status == 200");
        step.say("json", json!({ "a": [1, [2]], "b": {} }));
        step.say("body", "{\n  \"a\": 1\n}\n");
        draft.leave(&mut step, Some(3), "an `option`\nof two lines");
        draft.push(step);
        let text = yaml(&draft, "bellwether import hurl a.hurl");
        insta_like(&text);
        assert_eq!(read(&text)["steps"][0]["body"], "{\n  \"a\": 1\n}\n");
    }

    fn insta_like(text: &str) {
        let expected = r#"# Written by `bellwether import hurl a.hurl`.
# Not carried over:
#   1. line 3: an `option` of two lines
name: "a: b"
steps:
  # not carried over (1): an `option` of two lines
  - name: first
    post: /x
    check:
      - status == 200
    json:
      a:
        - 1
        - [2]
      b: {}
    body: |
      {
        "a": 1
      }
"#;
        assert_eq!(text, expected);
    }

    proptest::proptest! {
        #[test]
        fn what_is_read_back_is_what_was_said(
            texts in proptest::collection::vec(proptest::prelude::any::<String>(), 1..4),
            odd in "[ \\n:#'\"\\-?&*!|>%@`{}\\[\\],.a0~$\\\\\\t]{0,12}",
        ) {
            let mut draft = Draft::new("a");
            let mut step = Step::request("a", "GET", "/");
            let mut all = texts;
            all.push(odd.clone());
            all.push(format!("a{odd}"));
            step.say("json", json!({ "list": all, "in": { odd.as_str(): odd } }));
            step.says.insert("body".to_owned(), json!(all[0]));
            draft.push(step);
            let back = read(&yaml(&draft, "x"));
            proptest::prop_assert_eq!(&back["steps"][0]["json"]["list"], &json!(all));
            proptest::prop_assert_eq!(&back["steps"][0]["json"]["in"], &json!({ odd.as_str(): odd }));
            proptest::prop_assert_eq!(&back["steps"][0]["body"], &json!(all[0]));
        }
    }
}
