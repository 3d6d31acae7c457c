//! What each target counted in each block, by which it is told whether others took over what one of them left.
//!
//! Pure. Invariant: who came while somebody stood still brings requests of its own: what it counts is taken from nobody that
//! is still there.

use super::super::samples::{Target, some};
use super::pulse::{EXPECTED_MIN, Still};
use super::window::Counters;
use std::collections::BTreeMap;
use std::ops::Range;

/// The share of a standstill that others would have made up for, if it were none.
pub(super) const MADE_UP: f64 = 0.5;
/// Blocks after something stops in which others take over at once, if they do.
const TAKEN_OVER: i64 = 8;
/// Deviations by chance of what comes in a block from which on the share of a target stands out in a few of them.
const CLEAR: f64 = 4.0;
/// Blocks that are looked at on both sides of a moment where chance hides what is small.
const WIDE: i64 = 30;
/// Blocks after the first of several that left in which the others left with it, and in which it is to be made up for.
const TOGETHER: i64 = 3;
const LEFT_BLOCKS: i64 = 40;
/// Blocks without a substitute from which on those who left are missed, and the share of all requests that is lost then.
const LEFT_MIN: usize = 2;
const LEFT_SHARE: f64 = 0.03;

/// Requests of each target by block.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares(BTreeMap<Target, BTreeMap<i64, f64>>);

impl Shares {
    /// So many more of a target in a block; none counts as well.
    pub fn add(&mut self, target: &Target, block: i64, more: f64) {
        if !self.0.contains_key(target) {
            self.0.insert(target.clone(), BTreeMap::new());
        }
        if let Some(blocks) = self.0.get_mut(target) {
            *blocks.entry(block).or_default() += more;
        }
    }

    /// Requests of one target in each block of which anything is known.
    fn of_one(&self, target: &Target, blocks: Range<i64>) -> Vec<f64> {
        // A time that ends before it begins has no blocks.
        let blocks = blocks.start..blocks.end.max(blocks.start);
        let own = self.0.get(target).into_iter();
        let known = own.flat_map(|own| own.range(blocks.clone()));
        known.map(|(_, requests)| *requests).collect()
    }

    /// Requests of some targets in each block of which anything is known.
    fn of(&self, keep: &dyn Fn(&Target) -> bool, blocks: Range<i64>) -> Vec<f64> {
        let blocks = blocks.start..blocks.end.max(blocks.start);
        let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
        let kept = self.0.iter().filter(|(target, _)| keep(target));
        for (_, own) in kept {
            for (block, requests) in own.range(blocks.clone()) {
                *sums.entry(*block).or_default() += requests;
            }
        }
        sums.into_values().collect()
    }
}

pub(super) fn mean(all: &[f64]) -> Option<f64> {
    let sum: f64 = all.iter().sum();
    (!all.is_empty()).then(|| sum / all.len() as f64)
}

pub(super) fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    let middle = all.len().checked_sub(1)? / 2;
    all.get(middle).copied()
}

