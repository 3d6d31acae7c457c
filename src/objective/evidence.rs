//! Slots as a gate keeps them: columns of numbers, small enough for its row. A boundary type.

use super::rule::Rule;
use super::slot::{ArmSlot, Count, Slot};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The evidence of one load: what its verdict can be replayed from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// The objectives that were judged, as written.
    pub objectives: Vec<String>,
    /// The rule that they were judged by.
    #[serde(default)]
    pub rule: Option<Rule>,
    /// How many ends there might have been: the levels were shared out over them.
    #[serde(default)]
    pub looks: u32,
    /// Latencies in bands around the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distribution: Option<Distribution>,
    /// Whether nothing may be concluded from it: the load was late, or changed by hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_spoiled: bool,
    /// The version that was judged.
    pub candidate: Columns,
    /// The one beside it.
    #[serde(default, skip_serializing_if = "Columns::is_empty")]
    pub baseline: Columns,
}

/// Requests by latency, in bands around a limit; failed ones are in the last band.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Distribution {
    /// The limit in microseconds.
    pub limit_us: u64,
    /// Upper ends of the bands in microseconds; the last band has none.
    pub bounds_us: Vec<u64>,
    /// Requests of the candidate in each band.
    pub candidate: Vec<u64>,
    /// Of the baseline.
    pub baseline: Vec<u64>,
    /// Of those in the last band: how many of the candidate failed.
    #[serde(default)]
    pub candidate_failed: u64,
    /// Of the baseline.
    #[serde(default)]
    pub baseline_failed: u64,
}

/// Half octaves below the limit that have a band.
const BELOW: i32 = 12;
/// Half octaves above it.
const ABOVE: i32 = 6;

/// Upper ends of the bands: the limit is one of them, and none stands twice.
fn bounds(limit_us: u64) -> Vec<u64> {
    let parts = (-BELOW..=ABOVE).map(|half| (f64::from(half) / 2.0).exp2());
    let mut bounds: Vec<u64> = parts
        .map(|part| (limit_us as f64 * part).round() as u64)
        .collect();
    bounds.dedup();
    bounds
}

impl Distribution {
    /// Of the candidate's latencies in microseconds, and its failures.
    pub fn new(limit_us: u64) -> Distribution {
        Distribution {
            limit_us,
            bounds_us: bounds(limit_us),
            ..Distribution::default()
        }
    }

    /// Counts of latencies, in these bands.
    pub fn bands(&self, latency: &Histogram<u64>, failed: u64) -> Vec<u64> {
        let mut from = 0;
        let mut counts: Vec<u64> = self
            .bounds_us
            .iter()
            .map(|bound| {
                let count = latency.count_between(from, *bound);
                from = bound + 1;
                count
            })
            .collect();
        let counted: u64 = counts.iter().sum();
        counts.push(latency.len().saturating_sub(counted) + failed);
        counts
    }
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

    fn push(&mut self, arm: &ArmSlot, objectives: usize) {
        self.all.push((arm.all.requests, arm.all.bad));
        self.objectives.resize(objectives, Vec::new());
        for (number, column) in self.objectives.iter_mut().enumerate() {
            // A slot in which nothing came has no counts.
            let count = arm.objectives.get(number).copied().unwrap_or_default();
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
        let objectives = self.objectives.len();
        self.candidate.push(&slot.candidate, objectives);
        if with_baseline {
            self.baseline.push(&slot.baseline, objectives);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_came_in() {
        let mut evidence = Evidence {
            objectives: vec!["p95 < 1s".to_owned()],
            ..Evidence::default()
        };
        let mut full = Slot::new(1);
        full.candidate.objectives[0] = Count {
            requests: 5,
            bad: 2,
        };
        for slot in [&Slot::default(), &full, &Slot::default()] {
            evidence.push(slot, true);
        }
        let text = serde_json::to_string(&evidence).unwrap();
        let again: Evidence = serde_json::from_str(&text).unwrap();
        assert_eq!(again.slots()[1], full);
        assert_eq!(again.slots().len(), 3);
    }
}
