//! The bake: the scenarios once each, again and again for a while, and objectives over all of them.

use super::smoke::smoke_once;
use crate::gate::context::{Ended, PhaseContext, bind};
use crate::load::Stop;
use crate::load::recorder::StepRecord;
use crate::objective::judge::judge;
use crate::objective::{Evidence, Outcome};
use crate::project::gate::Bake;
use crate::run::summarize::{evidence_of, whole_of};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Performs the bake.
pub(super) async fn bake(context: &PhaseContext<'_>) -> Ended {
    let Some(bake) = &context.gate.bake else {
        return Ended::new(Outcome::Inconclusive, "the gate has no bake");
    };
    let end = Instant::now() + bake.duration;
    let start = Instant::now();
    let mut bindings = Vec::new();
    for path in &bake.scenarios {
        match bind(context, path, &context.record.facts.version) {
            Ok(binding) => bindings.push(Arc::new(binding)),
            Err(reasons) => {
                return Ended::because(Outcome::Inconclusive, reasons);
            }
        }
    }
    let mut whole: Option<StepRecord> = None;
    let mut rounds = Rounds::default();
    let mut last = None;
    while Instant::now() < end && context.control.asked() == Stop::No {
        let round = Instant::now();
        let mut outcomes = Vec::new();
        for binding in &bindings {
            let (summary, finished) = smoke_once(context, binding).await;
            outcomes.push(summary.outcome);
            match (&mut whole, whole_of(&finished)) {
                (_, None) => {}
                (None, of_round) => whole = of_round,
                (Some(whole), Some(of_round)) => whole.merge(&of_round),
            }
            if summary.outcome != Outcome::Pass {
                last = Some(summary);
            }
        }
        rounds.note(Outcome::all(outcomes));
        if rounds.are_enough(bake.failures) {
            break;
        }
        let next = (round + bake.every).min(end);
        tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            () = context.control.stopped() => {}
        }
    }
    let reasons = last
        .as_ref()
        .map(|summary| summary.reasons.join("; "))
        .unwrap_or_default();
    let mut ended = if context.control.asked() != Stop::No {
        Ended::new(Outcome::Inconclusive, "it was stopped")
    } else if let Some((outcome, lead)) = rounds.objection(bake.failures) {
        Ended::new(outcome, format!("{lead}: {reasons}"))
    } else {
        let (passed, all) = (rounds.passed, rounds.all);
        let mut reasons = vec![format!("{passed} of {all} rounds passed")];
        let outcome = judged(bake, whole.as_ref(), start.elapsed(), &mut reasons);
        Ended::because(outcome, reasons)
    };
    ended.runs = last.into_iter().collect();
    ended
}

/// What the rounds of a bake came to: pure.
#[derive(Debug, Default)]
struct Rounds {
    all: u64,
    passed: u64,
    failed_in_row: u64,
    doubtful_in_row: u64,
}

impl Rounds {
    fn note(&mut self, outcome: Outcome) {
        let row = |before: u64, is_one: bool| if is_one { before + 1 } else { 0 };
        self.all += 1;
        self.passed += u64::from(outcome == Outcome::Pass);
        self.failed_in_row = row(self.failed_in_row, outcome == Outcome::Fail);
        self.doubtful_in_row = row(self.doubtful_in_row, outcome == Outcome::Inconclusive);
    }

    /// Whether more rounds would change nothing: so many failed in a row.
    fn are_enough(&self, failures: u64) -> bool {
        self.failed_in_row >= failures || self.doubtful_in_row >= failures.max(3)
    }

    /// What speaks against a pass.
    fn objection(&self, failures: u64) -> Option<(Outcome, String)> {
        let (passed, all, failed) = (self.passed, self.all, self.failed_in_row);
        if failed >= failures {
            return Some((Outcome::Fail, format!("{failed} rounds in a row failed")));
        }
        let too_few = passed == 0 || passed * 10 < all * 9;
        (too_few || failed > 0 || self.doubtful_in_row > 0).then(|| {
            let lead = format!("only {passed} of {all} rounds passed, or the last one did not");
            (Outcome::Inconclusive, lead)
        })
    }
}

/// Judges the objectives of a bake over all its requests.
fn judged(
    bake: &Bake,
    whole: Option<&StepRecord>,
    lasted: Duration,
    reasons: &mut Vec<String>,
) -> Outcome {
    let mut outcomes = vec![Outcome::Pass];
    for objective in &bake.objectives {
        let evidence = whole.map_or_else(Evidence::default, |record| {
            evidence_of(objective, record, lasted, 0)
        });
        let mut judgement = judge(objective, &evidence);
        let doubtful = whole.map_or(0, StepRecord::doubtful);
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
    Outcome::all(outcomes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcomes: &[Outcome]) -> Option<Outcome> {
        let mut rounds = Rounds::default();
        for outcome in outcomes {
            rounds.note(*outcome);
        }
        rounds.objection(2).map(|(outcome, _)| outcome)
    }

    #[test]
    fn only_rounds_in_a_row_fail_and_only_passed_ones_promote() {
        use Outcome::{Fail, Inconclusive, Pass};
        assert_eq!(told(&[]), Some(Inconclusive), "nothing was measured");
        assert_eq!(told(&[Pass, Pass]), None);
        assert_eq!(told(&[Pass, Fail, Fail]), Some(Fail));
        assert_eq!(told(&[Pass, Fail]), Some(Inconclusive));
        assert_eq!(
            told(&[Fail, Pass, Pass]),
            Some(Inconclusive),
            "fewer than nine of ten"
        );
        let mut ten = [Pass; 10];
        ten[3] = Fail;
        assert_eq!(told(&ten), None);
    }
}
