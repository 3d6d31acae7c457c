//! The bake: the scenarios once each, again and again for a while, and objectives over all of them.

use super::smoke::smoke_once;
use crate::gate::ground::{Ended, Ground, bind};
use crate::load::Stop;
use crate::load::recorder::StepRecord;
use crate::objective::judge::judge;
use crate::objective::{Evidence, Outcome};
use crate::run::{Summary, summarize as summary};
use std::sync::Arc;
use std::time::Instant;

/// Performs the bake.
pub(super) async fn bake(ground: &Ground<'_>) -> Ended {
    let Some(bake) = &ground.gate.bake else {
        return Ended::new(Outcome::Inconclusive, "the gate has no bake");
    };
    let end = Instant::now() + bake.duration;
    let start = Instant::now();
    let mut bindings = Vec::new();
    for path in &bake.scenarios {
        match bind(ground, path, &ground.record.facts.version) {
            Ok(binding) => bindings.push(Arc::new(binding)),
            Err(reasons) => {
                return Ended::because(Outcome::Inconclusive, reasons);
            }
        }
    }
    let mut whole: Option<StepRecord> = None;
    let (mut rounds, mut passed, mut failed_in_row, mut doubtful_in_row) =
        (0_u64, 0_u64, 0_u64, 0_u64);
    let mut last = None;
    while Instant::now() < end && ground.control.asked() == Stop::No {
        let round = Instant::now();
        let mut outcomes = Vec::new();
        for binding in &bindings {
            let (summary, finished) = smoke_once(ground, binding).await;
            outcomes.push(summary.outcome);
            for step in binding.plan.steps.iter().filter(|step| !step.advisory) {
                let record = &finished.recorded.steps[step.index];
                match &mut whole {
                    None => whole = Some(record.clone()),
                    Some(whole) => whole.merge(record),
                }
            }
            if summary.outcome != Outcome::Pass {
                last = Some(summary);
            }
        }
        rounds += 1;
        let outcome = Outcome::all(outcomes);
        passed += u64::from(outcome == Outcome::Pass);
        failed_in_row = if outcome == Outcome::Fail {
            failed_in_row + 1
        } else {
            0
        };
        doubtful_in_row = if outcome == Outcome::Inconclusive {
            doubtful_in_row + 1
        } else {
            0
        };
        if failed_in_row >= bake.failures || doubtful_in_row >= bake.failures.max(3) {
            break;
        }
        let next = (round + bake.every).min(end);
        tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            () = ground.control.stopped() => {}
        }
    }
    let reasons = last
        .as_ref()
        .map(|summary| summary.reasons.join("; "))
        .unwrap_or_default();
    let runs: Vec<Summary> = last.into_iter().collect();
    if ground.control.asked() != Stop::No {
        return Ended {
            runs,
            ..Ended::because(Outcome::Inconclusive, vec!["it was stopped".to_owned()])
        };
    }
    if failed_in_row >= bake.failures {
        let reasons = vec![format!("{failed_in_row} rounds in a row failed: {reasons}")];
        return Ended {
            runs,
            ..Ended::because(Outcome::Fail, reasons)
        };
    }
    if passed == 0 || passed * 10 < rounds * 9 || failed_in_row > 0 || doubtful_in_row > 0 {
        let reasons = vec![format!(
            "only {passed} of {rounds} rounds passed, or the last one did not: {reasons}"
        )];
        return Ended {
            runs,
            ..Ended::because(Outcome::Inconclusive, reasons)
        };
    }
    let mut outcomes = vec![Outcome::Pass];
    let mut reasons = vec![format!("{passed} of {rounds} rounds passed")];
    for objective in &bake.objectives {
        let evidence = whole.as_ref().map_or_else(Evidence::default, |record| {
            summary::evidence_of(objective, record, start.elapsed(), 0)
        });
        let mut judgement = judge(objective, &evidence);
        let doubtful = whole.as_ref().map_or(0, StepRecord::doubtful);
        if judgement.outcome == Outcome::Fail && doubtful * 2 >= evidence.errors.max(1) {
            judgement.outcome = Outcome::Inconclusive;
            judgement
                .reason
                .push_str("; but most failures say nothing about the product");
        }
        reasons.push(format!(
            "`{}`: {} (seen {})",
            judgement.objective, judgement.reason, judgement.seen
        ));
        outcomes.push(judgement.outcome);
    }
    Ended {
        runs,
        ..Ended::because(Outcome::all(outcomes), reasons)
    }
}
