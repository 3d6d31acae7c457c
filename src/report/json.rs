//! The summary for machines. Its core is stable: names and units do not change within a major version.

use crate::run::summary::Summary;
use serde_json::{Value, json};

/// One run, or several under `runs`.
pub fn render(summaries: &[Summary]) -> String {
    let value = match summaries {
        [single] => one(single),
        several => json!({ "version": 1, "runs": several.iter().map(one).collect::<Vec<_>>() }),
    };
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}

/// The runs of a result that was written before.
///
/// # Errors
///
/// It is no result of ours, with the place.
pub fn read(text: &str) -> Result<Vec<Summary>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let runs = match value.get("runs") {
        Some(runs) => serde_json::from_value(runs.clone()),
        None => serde_json::from_value(value).map(|one| vec![one]),
    };
    runs.map_err(|error| format!("it is no result of `bellwether run --json`: {error}"))
}

fn one(summary: &Summary) -> Value {
    let mut value = serde_json::to_value(summary).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.insert("version".to_owned(), json!(1));
    }
    value
}
