//! Why what was counted is not to be relied on.
//!
//! Only reads. Invariant: a doubt says what does not fit, and where something can be done about it, what.

use super::super::samples::{Target, named, some, target};
use super::steps::Odd;
use super::window::{Counters, Part};
use crate::duration::show;
use std::collections::BTreeSet;
use std::time::Duration;

/// A target that starts so often while one looks is in trouble.
pub(super) const STARTS_MAX: usize = 2;
/// The share of blocks that must have been scraped.
const COVERAGE: f64 = 0.9;
/// Scrapes in a row of which none may be missing of all targets at once.
const BLIND_SCRAPES: i64 = 3;
/// Scrapes that a target must have missed at least, if it is called seldom scraped.
const SELDOM_MISSED: i64 = 4;
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
        doubts.extend(self.partless());
        doubts.extend(self.shown_twice());
        doubts.extend(self.shown_on_ports());
        doubts.extend(self.given_up());
        doubts.extend(self.odd());
        doubts.extend(self.unfinished());
        doubts.extend(self.blind());
        doubts.extend(self.standing_still());
        doubts.extend(self.gone(may_leave));
        doubts.extend(self.seldom_scraped());
        for (target, times) in self.steps.starts(self.from_ms) {
            if times >= STARTS_MAX {
                doubts.push(format!(
                    "{} started anew {times} times, and what it counted just before is lost",
                    named(target)
                ));
            }
        }
        // Several that are named alike are told of once.
        doubts.dedup();
        doubts
    }

    /// Targets that were there when the window began, or came later: each was scraped just before, or since.
    pub(super) fn there(&self) -> impl Iterator<Item = (&Target, i64)> {
        let since = self.from_ms - self.scrape_ms;
        let all = self
            .targets
            .iter()
            .map(|(target, (_, last))| (target, *last));
        all.filter(move |(_, last)| *last > since)
    }

    /// Whether anybody is missed. Who left before the window is not, unless he should be there.
    fn gone(&self, may_leave: bool) -> Option<String> {
        let gone: Vec<&Target> = self
            .there()
            .filter(|(_, last)| self.is_gone(*last))
            .map(|(target, _)| target)
            .collect();
        let down: Vec<&Target> = self.missing().collect();
        // That most are gone is no coming and going.
        let (missed, advice) = match (&self.attendance, down.is_empty()) {
            (_, false) => (down, "`up` says that this should be".to_owned()),
            _ if gone.is_empty() => return None,
            (_, _) if !may_leave => (
                gone,
                "where targets come and go, say `scales: true`".to_owned(),
            ),
            (_, _) if 2 * gone.len() > self.there().count() => {
                (gone, "that most of them are gone is no scaling".to_owned())
            }
            (Some(Err(why)), _) => (gone, format!("whether it left is not known: {why}")),
            _ => return None,
        };
        let (are, they) = match missed.len() {
            1 => ("is", "it"),
            _ => ("are", "they"),
        };
        Some(format!(
            "{} {are} not scraped any more, and nobody knows what {they} counted at last; {advice}",
            some(&missed),
        ))
    }

    /// Whether a target was scraped only now and then, which is no gap each time.
    fn seldom_scraped(&self) -> Option<String> {
        let seen = self.seen.iter().filter_map(|(target, seen)| {
            let (first, last) = (seen.first()?, seen.last()?);
            Some((target, seen.len() as i64, last - first + 1))
        });
        let mut seldom =
            seen.filter(|(_, seen, due)| due - seen >= SELDOM_MISSED && 3 * seen <= 2 * due);
        let (target, seen, due) = seldom.next()?;
        Some(format!(
            "{} was scraped {seen} of {due} times",
            named(target)
        ))
    }

    /// Whether enough of the time was scraped, on all targets; one block may always be missing.
    fn uncovered(&self, elapsed_ms: i64) -> Option<String> {
        let expected = ((elapsed_ms - 2 * self.scrape_ms) / self.block_ms).max(1);
        let begins = self.begins().min(expected - 1);
        let all = self.scraped.range(begins..expected);
        let covered = all.filter(|block| !self.missed.contains(*block)).count() as i64;
        let expected = expected - begins;
        let block = show(Duration::from_millis(self.block_ms.unsigned_abs()));
        let is_enough =
            covered as f64 >= COVERAGE * expected as f64 || covered >= 3 && covered + 1 >= expected;
        (!is_enough).then(|| {
            format!(
                "{covered} of {expected} blocks of {block} were scraped on every target (`scrape` says how often that is)"
            )
        })
    }

    /// The block from which on there was anything to scrape: a counter that appears late, with no more than it can
    /// have counted just now, had nothing to count before.
    fn begins(&self) -> i64 {
        let is_new = |(first, _): &(i64, i64)| *first > self.from_ms;
        let is_odd = self.odd.contains_key(&Odd::Came) || self.steps.saw_before();
        match self.targets.values().all(is_new) && !is_odd {
            true => self.scraped.first().copied().unwrap_or(0),
            false => 0,
        }
    }

    /// Whether nothing at all was scraped for a while: neither what is served, nor by whom.
    fn blind(&self) -> Option<String> {
        let scrapes: BTreeSet<i64> = self.seen.values().flatten().copied().collect();
        let numbers = scrapes.iter().zip(scrapes.iter().skip(1));
        let longest = numbers.map(|(one, next)| next - one - 1).max()?;
        (longest >= BLIND_SCRAPES).then(|| {
            let time = self.scrape_ms.max(1_000) * longest;
            let time = show(Duration::from_millis(time.unsigned_abs()));
            format!("for about {time} no target was scraped at all")
        })
    }

    /// What stands at targets and could not be taken: nobody knows since when it counts. Of what waits for the good
    /// ones it is said elsewhere that these are not shown.
    fn unfinished(&self) -> Option<String> {
        let is_single = |target: &Target| {
            let times = self.targets.get(target);
            times.is_some_and(|(first, last)| first == last)
        };
        let waits_for_good = self.part.0 == Part::Good;
        let words = match self.part.0 {
            Part::Bad => &["requests", "bad requests"][..],
            Part::Good => &["requests"],
        };
        words.iter().zip(&self.withheld).find_map(|(word, held)| {
            let held = held
                .iter()
                .filter(|(target, _)| !waits_for_good || is_single(target));
            let held: Vec<(&Target, &f64)> = held.collect();
            let sum: f64 = held.iter().map(|(_, value)| **value).sum();
            let (first, _) = held.first().filter(|_| sum >= 1.0)?;
            let of = match held.len() {
                1 => named(first),
                many => format!("{many} targets, such as {},", named(first)),
            };
            Some(format!(
                "{of} came with {sum:.0} {word}, and nobody knows since when they count"
            ))
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
        let counting = self.steps.reach(1);
        if !self
            .targets
            .keys()
            .any(|target| counting.contains_key(target) && reach.contains_key(target))
            && let Some((other, _)) = counting.first_key_value()
        {
            return Some(format!(
                "`{}` is counted by other targets, such as {}, than `{}`, such as {}: which requests are good is told target by target",
                self.part.1.text(),
                named(other),
                self.total.text(),
                named(self.withheld[0].keys().next().unwrap_or(first))
            ));
        }
        Some(format!(
            "`{}` of {} targets, such as {}, is not shown while all requests are: nobody knows which of these were good",
            self.part.1.text(),
            all.len(),
            named(first)
        ))
    }

    /// Series of all requests that the part asks for, and that are not in its answer.
    pub(super) fn unshown(&self) -> Option<String> {
        // Who asks twice at nearly the same time may see what came in between; it is there the next time.
        let is_old = |since: &i64| self.now_ms - since >= self.scrape_ms;
        let mut old = self.unshown.iter().filter(|(_, since)| is_old(since));
        let (labels, _) = old.next()?;
        Some(format!(
            "`{}` does not show {} series that `{}` shows, such as one of {}: what it counts is not all of it",
            self.part.1.text(),
            1 + old.count(),
            self.total.text(),
            named(&target(labels))
        ))
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
                Odd::Returned => format!(
                    "a counter of {of} is shown again with {most:.0}, no less than long before: nobody knows which of them were counted meanwhile"
                ),
                Odd::Stayed => format!(
                    "a counter of {of} stood at {most:.0} when all requests began anew: another process counts it, or nobody knows since when"
                ),
            }
        })
    }
}
