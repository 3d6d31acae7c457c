//! How the part fits all requests: up to when both are known, and what the part does not show.
//!
//! Takes nothing in. Invariant: what is not known of the one is not counted of the other.

use super::super::samples::{Answer, Target, target};
use super::steps::Labels;
use super::window::{Counters, Part, family};
use std::collections::{BTreeMap, BTreeSet};

impl Counters {
    /// Up to when the part of each target is known with this answer: as far as that series of it which lags most, of
    /// those that are shown still.
    pub(super) fn reach_with(&self, part: &Answer) -> BTreeMap<Target, i64> {
        let mut newest: BTreeMap<&Labels, i64> = BTreeMap::new();
        for (labels, (at, _)) in &self.steps.last[1] {
            newest.insert(labels, *at);
        }
        for series in &part.series {
            if let Some((at, _)) = series.points.last() {
                let known = newest.entry(&series.labels).or_insert(*at);
                *known = (*known).max(*at);
            }
        }
        let mut of: BTreeMap<Target, Vec<i64>> = BTreeMap::new();
        for (labels, at) in newest {
            of.entry(target(labels)).or_default().push(at);
        }
        let gap = self.gap_ms();
        let least = |(target, all): (Target, Vec<i64>)| {
            let last = all.iter().copied().max()?;
            let shown = all.into_iter().filter(|at| last - at <= gap);
            Some((target, shown.min()?))
        };
        of.into_iter().filter_map(least).collect()
    }

    /// Up to when a target is taken of which the other one is not known.
    pub(super) fn unknown_reach(&self, number: usize, target: &Target) -> i64 {
        let (first, last) = self.targets.get(target).copied().unwrap_or_default();
        let is_young = first > self.from_ms && last - first <= self.gap_ms();
        match number {
            0 if self.part.0 == Part::Good => i64::MIN,
            // Which of a target's counters is asked for first is chance.
            1 if is_young => i64::MIN,
            _ => i64::MAX,
        }
    }

    /// What the part does not show of what all requests do.
    pub(super) fn look_at_part(&mut self, [total, part]: [&Answer; 2]) {
        let is_same = self.part.1.metric == self.total.metric;
        let is_histogram =
            self.part.0 == Part::Good && family(&self.part.1.metric) == family(&self.total.metric);
        if !is_same && !is_histogram {
            return;
        }
        let key = |labels: &Labels| {
            let mut labels = labels.clone();
            if !is_same {
                labels.retain(|name, _| name != "__name__" && name != "le");
            }
            labels
        };
        let shown: BTreeSet<Labels> = part.series.iter().map(|one| key(&one.labels)).collect();
        let mut unshown = BTreeMap::new();
        let fits = self.part.1.fitting();
        for series in &total.series {
            let is_asked = !is_same || fits(&series.labels);
            if let (true, Some((at, _))) = (is_asked, series.points.last())
                && !shown.contains(&key(&series.labels))
            {
                let since = self.unshown.get(&series.labels).copied();
                unshown.insert(series.labels.clone(), since.unwrap_or(*at));
            }
        }
        self.unshown = unshown;
    }
}
