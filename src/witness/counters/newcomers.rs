//! What is new in an answer, and of targets that are new themselves whether it can have been counted since they began.
//!
//! Invariant: of what nobody can tell yet nothing is taken; it stands in the next answer again.

use super::super::samples::{Answer, Series, Target, target};
use super::steps::{Labels, YOUNG_FASTER_MAX, YOUNG_MAX};
use super::window::{Counters, Part};
use std::collections::{BTreeMap, BTreeSet};

impl Counters {
    /// What is new of each target at each moment. What is known of the part before all requests are is left
    /// for later, and so is what is known of these before it is known which are good: it stands in the next
    /// answer again.
    pub(super) fn new_scrapes<'a>(
        &mut self,
        number: usize,
        answers: [&'a Answer; 2],
        waiting: &BTreeSet<Target>,
    ) -> BTreeMap<(i64, Target), Vec<(&'a Labels, f64)>> {
        let reach = match (number, self.part.0) {
            (1, _) => self.steps.reach(0),
            (_, Part::Good) => self.reach_with(answers[1]),
            (_, Part::Bad) => BTreeMap::new(),
        };
        let mut scrapes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        self.withheld[number].clear();
        for series in &answers[number].series {
            let last = self.steps.last[number].get(&series.labels);
            let after = last.map_or(i64::MIN, |(at, _)| *at);
            let target = target(&series.labels);
            let came = self.targets.get(&target).map_or(0, |(first, _)| *first);
            if came > self.end_ms {
                continue;
            }
            let until = reach.get(&target).copied();
            let mut until = until.unwrap_or_else(|| self.unknown_reach(number, &target));
            if waiting.contains(&target) {
                until = i64::MIN;
            }
            if let (i64::MIN, Some((at, value))) = (until, series.points.last())
                && *at > after.max(self.from_ms)
            {
                *self.withheld[number].entry(target.clone()).or_default() += value;
            }
            let new = |at: i64| at > after && at <= until;
            for (at, value) in series.points.iter().filter(|(at, _)| new(*at)) {
                let values = scrapes.entry((*at, target.clone())).or_default();
                values.push((&series.labels, *value));
            }
        }
        scrapes
    }

    /// Targets that are new and of which only one scrape is known, and that stand so high that only their next one
    /// tells whether they can have counted that since they began.
    pub(super) fn waiting(&self, answers: [&Answer; 2]) -> BTreeSet<Target> {
        let mut stand: BTreeMap<Target, f64> = BTreeMap::new();
        for series in answers.into_iter().flat_map(|answer| &answer.series) {
            if let Some((_, value)) = series.points.last() {
                *stand.entry(target(&series.labels)).or_default() += value;
            }
        }
        let waits = |(target, all): &(Target, f64)| {
            let times = self.targets.get(target);
            let is_single =
                times.is_some_and(|(first, last)| *first > self.from_ms && first == last);
            is_single && *all > YOUNG_MAX
        };
        let waiting = stand.into_iter().filter(waits);
        waiting.map(|(target, _)| target).collect()
    }

    /// The most that each target which is new can have counted between the beginning and its first scrape, by what
    /// it counted from then on. Of targets that others count, too, these tell.
    pub(super) fn explained(&self, answer: &Answer, others: &[Series]) -> BTreeMap<Target, f64> {
        let others: BTreeSet<Target> = others.iter().map(|one| target(&one.labels)).collect();
        let mut went: BTreeMap<Target, (f64, i64)> = BTreeMap::new();
        for series in &answer.series {
            let target = target(&series.labels);
            if others.contains(&target) {
                continue;
            }
            let first = self.targets.get(&target).map_or(0, |(first, _)| *first);
            let (Some(from), Some(to)) = (series.points.first(), series.points.last()) else {
                continue;
            };
            if first > self.from_ms {
                let known = went.entry(target).or_default();
                known.0 += (to.1 - from.1).max(0.0);
                known.1 = known.1.max(to.0 - first);
            }
        }
        let most = |(target, (more, time)): (Target, (f64, i64))| {
            let first = self.targets.get(&target).map_or(0, |(first, _)| *first);
            // Who is found late may have been there before, but no longer than it takes to be found.
            let since = (first - self.from_ms).min(self.gap_ms());
            let before = (since + self.scrape_ms) as f64;
            (
                target,
                YOUNG_FASTER_MAX * more / time.max(1) as f64 * before,
            )
        };
        went.into_iter().map(most).collect()
    }
}
