//! Why what was counted is not to be relied on.
//!
//! Only reads. Invariant: a doubt says what does not fit, and where something can be done about it, what.

use super::super::samples::{named, target};
use super::steps::Odd;
use super::window::{Counters, Part};
use crate::duration::show;
use std::time::Duration;

/// A target that starts so often while one looks is in trouble.
const STARTS_MAX: usize = 2;
/// The share of blocks that must have been scraped.
const COVERAGE: f64 = 0.9;
/// Requests in a block from which on it is no chance that there are none for a while.
const BUSY_MIN: f64 = 5.0;

impl Counters {
    /// Why what was counted in so much time is not to be relied on. `may_leave` says that targets come and go.
    pub fn doubts(&self, elapsed_ms: i64, may_leave: bool) -> Vec<String> {
        let mut doubts: Vec<String> = self.doubts.iter().cloned().collect();
        if self.steps.last[0].is_empty() && self.labels[0].is_empty() {
            doubts.push(format!(
                "`{}` has no series: it is not scraped, or not named so",
                self.total.text()
            ));
            return doubts;
        }
        doubts.extend(self.uncovered(elapsed_ms));
        doubts.extend(self.unfitting());
        doubts.extend(self.unknown_labels());
        doubts.extend(self.partly_labelled());
        doubts.extend(self.vanished());
        doubts.extend(self.held_back());
        doubts.extend(self.unshown());
        doubts.extend(self.odd());
        doubts.extend(self.standing_still());
        // Who left before the window is missed by nobody.
        let is_gone = |last: i64| last > self.from_ms && self.now_ms - last > self.gap_ms();
        let gone = self.targets.iter().filter(|(_, (_, last))| is_gone(*last));
        let gone: Vec<String> = gone.map(|(target, _)| named(target)).collect();
        // That most are gone is no coming and going.
        if !gone.is_empty() && (!may_leave || 2 * gone.len() > self.targets.len()) {
            let advice = match may_leave {
                true => "that most of them are gone is no scaling",
                false => "where targets come and go, say `scales: true`",
            };
            doubts.push(format!(
                "{} {} not scraped any more, and nobody knows what it counted at last; {advice}",
                gone.join(", "),
                if gone.len() == 1 { "is" } else { "are" },
            ));
        }
        for (target, times) in self.steps.starts(self.from_ms) {
            if times >= STARTS_MAX {
                doubts.push(format!(
                    "{} started anew {times} times, and what it counted just before is lost",
                    named(target)
                ));
            }
        }
        doubts
    }

    /// Whether enough of the time was scraped, on all targets.
    fn uncovered(&self, elapsed_ms: i64) -> Option<String> {
        let expected = ((elapsed_ms - 2 * self.scrape_ms) / self.block_ms).max(1);
        let all = self.scraped.range(..expected);
        let covered = all.filter(|block| !self.missed.contains(*block)).count();
        let block = show(Duration::from_millis(self.block_ms.unsigned_abs()));
        ((covered as f64) < COVERAGE * expected as f64).then(|| {
            format!(
                "{covered} of {expected} blocks of {block} were scraped on every target (`scrape` says how often that is)"
            )
        })
    }

    /// Whether the part is one of all requests.
    fn unfitting(&self) -> Option<String> {
        let (part, word) = match self.part.0 {
            Part::Bad => (self.carried.0, "bad"),
            Part::Good => (-self.carried.1, "good"),
        };
        (part >= 1.0).then(|| {
            format!(
                "{part:.0} more {word} requests than requests: `{}` counts what `{}` does not",
                self.part.1.text(),
                self.total.text()
            )
        })
    }

    /// Labels that are asked for, and that no series has: a counter by a label that is not there counts
    /// nothing, or everything.
    pub(super) fn unknown_labels(&self) -> Vec<String> {
        let (part, selector) = &self.part;
        let is_same = selector.metric == self.total.metric;
        if *part == Part::Good && self.steps.last[1].is_empty() {
            return vec![format!(
                "`{}` has no series: nothing shows which requests are good",
                selector.text()
            )];
        }
        if !is_same && self.steps.last[1].is_empty() {
            return vec![format!(
                "`{}` has no series: a counter that is born with its first error cannot be told from one that is not there; expose it from 0, or ask for `{}` with a label",
                selector.text(),
                self.total.metric
            )];
        }
        let seen = |name: &&str| {
            self.labels[usize::from(!is_same)].contains(*name) || self.labels[1].contains(*name)
        };
        let unknown = selector.labels().filter(|name| !seen(name));
        unknown
            .map(|name| {
                format!(
                    "no series of `{}` has a label `{name}`, which `{}` asks for",
                    if is_same {
                        &self.total.metric
                    } else {
                        &selector.metric
                    },
                    selector.text()
                )
            })
            .collect()
    }

