//! What a run is made of for those who count tests: the run itself, its objectives and its checks.
//!
//! Pure. Invariant: what is inconclusive is no pass in any of the formats made of it.

use crate::objective::Outcome;
use crate::run::summary::{CheckSummary, Summary};
use crate::suite::report::Came;

/// One of them.
#[derive(Debug)]
pub struct Case {
    /// What it is called.
    pub name: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Why.
    pub reason: String,
}

/// What a check came to.
pub fn of_check(check: &CheckSummary) -> Outcome {
    match (check.failed, check.passed) {
        (0, 0) => Outcome::Inconclusive,
        (0, _) => Outcome::Pass,
        _ => Outcome::Fail,
    }
}

/// All cases of a run.
pub fn cases(summary: &Summary) -> Vec<Case> {
    let mut all = vec![Case {
        name: "outcome".to_owned(),
        outcome: summary.outcome,
        reason: summary.reasons.join("; "),
    }];
    all.extend(summary.objectives.iter().map(|judgement| Case {
        name: format!("objective {}", judgement.objective),
        outcome: judgement.outcome,
        reason: judgement.reason.clone(),
    }));
    let checks = summary.checks.iter().filter(|check| !check.advisory);
    all.extend(checks.map(|check| {
        let outcome = of_check(check);
        let (failed, times) = (check.failed, check.failed + check.passed);
        let step = summary.steps.iter().find(|step| step.name == check.step);
        let example = step.and_then(|step| step.examples.first());
        let reason = match (outcome, example) {
            (Outcome::Pass, _) => String::new(),
            (Outcome::Inconclusive, _) => "it was never evaluated".to_owned(),
            (Outcome::Fail, None) => format!("{failed} of {times} did not hold"),
            (Outcome::Fail, Some(example)) => {
                format!("{failed} of {times} did not hold: {example}")
            }
        };
        Case {
            name: format!("{}: {}", check.step, check.check),
            outcome,
            reason,
        }
    }));
    for step in &summary.steps {
        let tests = step.tests.iter().filter(|test| test.came != Came::Skipped);
        all.extend(tests.map(|test| Case {
            name: format!("{}: {}", step.name, test.name),
            outcome: match test.came {
                Came::Failed => Outcome::Fail,
                _ => Outcome::Pass,
            },
            reason: test.message.clone(),
        }));
    }
    all
}
