//! Whether requests keep coming: who was busy and then counts nothing for a while may be hanging, and whoever hangs
//! fails nobody that it counts.
//!
//! Pure. Traffic that comes in bursts stands still again and again, too: nobody but who configures it can tell that
//! from a service that hangs again and again.

/// Requests that would have come in a standstill from which on it is no chance that none did.
pub(super) const EXPECTED_MIN: f64 = 30.0;
/// The same of one target among several: one in 150 pauses so by chance.
pub(super) const PAUSE_MIN: f64 = 5.0;
/// The same of each of two that pause at once: by chance, of twenty one in millions.
const PAIR_MIN: f64 = 20.0;
/// Targets that pause at once, of which it is no chance, and the share of all of them of which it is none either.
const PAUSES_MIN: usize = 3;
const PAUSES_BY_CHANCE: f64 = 0.05;
/// The share of what came before that is as good as nothing: health checks are counted, too.
const NEXT_TO_NOTHING: f64 = 0.2;
/// The share of it that is none at all: probes alone.
const PROBES: f64 = 0.1;
/// The same where so many would have come that chance hides little of them.
const SURELY_LESS: f64 = 0.35;
const SURE_MIN: f64 = 120.0;
/// Deviations by chance by which what was counted may be above what usually comes.
const ABOVE_BY_CHANCE: f64 = 2.0;
/// How often one looks at what is left, and finds some each time but once, until that is how busy it is.
const STEADY: u32 = 5;
/// The share of it from which on a target is busy again at once.
const AS_BEFORE: f64 = 0.5;

/// Requests over time, of one target or of all.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse {
    /// When it was looked at first and at last, in milliseconds, and when something was counted last.
    first: Option<i64>,
    last: i64,
    busy: i64,
    counted: f64,
    /// What was counted since it was busy last, how often one looked since then, and how often that was more.
    trickled: f64,
    looks: (u32, u32),
    /// When anything at all was counted last.
    heard: i64,
    over: Vec<Still>,
    /// Since when no more than probes came, after how much, if that settled.
    probed: Option<(i64, f64)>,
    /// Shorter ones that came to an end.
    short: Vec<Still>,
}

/// A time without requests, after a time with them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Still {
    /// When something was counted last before it, in milliseconds.
    pub busy: i64,
    /// From when until when one looks at it.
    pub from: i64,
    /// The end of it.
    pub to: i64,
    /// Requests a millisecond before it.
    pub rate: f64,
}

impl Still {
    /// Requests that would have come meanwhile.
    pub fn expected(&self) -> f64 {
        self.rate * (self.to - self.from) as f64
    }
}

/// What pauses of several targets come to, if it is no chance that so many pause at once: from when on all of them do.
pub(super) fn together(pauses: &[Still], targets: usize) -> Option<Still> {
    let expected: f64 = pauses.iter().map(Still::expected).sum();
    let by_chance = PAUSES_BY_CHANCE * targets as f64;
    let still = Still {
        busy: pauses.iter().map(|still| still.busy).min()?,
        from: pauses.iter().map(|still| still.from).max()?,
        to: pauses.iter().map(|still| still.to).min()?,
        rate: pauses.iter().map(|still| still.rate).sum(),
    };
    let are_many = pauses.len() >= PAUSES_MIN && pauses.len() as f64 >= by_chance;
    // Of so few each must be nearly none by itself.
    let are_long = pauses.len() == 2 && pauses.iter().all(|still| still.expected() >= PAIR_MIN);
    let is_one = are_many && expected >= EXPECTED_MIN || are_long;
    (is_one && still.to > still.from).then_some(still)
}