impl Counters {
    /// Whether what a target did not serve meanwhile was not served by others either: neither did these count more when it
    /// stopped, nor less when it went on.
    pub(super) fn is_missed_by(&self, target: &Target, still: &Still) -> bool {
        let is_there = |one: &Target| {
            let times = self.targets.get(one);
            times.is_some_and(|(_, last)| !self.is_gone(*last))
        };
        let is_older = |one: &Target| {
            let times = self.targets.get(one);
            times.is_some_and(|(first, _)| *first <= still.busy)
        };
        let stays = is_there(target);
        if stays && self.counts_as_others(target, still) {
            return false;
        }
        let all = |one: &Target| !stays || is_older(one);
        let own = still.rate * self.block_ms as f64;
        let busy = self.block_at(still.busy);
        // Just before it: traffic that grows was less in the beginning.
        let before = mean(&self.shares.of(&all, busy - 3..busy));
        // What is small beside chance is looked at over the whole time.
        let is_clear = before.is_none_or(|before| own >= CLEAR * before.sqrt());
        let (from, to) = (
            self.block_at(still.from).max(busy + 1),
            self.block_at(still.to),
        );
        // What comes at once later on, or grows, is no taking over; nor does one block of many make up for it.
        let until = if is_clear {
            to.min(from + TAKEN_OVER)
        } else {
            to
        };
        let meanwhile = median(self.shares.of(&all, from.min(until - 1)..until));
        let (Some(before), Some(meanwhile)) = (before, meanwhile) else {
            return true;
        };
        if before - meanwhile >= MADE_UP * own {
            return true;
        }
        // Who is back takes its share back.
        let reach = if is_clear { TAKEN_OVER } else { WIDE };
        let again = median(self.shares.of_one(target, to + 1..to + 1 + reach));
        let left = median(self.shares.of_one(target, from..to));
        let taken_back = again.unwrap_or(0.0) - left.unwrap_or(0.0);
        let is_back =
            stays && self.block_at(self.now_ms) - to > TAKEN_OVER && taken_back >= MADE_UP * own;
        let late = median(self.shares.of(&all, (to - reach).max(from)..to));
        let after = median(self.shares.of(&all, to + 1..to + 1 + reach));
        match (is_back, late, after) {
            (true, Some(late), Some(after)) => after - late >= MADE_UP * taken_back,
            _ => false,
        }
    }

    /// Whether a target counted as much as others meanwhile, and all of them no less than before: it shares with those that came.
    pub(super) fn counts_as_others(&self, target: &Target, still: &Still) -> bool {
        let own = still.rate * self.block_ms as f64;
        let (busy, to) = (self.block_at(still.busy), self.block_at(still.to));
        let blocks = self.block_at(still.from).max(busy + 1)..to;
        let pace = |one: &Target| mean(&self.shares.of_one(one, blocks.clone()));
        let paces: Vec<f64> = self.shares.0.keys().filter_map(pace).collect();
        let everybody = |_: &Target| true;
        let before = mean(&self.shares.of(&everybody, busy - 3..busy));
        let meanwhile = median(self.shares.of(&everybody, blocks.clone()));
        match (pace(target), median(paces), before, meanwhile) {
            (Some(left), Some(usual), Some(before), Some(meanwhile)) => {
                left >= MADE_UP * usual && left > 0.0 && before - meanwhile < MADE_UP * own
            }
            _ => false,
        }
    }

    /// Whether others served what usually comes to a target while nobody saw it: as much came to all of them as before,
    /// and that is no chance.
    pub(super) fn is_served_by_others(&self, target: &Target, (from, to): (i64, i64)) -> bool {
        let Some(pulse) = self.pulses.get(target) else {
            return false;
        };
        let own = pulse.rate() * self.block_ms as f64;
        let (first, end) = (self.block_at(from), self.block_at(to));
        let everybody = |_: &Target| true;
        let before = mean(&self.shares.of(&everybody, first - 3..first));
        let meanwhile = mean(&self.shares.of(&everybody, first + 1..end));
        match (before, meanwhile) {
            (Some(before), Some(meanwhile)) => {
                own >= CLEAR * before.sqrt() && before - meanwhile < MADE_UP * own
            }
            _ => false,
        }
    }

    /// Whether targets left, and nobody took over what they served, for a good part of all requests.
    pub(super) fn left_unserved(&self) -> Option<String> {
        let (lost, missed) = self.unserved_by_gone();
        let is_much = lost >= EXPECTED_MIN.max(LEFT_SHARE * self.sum.0 as f64);
        (is_much && !missed.is_empty()).then(|| {
            format!(
                "{} left, and nobody served what came to them: about {lost:.0} requests would have come meanwhile",
                some(&missed)
            )
        })
    }

