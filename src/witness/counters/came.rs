//! What counters came to, and whether there is more to wait for.
//!
//! Only reads.

use super::window::{Block, Counted, Counters, Part};

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

    /// The most that was counted by processes that ended, and that nobody saw: where there were several, and where scrapes
    /// failed before one ended.
    pub fn lost(&self) -> u64 {
        let usual = match self.starts() {
            0 | 1 => 0.0,
            _ => self.steps.lost(self.from_ms),
        };
        (usual + self.lost_in_gaps()).ceil() as u64
    }

    /// What processes may have counted from the last scrape that saw them until they ended, beyond one scrape: as much as
    /// the busiest counts, unless others served meanwhile what usually comes to them.
    fn lost_in_gaps(&self) -> f64 {
        let fastest = self.steps.fastest.values().copied().fold(0.0, f64::max);
        let scrape = self.scrape_ms.max(1_000);
        let gaps = self.steps.unseen.iter();
        let inside = gaps.filter(|(_, _, to)| *to > self.from_ms);
        let lost = inside.map(|(target, from, to)| {
            let from = (*from).max(self.from_ms);
            let scrapes = ((to - from) as f64 / scrape as f64 - 1.0).max(0.0);
            match self.is_served_by_others(target, (from, *to)) {
                true => 0.0,
                false => fastest * scrapes,
            }
        });
        lost.sum()
    }

    /// Whether a target that was seen last at a moment is not scraped any more.
    pub(super) fn is_gone(&self, last: i64) -> bool {
        self.now_ms - last > self.gap_ms()
    }

    /// Whether any series of the part was seen.
    pub fn has_part(&self) -> bool {
        !self.steps.last[1].is_empty()
    }

    /// What was counted, without good ones that may be older or another's.
    pub(super) fn sound_of(&self, block: Block, (requests, bad): Counted) -> Counted {
        let [total, part] = block.unsure;
        let good = match self.part.0 {
            Part::Bad => total - part,
            Part::Good => part,
        };
        let left = requests.saturating_sub(good.max(0.0).ceil() as u64);
        (left.max(bad), bad)
    }

    /// What was counted, without what may be older or another's.
    pub(super) fn sure_of(&self, block: Block, (requests, bad): Counted) -> Counted {
        let [total, part] = block.unsure;
        let unsure = match self.part.0 {
            Part::Bad => part,
            Part::Good => (total - part).max(0.0),
        };
        let requests = requests.saturating_sub(total.ceil() as u64);
        (
            requests,
            bad.saturating_sub(unsure.ceil() as u64).min(requests),
        )
    }
}
