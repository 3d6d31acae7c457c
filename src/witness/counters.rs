//! Counters of a Prometheus as evidence: raw samples in, requests and bad ones of each block of time out.
//!
//! Works on samples, never on `rate()` or `increase()`: these go on answering for minutes after a target
//! has died, extrapolate, and a counter born with its first error increases by nothing. Does not ask, and
//! does not judge.
//!
//! Invariant: nothing that was counted is lost, and nothing is counted twice; what was not scraped is no
//! quiet block; whatever does not fit is a doubt.

use super::samples::{Answer, Series, Target, named, target};
use super::selector::Selector;
use crate::duration::show;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Blocks of a window at the most: more are no window but a clock that jumped.
const BLOCKS_MAX: i64 = 100_000;
/// Scrapes of a target that may be missing in a row before the blocks meanwhile count as not scraped.
const GAP_SCRAPES: i64 = 3;
/// What a counter may stand at when it is first seen, to have been born since the scrape before: so
/// much, or twice of what any block counted.
const BORN_MAX: f64 = 1_000.0;
/// A target that starts so often while one looks is in trouble.
const STARTS_MAX: usize = 2;
/// The share of blocks that must have been scraped.
const COVERAGE: f64 = 0.9;

/// Length of a block where scrapes are so far apart: as long as that, and at least two seconds.
pub fn block_of(scrape: Duration) -> Duration {
    scrape.max(Duration::from_secs(2))
}

/// How bad requests are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Those that failed.
    Bad,
    /// Those that did not: all others are bad.
    Good,
}

/// What is counted, and over which time.
#[derive(Debug, Clone)]
pub struct Counters {
    total: Selector,
    part: (Part, Selector),
    /// From when on, by the clock of Prometheus, in milliseconds since 1970.
    from_ms: i64,
    scrape_ms: i64,
    block_ms: i64,
    /// The last sample of each series: of all requests, and of the part.
    last: [BTreeMap<BTreeMap<String, String>, (i64, f64)>; 2],
    /// The first and the last sample of each target.
    targets: BTreeMap<Target, (i64, i64)>,
    /// Targets that came while one looked, and stood so low that they began with what they counted.
    born: BTreeSet<Target>,
    /// When it was at last, by the clock of Prometheus.
    now_ms: i64,
    /// When each target started anew.
    starts: BTreeMap<Target, BTreeSet<i64>>,
    /// Names of labels that series have.
    labels: [BTreeSet<String>; 2],
    blocks: BTreeMap<i64, Block>,
    /// Blocks that were handed over.
    closed: i64,
    /// Blocks in which something was scraped, and those in which some target was not.
    scraped: BTreeSet<i64>,
    missed: BTreeSet<i64>,
    /// The most that any block counted.
    largest: f64,
    /// Bad ones for which there were no requests yet, and the least that this ever was.
    carried: (f64, f64),
    /// All requests, and bad ones, of what was handed over.
    sum: (u64, u64),
    doubts: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Block {
    total: f64,
    part: f64,
    /// What of both came with series that were not there before.
    born: [f64; 2],
}

impl Block {
    fn add(&mut self, number: usize, more: f64) {
        match number {
            0 => self.total += more,
            _ => self.part += more,
        }
    }
}

/// Requests of a block, and bad ones among them.
pub type Counted = (u64, u64);

impl Counters {
    /// Nothing yet, from a moment of the clock of Prometheus on, in milliseconds since 1970.
    pub fn new(
        total: Selector,
        part: (Part, Selector),
        from_ms: i64,
        scrape: Duration,
    ) -> Counters {
        Counters {
            total,
            part,
            from_ms,
            scrape_ms: scrape.as_millis() as i64,
            block_ms: block_of(scrape).as_millis() as i64,
            last: Default::default(),
            targets: BTreeMap::new(),
            born: BTreeSet::new(),
            now_ms: from_ms,
            starts: BTreeMap::new(),
            labels: Default::default(),
            blocks: BTreeMap::new(),
            closed: 0,
            scraped: BTreeSet::new(),
            missed: BTreeSet::new(),
            largest: 0.0,
            carried: (0.0, 0.0),
            sum: (0, 0),
            doubts: BTreeSet::new(),
        }
    }

