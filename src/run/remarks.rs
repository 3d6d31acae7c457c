//! What is said of a run beside its outcome: warnings, and weaker evidence.
//!
//! Pure. Invariant: a remark changes no outcome.

use super::summary::Summary;
use crate::objective::Outcome;

/// Remarks on a run, a sentence each.
pub fn remarks(summary: &Summary) -> Vec<String> {
    let mut remarks = Vec::new();
    for step in &summary.steps {
        let name = &step.name;
        let more = step.warned.saturating_sub(step.warnings.len() as u64);
        let texts = step.warnings.iter();
        remarks.extend(texts.map(|text| format!("warning: step `{name}`: {text}")));
        if more > 0 {
            remarks.push(format!("warning: step `{name}`: {more} times more"));
        }
    }
    for judgement in &summary.warnings {
        let word = match judgement.outcome {
            Outcome::Pass => continue,
            Outcome::Fail => "does not hold",
            Outcome::Inconclusive => "is inconclusive",
        };
        let (objective, reason) = (&judgement.objective, &judgement.reason);
        remarks.push(format!("warning: `{objective}` {word}: {reason}"));
    }
    remarks
}
