//! Counters of a Prometheus as evidence: raw samples in, requests and bad ones of each block of time out.
//!
//! Works on samples, never on `rate()` or `increase()`: these go on answering for minutes after a target
//! has died, extrapolate, and a counter born with its first error increases by nothing. Does not ask, and
//! does not judge.
//!
//! Invariant: nothing that was counted is lost, and nothing is counted twice; what was not scraped is no
//! quiet block; whatever does not fit is a doubt.

use super::super::samples::{Answer, Series, Target, place, target};
use super::super::selector::Selector;
use super::attendance::Attendance;
use super::pulse::Pulse;
use super::shares::Shares;
use super::steps::{Labels, Odd, Scrape, Steps};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Blocks of a window at the most: more are no window but a clock that jumped.
const BLOCKS_MAX: i64 = 100_000;
/// Scrapes of a target that may be missing in a row before the blocks meanwhile count as not scraped.
const GAP_SCRAPES: i64 = 3;

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
    pub(super) total: Selector,
    pub(super) part: (Part, Selector),
    /// From when on, by the clock of Prometheus, in milliseconds since 1970.
    pub(super) from_ms: i64,
    pub(super) scrape_ms: i64,
    pub(super) block_ms: i64,
    pub(super) steps: Steps,
    /// The first and the last sample of each target.
    pub(super) targets: BTreeMap<Target, (i64, i64)>,
    /// When it was at last, by the clock of Prometheus.
    pub(super) now_ms: i64,
    /// When most targets were not seen, at last.
    pub(super) blind_ms: Option<i64>,
    /// Names of labels that series have, and those that some series of all requests have not.
    pub(super) labels: [BTreeSet<String>; 2],
    /// Series of all requests that the part asks for and does not show, and since when.
    pub(super) unshown: BTreeMap<Labels, i64>,
    pub(super) unlabelled: BTreeSet<String>,
    pub(super) blocks: BTreeMap<i64, Block>,
    /// Blocks that were handed over.
    pub(super) closed: i64,
    /// Blocks in which something was scraped, and those in which some target was not.
    pub(super) scraped: BTreeSet<i64>,
    pub(super) missed: BTreeSet<i64>,
    /// The most that any block counted.
    pub(super) largest: f64,
    /// Bad ones for which there were no requests yet, and the least that this ever was.
    pub(super) carried: (f64, f64),
    /// All requests, and bad ones, of what was handed over.
    pub(super) sum: (u64, u64),
    /// Requests of each block that was handed over, and of those before the window.
    pub(super) handed: Vec<u64>,
    pub(super) earlier: BTreeMap<i64, f64>,
    /// What targets counted in the window.
    pub(super) moved: BTreeMap<Target, f64>,
    /// Where each target is, whoever shows it.
    pub(super) places: BTreeMap<Target, (String, String)>,
    /// Whether requests keep coming, of all targets and of each.
    pub(super) pulse: Pulse,
    pub(super) pulses: BTreeMap<Target, Pulse>,
    /// What each target counted in each block.
    pub(super) shares: Shares,
    /// Requests that whoever asked gave up, and that do not count as bad.
    pub(super) given_up: f64,
    /// What stands at targets that cannot be taken yet, by the target, of all requests and of the part.
    pub(super) withheld: [BTreeMap<Target, f64>; 2],
    /// What each target counted of which it is sure that it did so meanwhile, of all requests and of the part.
    pub(super) sure: BTreeMap<Target, [f64; 2]>,
    /// Whether requests come in bursts, with silence between them.
    pub(super) comes_in_bursts: bool,
    /// Who is to be scraped, or why nobody knows, once that was asked.
    pub(super) attendance: Option<Result<Attendance, String>>,
    /// Until when a load of our own was counted, too.
    pub(super) loaded_ms: i64,
    /// The share of all requests that may be bad, if somebody said.
    pub(super) allowed: f64,
    /// When one stops looking; who comes later does not concern it.
    pub(super) end_ms: i64,
    /// Scrapes of each target, by number.
    pub(super) seen: BTreeMap<Target, BTreeSet<i64>>,
    pub(super) doubts: BTreeSet<String>,
    /// What was odd, of which targets, and by how much at the most.
    pub(super) odd: BTreeMap<Odd, (BTreeSet<Target>, f64)>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Block {
    /// Of all requests, and of the part.
    all: [f64; 2],
    /// What of it may be older, or another's.
    pub(super) unsure: [f64; 2],
}

