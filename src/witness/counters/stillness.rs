//! Whether requests keep coming: of all targets together, of each, of many small ones, and again and again.
//!
//! Only reads. Invariant: what others served meanwhile is missed by nobody, and traffic that declines is no standstill.

use super::super::samples::{Target, named};
use super::pulse::{EXPECTED_MIN, PAUSE_MIN, Pulse, Still, together};
use super::shares::{MADE_UP, mean, median};
use super::steps::Odd;
use super::window::Counters;
use crate::duration::show;
use std::ops::Range;
use std::time::Duration;

/// Requests that would have come in short standstills from which on they are a doubt: at the least, and as a share of all,
/// where each was no chance by itself, and where it may have been.
const STUTTER_MIN: f64 = 30.0;
const STUTTER: f64 = 0.03;
const STUTTER_BY_CHANCE: f64 = 0.1;
/// The share of all requests that is as good as all of them.
const ALL: f64 = 0.9;

impl Counters {
    /// Whether requests stopped coming, though there had been enough of them: of all targets, or of some, and no
    /// others served more meanwhile.
    pub(super) fn standing_still(&self) -> Option<String> {
        if self.comes_in_bursts {
            return None;
        }
        if self.odd.contains_key(&Odd::Dropped) {
            // What is counted twice is not counted at all for a while.
            return None;
        }
        let shown = |still: &Still| {
            let time = Duration::from_millis((still.to - still.from).unsigned_abs());
            let rate = still.rate * 1e3;
            format!(
                "for {} next to nothing was counted, after {rate:.1} a second",
                show(time)
            )
        };
        if let Some(still) = self.pulse.still(0, 3 * self.block_ms) {
            return Some(format!(
                "{}: nobody shows that it is served; where requests come in bursts, say `bursts: true`",
                shown(&still)
            ));
        }
        let least = self.gap_ms();
        let stills = self.pulses.iter().filter_map(|(target, pulse)| {
            let silent = self.silent(target, pulse);
            let mut stills = pulse.stills(self.from_ms, least).into_iter();
            let still = silent.or_else(|| stills.find(|still| self.is_missed_by(target, still)))?;
            Some((target, still))
        });
        let stills: Vec<_> = stills.collect();
        let Some((target, still)) = stills.first() else {
            let again = self.pausing().or_else(|| self.stuttering());
            let again = again.or_else(|| self.stopping_at_once());
            return again.or_else(|| self.left_unserved());
        };
        let of = match stills.len() {
            1 => named(target),
            many => format!("{many} targets, the first of which is {}", named(target)),
        };
        Some(format!(
            "of {of}, {}: whoever hangs counts nothing",
            shown(still)
        ))
    }

    /// A silence of one that is scraped until the end: whoever serves meanwhile, it serves nobody.
    fn silent(&self, target: &Target, pulse: &Pulse) -> Option<Still> {
        let (_, last) = self.targets.get(target)?;
        if self.is_gone(*last) {
            return None;
        }
        let (since, least) = (self.from_ms, self.gap_ms());
        let silent = pulse.silent(since, least);
        let still = silent.or_else(|| {
            let still = pulse.nearly_silent(since, least);
            still.filter(|still| !self.counts_as_others(target, still))
        })?;
        let left = self.left_by_others(&[still]);
        (left * still.expected() >= EXPECTED_MIN).then_some(still)
    }

    /// Whether too many targets for chance count nothing at the end, each too slow to tell by itself.
    fn pausing(&self) -> Option<String> {
        let all = self.pulses.iter().filter_map(|(target, pulse)| {
            let pause = pulse.pause(self.from_ms, self.gap_ms())?;
            let last = self.targets.get(target).map(|(_, last)| *last);
            Some((pause, last.is_none_or(|last| self.is_gone(last))))
        });
        let all: Vec<(Still, bool)> = all.collect();
        let mut pauses: Vec<Still> = all.iter().map(|(pause, _)| *pause).collect();
        if pauses.len() == 2 && all.iter().any(|(_, is_gone)| *is_gone) {
            // Who leaves stops before.
            pauses.clear();
        }
        let left = self.left_by_others(&pauses);
        let pauses = pauses.into_iter().map(|still| Still {
            rate: left * still.rate,
            ..still
        });
        let pauses: Vec<Still> = pauses
            .filter(|still| still.expected() >= PAUSE_MIN)
            .collect();
        let there = self.there().count();
        let are_two = pauses.len() == 2;
        let still = together(&pauses, there).filter(|still| are_two || self.is_missed(still))?;
        let time = Duration::from_millis((still.to - still.from).unsigned_abs());
        Some(format!(
            "{} of {there} targets counted next to nothing for {}, after {:.1} a second together: whoever hangs counts nothing",
            pauses.len(),
            show(time),
            still.rate * 1e3
        ))
    }

