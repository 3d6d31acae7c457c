//! Objectives over weeks: what of the error budget is left, and how fast it is used up.
//!
//! Pure. Source of the pairs of windows: The Site Reliability Workbook, chapter 5; for 30 days they are 1 h
//! and 5 min at 14.4, 6 h and 30 min at 6, 1 d and 2 h at 3, 3 d and 6 h at 1, and in proportion for others.
//! A prober knows how often it has looked: a burn rate fires only if so many failures among so few runs are
//! not what a service within its objective shows by chance, and no run at all is a trouble of its own.

use super::rollup::Bucket;
use crate::objective::binomial;
use chrono::{DateTime, Datelike, TimeZone, Utc};
use std::collections::BTreeMap;
use std::time::Duration;

/// A service within its objective shows that many failures in at most this share of looks.
pub const BY_CHANCE: f64 = 0.01;
/// One failure is no burn rate.
pub const FAILURES_MIN: u64 = 2;
/// Windows that are longer than minutes are kept are counted by the hour.
const BY_MINUTE_MAX_S: i64 = 7 * 24 * 3_600;

/// Runs that were good and bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Within the objective.
    pub good: u64,
    /// Not.
    pub bad: u64,
    /// Not counted: in a window of maintenance.
    pub excluded: u64,
}

impl Counts {
    /// All of them.
    pub fn all(self) -> u64 {
        self.good + self.bad
    }

    /// Adds others.
    pub fn add(&mut self, other: Counts) {
        self.good += other.good;
        self.bad += other.bad;
        self.excluded += other.excluded;
    }
}

/// The time over which an objective holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// The last so much time.
    Rolling(Duration),
    /// Since the first of the month, UTC.
    Month,
}

impl Window {
    /// When it began, in seconds since 1970.
    pub fn from_s(self, now_s: i64) -> i64 {
        match self {
            Window::Rolling(length) => now_s - length.as_secs() as i64,
            Window::Month => {
                let now = DateTime::from_timestamp(now_s, 0).unwrap_or_default();
                let first = Utc.with_ymd_and_hms(now.year(), now.month(), 1, 0, 0, 0);
                first.earliest().map_or(now_s, |first| first.timestamp())
            }
        }
    }

    /// How long it is at most, in seconds.
    pub fn seconds(self) -> i64 {
        match self {
            Window::Rolling(length) => length.as_secs() as i64,
            Window::Month => 31 * 24 * 3_600,
        }
    }

    /// As people write it.
    pub fn show(self) -> String {
        match self {
            Window::Rolling(length) => crate::duration::show(length),
            Window::Month => "month".to_owned(),
        }
    }
}

/// What is asked of a service over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goal {
    /// The share of runs that are to be good, above 0 and below 1.
    pub share: f64,
    /// A run that passes but takes longer is bad, in microseconds.
    pub latency_us: Option<u64>,
    /// Whether a run that could not be measured is bad; otherwise it is not counted.
    pub unknown_is_bad: bool,
    /// Over which time.
    pub window: Window,
}

impl Goal {
    /// The runs of a bucket as good and bad ones.
    pub fn counts(&self, bucket: &Bucket) -> Counts {
        let slow = self.latency_us.map_or(0, |limit| bucket.slower_than(limit));
        let unknown = if self.unknown_is_bad {
            bucket.unmeasured
        } else {
            0
        };
        Counts {
            good: (bucket.passed + bucket.impaired).saturating_sub(slow),
            bad: bucket.failed + slow + unknown,
            excluded: bucket.excluded,
        }
    }
}

/// A pair of windows: it burns if both are above the factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// How much faster than the budget allows.
    pub factor: f64,
    /// The long window, in seconds.
    pub long_s: i64,
    /// The short one, by which it is over soon after the trouble is.
    pub short_s: i64,
    /// Whether somebody must act now.
    pub pages: bool,
}

/// The pairs of windows for a window.
pub fn pairs(window: Window) -> [Pair; 4] {
    let whole = window.seconds() as f64;
    let scaled = |hours: f64| ((whole * hours / 720.0) as i64).max(60);
    let pair = |factor, long: f64, short: f64, pages| Pair {
        factor,
        long_s: scaled(long).max(300),
        short_s: scaled(short),
        pages,
    };
    [
        pair(14.4, 1.0, 1.0 / 12.0, true),
        pair(6.0, 6.0, 0.5, true),
        pair(3.0, 24.0, 2.0, false),
        pair(1.0, 72.0, 6.0, false),
    ]
}

/// The history of an objective, as counts.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By the minute, in seconds since 1970.
    pub minutes: BTreeMap<i64, Counts>,
    /// By the hour.
    pub hours: BTreeMap<i64, Counts>,
}