impl Pulse {
    /// So many more requests at a moment than at the one before. Who just began anew lives, however much it counted.
    pub fn beat(&mut self, at: i64, (more, is_anew): (f64, bool), least_ms: i64) {
        if self.first.is_none() {
            (self.first, self.busy, self.heard) = (Some(at), at, at);
        } else if is_anew || self.is_busy(at, more) {
            match self.standstill(least_ms) {
                Some(still) => self.over.push(still),
                None => self.short.extend(self.pause(0, 2 * least_ms / 3)),
            }
            self.busy = at;
            self.counted += more;
            (self.trickled, self.looks) = (0.0, (0, 0));
        } else {
            self.trickled += more;
            self.looks.0 += 1;
            self.looks.1 += u32::from(more > 0.0);
            self.settle_down(at, least_ms);
        }
        let is_served = |(_, rate): (i64, f64)| more >= PROBES * rate * (at - self.last) as f64;
        if is_anew || self.probed.is_some_and(is_served) {
            self.probed = None;
        }
        self.last = at;
        if more > 0.0 || is_anew {
            self.heard = at;
        }
    }

    /// What is left and comes steadily is how busy it is from then on; what it was before is missed, or was taken over.
    fn settle_down(&mut self, at: i64, least_ms: i64) {
        let (looks, more) = self.looks;
        let is_steady = looks >= STEADY && more + 1 >= looks && self.trickled >= EXPECTED_MIN;
        if !is_steady {
            return;
        }
        let left = self.trickled / (at - self.busy).max(1) as f64;
        let fallen = Still {
            busy: self.busy,
            from: self.busy,
            to: at,
            rate: self.rate() - left,
        };
        if fallen.to - fallen.from >= least_ms && fallen.expected() >= EXPECTED_MIN {
            self.over.push(fallen);
        }
        if left < PROBES * self.rate() {
            self.probed = Some((self.busy, self.rate()));
        }
        (self.first, self.counted, self.busy) = (Some(self.busy), self.trickled, at);
        (self.trickled, self.looks) = (0.0, (0, 0));
    }

    /// From when on until when nothing at all was counted, at the end.
    pub fn silence(&self, since: i64) -> (i64, i64) {
        (self.heard.max(since), self.last)
    }

    /// A silence at the end, in which so many requests would have come, if it is so long.
    pub fn silent(&self, since: i64, least_ms: i64) -> Option<Still> {
        let (from, to) = self.silence(since);
        let still = Still {
            busy: self.busy,
            from,
            to,
            rate: self.rate(),
        };
        (to - from >= least_ms && self.first? < self.busy).then_some(still)
    }

    /// The same of one that counts no more than probes.
    pub fn nearly_silent(&self, since: i64, least_ms: i64) -> Option<Still> {
        if let Some((busy, rate)) = self.probed {
            return Some(Still {
                busy,
                from: busy.max(since),
                to: self.last,
                rate,
            });
        }
        let still = Still {
            busy: self.busy,
            from: self.busy.max(since),
            to: self.last,
            rate: self.rate(),
        };
        let idle = (self.last - self.busy) as f64;
        let surely = self.trickled + ABOVE_BY_CHANCE * (self.trickled + 1.0).sqrt();
        let is_little = surely < PROBES * self.sure_rate() * idle;
        let is_long = still.to - still.from >= least_ms && is_little;
        (is_long && self.first? < self.busy).then_some(still)
    }

    /// When something was counted last, as much as before.
    pub fn busy(&self) -> i64 {
        self.busy
    }

    /// Whether so many more are as many as came before: at once, or since it was busy last. What is left by chance comes
    /// unevenly.
    fn is_busy(&self, at: i64, more: f64) -> bool {
        let (now, since) = (at - self.last, at - self.busy);
        let at_once = more >= AS_BEFORE * self.rate() * now as f64;
        let expected = self.sure_rate() * since as f64;
        more > 0.0 && (at_once || self.trickled + more >= SURELY_LESS * expected)
    }

    /// Requests a millisecond, as long as they came.
    pub fn rate(&self) -> f64 {
        let active = self.busy - self.first.unwrap_or(self.busy);
        self.counted / active.max(1) as f64
    }

    /// The same without what chance may have added.
    fn sure_rate(&self) -> f64 {
        let active = self.busy - self.first.unwrap_or(self.busy);
        let sure = self.counted - ABOVE_BY_CHANCE * self.counted.sqrt();
        sure.max(0.0) / active.max(1) as f64
    }

