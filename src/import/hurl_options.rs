//! Options of an entry of Hurl, as what steps say.

use super::draft::Draft;
use super::hurl_syntax::{Entry, Row};
use crate::secret::lets_in;
use serde_json::{Map, Value, json};

/// What the options of an entry ask for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Pauses before it.
    pub before: Vec<String>,
    /// What `aws-sigv4` says.
    pub sigv4: Option<String>,
    /// Whether redirects are followed, and how many.
    pub redirects: (bool, u64),
    /// What the step says besides.
    pub after: Map<String, Value>,
    /// What cannot be carried over, with its line.
    pub left: Vec<(usize, String)>,
}

/// Reads the options of an entry; nothing where it is skipped.
pub(super) fn asked(draft: &mut Draft, entry: &Entry, options: &[Row]) -> Option<Asked> {
    let mut all = Asked {
        redirects: (false, 50),
        ..Asked::default()
    };
    for row in options {
        let value = row.value.as_str();
        let is_on = value == "true";
        if value.contains("{{") && !matches!(row.name.as_str(), "user" | "header" | "variable") {
            all.left.push((
                row.line,
                format!("the option `{}`, which holds a placeholder", row.name),
            ));
            continue;
        }
        match row.name.as_str() {
            "location" => all.redirects.0 = is_on,
            "max-redirs" => all.redirects.1 = value.parse().unwrap_or(100).min(100),
            "insecure" if is_on => drop(all.after.insert("verify".to_owned(), json!(false))),
            "http1.1" if is_on => drop(all.after.insert("http".to_owned(), json!("1.1"))),
            "http2" if is_on => drop(all.after.insert("http".to_owned(), json!("auto"))),
            "max-time" => drop(
                all.after
                    .insert("timeout".to_owned(), json!(time(value, "s"))),
            ),
            "repeat" if value.parse::<u32>().is_ok_and(|times| times > 0) => {
                all.after.insert(
                    "repeat".to_owned(),
                    json!(value.parse::<u32>().unwrap_or(1)),
                );
            }
            "retry" => {
                // `-1` is for ever.
                let attempts = value.parse::<i64>().unwrap_or(0);
                let attempts = if attempts < 0 {
                    100
                } else {
                    (attempts + 1).min(100)
                };
                let retry = all.after.entry("retry").or_insert_with(|| json!({}));
                retry["attempts"] = json!(attempts);
                retry["factor"] = json!(1);
            }
            "retry-interval" => {
                all.after
                    .entry("retry")
                    .or_insert_with(|| json!({ "attempts": 1 }))["delay"] =
                    json!(time(value, "ms"));
            }
            "delay" => all.before.push(time(value, "ms")),
            "skip" if is_on => {
                draft.leave_of_all(
                    Some(entry.line),
                    format!(
                        "`{} {}` is skipped there, and left out here",
                        entry.method, entry.url
                    ),
                );
                return None;
            }
            "variable" => {
                let (name, value) = value.split_once('=').unwrap_or((value, ""));
                let (name, value) = (name.trim(), value.trim().trim_matches('"'));
                if lets_in(name) {
                    draft.secret(name);
                } else if !draft.has_default(name, value) {
                    all.left.push((
                        row.line,
                        format!("the option `variable: {name}`, which has another value before"),
                    ));
                }
            }
            "aws-sigv4" => all.sigv4 = Some(value.to_owned()),
            "insecure" | "http1.1" | "http2" | "skip" | "verbose" | "very-verbose"
            | "verbosity" | "user" | "header" => {}
            other => all.left.push((row.line, format!("the option `{other}`"))),
        }
    }
    Some(all)
}

/// A length of time: a number alone has the unit that Hurl gives it.
fn time(value: &str, unit: &str) -> String {
    match value.parse::<f64>() {
        Ok(_) => format!("{value}{unit}"),
        Err(_) => value.to_owned(),
    }
}
