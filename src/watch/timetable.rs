//! When a probe with an interval is due: a grid of its own, which no reload, restart or run moves.
//!
//! Pure. Times are microseconds on a steady clock: the time of day when the process started, and what has
//! passed since on a clock that nobody sets. So a grid is the same after a restart, and a clock that is
//! set back or forward while the process lives moves nothing.

use std::time::Duration;

/// A probe that was never measured, or not for a whole interval, is measured within this time.
const SOON: Duration = Duration::from_secs(10);

/// Where a name stands between 0 and 1, by nothing but the name. Names that differ in one letter
/// stand far from each other.
pub fn share_of(name: &str) -> f64 {
    // FNV-1a, and the finalizer of SplitMix64: FNV alone leaves the upper bits of like names alike.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The moments at which one probe is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    interval: i64,
    phase: i64,
}

impl Grid {
    /// The grid of a name: intervals are at least a millisecond.
    pub fn new(name: &str, interval: Duration) -> Grid {
        let interval = i64::try_from(interval.as_micros())
            .unwrap_or(i64::MAX)
            .max(1_000);
        let phase = (interval as f64 * share_of(name)) as i64;
        Grid { interval, phase }
    }

    /// The first moment after this one.
    pub fn after(&self, now: i64) -> i64 {
        let passed = (now - self.phase).div_euclid(self.interval);
        self.phase + (passed + 1).saturating_mul(self.interval)
    }

    /// The first run after a start. `last` is when it was measured last: who has missed a whole interval
    /// is measured soon, and everybody else on the grid.
    pub fn first(&self, name: &str, last: Option<i64>, now: i64) -> i64 {
        let soon = self.interval.min(SOON.as_micros() as i64);
        // What lies in the future was written by a clock that has been set back since.
        let is_overdue = last.is_none_or(|last| now - last > self.interval || last > now);
        let next = self.after(now);
        if is_overdue {
            next.min(now + (soon as f64 * share_of(name)) as i64)
        } else {
            next
        }
    }

    /// The next run after one that was due at `due`, and how many were missed meanwhile.
    pub fn next(&self, due: i64, now: i64) -> (i64, u64) {
        // A first run between two moments of the grid stands for the next of them, if that is near.
        let is_on_grid = (due - self.phase).rem_euclid(self.interval) == 0;
        let next = self.after(if is_on_grid {
            due
        } else {
            due + self.interval / 2
        });
        if next > now {
            return (next, 0);
        }
        let later = self.after(now);
        (later, ((later - next) / self.interval).max(0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn like_names_are_spread_over_the_whole_interval() {
        let mut places: Vec<f64> = (0..1000).map(|n| share_of(&format!("probe-{n}"))).collect();
        places.sort_by(f64::total_cmp);
        let gaps = places.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.fold(0.0, f64::max) < 0.012, "a hole in the spread");
        for tenth in 0..10 {
            let (from, to) = (f64::from(tenth) / 10.0, f64::from(tenth + 1) / 10.0);
            let count = places.iter().filter(|at| (from..to).contains(*at)).count();
            assert!((70..=130).contains(&count), "{count} of 1000 in one tenth");
        }
    }

    #[test]
    fn a_probe_that_missed_its_time_is_measured_soon_and_then_on_its_grid() {
        let hour = Grid::new("nightly", Duration::from_secs(3600));
        let now = 1_800_000_000 * SECOND;
        let first = hour.first("nightly", None, now);
        assert!((0..=10 * SECOND).contains(&(first - now)));
        let again = hour.first("nightly", Some(now - 60 * SECOND), now);
        assert_eq!(again, hour.after(now), "it was measured a minute ago");
        let set_back = hour.first("nightly", Some(now + 60 * SECOND), now);
        assert!(set_back - now <= 10 * SECOND);
    }

    proptest! {
        #[test]
        fn a_grid_is_never_left(interval in 1_u64..100_000, now in 0_i64..2_000_000_000_000_000, late in 0_i64..500_000_000) {
            let grid = Grid::new("any", Duration::from_millis(interval));
            let due = grid.after(now);
            prop_assert!(due > now && due - now <= interval as i64 * 1000);
            let (next, missed) = grid.next(due, due + late);
            prop_assert!(next > due + late || missed == 0 && next > due);
            prop_assert_eq!((next - due) % (interval as i64 * 1000), 0);
            prop_assert_eq!((next - due) / (interval as i64 * 1000) - 1, missed as i64);
            // A restart finds the same grid.
            prop_assert_eq!(grid.after(next - 1), next);
        }
    }
}