impl History {
    /// Whether nothing was measured for so long, though nobody said that nothing would count.
    pub fn is_silent(&self, seconds: i64, now_s: i64) -> bool {
        let counts = self.since(now_s - seconds, now_s);
        counts.all() == 0 && counts.excluded == 0
    }

    /// The newest stretch in which anything was measured, in seconds since 1970.
    pub fn last_s(&self) -> Option<i64> {
        let newest = |stretches: &BTreeMap<i64, Counts>| {
            let mut counted = stretches.iter().rev();
            let found = counted.find(|(_, counts)| counts.all() > 0);
            found.map(|(at, _)| *at)
        };
        newest(&self.minutes).max(newest(&self.hours))
    }

    /// How much longer a window is than what is known of it: a budget is that of the whole window, whatever
    /// part of it somebody has looked at.
    fn missing(&self, from_s: i64, now_s: i64) -> f64 {
        let first = self.hours.keys().chain(self.minutes.keys()).min();
        let known_s = first.map_or(0, |first| now_s - (*first).max(from_s));
        let whole_s = now_s - from_s;
        (whole_s as f64 / known_s.max(60) as f64).max(1.0)
    }

    /// Runs since a moment, up to now.
    pub fn since(&self, from_s: i64, now_s: i64) -> Counts {
        let (stretches, span) = if now_s - from_s <= BY_MINUTE_MAX_S {
            (&self.minutes, 60)
        } else {
            (&self.hours, 3_600)
        };
        let mut all = Counts::default();
        // A stretch that began before and ends after counts: a minute of thirty days changes nothing.
        for (_, counts) in stretches.range(from_s - span + 1..=now_s) {
            all.add(*counts);
        }
        all
    }
}

/// How a budget stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Runs in the window.
    pub counts: Counts,
    /// The share of them that was good; nothing if there was none.
    pub share: Option<f64>,
    /// What is left of the error budget: 1 is all of it, below 0 it is overdrawn.
    pub remaining: Option<f64>,
    /// Burn rates: length of the window in seconds, rate.
    pub burns: Vec<(i64, f64)>,
    /// The pair that burns, the most urgent if several do, with the rate of its long window.
    pub burning: Option<(Pair, f64)>,
}

fn rate(goal: &Goal, counts: Counts) -> f64 {
    match counts.all() {
        0 => 0.0,
        all => counts.bad as f64 / all as f64 / (1.0 - goal.share),
    }
}

/// Whether so many failures are more than chance shows of a service that is within its objective.
fn is_more_than_chance(goal: &Goal, counts: Counts) -> bool {
    counts.bad >= FAILURES_MIN
        && binomial::upper_tail(counts.bad, counts.all(), 1.0 - goal.share) < BY_CHANCE
}

