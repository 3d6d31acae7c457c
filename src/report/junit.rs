//! JUnit XML, as CI systems read it: a test case for each objective and check, and one for the run itself.

use crate::objective::Outcome;
use crate::run::summary::Summary;

/// The whole file.
pub fn render(summaries: &[Summary]) -> String {
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for summary in summaries {
        text.push_str(&suite(summary));
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(summary: &Summary) -> String {
    let mut cases = vec![(
        "outcome".to_owned(),
        summary.outcome,
        summary.reasons.join("; "),
    )];
    for judgement in &summary.objectives {
        cases.push((
            format!("objective {}", judgement.objective),
            judgement.outcome,
            judgement.reason.clone(),
        ));
    }
    for check in summary.checks.iter().filter(|check| !check.advisory) {
        let outcome = match (check.failed, check.passed) {
            (0, 0) => Outcome::Inconclusive,
            (0, _) => Outcome::Pass,
            _ => Outcome::Fail,
        };
        let reason = format!(
            "{} of {} did not hold",
            check.failed,
            check.failed + check.passed
        );
        cases.push((format!("{}: {}", check.step, check.check), outcome, reason));
    }
    let count = |wanted: Outcome| {
        cases
            .iter()
            .filter(|(_, outcome, _)| *outcome == wanted)
            .count()
    };
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\" timestamp=\"{}\">\n",
        escape(&summary.scenario),
        cases.len(),
        count(Outcome::Fail),
        count(Outcome::Inconclusive),
        summary.core.duration_s,
        escape(&summary.started),
    );
    for (name, outcome, reason) in cases {
        let head = format!(
            "    <testcase classname=\"{}\" name=\"{}\"",
            escape(&summary.scenario),
            escape(&name)
        );
        match outcome {
            Outcome::Pass => text.push_str(&format!("{head}/>\n")),
            // An inconclusive case is an error: CI must not read it as passed.
            Outcome::Fail | Outcome::Inconclusive => {
                let tag = if outcome == Outcome::Fail {
                    "failure"
                } else {
                    "error"
                };
                text.push_str(&format!(
                    "{head}>\n      <{tag} message=\"{}\"/>\n    </testcase>\n",
                    escape(&reason)
                ));
            }
        }
    }
    text.push_str("  </testsuite>\n");
    text
}

fn escape(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\n' => "&#10;".to_owned(),
            other => other.to_string(),
        })
        .collect()
}
