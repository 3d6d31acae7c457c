//! What is looked for in a log: a regular expression over a line, or over fields of a line that is JSON.

use regex::Regex;
use serde_json::Value;

/// One thing that is looked for.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// What it is called: as written, or by its name.
    pub name: String,
    /// What fits.
    pub fits: Fits,
    /// What a line like that comes from, where that is known.
    pub cause: String,
    /// What to do about it, where that is known.
    pub advice: String,
}

/// What fits.
#[derive(Debug, Clone)]
pub enum Fits {
    /// A line.
    Line(Regex),
    /// All of these fields of a line that is JSON: paths such as `error.kind`, and what their text is like
    /// from its beginning to its end (see [`whole`]).
    Fields(Vec<(String, Regex)>),
}

impl Pattern {
    /// Whether it looks at fields of JSON.
    pub fn wants_json(&self) -> bool {
        matches!(self.fits, Fits::Fields(_))
    }

    /// Whether a line fits; `json` is the line, where it is JSON.
    pub fn fits(&self, line: &str, json: Option<&Value>) -> bool {
        match &self.fits {
            Fits::Line(regex) => regex.is_match(line),
            Fits::Fields(fields) => json.is_some_and(|json| {
                let mut all = fields.iter();
                all.all(|(path, regex)| {
                    field(json, path).is_some_and(|value| match value {
                        Value::String(text) => regex.is_match(text),
                        other => regex.is_match(&other.to_string()),
                    })
                })
            }),
        }
    }

    /// What people read where it was found.
    pub fn explained(&self) -> String {
        let mut text = String::new();
        if !self.cause.is_empty() {
            text.push_str(&format!("; cause: {}", self.cause));
        }
        if !self.advice.is_empty() {
            text.push_str(&format!("; advice: {}", self.advice));
        }
        text
    }
}

/// The same expression over a whole text.
///
/// # Errors
///
/// It is no regular expression.
pub fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})$"))
}

/// A field by its path: a key with dots in it, or keys of objects in objects.
pub fn field<'a>(json: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = json.get(path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    field(json.get(first)?, rest)
}
