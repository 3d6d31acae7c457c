//! What one scrape of one target adds: how far each of its counters went since the scrape before.
//!
//! A target is looked at as a whole, because a process counts as a whole: when it starts anew, all that it
//! counts begins again, and when one counter alone goes down, nothing started. Invariant: what cannot have
//! been counted since the scrape before is never added; it is a doubt.

use super::super::samples::{Target, target};
use std::collections::{BTreeMap, BTreeSet};

/// What a target that was never seen may stand at, to have been born since the scrape before: so much, or
/// twice of what any block counted.
const BORN_MAX: f64 = 1_000.0;
/// What a target that is known may have counted since the scrape before: so many times the most that any
/// target counted from one scrape to the next, and always so much.
pub(super) const FASTER_MAX: f64 = 3.0;
/// The same of a target that is new, before it was seen, by what it counted after: who is born late may be found late, and what it
/// counted before one looked is not to be taken for what it counted since.
pub(super) const YOUNG_FASTER_MAX: f64 = 1.5;
const STARTED_MAX: f64 = 100.0;
/// What a target that is new may stand at without anything that explains it.
pub(super) const YOUNG_MAX: f64 = 10.0;
/// The share of what a target stood at that must have gone down, if it started anew.
const STARTED_SHARE: f64 = 0.5;

/// Labels of a series.
pub(super) type Labels = BTreeMap<String, String>;

/// Values of one target at one moment.
pub(super) struct Scrape<'a> {
    /// Whether they are of all requests (0) or of the part (1).
    pub number: usize,
    /// Where they were scraped.
    pub target: &'a Target,
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// What each counter stood at.
    pub values: &'a [(&'a Labels, f64)],
    /// When anything of the target was seen first.
    pub first_seen: i64,
    /// Whether it came while one looked.
    pub is_new: bool,
    /// Whether it is of the window, and not of the time before it.
    pub is_inside: bool,
    /// When the window begins.
    pub from_ms: i64,
    /// Milliseconds between scrapes.
    pub scrape_ms: i64,
    /// The most that any block counted.
    pub largest: f64,
    /// The most that a target which is new can have counted before it was seen, by what it counted after.
    pub explained: Option<f64>,
    /// Whether the part is counted together with all requests, and begins again when these do.
    pub is_family: bool,
}

/// What was not added, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Odd {
    /// A target that came with more than it can have counted since it was born.
    Came,
    /// A counter that appeared with more than that.
    Appeared,
    /// A counter that went down alone.
    Dropped,
    /// One that stood where it had been when its target began anew.
    Stayed,
    /// One that is back where it stood or above, though its target began anew before one looked: the same, or another.
    Returned,
}

/// What a scrape came to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Came {
    /// How far counters went that were known.
    pub more: f64,
    /// What those counted that were not.
    pub born: f64,
    /// What of `more` those counted that began anew.
    pub anew: f64,
    /// What of all of it may be older than the scrape before, or another's: it shows that nothing is well, and that
    /// nobody is to blame.
    pub unsure: f64,
    /// Whether the target had started anew.
    pub started: bool,
    /// What of it was given up by whoever asked.
    pub given_up: f64,
    /// Why some of it was not added, and how much.
    pub odd: Option<(Odd, f64)>,
}

