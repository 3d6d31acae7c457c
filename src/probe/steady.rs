//! A clock that nobody sets, with the time of day at which the process started as its beginning.

use crate::clock;
use chrono::{DateTime, Utc};
use std::time::Duration;
use tokio::time::Instant;

/// The steady clock: microseconds since 1970 as they were at the start, and what has passed since.
#[derive(Debug, Clone, Copy)]
pub struct Steady {
    base: i64,
    start: Instant,
}

impl Steady {
    /// One that starts at this time of day.
    pub fn new(now_ms: i64) -> Steady {
        Steady {
            base: now_ms.saturating_mul(1_000),
            start: Instant::now(),
        }
    }

    /// Microseconds now.
    pub fn now(&self) -> i64 {
        self.base + i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX)
    }

    /// How far the time of day is ahead of it, in milliseconds.
    pub fn drift_ms(&self, now_ms: i64) -> i64 {
        now_ms - self.now() / 1_000
    }

    /// Sleeps until a moment on it.
    pub async fn sleep_until(&self, moment: i64) {
        let left = u64::try_from(moment - self.base).unwrap_or(0);
        tokio::time::sleep_until(self.start + Duration::from_micros(left)).await;
    }
}

/// Sleeps until a time of day, looking at the clock again now and then: one that is set, or a machine that
/// slept, must not delay a schedule by more than a few seconds.
pub async fn sleep_until_civil(moment: DateTime<Utc>) {
    loop {
        let left = (moment - clock::now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(Duration::from_secs(5))).await;
    }
}
