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

fn one(summary: &Summary) -> Value {
    let mut value = serde_json::to_value(summary).unwrap_or_default();
    if let Value::Object(map) = &mut value {
        map.insert("version".to_owned(), json!(1));
    }
    value
}