/// The last values of all counters, and what is known of their targets.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    /// The last sample of each series: of all requests, and of the part.
    pub last: [BTreeMap<Labels, (i64, f64)>; 2],
    /// When anything of each target was taken last.
    newest: [BTreeMap<Target, i64>; 2],
    /// When each series was seen first.
    first: [BTreeMap<Labels, i64>; 2],
    /// What each series stood at before one looked, without the name of its metric.
    earlier: [BTreeMap<Labels, f64>; 2],
    /// Targets that were seen before one looked.
    seen_earlier: BTreeSet<Target>,
    /// Whether some may have been there that were not shown.
    is_blind: bool,
    /// When each target started anew.
    starts: BTreeMap<Target, BTreeSet<i64>>,
    /// Targets that came while one looked, and stood so low that they began with what they counted.
    born: BTreeSet<Target>,
    /// Targets that began anew in the time before the window.
    renewed: BTreeSet<Target>,
    /// Moments at which a target stood too high to have begun anew since it was seen before.
    unfit: BTreeSet<(Target, i64)>,
    /// Moments at which something of a target could not have been counted since the scrape before.
    refused: BTreeSet<(Target, i64)>,
    /// The most that each target counted from one scrape to the next.
    pub(super) fastest: BTreeMap<Target, f64>,
    /// Targets that all requests are known of.
    deciding: BTreeSet<Target>,
    /// When each target was shown.
    pub(super) shown: BTreeMap<Target, BTreeSet<i64>>,
    /// Moments at which a target went further than any that is known goes.
    pub(super) leapt: BTreeSet<(Target, i64)>,
    /// What each counter stood at before it began anew.
    ended: BTreeMap<Labels, f64>,
    /// Which targets began anew after scrapes that failed: between which moments nobody saw them.
    pub(super) unseen: BTreeSet<(Target, i64, i64)>,
}

impl Steps {
    /// Takes what a series stood at long before one looked.
    pub fn stood(&mut self, number: usize, labels: &Labels, value: f64) {
        self.seen_earlier.insert(target(labels));
        self.earlier[number].insert(unnamed(labels), value);
    }

    /// Notes that a target began anew in the time before one looked.
    pub fn began_before(&mut self, labels: &Labels) {
        self.renewed.insert(target(labels));
    }

    /// Targets of which the part stood there before one looked.
    pub fn stood_parts(&self) -> BTreeSet<Target> {
        self.earlier[1].keys().map(target).collect()
    }

    /// Whether a target began anew, before one looked or since.
    pub fn is_renewed(&self, target: &Target) -> bool {
        self.renewed.contains(target) || self.starts.contains_key(target)
    }

    /// Whether anything stood there before one looked, or may have.
    pub fn saw_before(&self) -> bool {
        self.is_blind || !self.seen_earlier.is_empty()
    }

    /// Targets that stood there before one looked.
    pub fn seen_before(&self) -> impl Iterator<Item = &Target> {
        self.seen_earlier.iter()
    }

    /// Not all that stood there before one looked is known.
    pub fn saw_a_part(&mut self) {
        self.is_blind = true;
    }

    /// Whether any of these stands where the same one stood before one looked: then its process is the same.
    fn is_back(&self, scrape: &Scrape<'_>) -> bool {
        if self.is_blind {
            return true;
        }
        if !self.seen_earlier.contains(scrape.target) {
            return false;
        }
        let earlier = &self.earlier[scrape.number];
        let mut values = scrape.values.iter();
        values.any(|(labels, value)| {
            let stood = earlier.get(&unnamed(labels)).copied();
            stood.is_some_and(|stood| stood > 0.0 && *value >= stood)
        })
    }

