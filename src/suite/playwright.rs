//! Playwright's own JSON (its reporter `json`).

use super::report::{Attachment, Came, Suite, Test, plain};
use serde_json::Value;

/// How deep suites may stand in suites.
const DEPTH_MAX: usize = 50;

/// Reads it; nothing where it is something else.
pub(super) fn read(value: &Value) -> Option<Result<Suite, String>> {
    let suites = value["suites"].as_array()?;
    value["config"].as_object()?;
    let mut suite = Suite::default();
    for one in suites {
        of_suite(one, "", 0, &mut suite);
    }
    let errors = value["errors"].as_array().into_iter().flatten();
    let messages = errors.filter_map(|error| error["message"].as_str());
    suite.errors.extend(messages.map(plain));
    Some(Ok(suite))
}

fn joined(above: &str, title: &Value) -> String {
    let title = title.as_str().unwrap_or_default();
    match (above.is_empty(), title.is_empty()) {
        (true, _) => title.to_owned(),
        (_, true) => above.to_owned(),
        _ => format!("{above} › {title}"),
    }
}

fn of_suite(value: &Value, above: &str, depth: usize, suite: &mut Suite) {
    let name = joined(above, &value["title"]);
    for spec in value["specs"].as_array().into_iter().flatten() {
        let name = joined(&name, &spec["title"]);
        for test in spec["tests"].as_array().into_iter().flatten() {
            suite.tests.push(of_test(test, &name));
        }
    }
    let within = value["suites"].as_array().into_iter().flatten();
    for one in within.filter(|_| depth < DEPTH_MAX) {
        of_suite(one, &name, depth + 1, suite);
    }
}

fn of_test(value: &Value, name: &str) -> Test {
    let project = value["projectName"].as_str().unwrap_or_default();
    let name = match project.is_empty() {
        true => name.to_owned(),
        false => format!("[{project}] {name}"),
    };
    let results = || value["results"].as_array().into_iter().flatten();
    let came = match value["status"].as_str() {
        Some("expected") => Came::Passed,
        Some("flaky") => Came::Flaky,
        Some("skipped") => Came::Skipped,
        _ => Came::Failed,
    };
    let mut message = results().filter_map(|result| result["error"]["message"].as_str());
    let files = results().flat_map(|result| result["attachments"].as_array().into_iter().flatten());
    Test {
        name,
        came,
        ms: results()
            .filter_map(|result| result["duration"].as_f64())
            .sum::<f64>() as u64,
        message: match came {
            Came::Failed => message.next_back().map(plain).unwrap_or_default(),
            _ => String::new(),
        },
        files: files.filter_map(attachment).collect(),
    }
}

/// What was attached as a file.
pub(super) fn attachment(value: &Value) -> Option<Attachment> {
    Some(Attachment {
        file: value["path"].as_str()?.to_owned(),
        ..Attachment::default()
    })
}
