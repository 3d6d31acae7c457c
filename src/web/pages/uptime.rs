//! How probes did over days, remembered for a minute: pages are rendered more often than that changes.

use crate::store::StoreFault;
use crate::store::contract::{Store, Stretch};
use crate::watch::rollup::Bucket;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long what was counted is good for, in milliseconds.
const GOOD_FOR_MS: i64 = 60_000;
/// Days that are looked at.
pub const DAYS: i64 = 90;
const DAY_S: i64 = 86_400;
const HOUR_S: i64 = 3_600;

/// How a probe did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Uptime {
    /// The share of the runs that say something that passed, over the last 24 hours, 7, 30 and 90 days.
    pub shares: [Option<f64>; 4],
    /// The last days, the oldest first: the share of each, and how many runs said something.
    pub days: Vec<(Option<f64>, u64)>,
}

/// What the four shares are over.
pub const SPANS: [&str; 4] = ["24 h", "7 d", "30 d", "90 d"];

/// What was counted of probes, and when.
#[derive(Debug, Default)]
pub struct Uptimes(Mutex<HashMap<String, (i64, Uptime)>>);

impl Uptimes {
    fn known(&self) -> MutexGuard<'_, HashMap<String, (i64, Uptime)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a probe did.
    ///
    /// # Errors
    ///
    /// The history cannot be read.
    pub async fn of(&self, store: &Store, probe: &str, now_ms: i64) -> Result<Uptime, StoreFault> {
        let is_fresh = |at_ms: i64| (at_ms..at_ms + GOOD_FOR_MS).contains(&now_ms);
        if let Some((at_ms, uptime)) = self.known().get(probe)
            && is_fresh(*at_ms)
        {
            return Ok(uptime.clone());
        }
        let now_s = now_ms / 1_000;
        let today = now_s.div_euclid(DAY_S) * DAY_S;
        let from = today - (DAYS - 1) * DAY_S;
        let hours_from = (now_s - DAY_S).div_euclid(HOUR_S) * HOUR_S + HOUR_S;
        let days = store.history(probe.to_owned(), Stretch::Day, from).await?;
        let hours = store
            .history(probe.to_owned(), Stretch::Hour, hours_from)
            .await?;
        let uptime = counted(&days, &hours, today);
        let mut known = self.known();
        // Of probes that are no more nothing is remembered for long.
        known.retain(|_, (at_ms, _)| is_fresh(*at_ms));
        known.insert(probe.to_owned(), (now_ms, uptime.clone()));
        Ok(uptime)
    }
}

fn counted(days: &[(i64, Bucket)], hours: &[(i64, Bucket)], today: i64) -> Uptime {
    let sum = |buckets: &mut dyn Iterator<Item = &Bucket>| {
        buckets.fold((0, 0), |(passed, all), bucket| {
            (
                passed + bucket.passed + bucket.impaired,
                all + bucket.measured(),
            )
        })
    };
    let share = |(passed, all): (u64, u64)| (all > 0).then(|| passed as f64 / all as f64);
    let last = |count: i64| {
        let from = today - (count - 1) * DAY_S;
        let within = days
            .iter()
            .filter(move |(at, _)| (from..=today).contains(at));
        share(sum(&mut within.map(|(_, bucket)| bucket)))
    };
    let of_day = |number: i64| {
        let at = today - (DAYS - 1 - number) * DAY_S;
        let found = days.iter().filter(|(day, _)| *day == at);
        let counts = sum(&mut found.map(|(_, bucket)| bucket));
        (share(counts), counts.1)
    };
    Uptime {
        shares: [
            share(sum(&mut hours.iter().map(|(_, bucket)| bucket))),
            last(7),
            last(30),
            last(DAYS),
        ],
        days: (0..DAYS).map(of_day).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(passed: u64, failed: u64) -> Bucket {
        Bucket {
            passed,
            failed,
            unmeasured: 7,
            excluded: 9,
            ..Bucket::default()
        }
    }

    #[test]
    fn days_are_counted_back_from_today_and_what_says_nothing_is_no_share() {
        let today = 100 * DAY_S;
        let days = [
            (today - 89 * DAY_S, bucket(0, 10)),
            (today - 6 * DAY_S, bucket(5, 5)),
            (today, bucket(10, 0)),
            (today + DAY_S, bucket(0, 99)),
        ];
        let found = counted(&days, &[(today, bucket(3, 1))], today);
        assert_eq!(
            found.shares,
            [Some(0.75), Some(0.75), Some(0.75), Some(0.5)]
        );
        assert_eq!(found.days.len(), 90);
        assert_eq!(found.days[0], (Some(0.0), 10));
        assert_eq!(found.days[88], (None, 0));
        assert_eq!(found.days[89], (Some(1.0), 10));
        assert_eq!(counted(&[], &[], today).shares, [None; 4]);
    }
}