    /// What the next scrape of a target adds. Scrapes of all requests come before those of the part.
    pub fn take(&mut self, scrape: &Scrape<'_>) -> Came {
        if scrape.number == 0 && !self.deciding.contains(scrape.target) {
            self.deciding.insert(scrape.target.clone());
        }
        // By all requests it is told what a process did; only without them by what is known of the part.
        let decides = scrape.number == 0 || !self.deciding.contains(scrape.target);
        let mut came = Came::default();
        let (mut before, mut now, mut dropped, mut since) = (0.0, 0.0, 0.0_f64, scrape.at);
        let mut fallen = 0.0;
        for (labels, value) in scrape.values {
            if let Some((then, from)) = self.last[scrape.number].get(*labels).copied() {
                if self.is_born_again(scrape, (then, from), *value) {
                    continue;
                }
                (before, now) = (before + from, now + value);
                dropped = dropped.max(from - value);
                since = since.min(then);
                fallen += if *value < from { from } else { 0.0 };
            } else if decides
                && scrape.is_inside
                && self.stood_higher(scrape.number, labels, *value)
            {
                self.renewed.insert(scrape.target.clone());
            }
        }
        let shown = self.shown.entry(scrape.target.clone()).or_default();
        shown.insert(scrape.at);
        let is_known = since < scrape.at;
        let scrapes = ((scrape.at - since) as f64 / scrape.scrape_ms as f64).ceil();
        let most = self.most(scrape, is_known) * scrapes.max(1.0);
        let all: f64 = scrape.values.iter().map(|(_, value)| value).sum();
        // A process counts as a whole; where one of several starts anew, the others go on.
        let is_whole = fallen >= STARTED_SHARE * before;
        if decides && dropped > 0.0 && now < before && all <= most && is_whole {
            came.started = true;
            let starts = self.starts.entry(scrape.target.clone()).or_default();
            // Zeroes that were put in for when each counter was created are of one start.
            let just = scrape.at - scrape.scrape_ms + 1..=scrape.at;
            if starts.range(just).next().is_none() {
                starts.insert(scrape.at);
                let newest = self.newest[scrape.number].get(scrape.target);
                let seen = newest.copied().unwrap_or(since);
                if 2 * (scrape.at - seen) > 3 * scrape.scrape_ms {
                    self.unseen.insert((scrape.target.clone(), seen, scrape.at));
                }
            }
        }
        // Who never began anew has nothing to be told apart from.
        if decides && all > most && self.starts.contains_key(scrape.target) {
            self.unfit.insert((scrape.target.clone(), scrape.at));
        }
        if decides && scrape.is_new && scrape.at == scrape.first_seen {
            // Who was away, and stands no lower than before, was not born: it counted meanwhile, unseen.
            if all <= most && !self.is_back(scrape) {
                self.born.insert(scrape.target.clone());
            } else {
                self.refuse(scrape);
                came.odd = Some((Odd::Came, all));
            }
        }
        if decides && is_known && now - before > self.stride() * scrapes.max(1.0) {
            self.leapt.insert((scrape.target.clone(), scrape.at));
        }
        self.add(scrape, most, decides, &mut came);
        // Once may be another's; who goes on so is as fast as that.
        let leap = (scrape.target.clone(), scrape.at);
        let before = self.leaps_before(scrape);
        if !came.started && decides && is_known && (before || !self.leapt.contains(&leap)) {
            let fastest = self.fastest.entry(scrape.target.clone()).or_default();
            *fastest = fastest.max(came.more / scrapes.max(1.0));
        }
        came
    }

