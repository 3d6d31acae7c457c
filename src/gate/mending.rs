//! A remedy: what may mend a failure without another version, such as a restart. Pure, a part of the
//! machine.
//!
//! Does not know what a remedy does. Invariant: it is tried once, before anything is concluded, and what
//! it mended is measured afresh; what still fails is rolled back.

use super::event::{Effect, Event};
use super::machine::{Stepper, because};
use crate::objective::Outcome;
use crate::record::state::{Phase, PhaseRecord, Position, Remedy, Verdict};

impl Stepper<'_> {
    /// What failed may be mended without another version: once, and before anything is concluded.
    pub(super) fn remedy(
        &mut self,
        phase: Phase,
        reasons: &[String],
        failing_ms: i64,
    ) -> Vec<Effect> {
        self.state.remedy = Some(Remedy {
            phase,
            reasons: reasons.to_vec(),
            failing_ms,
            ordered: false,
            settled_ms: None,
        });
        self.enter(Position::Remedying);
        vec![Effect::Lock]
    }

    pub(super) fn remedying(&mut self, event: &Event) -> Vec<Effect> {
        let ordered = self.state.remedy.as_ref().is_some_and(|one| one.ordered);
        match event {
            Event::Locked if !ordered => {
                if let Some(remedy) = &mut self.state.remedy {
                    remedy.ordered = true;
                }
                vec![Effect::OrderRemedy, Effect::AwaitActions]
            }
            Event::Restarted if ordered => vec![Effect::AwaitActions],
            Event::Restarted => vec![Effect::Lock],
            Event::Cancelled { by } => {
                self.conclude(Verdict::Hold, vec![format!("cancelled by {by}")])
            }
            Event::RollbackOrdered(order) => self.ordered(order),
            Event::ActionsSettled { failed, count } if ordered && failed.len() < *count => {
                self.measure_again()
            }
            Event::ActionsSettled { failed, .. } if ordered => self.not_mended(format!(
                "the remedy could not be tried: {}",
                failed.join("; ")
            )),
            Event::LockTimedOut { holder } if !ordered => self.not_mended(format!(
                "no remedy was tried: {holder} acts on the same services"
            )),
            _ => Vec::new(),
        }
    }

    /// The remedy was tried: what is served now is measured as if nothing had been.
    fn measure_again(&mut self) -> Vec<Effect> {
        let now_ms = self.now_ms;
        if let Some(remedy) = &mut self.state.remedy {
            remedy.settled_ms = Some(now_ms);
        }
        let before = [Phase::Preflight, Phase::Preconditions];
        self.state.phases.retain(|one| before.contains(&one.phase));
        self.state.extended = None;
        let mut phases = self.policy.phases.iter();
        match phases.find(|phase| !before.contains(phase)) {
            Some(first) => {
                self.enter(Position::Measuring(*first));
                vec![Effect::Perform(*first)]
            }
            None => self.not_mended("there is nothing to measure any more".to_owned()),
        }
    }

    /// What failed before the remedy still stands.
    pub(super) fn not_mended(&mut self, why: String) -> Vec<Effect> {
        let Some(remedy) = &self.state.remedy else {
            return self.conclude(Verdict::Hold, vec![why]);
        };
        let (phase, failing_ms) = (remedy.phase, remedy.failing_ms);
        let mut reasons = because(phase, "failed", &remedy.reasons);
        reasons.push(why);
        self.state.triggered_ms = Some(failing_ms);
        self.state.phases.push(PhaseRecord {
            phase,
            outcome: Outcome::Fail,
            reasons: reasons.clone(),
            ended_ms: self.now_ms,
            held: false,
            waived: Vec::new(),
        });
        self.conclude(Verdict::Rollback, reasons)
    }
}
