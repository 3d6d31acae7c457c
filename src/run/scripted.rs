//! What a script's run comes to beside the objectives: its thresholds, its checks, and how it ended.
//!
//! Only reads. Invariant: what k6 would call passed, and was not measured, is none here.

use super::Summary;
use super::summary::StepSummary;
use crate::k6::honest::{Known, against};
use crate::k6::objectives::objective;
use crate::k6::summary::judge;
use crate::load::run::Finished;
use crate::objective::Outcome;
use crate::script::prepare::Ready;
use std::sync::atomic::Ordering::Relaxed;

/// What the script itself asks for and does not get, and what speaks against a pass, of a load or of one
/// performance.
pub fn objections(ready: &Ready, is_load: bool) -> Vec<(Outcome, String)> {
    let run = &ready.run;
    let (tally, ended) = (run.counted(), run.ended());
    let seconds = run.elapsed_ms() / 1e3;
    // Of a load in a gate, those that are objectives were judged while it measured, and are not again.
    let has_objectives = is_load && !run.binding.plan.objectives.is_empty();
    let mut thresholds = ready.thresholds.clone();
    thresholds.retain(|(_, key, threshold)| !has_objectives || objective(key, threshold).is_none());
    let judged = judge(&thresholds, &tally, seconds);
    let known = Known {
        threw: run.threw.load(Relaxed),
        cut_off: run.interrupted.load(Relaxed),
        is_once: !is_load,
        has_objectives,
        aborted: ended.aborted,
        failed: ended.failed,
        teardown_broke: ended.teardown.is_some() || ended.left_behind,
        idle: match is_load {
            true => run.idle(),
            false => Vec::new(),
        },
        failing: match is_load {
            true => run.failing(),
            false => Vec::new(),
        },
    };
    let mut against = against(&tally, &judged, &known);
    for (_, reason) in &mut against {
        *reason = run.binding.redactor.clean(reason);
    }
    against
}

/// Adds to a summary what the script itself asks for, and what speaks against a pass.
pub fn judge_too(ready: &Ready, finished: &Finished, summary: &mut Summary) {
    let mut outcomes = vec![summary.outcome];
    // It stands for arrivals that nobody took, and for what was thrown.
    let is_empty = |step: &StepSummary| step.name == "iteration" && step.core.requests == 0;
    summary.steps.retain(|step| !is_empty(step));
    for (outcome, reason) in objections(ready, finished.is_load) {
        outcomes.push(outcome);
        summary.reasons.push(reason);
    }
    summary.outcome = Outcome::all(outcomes);
}