    fn add(&mut self, scrape: &Scrape<'_>, most: f64, decides: bool, came: &mut Came) {
        let newborn = self.newborn(scrape);
        let sum: f64 = newborn.iter().sum();
        // Not one of those that it had: their labels changed, and nobody knows what they counted before.
        let is_replaced = newborn.len() == scrape.values.len() && self.counted_before(scrape);
        if is_replaced && sum > 0.0 {
            self.refuse(scrape);
            came.odd = Some((Odd::Appeared, sum));
        }
        let is_born = self.born.contains(scrape.target);
        let began = is_born || scrape.first_seen < scrape.at;
        if began && sum > most && !(is_born && scrape.at == scrape.first_seen) {
            self.refuse(scrape);
            came.odd = Some((Odd::Appeared, sum));
        }
        let is_refused = self.refused.contains(&(scrape.target.clone(), scrape.at));
        let is_unfit = self.unfit.contains(&(scrape.target.clone(), scrape.at));
        let is_leap = self.leapt.contains(&(scrape.target.clone(), scrape.at));
        let was_away = self.was_away(scrape);
        for (labels, value) in scrape.values {
            let last = self.last[scrape.number].get(*labels).copied();
            let (mut stands, so_far) = (*value, came.more + came.born);
            let mut is_unsure = is_leap;
            let started = |then| {
                let is_again = last.is_some_and(|last| self.is_born_again(scrape, last, *value));
                is_again || !is_unfit && self.started(scrape.target, then, scrape.at)
            };
            match last {
                // What another process counts does not begin anew with it, though it stands beside it.
                Some((then, from))
                    if scrape.number == 1
                        && !scrape.is_family
                        && from > 0.0
                        && *value >= from
                        && started(then) =>
                {
                    came.more += value - from;
                    came.odd = Some((Odd::Stayed, *value));
                }
                Some((then, from)) if started(then) => {
                    came.more += value;
                    came.anew += value;
                    is_unsure = true;
                    if from > *value {
                        self.ended.insert((*labels).clone(), from);
                    }
                }
                Some((then, from)) if *value >= from => {
                    came.more += value - from;
                    // A step into the window is of both sides.
                    is_unsure |= then < scrape.from_ms;
                    // Where it stood before it began anew: it may be the one that went on.
                    let ended = self.ended.get(*labels);
                    is_unsure |= ended.is_some_and(|ended| from < *ended && value >= ended);
                }
                Some((_, from)) => {
                    if decides {
                        self.refuse(scrape);
                    }
                    came.odd = Some((Odd::Dropped, from - value));
                    // Its way back up is none that anybody went.
                    stands = from;
                }
                None if began && !is_refused => {
                    let stood = self.stood_at(scrape, labels, *value);
                    // Not shown for a long time: whether it is the same one, nobody knows.
                    if stood > 0.0 {
                        came.odd = Some((Odd::Returned, *value));
                    }
                    came.born += value - stood;
                    is_unsure |= was_away;
                }
                None => {}
            }
            let own = came.more + came.born - so_far;
            if is_unsure {
                came.unsure += own;
            }
            if scrape.number == 0 && own > 0.0 && is_given_up(labels) {
                came.given_up += own;
            }
            let known = &mut self.last[scrape.number];
            match known.get_mut(*labels) {
                Some(known) => *known = (scrape.at, stands),
                None => {
                    known.insert((*labels).clone(), (scrape.at, stands));
                    self.first[scrape.number].insert((*labels).clone(), scrape.at);
                }
            }
        }
        if !scrape.values.is_empty() {
            let newest = self.newest[scrape.number].entry(scrape.target.clone());
            let newest = newest.or_insert(scrape.at);
            *newest = (*newest).max(scrape.at);
        }
    }

    /// Whether a target that is known had other counters at the scrape before.
    fn counted_before(&self, scrape: &Scrape<'_>) -> bool {
        let had = self.newest[scrape.number].get(scrape.target);
        had.is_some_and(|at| *at < scrape.at)
    }

    fn newborn(&self, scrape: &Scrape<'_>) -> Vec<f64> {
        let known = &self.last[scrape.number];
        let new = scrape.values.iter();
        new.filter(|(labels, _)| !known.contains_key(*labels))
            .map(|(labels, value)| value - self.stood_at(scrape, labels, *value))
            .collect()
    }

    /// Whether a counter stood higher before one looked: another process counts it now.
    fn stood_higher(&self, number: usize, labels: &Labels, value: f64) -> bool {
        let stood = self.earlier[number].get(&unnamed(labels));
        stood.is_some_and(|stood| *stood > value)
    }

    /// What of a counter's value it had before one looked, where its target is the same since then.
    fn stood_at(&self, scrape: &Scrape<'_>, labels: &Labels, value: f64) -> f64 {
        // Of one that began anew before one looked nobody knows whether this was shown since then.
        let is_same =
            !self.born.contains(scrape.target) && !self.starts.contains_key(scrape.target);
        let stood = self.earlier[scrape.number].get(&unnamed(labels)).copied();
        let stood = stood.filter(|stood| is_same && *stood <= value);
        stood.unwrap_or(0.0)
    }

    fn refuse(&mut self, scrape: &Scrape<'_>) {
        self.refused.insert((scrape.target.clone(), scrape.at));
    }

