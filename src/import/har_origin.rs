//! Where a value that is sent came from: a part of an earlier reply that held it.
//!
//! Knows leaves of JSON, fields of forms and headers. Invariant: the newest reply that held a value is the one,
//! and of several places in it the first.

use super::draft::Draft;
use super::words::{identifier, member, text_literal};
use serde_json::Value;

/// Letters of a value that is looked for.
const LENGTH_MIN: usize = 6;
/// Letters of a value that may be a plain word.
const WORD_MAX: usize = 15;
/// How deep leaves are looked for.
const DEPTH_MAX: usize = 20;

/// What a reply gave.
#[derive(Debug, Default)]
pub struct Seen {
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub text: String,
}

/// Values of the replies so far, the newest last.
#[derive(Debug, Default)]
pub struct Origins {
    all: Vec<Origin>,
}

#[derive(Debug)]
struct Origin {
    step: usize,
    value: String,
    name: String,
    expression: String,
    /// What it is called where it was captured.
    captured: Option<String>,
}

impl Origins {
    /// A reply of a step.
    pub fn see(&mut self, step: usize, seen: &Seen) {
        match serde_json::from_str::<Value>(&seen.text) {
            Ok(value) => self.leaves(step, "body", "", &value, 0),
            Err(_) => self.fields(step, &seen.text),
        }
        for (name, value) in &seen.headers {
            if name.to_ascii_lowercase().starts_with("x-") {
                self.add(
                    step,
                    value,
                    name,
                    format!("headers[{}]", text_literal(name)),
                );
            }
        }
    }

    fn add(&mut self, step: usize, value: &str, name: &str, expression: String) {
        let is_known = self
            .all
            .iter()
            .any(|known| known.step == step && known.value == value);
        if is_telling(value) && !is_known {
            self.all.push(Origin {
                step,
                value: value.to_owned(),
                name: identifier(name),
                expression,
                captured: None,
            });
        }
    }

    fn leaves(&mut self, step: usize, at: &str, name: &str, value: &Value, depth: usize) {
        match value {
            _ if depth > DEPTH_MAX => {}
            Value::Object(all) => {
                for (key, value) in all {
                    self.leaves(step, &member(at, key), key, value, depth + 1);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.leaves(step, &format!("{at}[{index}]"), name, item, depth + 1);
                }
            }
            Value::String(text) => self.add(step, text, name, at.to_owned()),
            Value::Number(number) => self.add(step, &number.to_string(), name, at.to_owned()),
            _ => {}
        }
    }

    /// Hidden fields of forms, and what stands in `meta`.
    fn fields(&mut self, step: usize, text: &str) {
        for tag in text.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            let (named, valued) = match tag.split_whitespace().next() {
                Some("input") => ("name", "value"),
                Some("meta") => ("name", "content"),
                _ => continue,
            };
            let (Some(name), Some(value)) = (attribute(tag, named), attribute(tag, valued)) else {
                continue;
            };
            let pattern = format!(
                r#"(?s)<{}[^>]*{named}=["']{}["'][^>]*{valued}=["']([^"']*)"#,
                tag.split_whitespace().next().unwrap_or_default(),
                regex::escape(name),
            );
            let finds = regex::Regex::new(&pattern).is_ok_and(|pattern| {
                pattern
                    .captures(text)
                    .is_some_and(|found| &found[1] == value)
            });
            if finds {
                self.add(
                    step,
                    value,
                    name,
                    format!("find(text, {})", text_literal(&pattern)),
                );
            }
        }
    }

    /// A value as `${vars.…}`, captured where it came from, if it came from somewhere.
    pub fn put(&mut self, draft: &mut Draft, value: &str) -> Option<String> {
        if !is_telling(value) {
            return None;
        }
        let found = self.all.iter().rposition(|known| known.value == value)?;
        if self.all[found].captured.is_none() {
            let names = std::iter::once(self.all[found].name.clone());
            let names =
                names.chain((2..).map(|number| format!("{}_{number}", self.all[found].name)));
            let mut names = names.filter(|name| !draft.is_captured(name));
            let name = names.next()?;
            drop(names);
            let expression = self.all[found].expression.clone();
            draft.capture_in(self.all[found].step, &name, &expression);
            self.all[found].captured = Some(name);
        }
        let name = self.all[found].captured.as_deref()?;
        Some(format!("${{vars.{name}}}"))
    }
}

/// Whether a value is one that is not found by chance.
fn is_telling(value: &str) -> bool {
    let is_word = value
        .chars()
        .all(|letter| letter.is_alphabetic() || "-_ /.".contains(letter));
    value.len() >= LENGTH_MIN && !(is_word && value.len() <= WORD_MAX) && !value.contains('\n')
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    let start = tag.find(&format!(" {name}="))? + name.len() + 2;
    let quote = tag[start..]
        .chars()
        .next()
        .filter(|quote| "\"'".contains(*quote))?;
    let inner = &tag[start + 1..];
    inner.find(quote).map(|end| &inner[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::draft::Step;

    #[test]
    fn a_value_is_captured_where_it_came_from() {
        let mut draft = Draft::new("a");
        draft.push(Step::request("a", "GET", "/"));
        let mut origins = Origins::default();
        let text = r#"{"data":{"token":"abc123456"},"n":1234567,"kind":"orders"}"#;
        origins.see(
            0,
            &Seen {
                headers: Vec::new(),
                text: text.to_owned(),
            },
        );
        assert_eq!(
            origins.put(&mut draft, "abc123456").as_deref(),
            Some("${vars.token}")
        );
        assert_eq!(
            origins.put(&mut draft, "1234567").as_deref(),
            Some("${vars.n}")
        );
        assert_eq!(origins.put(&mut draft, "orders"), None);
        assert_eq!(draft.steps[0].says["capture"]["token"], "body.data.token");
    }

    #[test]
    fn fields_of_forms_are_found() {
        let mut draft = Draft::new("a");
        draft.push(Step::request("a", "GET", "/"));
        let mut origins = Origins::default();
        let text = r#"<form><input type="hidden" name="_csrf" value="d3adb33f"></form>"#;
        origins.see(
            0,
            &Seen {
                headers: Vec::new(),
                text: text.to_owned(),
            },
        );
        assert_eq!(
            origins.put(&mut draft, "d3adb33f").as_deref(),
            Some("${vars._csrf}")
        );
    }
}
