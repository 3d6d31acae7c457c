//! How the part fits all requests: up to when both are known, and what the part does not show.
//!
//! Takes nothing in. Invariant: what is not known of the one is not counted of the other.

use super::super::samples::{Answer, Target, named, target};
use super::steps::{Labels, is_given_up};
use super::window::{Counters, Part, family};
use std::collections::{BTreeMap, BTreeSet};

/// The share by which two that count the same may differ: they are scraped at other moments.
const ALIKE: f64 = 0.1;
/// Requests that are given up from which on it is no habit of those who ask: so many, and so large a share of all.
const GIVEN_UP_MIN: f64 = 30.0;
const GIVEN_UP: f64 = 0.1;

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

    /// Targets of which bad requests are not shown, though they were before, or others show that they had none.
    pub(super) fn partless(&self) -> Option<String> {
        let is_same = family(&self.part.1.metric) == family(&self.total.metric);
        if self.part.0 != Part::Bad || is_same {
            return None;
        }
        let inside = self.steps.last[1].iter();
        let inside = inside.filter(|(_, (at, _))| *at > self.from_ms);
        let shown: BTreeSet<Target> = inside.clone().map(|(labels, _)| target(labels)).collect();
        // It may be counted elsewhere altogether.
        if !self.moved.keys().any(|target| shown.contains(target)) {
            return None;
        }
        let is_from_zero = inside.into_iter().any(|(_, (_, value))| *value == 0.0);
        let stood = self.steps.stood_parts();
        let mut partless = self.moved.keys().filter(|target| {
            let was_shown = stood.contains(*target) && !self.steps.is_renewed(target);
            (is_from_zero || was_shown) && !shown.contains(*target)
        });
        let first = partless.next()?;
        let others = match partless.count() {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        Some(format!(
            "`{}` of {}{others} is not shown, though `{}` is: nobody knows what failed there",
            self.part.1.text(),
            named(first),
            self.total.text()
        ))
    }

    /// Whether a process is counted twice, since several show it.
    pub(super) fn shown_twice(&self) -> Option<String> {
        let mut shown: BTreeMap<_, f64> = BTreeMap::new();
        for (target, counted) in &self.moved {
            let Some(place) = self.places.get(target) else {
                continue;
            };
            // One address is one process, whichever jobs scrape it; without one, jobs are different things.
            let job = match place.0.as_str() {
                "" => target.0.as_str(),
                _ => "",
            };
            match shown.get(&(job, place)) {
                Some(other) if (counted - other).abs() <= ALIKE * other => {
                    return Some(format!(
                        "{} is shown by several Prometheus or in several jobs, and each request counts as often: ask for one of them, such as by `replica=\"…\"` or `job=\"…\"`",
                        named(target)
                    ));
                }
                _ => {
                    shown.insert((job, place), *counted);
                }
            }
        }
        None
    }

    /// Whether one host shows the same on several ports, where the part is counted by others than all requests are:
    /// then the one counts several times, and the other once.
    pub(super) fn shown_on_ports(&self) -> Option<String> {
        let all = [0, 1]
            .into_iter()
            .flat_map(|number| self.again_on_ports(number));
        let (target, _) = all.min_by(|(one, _), (other, _)| one.cmp(other))?;
        Some(format!(
            "{} counts the same as another port of that host, and so may show the same process: ask for one of them, such as by `instance=~\".*:8080\"`",
            named(target)
        ))
    }

    /// Targets that count the same as another port of their host, and what they counted.
    pub(super) fn again_on_ports(&self, number: usize) -> Vec<(&Target, f64)> {
        let counted = |number: usize| {
            let all = self.sure.iter();
            all.filter(move |(_, counted)| counted[number] > 0.0)
        };
        if counted(0).any(|(_, counted)| counted[1] > 0.0) {
            return Vec::new();
        }
        let mut hosts: BTreeMap<_, Vec<f64>> = BTreeMap::new();
        let mut again = Vec::new();
        for (target, of_target) in counted(number) {
            let Some((instance, telling)) = self.places.get(target) else {
                continue;
            };
            let Some((host, _)) = instance.rsplit_once(':') else {
                continue;
            };
            let (much, known) = (of_target[number], hosts.entry((host, telling)).or_default());
            let is_alike = |other: &f64| (much - other).abs() <= ALIKE * other.max(much);
            match known.iter().any(is_alike) {
                true => again.push((target, much)),
                false => known.push(much),
            }
        }
        again
    }

    /// Whether a good part of all requests were given up by those who asked, and these do not count as bad.
    pub(super) fn given_up(&self) -> Option<String> {
        let fits = self.part.1.fitting();
        let mut shown = self.steps.last[0].keys();
        if shown.any(|labels| is_given_up(labels) && fits(labels)) {
            return None;
        }
        let least = GIVEN_UP_MIN.max(GIVEN_UP * self.sum.0 as f64);
        (self.part.0 == Part::Bad && self.given_up >= least).then(|| {
            format!(
                "{:.0} of {} requests were given up by those who asked (499, or cancelled), and `{}` does not count them: whoever waits too long gives up; ask for these, too",
                self.given_up,
                self.sum.0,
                self.part.1.text()
            )
        })
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
