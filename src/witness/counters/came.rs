//! What counters came to, and whether there is more to wait for.
//!
//! Only reads.

use super::window::{Counted, Counters, Part};

impl Counters {
    /// Requests, and bad ones, for which nobody can be blamed: targets brought them by beginning anew again and
    /// again, and may have brought them twice, or the good ones are not all shown.
    pub fn repeated(&self) -> Counted {
        if self.part.0 == Part::Good && self.unshown().is_some() {
            // Nobody knows of any of them whether it was good.
            return self.sum;
        }
        let often = self.steps.starts(self.from_ms);
        let often = often.filter(|(_, times)| *times >= super::doubts::STARTS_MAX);
        let all = often.filter_map(|(target, _)| self.sure.get(target));
        let (mut total, mut part) = (0.0, 0.0);
        for [more, of_part] in all {
            (total, part) = (total + more, part + of_part);
        }
        let bad = match self.part.0 {
            Part::Bad => {
                part + self
                    .again_on_ports(1)
                    .iter()
                    .map(|(_, much)| much)
                    .sum::<f64>()
            }
            Part::Good => (total - part).max(0.0),
        };
        (total.round() as u64, bad.round() as u64)
    }

    /// Requests that nobody counted, since targets that had some were not scraped any more and nobody served what
    /// came to them: had they been good, they would be of the share, too.
    pub fn unseen(&self) -> u64 {
        self.unserved_by_gone().0.ceil() as u64
    }

    /// Whether most targets were seen all the time lately: by a few of them one does not judge before the end, nor
    /// while what the others counted meanwhile is on its way.
    pub fn sees_most(&self) -> bool {
        let lately = self.gap_ms() + 2 * self.block_ms;
        self.now_sees_most()
            && self
                .blind_ms
                .is_none_or(|blind| self.now_ms - blind > lately)
    }

    /// Whether most targets were seen just now.
    pub(super) fn now_sees_most(&self) -> bool {
        let lasts = self.targets.values().map(|(_, last)| *last);
        let begun = self.from_ms - self.gap_ms();
        let known: Vec<i64> = lasts.filter(|last| *last > begun).collect();
        let gone = known.iter().filter(|last| self.is_gone(**last)).count();
        2 * gone < known.len().max(1)
    }

    /// Whether the end is to be waited for, by the clock of Prometheus: some target was not seen since then, or is
    /// not known whole, and may be yet.
    pub fn waits(&self) -> bool {
        let (gap, end_ms) = (self.gap_ms(), self.end_ms);
        let may_come =
            |last: i64| last < end_ms && end_ms - last <= gap && self.now_ms - last <= gap;
        let mut lasts = self.targets.values().map(|(_, last)| *last);
        let is_held = self.withheld.iter().any(|held| !held.is_empty()) || !self.unshown.is_empty();
        lasts.any(may_come) || is_held && self.now_ms - end_ms <= gap
    }

    /// Requests and bad ones of all that was handed over.
    pub fn sum(&self) -> Counted {
        self.sum
    }

    /// How often targets started anew.
    pub fn starts(&self) -> usize {
        self.steps
            .starts(self.from_ms)
            .map(|(_, times)| times)
            .sum()
    }

    /// The most that was counted by processes that ended, and that nobody saw, where there were several.
    pub fn lost(&self) -> u64 {
        if self.starts() < 2 {
            return 0;
        }
        self.steps.lost(self.from_ms).ceil() as u64
    }

    /// Whether a target that was seen last at a moment is not scraped any more.
    pub(super) fn is_gone(&self, last: i64) -> bool {
        self.now_ms - last > self.gap_ms()
    }

    /// Whether any series of the part was seen.
    pub fn has_part(&self) -> bool {
        !self.steps.last[1].is_empty()
    }
}
