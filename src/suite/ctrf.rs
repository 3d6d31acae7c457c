//! The Common Test Report Format (<https://ctrf.io>).

use super::playwright::attachment;
use super::report::{Came, Suite, Test, plain};
use serde_json::Value;

/// Reads it; nothing where it is something else.
pub(super) fn read(value: &Value) -> Option<Result<Suite, String>> {
    let tests = value["results"]["tests"].as_array()?;
    Some(Ok(Suite {
        tests: tests.iter().map(test).collect(),
        errors: Vec::new(),
    }))
}

fn test(value: &Value) -> Test {
    let text = |key: &str| value[key].as_str().unwrap_or_default();
    let came = match text("status") {
        "passed" if value["flaky"] == true => Came::Flaky,
        "passed" => Came::Passed,
        "skipped" | "pending" => Came::Skipped,
        // What nobody knows is no pass.
        _ => Came::Failed,
    };
    let suite = text("suite").replace(" > ", " › ");
    let name = text("name");
    let files = value["attachments"].as_array().into_iter().flatten();
    Test {
        name: match suite.is_empty() {
            true => name.to_owned(),
            false => format!("{suite} › {name}"),
        },
        came,
        ms: value["duration"].as_f64().unwrap_or_default() as u64,
        message: match came {
            Came::Failed => plain(text("message")),
            _ => String::new(),
        },
        files: files.filter_map(attachment).collect(),
    }
}