    /// Whether a series went with a process that ended and is born again with its first request: it began with the
    /// process that came after, and says nothing of another start.
    fn is_born_again(&self, scrape: &Scrape<'_>, (then, from): (i64, f64), value: f64) -> bool {
        // One that is in every scrape belongs to somebody else of the same name.
        let was_away = 2 * (scrape.at - then) > 3 * scrape.scrape_ms;
        was_away && value < from && self.started(scrape.target, then, scrape.at - 1)
    }

    /// Whether a target started anew after one moment and until another.
    fn started(&self, target: &Target, after: i64, until: i64) -> bool {
        let starts = self.starts.get(target);
        let is_time = after < until;
        is_time && starts.is_some_and(|starts| starts.range(after + 1..=until).next().is_some())
    }

    /// The most that a target can have counted from one scrape to the next.
    fn most(&self, scrape: &Scrape<'_>, is_known: bool) -> f64 {
        if is_known || self.fastest.contains_key(scrape.target) {
            // Who was idle may be as busy as others after a start.
            let fastest = self.fastest.values().copied().fold(0.0, f64::max);
            (FASTER_MAX * fastest).max(STARTED_MAX)
        } else {
            let by_others = BORN_MAX.max(2.0 * scrape.largest);
            scrape.explained.unwrap_or(by_others).max(YOUNG_MAX)
        }
    }

    /// Up to when each target is known, of all requests (0) or of the part (1).
    pub fn reach(&self, number: usize) -> BTreeMap<Target, i64> {
        self.newest[number].clone()
    }

    /// How often each target started anew after a moment.
    pub fn starts(&self, after: i64) -> impl Iterator<Item = (&Target, usize)> {
        let all = self.starts.iter();
        all.map(move |(target, starts)| (target, starts.range(after + 1..).count()))
            .filter(|(_, times)| *times > 0)
    }

    /// The most that was counted by processes that ended after a moment, and that no scrape saw.
    pub fn lost(&self, after: i64) -> f64 {
        let of = |(target, times): (&Target, usize)| {
            self.fastest.get(target).copied().unwrap_or_default() * times as f64
        };
        self.starts(after).map(of).sum()
    }

    /// Counters that are not shown any more, though their target is and did not start anew: how many, of each target.
    /// Of what went before a moment that is only known where others of the same process go on.
    pub fn vanished(
        &self,
        newest: impl Fn(&Target) -> Option<i64>,
        (after, gap_ms): (i64, i64),
    ) -> BTreeMap<Target, usize> {
        let mut vanished = BTreeMap::new();
        let mut oldest: BTreeMap<Target, i64> = BTreeMap::new();
        for number in [0, 1] {
            for (labels, first) in &self.first[number] {
                let target = target(labels);
                let last = self.last[number].get(labels).map_or(0, |(last, _)| *last);
                if newest(&target).is_some_and(|newest| newest - last <= gap_ms) {
                    let oldest = oldest.entry(target).or_insert(*first);
                    *oldest = (*oldest).min(*first);
                }
            }
        }
        for (labels, (then, _)) in self.last.iter().flatten() {
            let target = target(labels);
            let Some(newest) = newest(&target) else {
                continue;
            };
            let is_same = *then > after || oldest.get(&target).is_some_and(|first| first <= then);
            if is_same && newest - then > gap_ms && !self.started(&target, *then, newest) {
                *vanished.entry(target).or_default() += 1;
            }
        }
        vanished
    }
}

/// Whether a counter is one of requests that whoever asked gave up: 499 of nginx, `CANCELLED` of gRPC.
pub(super) fn is_given_up(labels: &Labels) -> bool {
    const CODES: [&str; 6] = [
        "code",
        "status",
        "status_code",
        "http_status_code",
        "grpc_code",
        "grpc_status",
    ];
    let mut codes = CODES.iter().filter_map(|name| labels.get(*name));
    codes.any(|code| {
        code == "499"
            || code.eq_ignore_ascii_case("canceled")
            || code.eq_ignore_ascii_case("cancelled")
    })
}

/// Labels without the name of the metric, which some leave out where a function was applied.
fn unnamed(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.remove("__name__");
    labels
}