    fn standstill(&self, least_ms: i64) -> Option<Still> {
        let (idle, active) = (self.last - self.busy, self.busy - self.first?);
        let rate = self.rate();
        let expected = self.sure_rate() * idle as f64;
        let is_little = self.trickled < NEXT_TO_NOTHING * expected || expected >= SURE_MIN;
        let is_long = idle >= least_ms && is_little && expected >= EXPECTED_MIN;
        (is_long && active > 0).then_some(Still {
            busy: self.busy,
            from: self.busy,
            to: self.last,
            rate,
        })
    }

    /// Standstills that came to an end, and are too short to tell by themselves.
    pub fn short(&self) -> &[Still] {
        &self.short
    }

    /// A standstill that goes on and is too short to tell by itself: so many requests would have come meanwhile.
    pub fn pause(&self, since: i64, least_ms: i64) -> Option<Still> {
        let still = Still {
            busy: self.busy,
            from: self.busy.max(since),
            to: self.last,
            rate: self.rate(),
        };
        let is_little = self.trickled < NEXT_TO_NOTHING * still.expected();
        let is_long =
            still.to - still.from >= least_ms && is_little && still.expected() >= PAUSE_MIN;
        (is_long && self.first? < self.busy).then_some(still)
    }

    /// The standstills since a moment, the longest first.
    pub fn stills(&self, since: i64, least_ms: i64) -> Vec<Still> {
        let all = self.over.iter().copied().chain(self.standstill(least_ms));
        let all = all.map(|still| Still {
            from: still.from.max(since),
            ..still
        });
        let mut all: Vec<Still> = all
            .filter(|still| still.to - still.from >= least_ms)
            .collect();
        all.sort_by_key(|still| (still.from - still.to, -still.from));
        all
    }

    /// The longest standstill since a moment.
    pub fn still(&self, since: i64, least_ms: i64) -> Option<Still> {
        self.stills(since, least_ms).first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn longest(more: &[f64]) -> Option<(i64, i64)> {
        let mut pulse = Pulse::default();
        for (at, more) in more.iter().enumerate() {
            pulse.beat(1_000 * at as i64, (*more, false), 3_000);
        }
        let still = pulse.still(0, 3_000)?;
        Some((still.from / 1_000, still.to / 1_000))
    }

    #[test]
    fn many_that_pause_at_once_stand_still_together() {
        let pulse = |last: i64| {
            let mut pulse = Pulse::default();
            for at in 0..40 {
                pulse.beat(
                    1_000 * at,
                    (if at <= last { 1.0 } else { 0.0 }, false),
                    3_000,
                );
            }
            pulse.pause(0, 3_000)
        };
        let of = |all: &[i64], targets| {
            let pauses: Vec<Still> = all.iter().filter_map(|last| pulse(*last)).collect();
            together(&pauses, targets).map(|still| (still.from / 1_000, still.to / 1_000))
        };
        assert_eq!(of(&[20, 22, 21], 6), Some((22, 39)));
        assert_eq!(
            of(&[20, 22, 21], 80),
            None,
            "of so many these may be chance"
        );
        assert_eq!(of(&[20, 22], 6), None);
        assert_eq!(
            of(&[36, 36, 36, 36], 6),
            None,
            "three requests may not come by chance"
        );
    }

    #[test]
    fn who_was_busy_and_counts_nothing_any_more_stands_still() {
        let of = |busy: f64, idle: usize, again: usize| {
            let mut all = vec![busy; 10];
            all.extend(vec![0.0; idle]);
            all.extend(vec![busy; again]);
            longest(&all)
        };
        assert_eq!(of(20.0, 5, 0), Some((9, 14)));
        assert_eq!(of(20.0, 5, 4), Some((9, 14)), "also when it is over");
        assert_eq!(of(20.0, 2, 4), None, "one scrape that shows nothing");
        assert_eq!(of(2.0, 5, 4), None, "ten requests may not come by chance");
        let bursts = [60.0, 60.0, 0.0, 0.0, 0.0, 0.0].repeat(6);
        assert_eq!(longest(&bursts), Some((31, 35)), "nobody knows why");
        assert_eq!(longest(&[0.0; 20]), None, "nothing ever came");
    }
}