/// How a budget stands now.
pub fn standing(goal: &Goal, history: &History, now_s: i64) -> Standing {
    let counts = history.since(goal.window.from_s(now_s), now_s);
    let all = counts.all();
    let share = (all > 0).then(|| counts.good as f64 / all as f64);
    let allowed =
        all as f64 * (1.0 - goal.share) * history.missing(goal.window.from_s(now_s), now_s);
    let mut burns = Vec::new();
    let mut burning = None;
    let pairs = pairs(goal.window);
    for pair in pairs {
        let of = |length: i64| history.since(now_s - length, now_s);
        let (long, short) = (of(pair.long_s), of(pair.short_s));
        let (fast, now) = (rate(goal, long), rate(goal, short));
        burns.push((pair.long_s, fast));
        burns.push((pair.short_s, now));
        let burns_now = fast >= pair.factor && now >= pair.factor;
        if burns_now && is_more_than_chance(goal, long) && burning.is_none() {
            burning = Some((pair, fast));
        }
    }
    burns.sort_by_key(|(length, _)| *length);
    burns.dedup_by_key(|(length, _)| *length);
    Standing {
        counts,
        share,
        remaining: (all > 0).then(|| 1.0 - counts.bad as f64 / allowed),
        burns,
        burning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::health::Seen;
    use proptest::prelude::*;

    const DAY: i64 = 24 * 3_600;

    fn goal(share: f64) -> Goal {
        Goal {
            share,
            latency_us: None,
            unknown_is_bad: false,
            window: Window::Rolling(Duration::from_secs(30 * DAY as u64)),
        }
    }

    /// A run a minute for 30 days, of which these minutes before now were bad.
    fn history(now_s: i64, bad: impl Fn(i64) -> bool) -> History {
        let mut history = History::default();
        for minute in 0..30 * 24 * 60 {
            let at = now_s - minute * 60;
            let counts = Counts {
                good: u64::from(!bad(minute)),
                bad: u64::from(bad(minute)),
                excluded: 0,
            };
            history.minutes.entry(at - at % 60).or_default().add(counts);
            history
                .hours
                .entry(at - at % 3_600)
                .or_default()
                .add(counts);
        }
        history
    }

    #[test]
    fn one_failed_run_is_no_burn_rate_and_an_outage_is() {
        let now_s = 1_800_000_000;
        let goal = goal(0.999);
        let one = standing(&goal, &history(now_s, |minute| minute == 2), now_s);
        assert_eq!(
            one.burning, None,
            "one failure in five minutes would be a rate of 200"
        );
        let outage = standing(&goal, &history(now_s, |minute| minute < 4), now_s);
        let (pair, rate) = outage.burning.unwrap();
        assert!(pair.pages && rate > 14.4, "{rate}");
        let over = standing(
            &goal,
            &history(now_s, |minute| (40..55).contains(&minute)),
            now_s,
        );
        assert!(
            over.burning.is_none_or(|(pair, _)| !pair.pages),
            "the short window is well again"
        );
        // A slow burn is a ticket: half a percent for three days, at a budget of a tenth of one.
        let slow = standing(
            &goal,
            &history(now_s, |minute| minute < 3 * 1_440 && minute % 200 == 7),
            now_s,
        );
        assert!(
            slow.burning.is_some_and(|(pair, _)| !pair.pages),
            "{:?}",
            slow.burning
        );
    }

    #[test]
    fn a_budget_is_what_may_still_fail() {
        let now_s = 1_800_000_000;
        // 43,200 runs at 99.9 %: 43 may fail.
        let half = standing(
            &goal(0.999),
            &history(now_s, |minute| minute % 2_000 == 1_999),
            now_s,
        );
        let remaining = half.remaining.unwrap();
        assert!((0.45..0.55).contains(&remaining), "{remaining}");
        let none = standing(&goal(0.999), &History::default(), now_s);
        assert!(none.remaining.is_none() && none.burning.is_none());
        assert!(History::default().is_silent(3_600, now_s));
    }

    #[test]
    fn a_budget_is_that_of_the_whole_window_also_at_its_beginning() {
        let now_s = 1_800_000_000;
        // An hour of runs, one of which failed: of 43 that may fail in 30 days.
        let mut young = history(now_s, |minute| minute == 30);
        young.minutes.retain(|at, _| *at >= now_s - 3_600);
        young.hours.retain(|at, _| *at >= now_s - 3_600);
        let remaining = standing(&goal(0.999), &young, now_s).remaining.unwrap();
        assert!((0.95..1.0).contains(&remaining), "{remaining}");
    }

    #[test]
    fn a_month_begins_on_its_first_day() {
        let now = DateTime::parse_from_rfc3339("2026-03-01T00:00:10Z")
            .unwrap()
            .timestamp();
        assert_eq!(Window::Month.from_s(now), now - 10);
    }

    #[test]
    fn what_is_slow_or_unknown_counts_as_declared() {
        let mut bucket = Bucket::default();
        bucket.add(Seen::Passed, 100_000, false, false);
        bucket.add(Seen::Passed, 900_000, false, false);
        bucket.add(Seen::Failed, 5_000, false, false);
        bucket.add(Seen::Unmeasured, 5_000, false, false);
        bucket.add(Seen::Failed, 5_000, true, false);
        let counts = |latency_us, unknown_is_bad| {
            let goal = Goal {
                latency_us,
                unknown_is_bad,
                ..goal(0.99)
            };
            let Counts { good, bad, .. } = goal.counts(&bucket);
            (good, bad)
        };
        assert_eq!(counts(None, false), (2, 1));
        assert_eq!(counts(Some(500_000), false), (1, 2));
        assert_eq!(counts(Some(500_000), true), (1, 3));
    }

    proptest! {
        #[test]
        fn a_budget_equals_a_naive_recount(bad in proptest::collection::btree_set(0_i64..3_000, 0..60), share in 0.9_f64..0.9999, hours in 1_i64..48) {
            let now_s = 1_800_000_000;
            let mut goal = goal(share);
            goal.window = Window::Rolling(Duration::from_secs(hours as u64 * 3_600));
            let history = history(now_s, |minute| bad.contains(&minute));
            let seen = standing(&goal, &history, now_s);
            // Minutes 0 to hours * 60: a stretch that the window touches counts whole.
            let failed = bad.iter().filter(|minute| **minute < hours * 60).count() as u64;
            let all = hours as u64 * 60;
            prop_assert!(seen.counts.all() == all || seen.counts.all() == all + 1);
            prop_assert!(seen.counts.bad.abs_diff(failed) <= 1);
            let recount = 1.0 - seen.counts.bad as f64 / (seen.counts.all() as f64 * (1.0 - share));
            prop_assert!((seen.remaining.unwrap() - recount).abs() < 1e-9);
        }
    }
}