    /// Takes the samples of all requests and of the part, in which those of earlier answers may stand again.
    pub fn take(&mut self, total: &Answer, part: &Answer) {
        let answers = [total, part];
        let known: BTreeSet<Target> = self.targets.keys().cloned().collect();
        self.look_at_targets(total.series.iter().chain(&part.series));
        self.look_at_births(answers, &known);
        for (number, answer) in answers.into_iter().enumerate() {
            self.doubts.extend(answer.doubts.iter().cloned());
            for series in &answer.series {
                self.labels[number].extend(series.labels.keys().cloned());
            }
        }
        // What is known first: by that it is told whether what is new can have been born just now.
        for is_known in [true, false] {
            for (number, answer) in answers.into_iter().enumerate() {
                let before: BTreeSet<_> = self.last[number].keys().cloned().collect();
                for series in &answer.series {
                    if before.contains(&series.labels) == is_known {
                        self.series(number, series);
                    }
                }
            }
        }
    }

    /// Which blocks were scraped. A target is there by whatever was ever seen of it.
    fn look_at_targets<'a>(&mut self, all: impl Iterator<Item = &'a Series>) {
        let mut times: BTreeMap<Target, BTreeSet<i64>> = BTreeMap::new();
        for series in all {
            let of_target = times.entry(target(series)).or_default();
            of_target.extend(series.points.iter().map(|(at, _)| *at));
        }
        let gap = self.gap_ms();
        for (target, times) in times {
            let Some(first) = times.first().copied() else {
                continue;
            };
            let known = self.targets.entry(target).or_insert((first, first));
            known.0 = known.0.min(first);
            let mut last = known.1;
            let mut gaps = Vec::new();
            for at in times {
                if at - last > gap {
                    gaps.push((last, at));
                }
                last = last.max(at);
                if at > self.from_ms {
                    self.scraped.insert((at - self.from_ms - 1) / self.block_ms);
                }
            }
            known.1 = last;
            for (from, to) in gaps {
                let (from, to) = (
                    self.place(from).max(-1) + 1,
                    self.place(to).min(self.closed + BLOCKS_MAX),
                );
                self.missed.extend(from..to);
            }
        }
    }

    /// Which of the targets that are new were born while one looked: all that they counted is this deploy's.
    fn look_at_births(&mut self, answers: [&Answer; 2], known: &BTreeSet<Target>) {
        let limit = self.born_max();
        let is_new = |target: &Target, first: i64| {
            !known.contains(target) && first > self.from_ms + self.scrape_ms
        };
        let new = self.targets.iter();
        let new = new.filter(|(target, (first, _))| is_new(target, *first));
        let new: Vec<(Target, i64)> = new
            .map(|(target, (first, _))| (target.clone(), *first))
            .collect();
        for (of, first) in new {
            let at_first = |answer: &Answer| -> f64 {
                let own = answer.series.iter().filter(|series| target(series) == of);
                let points = own.filter_map(|series| series.points.first());
                points
                    .filter(|(at, _)| *at == first)
                    .map(|(_, value)| value)
                    .sum()
            };
            let [total, part] = answers.map(at_first);
            let bad = match self.part.0 {
                Part::Bad => part,
                Part::Good => total - part,
            };
            if total.max(part) <= limit {
                self.born.insert(of);
            } else if bad > limit {
                let said = format!(
                    "{} came with {bad:.0} bad requests, and nobody knows since when it counts",
                    named(&of)
                );
                self.doubts.insert(said);
            }
        }
    }

