//! What a rule really does on a service: pure.
//!
//! A recorded series of a healthy service is cut into many gates, each starting a little later
//! than the one before, and each is judged. With two arms of the same version beside one another
//! it is an A/A test. What is rolled back there is rolled back wrongly.

use crate::objective::rule::Rule;
use crate::objective::slot::{SLOTS_A_SECOND, Slot, slots_of};
use crate::objective::trial::Conclusion;
use crate::objective::{Objective, binomial, verdict};
use serde::Serialize;
use std::time::Duration;

/// What became of the gates.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Calibration {
    /// Gates that were cut.
    pub gates: u64,
    /// Those that do not overlap: as many are independent of one another at the most.
    pub independent: u64,
    /// Rolled back.
    pub rollback: u64,
    /// Promoted.
    pub promote: u64,
    /// Held.
    pub hold: u64,
    /// Not told.
    pub inconclusive: u64,
    /// The upper bound of the rate of wrong rollbacks, at 95 %, from what is independent.
    pub rollback_at_most: f64,
    /// When the first gate that was rolled back started, in seconds.
    pub first_rollback_s: Option<f64>,
}

impl Calibration {
    /// Adds another series.
    pub fn add(&mut self, other: &Calibration) {
        self.gates += other.gates;
        self.independent += other.independent;
        self.rollback += other.rollback;
        self.promote += other.promote;
        self.hold += other.hold;
        self.inconclusive += other.inconclusive;
        self.first_rollback_s = self.first_rollback_s.or(other.first_rollback_s);
        self.bound();
    }

    fn bound(&mut self) {
        let share = self.rollback as f64 / self.gates.max(1) as f64;
        let independent_bad = (share * self.independent as f64).ceil() as u64;
        self.rollback_at_most = binomial::upper_bound(independent_bad, self.independent, 0.05);
    }
}

/// Cuts a series into gates of a length, one starting each `stride`, and judges them.
pub fn calibrate(
    rule: Rule,
    objectives: &[Objective],
    slots: &[Slot],
    length: Duration,
    stride: Duration,
) -> Calibration {
    let [length, stride] = [length, stride].map(|time| (slots_of(time) as usize).max(1));
    let mut found = Calibration {
        independent: (slots.len() / length) as u64,
        ..Calibration::default()
    };
    let mut from = 0;
    while from + length <= slots.len() {
        let (judged, _) = verdict::judge(rule, objectives, &slots[from..from + length], 1);
        found.gates += 1;
        match judged.verdict {
            Conclusion::Rollback => {
                found.rollback += 1;
                found
                    .first_rollback_s
                    .get_or_insert(from as f64 / SLOTS_A_SECOND as f64);
            }
            Conclusion::Promote => found.promote += 1,
            Conclusion::Hold => found.hold += 1,
            Conclusion::Inconclusive => found.inconclusive += 1,
        }
        from += stride;
    }
    found.bound();
    found
}