/// Requests of a block, and bad ones among them.
pub type Counted = (u64, u64);

/// A block that is over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Closed {
    /// All that was counted.
    pub all: Counted,
    /// The same without good ones that may be older, or another's: by this alone a deploy is found good.
    pub sound: Counted,
    /// Without what may be older than the block, or another's: by this alone somebody is blamed.
    pub sure: Counted,
}

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
            steps: Steps::default(),
            targets: BTreeMap::new(),
            now_ms: from_ms,
            blind_ms: None,
            labels: Default::default(),
            unshown: BTreeMap::new(),
            unlabelled: BTreeSet::new(),
            blocks: BTreeMap::new(),
            closed: 0,
            scraped: BTreeSet::new(),
            missed: BTreeSet::new(),
            largest: 0.0,
            carried: (0.0, 0.0),
            sum: (0, 0),
            handed: Vec::new(),
            earlier: BTreeMap::new(),
            moved: BTreeMap::new(),
            places: BTreeMap::new(),
            pulse: Pulse::default(),
            pulses: BTreeMap::new(),
            shares: Shares::default(),
            given_up: 0.0,
            withheld: Default::default(),
            sure: BTreeMap::new(),
            comes_in_bursts: false,
            attendance: None,
            loaded_ms: i64::MIN,
            allowed: 1.0,
            end_ms: i64::MAX,
            seen: BTreeMap::new(),
            doubts: BTreeSet::new(),
            odd: BTreeMap::new(),
        }
    }

    /// Until this moment a load of our own was counted, too: how busy targets are is learned after it.
    pub fn loaded_until(&mut self, at_ms: i64) {
        self.loaded_ms = at_ms;
    }

    /// So large a share of all requests may be bad.
    pub fn allow(&mut self, share: f64) {
        self.allowed = share;
    }

    /// Requests come in bursts: that none comes for a while says nothing.
    pub fn expect_bursts(&mut self) {
        self.comes_in_bursts = true;
    }

    /// When one stops looking, by the clock of Prometheus.
    pub fn ends(&mut self, end_ms: i64) {
        self.end_ms = end_ms;
    }

    /// Takes what all requests and the part stood at in the time before the window: who is back from where
    /// nobody could see it did not begin to count just now.
    pub fn look_back(&mut self, total: &Answer, part: &Answer) {
        for (number, answer) in [total, part].into_iter().enumerate() {
            // Who was not asked may have been there.
            if !answer.doubts.is_empty() {
                self.steps.saw_a_part();
                self.doubts.extend(answer.doubts.iter().cloned());
            }
            for series in &answer.series {
                if let Some((_, value)) = series.points.last() {
                    self.steps.stood(number, &series.labels, *value);
                }
            }
        }
    }

    /// Takes how often counters of all requests began anew in the time before the window.
    pub fn began_anew(&mut self, resets: &Answer) {
        self.doubts.extend(resets.doubts.iter().cloned());
        for series in &resets.series {
            if series.points.last().is_some_and(|(_, times)| *times > 0.0) {
                self.steps.began_before(&series.labels);
            }
        }
    }

    /// Takes the samples of all requests and of the part, in which those of earlier answers may stand again.
    pub fn take(&mut self, total: &Answer, part: &Answer) {
        let answers = [total, part];
        let taken = self.steps.last.iter().flatten();
        let known: BTreeSet<Target> = taken.map(|(labels, _)| target(labels)).collect();
        self.look_at_targets(total.series.iter().chain(&part.series));
        self.look_at_labels(answers);
        self.look_at_part(answers);
        let explained = [
            self.explained(total, &[]),
            self.explained(part, &total.series),
        ];
        let waiting = self.waiting(answers);
        // What is known first: by that it is told whether what is new can have been born just now.
        for is_known in [true, false] {
            for (number, answer) in answers.into_iter().enumerate() {
                self.doubts.extend(answer.doubts.iter().cloned());
                let all = self.new_scrapes(number, answers, &waiting);
                let asked = all
                    .iter()
                    .filter(|((_, target), _)| known.contains(target) == is_known);
                for ((at, target), values) in asked {
                    let explained = explained[number].get(target).copied();
                    self.scrape(number, (target, *at), values, (is_known, explained));
                }
            }
        }
    }

    fn scrape(
        &mut self,
        number: usize,
        (target, at): (&Target, i64),
        values: &[(&Labels, f64)],
        (is_known, explained): (bool, Option<f64>),
    ) {
        let first_seen = self.targets.get(target).map_or(at, |(first, _)| *first);
        let came = self.steps.take(&Scrape {
            number,
            target,
            at,
            values,
            first_seen,
            is_new: !is_known && first_seen > self.from_ms,
            is_inside: at > self.from_ms,
            from_ms: self.from_ms,
            scrape_ms: self.scrape_ms.max(1_000),
            largest: self.largest,
            explained,
            is_family: family(&self.total.metric) == family(&self.part.1.metric),
        });
        if number == 0 {
            let least = self.gap_ms();
            // What we sent ourselves says nothing of how busy it is.
            if at > self.loaded_ms {
                let pulse = self.pulses.entry(target.clone()).or_default();
                let is_anew = came.anew > 0.0;
                pulse.beat(at, (came.more - came.anew, is_anew), least);
                self.shares
                    .add(target, self.place(at), came.more + came.born);
                if at <= self.from_ms {
                    *self.earlier.entry(self.place(at)).or_default() += came.more;
                }
            }
            if at > self.from_ms && came.more + came.born > 0.0 {
                *self.moved.entry(target.clone()).or_default() += came.more + came.born;
            }
        }
        // Before the window it is only learned what a target is like.
        if at > self.from_ms {
            if let Some((odd, much)) = came.odd {
                let known = self.odd.entry(odd).or_default();
                known.0.insert(target.clone());
                known.1 = known.1.max(much);
            }
            let all = came.more + came.born;
            self.sure.entry(target.clone()).or_default()[number] += all - came.unsure;
            self.given_up += came.given_up;
            self.increase(number, at, (all, came.unsure));
        }
    }

    fn look_at_labels(&mut self, answers: [&Answer; 2]) {
        for (number, answer) in answers.into_iter().enumerate() {
            for series in &answer.series {
                for label in series.labels.keys() {
                    if !self.labels[number].contains(label) {
                        self.labels[number].insert(label.clone());
                    }
                }
            }
        }
        let asked: Vec<&str> = self.part.1.labels().collect();
        for series in &answers[0].series {
            let lacks = asked
                .iter()
                .filter(|label| !series.labels.contains_key(**label));
            for label in lacks {
                self.unlabelled.insert((*label).to_owned());
            }
        }
    }

    /// Which blocks were scraped. A target is there by whatever was ever seen of it.
    fn look_at_targets<'a>(&mut self, all: impl Iterator<Item = &'a Series>) {
        let mut times: BTreeMap<Target, BTreeSet<i64>> = BTreeMap::new();
        for series in all {
            let target = target(&series.labels);
            if !self.places.contains_key(&target) {
                self.places.insert(target.clone(), place(&series.labels));
            }
            let of_target = times.entry(target).or_default();
            of_target.extend(series.points.iter().map(|(at, _)| *at));
        }
        let gap = self.gap_ms();
        for (target, times) in times {
            let Some(first) = times.first().copied() else {
                continue;
            };
            let seen = self.seen.entry(target.clone()).or_default();
            let (from, scrape) = (self.from_ms, self.scrape_ms.max(1_000));
            let inside = times.iter().filter(|at| **at > from);
            seen.extend(inside.map(|at| (at - from - 1) / scrape));
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
    fn increase(&mut self, number: usize, at: i64, (more, unsure): (f64, f64)) {
        let Some(block) = self.block(at) else {
            return;
        };
        block.all[number] += more;
        block.unsure[number] += unsure;
        let total = block.all[0];
        self.largest = self.largest.max(total);
    }

    /// Hands over the blocks that are over by a moment of the clock of Prometheus, in order: nothing for
    /// one of which nothing is known. A block is over one scrape after its end.
    pub fn close(&mut self, now_ms: i64) -> Vec<Option<Closed>> {
        self.now_ms = now_ms;
        if !self.now_sees_most() {
            self.blind_ms = Some(now_ms);
        }
        let since = now_ms - self.scrape_ms - self.from_ms;
        let end = since.div_euclid(self.block_ms);
        self.hand_over(end.min(self.place(self.reach_ms())))
    }

    /// Up to when all requests are taken: where it is not known yet which of them are good, these are waited
    /// for, but no longer than a gap.
    fn reach_ms(&self) -> i64 {
        let answered = self.targets.values().map(|(_, last)| *last).max();
        let taken = self.steps.last[0].values().map(|(at, _)| *at).max();
        match (self.part.0, answered, taken) {
            (Part::Good, Some(answered), Some(taken)) if answered - taken <= self.gap_ms() => taken,
            _ => i64::MAX / 2,
        }
    }

    /// The longest time between two scrapes that is no gap.
    pub(super) fn gap_ms(&self) -> i64 {
        GAP_SCRAPES * self.scrape_ms.max(1_000)
    }

    /// The block of a moment; negative before the window.
    fn place(&self, at: i64) -> i64 {
        (at - self.from_ms - 1).div_euclid(self.block_ms)
    }

    /// Hands over what is left: the last block, too, as far as it was counted.
    pub fn close_all(&mut self) -> Vec<Option<Closed>> {
        let last = self.blocks.keys().next_back().map_or(0, |last| last + 1);
        self.hand_over(last)
    }

    fn hand_over(&mut self, end: i64) -> Vec<Option<Closed>> {
        let mut over = Vec::new();
        // What nobody understands is neither good nor bad; it is kept until somebody does.
        if self.steps.last[0].is_empty() || !self.unknown_labels().is_empty() {
            return over;
        }
        let end = end.min(self.closed + BLOCKS_MAX);
        while self.closed < end {
            let block = self.blocks.remove(&self.closed).unwrap_or_default();
            let is_scraped = self.scraped.contains(&self.closed);
            self.closed += 1;
            let counted = self.counted(block);
            let sure = self.sure_of(block, counted);
            let sound = self.sound_of(block, counted);
            if is_scraped || counted.0 > 0 {
                let (at, least) = (self.closed * self.block_ms, 3 * self.block_ms);
                self.pulse.beat(at, (counted.0 as f64, false), least);
            }
            self.handed.push(counted.0);
            over.push((is_scraped || counted.0 > 0).then_some(Closed {
                all: counted,
                sound,
                sure,
            }));
        }
        over
    }

    fn counted(&mut self, block: Block) -> Counted {
        let [total, part] = block.all;
        let requests = total.round();
        let more = match self.part.0 {
            Part::Bad => part,
            Part::Good => total - part,
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
}

/// Counters of one histogram or summary belong together, and so do those of one name.
pub(super) fn family(metric: &str) -> &str {
    let ends = ["_bucket", "_count", "_sum"];
    let end = ends.iter().find_map(|end| metric.strip_suffix(end));
    end.unwrap_or(metric)
}