    fn series(&mut self, number: usize, series: &Series) {
        let target = target(series);
        let seen = self.targets.get(&target).map(|(first, _)| *first);
        let is_of_born = self.born.contains(&target);
        let mut last = self.last[number].get(&series.labels).copied();
        for (at, value) in series.points.iter().copied() {
            if last.is_some_and(|(then, _)| at <= then) {
                continue;
            }
            match last {
                // Started anew: what it counts now it has counted since.
                Some((then, from)) if value < from => {
                    let starts = self.starts.entry(target.clone()).or_default();
                    // Series of one target need not come back at once.
                    if at > self.from_ms && starts.range(then + 1..=at).next().is_none() {
                        starts.insert(at);
                    }
                    self.increase(number, at, value);
                }
                Some((_, from)) => self.increase(number, at, value - from),
                // Born on a target that was scraped before: it began at nothing. On a new one, nobody
                // knows since when it counts.
                None if is_of_born || seen.is_some_and(|first| first < at) => {
                    self.born(number, at, value);
                }
                None => {}
            }
            last = Some((at, value));
        }
        if let Some(last) = last {
            self.last[number].insert(series.labels.clone(), last);
        }
    }

    /// The block that counts at a moment, if it is in the window. What comes late counts where there is
    /// still room: nothing is lost by that.
    fn block(&mut self, at: i64) -> Option<&mut Block> {
        if at <= self.from_ms {
            return None;
        }
        let place = self.place(at);
        if place > self.closed + BLOCKS_MAX {
            let said = "a sample is of a time that has not come: a clock jumped";
            self.doubts.insert(said.to_owned());
            return None;
        }
        Some(self.blocks.entry(place.max(self.closed)).or_default())
    }

    /// One step of one counter, however long it took.
    fn increase(&mut self, number: usize, at: i64, more: f64) {
        let Some(block) = self.block(at) else {
            return;
        };
        block.add(number, more);
        let total = block.total;
        self.largest = self.largest.max(total);
    }

    /// The most that can have been counted since the scrape before.
    fn born_max(&self) -> f64 {
        BORN_MAX.max(2.0 * self.largest)
    }

    /// A counter that was not there before. One that stands too high to have been born since has changed
    /// its labels, or comes from elsewhere: what it counted before is not this deploy's.
    fn born(&mut self, number: usize, at: i64, value: f64) {
        let limit = self.born_max();
        let Some(block) = self.block(at) else {
            return;
        };
        if block.born[number] + value > limit {
            let said = "a counter appeared that stands too high to be new: nobody knows since when it counts";
            self.doubts.insert(said.to_owned());
            return;
        }
        block.born[number] += value;
        block.add(number, value);
    }

    /// Hands over the blocks that are over by a moment of the clock of Prometheus, in order: nothing for
    /// one of which nothing is known. A block is over one scrape after its end.
    pub fn close(&mut self, now_ms: i64) -> Vec<Option<Counted>> {
        self.now_ms = now_ms;
        let since = now_ms - self.scrape_ms - self.from_ms;
        let end = since.div_euclid(self.block_ms);
        self.hand_over(end.min(self.place(self.reach_ms())))
    }

    /// Up to when all requests and the part are known. Of what is subtracted both must be: a part that is
    /// known later invents failures. One that is not shown any more is waited for no longer than a gap.
    fn reach_ms(&self) -> i64 {
        let newest = |number: usize| self.last[number].values().map(|(at, _)| *at).max();
        match (self.part.0, newest(0), newest(1)) {
            (Part::Good, Some(total), Some(part)) if total - part <= self.gap_ms() => {
                total.min(part)
            }
            (Part::Good, Some(total), _) => total,
            _ => i64::MAX / 2,
        }
    }

    /// The longest time between two scrapes that is no gap.
    fn gap_ms(&self) -> i64 {
        GAP_SCRAPES * self.scrape_ms.max(1_000)
    }

    /// The block of a moment; negative before the window.
    fn place(&self, at: i64) -> i64 {
        (at - self.from_ms - 1).div_euclid(self.block_ms)
    }

