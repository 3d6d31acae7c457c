//! What is said where a workflow of GitHub runs us: a summary of the step, and a line at each thing that did not hold.
//!
//! Reads the variables that its runner sets (<https://docs.github.com/actions/reference/workflow-commands>); says nothing elsewhere.

use crate::objective::Outcome;
use crate::report::markdown;
use crate::run::Summary;
use std::io::Write as _;

/// Annotations that a step may have; more are not shown by GitHub.
const ANNOTATIONS_MAX: usize = 10;

/// Writes the summary, and says what did not hold.
pub(super) fn tell(summaries: &[Summary]) {
    let is_there = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
    if !is_there {
        return;
    }
    let bad = summaries.iter().filter(|one| one.outcome != Outcome::Pass);
    for summary in bad.take(ANNOTATIONS_MAX) {
        let why = summary.reasons.first().map_or("", String::as_str);
        eprintln!("{}", annotation(&summary.scenario, summary.outcome, why));
    }
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        let written =
            file.and_then(|mut file| file.write_all(markdown::render(summaries).as_bytes()));
        if let Err(error) = written {
            eprintln!("the summary of the step cannot be written: {error}");
        }
    }
}

fn annotation(scenario: &str, outcome: Outcome, why: &str) -> String {
    let level = match outcome {
        Outcome::Inconclusive => "warning",
        _ => "error",
    };
    let title = format!("{scenario}: {}", outcome.word());
    format!("::{level} title={}::{}", property(&title), data(why))
}

/// A text as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_no_command() {
        let line = annotation("a, b", Outcome::Fail, "100 %\n::set-output name=x::y");
        assert_eq!(
            line,
            "::error title=a%2C b%3A fail::100 %25%0A::set-output name=x::y"
        );
    }
}
