//! Slots as a gate keeps them: columns of numbers, small enough for its row. A boundary type.

use crate::objective::slot::{ArmSlot, Count, Slot};
use serde::{Deserialize, Serialize};

/// The evidence of one load: what its verdict can be replayed from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The objectives that were judged, as written.
    pub objectives: Vec<String>,
    /// Seconds of warm-up.
    pub warm_up_s: f64,
    /// The version that was judged.
    pub candidate: Columns,
    /// The one beside it.
    #[serde(default, skip_serializing_if = "Columns::is_empty")]
    pub baseline: Columns,
}

/// One arm, slot by slot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Columns {
    /// Requests and failed ones.
    pub all: Vec<(u64, u64)>,
    /// For each objective: requests and bad ones.
    pub objectives: Vec<Vec<(u64, u64)>>,
}

impl Columns {
    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn push(&mut self, arm: &ArmSlot) {
        self.all.push((arm.all.requests, arm.all.bad));
        self.objectives.resize(arm.objectives.len(), Vec::new());
        for (column, count) in self.objectives.iter_mut().zip(&arm.objectives) {
            column.push((count.requests, count.bad));
        }
    }

    fn slot(&self, at: usize) -> ArmSlot {
        let count = |pair: Option<&(u64, u64)>| {
            pair.map_or_else(Count::default, |(requests, bad)| Count {
                requests: *requests,
                bad: *bad,
            })
        };
        ArmSlot {
            all: count(self.all.get(at)),
            objectives: self
                .objectives
                .iter()
                .map(|column| count(column.get(at)))
                .collect(),
        }
    }
}

impl Evidence {
    /// Adds a slot.
    pub fn push(&mut self, slot: &Slot, with_baseline: bool) {
        self.candidate.push(&slot.candidate);
        if with_baseline {
            self.baseline.push(&slot.baseline);
        }
    }

    /// The slots again.
    pub fn slots(&self) -> Vec<Slot> {
        (0..self.candidate.all.len())
            .map(|at| Slot {
                candidate: self.candidate.slot(at),
                baseline: self.baseline.slot(at),
            })
            .collect()
    }
}
