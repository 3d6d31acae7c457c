//! A quarter of a second of evidence: what is counted of each arm for each objective.
//!
//! Everything that a sequential verdict rests on is a sequence of these; a gate keeps them, so that
//! its verdict can be replayed.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Slots in a second.
pub const SLOTS_A_SECOND: usize = 4;

/// How many slots a time has, to the nearest.
pub fn slots_of(time: Duration) -> u64 {
    (time.as_secs_f64() * SLOTS_A_SECOND as f64).round() as u64
}

/// Requests, and bad ones among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// All of them.
    pub requests: u64,
    /// Those that are over the limit or failed.
    pub bad: u64,
}

impl Count {
    /// Adds other counts.
    pub fn add(&mut self, other: Count) {
        self.requests = self.requests.saturating_add(other.requests);
        self.bad = self.bad.saturating_add(other.bad);
    }

    /// The bad share, 0 to 1; nothing without requests.
    pub fn share(self) -> Option<f64> {
        (self.requests > 0).then(|| self.bad as f64 / self.requests as f64)
    }
}

/// One arm in one slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmSlot {
    /// All requests; bad are those that failed.
    pub all: Count,
    /// For each objective.
    pub objectives: Vec<Count>,
}

impl ArmSlot {
    /// Adds what another worker counted in the same slot.
    pub fn merge(&mut self, other: &ArmSlot) {
        self.all.add(other.all);
        if self.objectives.len() < other.objectives.len() {
            self.objectives
                .resize(other.objectives.len(), Count::default());
        }
        for (mine, theirs) in self.objectives.iter_mut().zip(&other.objectives) {
            mine.add(*theirs);
        }
    }
}

/// One slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The version that is judged.
    pub candidate: ArmSlot,
    /// The version beside it, if there is one.
    #[serde(default)]
    pub baseline: ArmSlot,
}

impl Slot {
    /// An empty one for so many objectives.
    pub fn new(objectives: usize) -> Slot {
        let arm = ArmSlot {
            all: Count::default(),
            objectives: vec![Count::default(); objectives],
        };
        Slot {
            candidate: arm.clone(),
            baseline: arm,
        }
    }
}