    /// Whether targets stood still again and again, each time too short to tell, and a good part of all requests would
    /// have come meanwhile.
    fn stuttering(&self) -> Option<String> {
        let pulses = self.pulses.iter();
        let all = pulses
            .flat_map(|(target, pulse)| pulse.short().iter().map(move |still| (target, still)));
        let missed = all.filter(|(target, still)| {
            still.from >= self.from_ms && self.is_missed_by(target, still)
        });
        let missed: Vec<f64> = missed.map(|(_, still)| still.expected()).collect();
        let (times, lost) = (missed.len(), missed.iter().sum::<f64>());
        let large = missed.iter().filter(|expected| **expected >= EXPECTED_MIN);
        let large: f64 = large.sum();
        let of = |share: f64| STUTTER_MIN.max(share * self.sum.0 as f64);
        (large >= of(STUTTER) || lost >= of(STUTTER_BY_CHANCE)).then(|| {
            let times = match times {
                1 => "once".to_owned(),
                times => format!("{times} times"),
            };
            format!(
                "{times} a target counted next to nothing for a while, and about {lost:.0} requests would have come meanwhile: whoever hangs counts nothing"
            )
        })
    }

    /// Whether all targets stood still at once, for moments, and more requests would have come meanwhile than may fail.
    fn stopping_at_once(&self) -> Option<String> {
        let lost = self.lost_at_once();
        let least = STUTTER_MIN.max(self.allowed.min(STUTTER) * self.sum.0 as f64);
        (lost >= least).then(|| {
            format!(
                "for moments all targets together counted next to nothing, and about {lost:.0} requests would have come meanwhile: whoever hangs counts nothing"
            )
        })
    }

    /// Requests that would have come in short standstills of all targets at once, which are no chance.
    fn lost_at_once(&self) -> f64 {
        let rate: f64 = self.pulses.values().map(Pulse::rate).sum();
        let mut all: Vec<&Still> = self.pulses.values().flat_map(Pulse::short).collect();
        all.retain(|still| still.from >= self.from_ms);
        all.sort_by_key(|still| still.from);
        let mut lost = 0.0;
        while let Some(first) = all.first().copied() {
            let (beside, after) = all
                .iter()
                .partition(|still: &&&Still| still.from < first.to);
            let beside: Vec<&Still> = beside;
            all = after;
            if beside.iter().map(|still| still.rate).sum::<f64>() >= ALL * rate {
                let expected: f64 = beside.iter().map(|still| still.expected()).sum();
                lost += if expected >= EXPECTED_MIN {
                    expected
                } else {
                    0.0
                };
            }
        }
        lost
    }

    /// The share of what came before that still comes to all others while some pause: traffic that declines declines
    /// for these, too.
    fn left_by_others(&self, pauses: &[Still]) -> f64 {
        let all: f64 = self.pulses.values().map(Pulse::rate).sum();
        let pausing: f64 = pauses.iter().map(|still| still.rate).sum();
        let since = pauses.iter().map(|still| still.busy).min();
        let (Some(since), others) = (since, 1.0 - pausing / all) else {
            return 1.0;
        };
        let from = pauses.iter().map(|still| still.from).max().unwrap_or(since);
        let before = mean(&self.known(self.block_at(since) - 3..self.block_at(since)));
        let now = mean(&self.known(self.block_at(from)..self.block_at(self.now_ms)));
        match (before, now) {
            (Some(before), Some(now)) if others > 0.0 => (now / (before * others)).clamp(0.0, 1.0),
            _ => 1.0,
        }
    }

    /// The block of a moment, in the window or before it.
    pub(super) fn block_at(&self, at: i64) -> i64 {
        (at - self.from_ms).div_euclid(self.block_ms)
    }

    /// Requests of each block that is known, in the window or before it.
    fn known(&self, blocks: Range<i64>) -> Vec<f64> {
        let of = |block: i64| match usize::try_from(block) {
            Ok(number) => self.handed.get(number).map(|requests| *requests as f64),
            Err(_) => self.earlier.get(&block).copied(),
        };
        blocks.filter_map(of).collect()
    }

    /// Whether what several targets did not serve meanwhile was not served by others either.
    fn is_missed(&self, still: &Still) -> bool {
        let own = still.rate * self.block_ms as f64;
        // Just before it: traffic that grows was less in the beginning.
        let busy = self.block_at(still.busy);
        let before = mean(&self.known(busy - 3..busy));
        let (from, to) = (
            self.block_at(still.from).max(busy + 1),
            self.block_at(still.to),
        );
        let meanwhile = median(self.known(from.min(to - 1)..to));
        match (before, meanwhile) {
            (Some(before), Some(meanwhile)) => before - meanwhile >= MADE_UP * own,
            _ => true,
        }
    }
}