    /// About how many requests would have come to targets that left and that nobody served, and which these are.
    pub(super) fn unserved_by_gone(&self) -> (f64, Vec<&Target>) {
        let mut gone: Vec<(i64, &Target, f64)> = self
            .pulses
            .iter()
            .filter(|(target, _)| {
                let times = self.targets.get(*target);
                times.is_some_and(|(_, last)| self.is_gone(*last) && *last > self.from_ms)
            })
            .map(|(target, pulse)| (self.block_at(pulse.busy()), target, pulse.rate()))
            .filter(|(busy, _, rate)| *busy >= 0 && *rate > 0.0)
            .collect();
        gone.sort_by_key(|(busy, _, _)| *busy);
        let (mut lost, mut missed) = (0.0, Vec::new());
        while let Some((first, _, _)) = gone.first().copied() {
            let with_it = gone
                .iter()
                .take_while(|(busy, _, _)| busy - first <= TOGETHER);
            let with_it: Vec<_> = gone.drain(..with_it.count()).collect();
            let own = with_it.iter().map(|(_, _, rate)| rate).sum::<f64>() * self.block_ms as f64;
            let last = with_it
                .iter()
                .map(|(busy, _, _)| *busy)
                .max()
                .unwrap_or(first);
            let unserved = self.unserved((first, last), own);
            if unserved > 0.0 {
                lost += unserved;
                missed.extend(with_it.into_iter().map(|(_, target, _)| target));
            }
        }
        (lost, missed)
    }