    /// Labels that are asked for, and that some of all requests do not have: these can be neither good nor bad.
    fn partly_labelled(&self) -> Option<String> {
        let is_same = self.part.1.metric == self.total.metric;
        let known = |label: &&String| self.labels[0].contains(*label);
        let partly = self.unlabelled.iter().find(known).filter(|_| is_same)?;
        Some(format!(
            "some series of `{}` have no label `{partly}`, which `{}` asks for",
            self.total.text(),
            self.part.1.text()
        ))
    }

    /// Targets of which all requests are known, and not which of them are good.
    fn held_back(&self) -> Option<String> {
        if self.part.0 != Part::Good || self.steps.last[1].is_empty() {
            return None;
        }
        let reach = self.steps.reach(0);
        let lags = |(target, (_, last)): &(&_, &(i64, i64))| {
            let known = reach.get(*target).copied();
            *last > self.from_ms && last - known.unwrap_or(self.from_ms) > self.gap_ms()
        };
        let all = self.targets.iter().filter(lags).map(|(target, _)| target);
        let all: Vec<_> = all.collect();
        let first = all.first()?;
        Some(format!(
            "`{}` of {} targets, such as {}, is not shown while all requests are: nobody knows which of these were good",
            self.part.1.text(),
            all.len(),
            named(first)
        ))
    }

    /// Series of all requests that the part asks for, and that are not in its answer.
    fn unshown(&self) -> Option<String> {
        let (labels, since) = self.unshown.iter().next()?;
        let target = target(labels);
        (self.now_ms - since > self.gap_ms()).then(|| {
            format!(
                "`{}` does not show {} series that `{}` shows, such as one of {}: what it counts is not all of it",
                self.part.1.text(),
                self.unshown.len(),
                self.total.text(),
                named(&target)
            )
        })
    }

    /// Counters that went, though their target did not.
    fn vanished(&self) -> Option<String> {
        let newest = |target: &_| self.targets.get(target).map(|(_, newest)| *newest);
        let all = self.steps.vanished(newest, (self.from_ms, self.gap_ms()));
        let count: usize = all.values().sum();
        let (target, _) = all.first_key_value()?;
        Some(format!(
            "{count} counters of {} targets, such as {}, are not shown any more, though the targets are: nobody knows what they counted at last",
            all.len(),
            named(target)
        ))
    }

    /// What was not added, since it cannot have been counted meanwhile.
    fn odd(&self) -> impl Iterator<Item = String> {
        self.odd.iter().map(|(odd, (targets, most))| {
            let first = targets.first().map(named).unwrap_or_default();
            let of = match targets.len() {
                1 => first,
                many => format!("{many} targets, such as {first},"),
            };
            match odd {
                Odd::Came => format!(
                    "{of} came with {most:.0} requests, and nobody knows since when they count"
                ),
                Odd::Appeared => format!(
                    "a counter of {of} appeared with {most:.0}, which is too high to be new: nobody knows since when it counts"
                ),
                Odd::Dropped => format!(
                    "a counter of {of} went down by {most:.0}, without a new start of what it counts: nobody knows what it counted"
                ),
                Odd::Stayed => format!(
                    "a counter of {of} stood at {most:.0} when all requests began anew: another process counts it, or nobody knows since when"
                ),
            }
        })
    }

    /// Whether requests stopped coming, though there had been enough of them.
    fn standing_still(&self) -> Option<String> {
        let (idle, busy) = (self.closed - self.busy - 1, self.busy + 1);
        let before = self.sum.0 as f64 / busy.max(1) as f64;
        let is_still = busy > 0 && idle >= 3 && idle * 3 >= self.closed && before >= BUSY_MIN;
        is_still.then(|| {
            let time = Duration::from_millis((idle * self.block_ms).unsigned_abs());
            format!(
                "in the last {} no request was counted, after {before:.0} in a block: nobody shows that it is served",
                show(time)
            )
        })
    }
}
