//! JUnit XML, as CI systems read it: a test case for each objective and check, and one for the run itself.

use super::cases::{Case, cases};
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
    let cases = cases(summary);
    let count = |wanted: Outcome| cases.iter().filter(|case| case.outcome == wanted).count();
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3}\" timestamp=\"{}\">\n",
        escape(&summary.scenario),
        cases.len(),
        count(Outcome::Fail),
        count(Outcome::Inconclusive),
        summary.core.duration_s,
        escape(&summary.started),
    );
    for Case {
        name,
        outcome,
        reason,
    } in cases
    {
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
        // What no XML may hold (XML 1.0, section 2.2).
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .filter(|c| !matches!(c, '\u{fffe}' | '\u{ffff}'))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_xml_may_hold_is_left_out() {
        let text = "a\u{ffff}b\u{fffe}c\u{1}d\u{85}e\n<\u{10ffff}";
        assert_eq!(escape(text), "abcde&#10;&lt;\u{10ffff}");
    }
}
