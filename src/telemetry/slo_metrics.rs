//! What is shown of objectives over weeks.

use super::registry::{counters, float_gauges, gauges};
use crate::watch::budget::{Goal, Standing};
use crate::watch::rollup::Bucket;
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGaugeVec, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

/// An objective that counts the runs of a probe: the good ones, and the bad ones.
#[derive(Debug, Clone)]
struct Counting {
    goal: Goal,
    good: IntCounter,
    bad: IntCounter,
}

#[derive(Debug)]
pub(super) struct SloMetrics {
    objective: GaugeVec,
    share: GaugeVec,
    remaining: GaugeVec,
    burn: GaugeVec,
    runs: IntGaugeVec,
    counted: IntCounterVec,
    /// Objectives that count the runs of each probe.
    counting: RwLock<BTreeMap<String, Vec<Counting>>>,
    /// Windows that were shown of each, to be removed with it.
    shown: Mutex<BTreeMap<String, BTreeSet<String>>>,
}

impl SloMetrics {
    pub(super) fn new(registry: &Registry) -> SloMetrics {
        let slo = &["slo"];
        let slo_result = &["slo", "result"];
        SloMetrics {
            objective: float_gauges(
                registry,
                "bellwether_slo_objective_ratio",
                "The share of runs that are to be good.",
                slo,
            ),
            share: float_gauges(
                registry,
                "bellwether_slo_good_ratio",
                "The share of runs in the window that were good.",
                slo,
            ),
            remaining: float_gauges(
                registry,
                "bellwether_slo_error_budget_remaining_ratio",
                "What is left of the error budget: 1 is all of it, below 0 it is overdrawn.",
                slo,
            ),
            burn: float_gauges(
                registry,
                "bellwether_slo_burn_rate_ratio",
                "How much faster the error budget is used up than it may be, by window.",
                &["slo", "window"],
            ),
            runs: gauges(
                registry,
                "bellwether_slo_window_runs",
                "Runs in the window, by what they were.",
                slo_result,
            ),
            counted: counters(
                registry,
                "bellwether_slo_runs_total",
                "Runs that an objective counted, by what they were.",
                slo_result,
            ),
            counting: RwLock::default(),
            shown: Mutex::default(),
        }
    }

    pub(super) fn only(&self, names: &BTreeSet<String>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|name, windows| {
            let stays = names.contains(name);
            if !stays {
                // One that was never made cannot be removed; that is as good.
                for gauge in [&self.objective, &self.share, &self.remaining] {
                    let _ = gauge.remove_label_values(&[name]);
                }
                for result in ["good", "bad"] {
                    let _ = self.runs.remove_label_values(&[name, result]);
                    let _ = self.counted.remove_label_values(&[name, result]);
                }
                for window in windows.iter() {
                    let _ = self.burn.remove_label_values(&[name, window]);
                }
            }
            stays
        });
    }

    /// Counts of these begin at zero: an objective with its goal and its probes.
    pub(super) fn count<'a>(&self, slos: impl Iterator<Item = (&'a str, Goal, Vec<&'a str>)>) {
        let mut counting: BTreeMap<String, Vec<Counting>> = BTreeMap::new();
        for (name, goal, probes) in slos {
            let of = |result| self.counted.with_label_values(&[name, result]);
            let (good, bad) = (of("good"), of("bad"));
            for probe in probes {
                let all = counting.entry(probe.to_owned()).or_default();
                let (good, bad) = (good.clone(), bad.clone());
                all.push(Counting { goal, good, bad });
            }
        }
        *self
            .counting
            .write()
            .unwrap_or_else(PoisonError::into_inner) = counting;
    }

    /// A probe was run: what its run is to those that count it.
    pub(super) fn ran(&self, probe: &str, run: impl FnOnce() -> Bucket) {
        let counting = self.counting.read().unwrap_or_else(PoisonError::into_inner);
        let Some(all) = counting.get(probe) else {
            return;
        };
        let run = run();
        for one in all {
            let counts = one.goal.counts(&run);
            one.good.inc_by(counts.good);
            one.bad.inc_by(counts.bad);
        }
    }

    pub(super) fn put(&self, name: &str, goal: &Goal, seen: &Standing) {
        self.objective.with_label_values(&[name]).set(goal.share);
        // What nobody has measured is no number.
        self.share
            .with_label_values(&[name])
            .set(seen.share.unwrap_or(f64::NAN));
        let remaining = seen.remaining.unwrap_or(f64::NAN);
        self.remaining.with_label_values(&[name]).set(remaining);
        for (result, count) in [("good", seen.counts.good), ("bad", seen.counts.bad)] {
            self.runs
                .with_label_values(&[name, result])
                .set(count as i64);
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = shown.entry(name.to_owned()).or_default();
        for (length, rate) in &seen.burns {
            let window = crate::duration::show(Duration::from_secs(*length as u64));
            self.burn.with_label_values(&[name, &window]).set(*rate);
            windows.insert(window);
        }
    }
}
