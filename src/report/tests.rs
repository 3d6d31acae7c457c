//! Tests of a suite in a report: how many, and each that failed.

use crate::suite::report::{Came, Test};
use maud::{Markup, html};

/// Tests that failed and are told in a text.
const TOLD_MAX: usize = 20;

/// All of them in a line.
pub fn line(tests: &[Test]) -> String {
    let of = |came: Came| tests.iter().filter(|test| test.came == came).count();
    let counts =
        [Came::Passed, Came::Flaky, Came::Failed, Came::Skipped].map(|came| (came, of(came)));
    let counts = counts.iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> = counts
        .map(|(came, count)| format!("{count} {}", came.word()))
        .collect();
    format!("tests: {}", words.join(", "))
}

/// Those that failed, as many as are told.
pub fn failed(tests: &[Test]) -> impl Iterator<Item = &Test> {
    let failed = tests.iter().filter(|test| test.came == Came::Failed);
    failed.take(TOLD_MAX)
}

/// One that failed, in a line.
pub fn told(test: &Test) -> String {
    format!("✗ {}{}", test.name, test.reason())
}

/// All of them as a table.
pub fn table(tests: &[Test]) -> Markup {
    let class = |came: Came| match came {
        Came::Passed | Came::Flaky => "pass",
        Came::Failed => "fail",
        Came::Skipped => "inconclusive",
    };
    html! { details open[tests.iter().any(|test| test.came == Came::Failed)] {
        summary { (line(tests)) }
        table {
            thead { tr { th { "Test" } th { "Outcome" } th.number { "Took" } } }
            tbody { @for test in tests { tr {
                td { (test.name)
                    @if !test.message.is_empty() { pre { (test.message) } }
                    @for file in &test.files { div.soft { (file.file) @if let Some(bytes) = file.bytes { ", " (bytes) " bytes, SHA-256 " code { (file.sha256.as_deref().unwrap_or_default().get(..12).unwrap_or_default()) } } } }
                }
                td { span class={ "badge " (class(test.came)) } { (test.came.word()) } }
                td.number { (test.ms) " ms" }
            } } }
        }
    } }
}
