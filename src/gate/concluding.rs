//! What a gate comes to when its last phase let it go on. Pure, a part of the machine.
//!
//! Invariant: it promotes only what was measured and held, by all phases that it has, and nothing holds it.

use super::event::Effect;
use super::machine::{Stepper, because};
use crate::record::state::Verdict;

impl Stepper<'_> {
    /// The last phase let the gate go on: promote, if all of them did. A configuration that was
    /// changed meanwhile may have brought phases that were never performed.
    pub(super) fn conclude_passed(&mut self) -> Vec<Effect> {
        let missing: Vec<&str> = self
            .policy
            .phases
            .iter()
            .filter(|phase| !self.state.let_on(**phase))
            .map(|phase| phase.word())
            .collect();
        if !missing.is_empty() {
            let reason = format!("never performed: {}", missing.join(", "));
            return self.conclude(Verdict::Hold, vec![reason]);
        }
        if self.policy.changed {
            let reason = "what this gate measures was changed while it ran: what was measured is not what was asked for at its start".to_owned();
            return self.conclude(Verdict::Hold, vec![reason]);
        }
        if !self.state.holds.is_empty() {
            return self.conclude(Verdict::Hold, self.state.holds.clone());
        }
        if !self.state.was_measured() {
            let reason = "every measurement was waived; nothing was measured that held".to_owned();
            return self.conclude(Verdict::Hold, vec![reason]);
        }
        let waivers = self.state.phases.iter().flat_map(|record| &record.waived);
        let mut reasons: Vec<String> = waivers
            .map(|waiver| {
                format!(
                    "`{}` did not pass and was waived by {}: {}",
                    waiver.check, waiver.by, waiver.reason
                )
            })
            .collect();
        reasons.insert(
            0,
            if reasons.is_empty() {
                "every phase passed"
            } else {
                "every phase passed or was waived"
            }
            .to_owned(),
        );
        if let Some(remedy) = &self.state.remedy {
            let before = because(remedy.phase, "failed", &remedy.reasons);
            let before = before.join("; ");
            reasons.push(format!("it needed a remedy first: {before}"));
        }
        self.conclude(Verdict::Promote, reasons)
    }
}
