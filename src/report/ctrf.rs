//! The Common Test Report Format (<https://ctrf.io>, 0.0.0), as dashboards of tests read it.

use super::cases::cases;
use crate::objective::Outcome;
use crate::run::summary::Summary;
use chrono::DateTime;
use serde_json::{Value, json};

/// The whole file.
pub fn render(summaries: &[Summary]) -> String {
    let mut tests: Vec<Value> = Vec::new();
    let (mut start, mut stop) = (i64::MAX, 0_i64);
    for summary in summaries {
        let began = DateTime::parse_from_rfc3339(&summary.started);
        let began = began.map_or(0, |moment| moment.timestamp_millis());
        let took = (summary.core.duration_s * 1e3) as i64;
        (start, stop) = (start.min(began), stop.max(began + took));
        for (number, case) in cases(summary).into_iter().enumerate() {
            let mut test = json!({
                "name": case.name,
                "suite": summary.scenario,
                "status": word(case.outcome),
                // What a run took is the time of its first case.
                "duration": if number == 0 { took } else { 0 },
            });
            if case.outcome != Outcome::Pass {
                test["message"] = json!(case.reason);
                test["rawStatus"] = json!(case.outcome.word());
            }
            tests.push(test);
        }
    }
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let summary = json!({
        "tests": tests.len(), "passed": count("passed"), "failed": count("failed"),
        "pending": 0, "skipped": 0, "other": count("other"),
        "start": if tests.is_empty() { 0 } else { start }, "stop": stop,
    });
    let report = json!({
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "results": {
            "tool": { "name": "Bellwether", "version": env!("CARGO_PKG_VERSION") },
            "summary": summary,
            "tests": tests,
        },
    });
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}

/// What is inconclusive is something else than a pass, and than a failure.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "passed",
        Outcome::Fail => "failed",
        Outcome::Inconclusive => "other",
    }
}