    /// Hands over what is left: the last block, too, as far as it was counted.
    pub fn close_all(&mut self) -> Vec<Option<Counted>> {
        let last = self.blocks.keys().next_back().map_or(0, |last| last + 1);
        let newest = self.last[0].values().map(|(at, _)| *at).max();
        let reach = self.reach_ms();
        let is_whole = newest.is_none_or(|newest| newest <= reach);
        let end = self.place(reach) + i64::from(is_whole);
        self.hand_over(last.min(end))
    }

    fn hand_over(&mut self, end: i64) -> Vec<Option<Counted>> {
        let mut over = Vec::new();
        // What nobody understands is neither good nor bad; it is kept until somebody does.
        if self.last[0].is_empty() || !self.unknown_labels().is_empty() {
            return over;
        }
        while self.closed < end.min(BLOCKS_MAX) {
            let block = self.blocks.remove(&self.closed).unwrap_or_default();
            let is_scraped = self.scraped.contains(&self.closed);
            self.closed += 1;
            let counted = self.counted(block);
            over.push((is_scraped || counted.0 > 0).then_some(counted));
        }
        over
    }

    fn counted(&mut self, block: Block) -> Counted {
        let requests = block.total.round();
        let more = match self.part.0 {
            Part::Bad => block.part,
            Part::Good => block.total - block.part,
        };
        let pool = self.carried.0 + more;
        let bad = pool.round().clamp(0.0, requests);
        let left = pool - bad;
        self.carried = (left, self.carried.1.min(left));
        let counted = (requests as u64, bad as u64);
        self.sum.0 = self.sum.0.saturating_add(counted.0);
        self.sum.1 = self.sum.1.saturating_add(counted.1);
        counted
    }

    /// Requests and bad ones of all that was handed over.
    pub fn sum(&self) -> Counted {
        self.sum
    }

    /// How often targets started anew.
    pub fn starts(&self) -> usize {
        self.starts.values().map(BTreeSet::len).sum()
    }

    /// Whether any series of the part was seen.
    pub fn has_part(&self) -> bool {
        !self.last[1].is_empty()
    }

    /// Why what was counted in so much time is not to be relied on. `may_leave` says that targets come and go.
    pub fn doubts(&self, elapsed_ms: i64, may_leave: bool) -> Vec<String> {
        let mut doubts: Vec<String> = self.doubts.iter().cloned().collect();
        if self.last[0].is_empty() {
            doubts.push(format!(
                "`{}` has no series: it is not scraped, or not named so",
                self.total.text()
            ));
            return doubts;
        }
        doubts.extend(self.uncovered(elapsed_ms));
        doubts.extend(self.unfitting());
        doubts.extend(self.unknown_labels());
        let is_gone = |last: i64| self.now_ms - last > self.gap_ms();
        let gone = self.targets.iter().filter(|(_, (_, last))| is_gone(*last));
        let gone: Vec<String> = gone.map(|(target, _)| named(target)).collect();
        // That all are gone is no coming and going.
        if !gone.is_empty() && (!may_leave || gone.len() == self.targets.len()) {
            doubts.push(format!(
                "{} {} not scraped any more, and nobody knows what it counted at last; where targets come and go, say `scales: true`",
                gone.join(", "),
                if gone.len() == 1 { "is" } else { "are" },
            ));
        }
        for (target, starts) in &self.starts {
            if starts.len() >= STARTS_MAX {
                let times = starts.len();
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
    fn unknown_labels(&self) -> Vec<String> {
        let (part, selector) = &self.part;
        let is_same = selector.metric == self.total.metric;
        if *part == Part::Good && self.last[1].is_empty() {
            return vec![format!(
                "`{}` has no series: nothing shows which requests are good",
                selector.text()
            )];
        }
        if !is_same && self.last[1].is_empty() {
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
}

#[cfg(test)]
#[path = "counters_tests.rs"]
mod tests;
