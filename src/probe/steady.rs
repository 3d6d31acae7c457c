//! A clock that nobody sets, with the time of day at which the process started as its beginning.

use crate::clock;
use chrono::{DateTime, Utc};
use std::sync::{Mutex, PoisonError};
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

/// A clock that was set back by no more is waited for: a time that it shows again is not taken twice.
const WAITED_FOR: chrono::Duration = chrono::Duration::hours(3);

/// Ends once a schedule would be due much earlier than the moment that it waits for: its clock was set back
/// meanwhile. Else it never does.
pub async fn set_back(moment: DateTime<Utc>, next: impl Fn() -> Option<DateTime<Utc>>) {
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let earlier = next().filter(|next| *next + WAITED_FOR < moment);
        if earlier.is_some_and(|earlier| earlier > clock::now()) {
            return;
        }
    }
}

/// A clock that is off by so much more than before was set.
const JUMP_MIN_MS: i64 = 2_000;
/// A jump is a trouble for so long.
const JUMP_TOLD: Duration = Duration::from_secs(600);

/// Notices when somebody sets the clock.
#[derive(Debug, Default)]
pub struct Jumps(Mutex<(i64, Option<(Instant, String)>)>);

impl Jumps {
    /// The last jump, in a sentence, and whether it is new, by how far the time of day is ahead now; nothing
    /// where there was none, or a while ago.
    pub fn look(&self, drift_ms: i64) -> Option<(bool, String)> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, last) = &mut *seen;
        let by = drift_ms - std::mem::replace(known, drift_ms);
        let is_new = by.abs() >= JUMP_MIN_MS;
        if is_new {
            let way = if by > 0 { "forward" } else { "back" };
            let by = crate::duration::show(Duration::from_secs(by.unsigned_abs() / 1_000));
            let text = format!("the clock of this machine was set {way} by {by}");
            *last = Some((Instant::now(), text));
        }
        let (_, text) = last.as_ref().filter(|(at, _)| at.elapsed() < JUMP_TOLD)?;
        Some((is_new, text.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_moves_nothing_and_is_noticed() {
        let (steady, jumps) = (Steady::new(1_000_000), Jumps::default());
        let before = steady.now();
        steady.sleep_until(before + 500_000).await;
        assert_eq!(steady.now() - before, 500_000);
        assert_eq!(jumps.look(3), None);
        let back = jumps.look(-600_000).unwrap();
        assert_eq!(
            back,
            (
                true,
                "the clock of this machine was set back by 10m".to_owned()
            )
        );
        assert!(!jumps.look(-600_001).unwrap().0);
        tokio::time::sleep(JUMP_TOLD).await;
        assert_eq!(jumps.look(-600_002), None, "it is a while ago");
    }
}