    /// Requests that would have come to those who left in these blocks until others took over.
    fn unserved(&self, (first, last): (i64, i64), own: f64) -> f64 {
        let all = |_: &Target| true;
        let before = self.shares.of(&all, first - 3..first);
        let (Some(usual), Some(last_before)) = (mean(&before), before.last()) else {
            return 0.0;
        };
        // What declines anyway is not missed.
        let before = usual.min(*last_before);
        // The last block may not be whole yet.
        let end = self.block_at(self.now_ms) - 1;
        let after = self
            .shares
            .of(&all, last + 1..end.min(last + 1 + LEFT_BLOCKS));
        let lacking = after.into_iter().map(|requests| before - requests);
        let lacking: Vec<f64> = lacking.take_while(|less| *less >= MADE_UP * own).collect();
        // What is no more than chance in one block is none in several in a row.
        let is_clear = own * (lacking.len() as f64).sqrt() >= CLEAR * before.sqrt();
        match lacking.len() >= LEFT_MIN && is_clear {
            true => lacking.into_iter().map(|less| less.min(own)).sum(),
            false => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::target_tests::{only_doubt, through};
    use super::super::tests::{SCRAPE, answer, counters, rising, series};
    use crate::witness::samples::Series;

    /// A target with so many requests a scrape, from one on until another.
    fn paced(name: &str, paces: &[(std::ops::RangeInclusive<i64>, f64)]) -> Series {
        // Who comes in the window began just now.
        let is_new = paces
            .first()
            .is_some_and(|(scrapes, _)| *scrapes.start() > 0);
        let mut stands = if is_new { 0.0 } else { 1_000.0 };
        let all = paces
            .iter()
            .flat_map(|(scrapes, pace)| scrapes.clone().map(move |at| (at, *pace)));
        let points = all.map(|(at, pace)| {
            stands += pace;
            (at, stands)
        });
        series("200", name, &points.collect::<Vec<_>>())
    }

    fn doubts(all: &[Series], scrapes: i64) -> Vec<String> {
        let mut counters = counters();
        through(&mut counters, all, scrapes);
        counters.doubts((scrapes + 1) * SCRAPE, true)
    }

    #[test]
    fn who_comes_meanwhile_takes_nothing_over_and_who_is_back_takes_its_share_back() {
        let hangs = paced("a", &[(-25..=2, 50.0), (3..=14, 0.0), (15..=40, 50.0)]);
        let steady = paced("b", &[(-25..=40, 50.0)]);
        // A canary whose weight rises, and pods that are new: they serve what is their own.
        let newcomer = paced("c", &[(4..=40, 50.0)]);
        let heavier = paced("d", &[(-25..=3, 20.0), (4..=40, 90.0)]);
        for other in [newcomer, heavier] {
            let found = doubts(&[hangs.clone(), steady.clone(), other], 40);
            assert!(
                found.len() == 1 && found[0].starts_with("of `a`, for"),
                "{found:?}"
            );
        }
        // A client that went to another one and came back, or that went to one that is new, is served all the time.
        let serves = paced("b", &[(-25..=2, 50.0), (3..=14, 100.0), (15..=40, 50.0)]);
        assert_eq!(doubts(&[hangs, serves], 40), [""; 0]);
    }

    #[test]
    fn who_leaves_is_missed_where_nobody_serves_what_came_to_it() {
        let stays = |after: f64| paced("a", &[(-25..=6, 100.0), (7..=20, after)]);
        let leaves = || paced("b", &[(-25..=6, 50.0)]);
        let new = |from: i64| paced("c", &[(from..=20, 50.0)]);
        assert_eq!(doubts(&[stays(150.0), leaves()], 20), [""; 0]);
        assert_eq!(doubts(&[stays(100.0), leaves(), new(7)], 20), [""; 0]);
        for late in [
            vec![stays(100.0), leaves(), new(14)],
            vec![stays(100.0), leaves()],
        ] {
            let found = doubts(&late, 20).join("; ");
            assert!(found.starts_with("`b` left, and nobody served"), "{found}");
        }
    }

    #[test]
    fn who_shares_with_newcomers_is_busy_and_who_counts_probes_alone_is_not() {
        // One of 100 becomes ten of 10; and three of a canary, whose weight rises as one of them hangs but for its probes.
        let mut scaled = vec![paced("a", &[(-25..=4, 100.0), (5..=20, 10.0)])];
        scaled.extend((1..10).map(|number| paced(&format!("n{number}"), &[(5..=20, 10.0)])));
        assert_eq!(doubts(&scaled, 20), [""; 0]);
        let serves = |name: &str| paced(name, &[(-25..=4, 50.0), (5..=20, 110.0)]);
        let hangs = paced("c", &[(-25..=4, 50.0), (5..=20, 3.0)]);
        let found = doubts(&[serves("a"), serves("b"), hangs], 20).join("; ");
        assert!(found.starts_with("of `c`, for"), "{found}");
    }

    #[test]
    fn what_a_target_counted_before_one_looked_is_not_taken_for_new() {
        // Found in the second scrape, with the traffic of six behind it.
        let points: Vec<_> = (2..=20).map(|at| (at, 20.0 * (at + 4) as f64)).collect();
        let failed: Vec<_> = (2..=20).map(|at| (at, 40.0)).collect();
        let mut late = counters();
        let all = [
            series("200", "a", &rising(20.0, -5..=20)),
            series("200", "b", &points),
            series("500", "b", &failed),
        ];
        through(&mut late, &all, 20);
        assert_eq!(late.sum().1, 0);
        only_doubt(&late, "`b` came with 160 requests");
    }

    #[test]
    fn a_target_whose_counters_are_all_new_brings_nothing_and_requests_that_are_given_up_are_told()
    {
        let mut flipped = counters();
        let labelled = |mut one: Series, role: &str| {
            one.labels.insert("role".to_owned(), role.to_owned());
            one
        };
        let before = series("500", "a", &[(-2, 40.0), (-1, 40.0), (1, 40.0), (2, 40.0)]);
        let after: Vec<_> = (3..=20).map(|at| (at, 40.0)).collect();
        let all = [
            series("200", "b", &rising(50.0, -5..=20)),
            labelled(before, "canary"),
            labelled(series("500", "a", &after), "stable"),
        ];
        through(&mut flipped, &all, 20);
        assert_eq!(flipped.sum().1, 0);
        let found = flipped.doubts(21 * SCRAPE, true).join("; ");
        assert!(found.contains("`a` appeared with 40"), "{found}");
        let mut given_up = counters();
        given_up.look_back(&answer(&[]), &answer(&[]));
        let all = [
            series("200", "a", &rising(50.0, -5..=20)),
            series("499", "a", &rising(10.0, -5..=20)),
        ];
        through(&mut given_up, &all, 20);
        only_doubt(&given_up, "were given up by those who asked");
    }
}
