//! Where a measured value goes over hours: a rise that is steady, drops, a middle that is worse than before.
//!
//! Pure. A rise is Theil's and Sen's slope, the median of all slopes between two points, where Kendall's
//! test (Mann 1945) calls it one; a single outlier moves neither. Invariant: nothing is said of a time that
//! was not measured for the most part.

use crate::figures::{figure, percent};
use std::time::Duration;

/// Points that are kept of a time.
const POINTS_MAX: i64 = 240;
/// Fewest points of which a trend is told.
const POINTS_MIN: usize = 20;
/// The share of the time that the points must span.
const SPAN: f64 = 0.75;
/// A rise is one where chance would show it once in a thousand times: this many deviations.
const DEVIATIONS: f64 = 3.1;
/// The newest tenth of the time is compared with what was before.
const NEWEST: i64 = 10;
/// Fewest points in it.
const NEWEST_MIN: usize = 5;
const HOUR_MS: f64 = 3_600_000.0;

/// The name of the time that a run took, in milliseconds.
pub const DURATION: &str = "duration";

/// What must not become of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The value's name.
    pub value: String,
    /// The time that is looked at.
    pub over: Duration,
    /// The most that it may rise in an hour.
    pub rises: Option<Rise>,
    /// How often it may become smaller.
    pub drops: Option<u64>,
    /// How much higher than before the newest may be, as a share.
    pub worse: Option<f64>,
}

/// A rise in an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rise {
    /// In the value's own unit.
    By(f64),
    /// As a share of its median.
    Share(f64),
}

/// A value at a moment: milliseconds since 1970, and the value.
pub type Point = (i64, f64);

/// The newest points of a value, a bounded number of them, and where it became smaller.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    points: Vec<Point>,
    /// The newest, whether it is kept or not.
    last: Option<Point>,
}

/// Points beside those of stretches: of values that become smaller again and again.
const DROP_POINTS_MAX: usize = 2_000;

impl Series {
    /// Takes a point; the points that are kept of it, and so are to be remembered. Of a stretch of time the first
    /// is, and wherever it became smaller both sides of that.
    pub fn take(&mut self, (at_ms, value): Point, over: Duration) -> Vec<Point> {
        let over_ms = i64::try_from(over.as_millis()).unwrap_or(i64::MAX);
        let stretch = (over_ms / POINTS_MAX).max(1);
        // What a clock that was set back leaves ahead of now was not measured then.
        let is_before = |at: i64| (at_ms.saturating_sub(over_ms)..at_ms).contains(&at);
        self.points.retain(|(at, _)| is_before(*at));
        let before = self.last.filter(|(at, _)| is_before(*at));
        self.last = Some((at_ms, value));
        let newest = self.points.last().copied();
        let is_new =
            newest.is_none_or(|(at, _)| at.div_euclid(stretch) != at_ms.div_euclid(stretch));
        let peak = before.filter(|(_, before)| value < *before);
        let has_room = self.points.len() < DROP_POINTS_MAX;
        let mut kept = Vec::new();
        if let Some(peak) = peak.filter(|_| has_room) {
            kept.extend((newest != Some(peak)).then_some(peak));
            kept.push((at_ms, value));
        } else if is_new {
            kept.push((at_ms, value));
        }
        self.points.extend(&kept);
        kept
    }

    /// What is remembered, oldest first.
    pub fn of(points: Vec<Point>) -> Series {
        Series {
            last: points.last().copied(),
            points,
        }
    }

    /// At most one point of a stretch of time, evenly spread over all of it.
    fn spread(&self, over: Duration) -> Vec<Point> {
        let stretch = (i64::try_from(over.as_millis()).unwrap_or(i64::MAX) / POINTS_MAX).max(1);
        let mut spread: Vec<Point> = Vec::new();
        for point in &self.points {
            let place = point.0.div_euclid(stretch);
            if spread
                .last()
                .is_none_or(|(at, _)| at.div_euclid(stretch) != place)
            {
                spread.push(*point);
            }
        }
        spread
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// Slope in an hour, and by how many deviations it is one.
fn slope(points: &[Point]) -> (f64, f64) {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    let mut score = 0_i64;
    for (place, (at, value)) in points.iter().enumerate() {
        for (later, after) in &points[place + 1..] {
            let hours = (later - at) as f64 / HOUR_MS;
            slopes.push((after - value) / hours);
            score += match after.total_cmp(value) {
                std::cmp::Ordering::Greater => 1,
                std::cmp::Ordering::Less => -1,
                std::cmp::Ordering::Equal => 0,
            };
        }
    }
    let n = points.len() as f64;
    let mut sorted: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    sorted.sort_by(f64::total_cmp);
    let ties = sorted.chunk_by(|a, b| a == b).map(|tie| {
        let t = tie.len() as f64;
        t * (t - 1.0) * (2.0 * t + 5.0)
    });
    let variance = (n * (n - 1.0) * (2.0 * n + 5.0) - ties.sum::<f64>()) / 18.0;
    let deviations = match variance > 0.0 {
        true => (score - score.signum()) as f64 / variance.sqrt(),
        false => 0.0,
    };
    (median(slopes), deviations)
}

impl Trend {
    /// What is wrong with where a value goes, if anything is.
    pub fn objection(&self, series: &Series) -> Option<String> {
        let spread = series.spread(self.over);
        self.dropped(&series.points)
            .or_else(|| self.rose(&spread))
            .or_else(|| self.worsened(&spread))
    }

    fn time(&self) -> String {
        crate::duration::show(self.over)
    }

    fn dropped(&self, points: &[Point]) -> Option<String> {
        let most = self.drops?;
        let drops = points.windows(2).filter(|two| two[1].1 < two[0].1);
        let count = drops.count() as u64;
        let (name, time) = (&self.value, self.time());
        (count > most).then(|| format!("`{name}` became smaller {count} times in {time}"))
    }

    fn rose(&self, points: &[Point]) -> Option<String> {
        let limit = self.rises?;
        let (first, last) = (points.first()?.0, points.last()?.0);
        let spans = (last - first) as f64 >= SPAN * self.over.as_secs_f64() * 1e3;
        if points.len() < POINTS_MIN || !spans {
            return None;
        }
        let (slope, deviations) = slope(points);
        let middle = median(points.iter().map(|(_, value)| *value).collect());
        let most = match limit {
            Rise::By(most) => most,
            Rise::Share(share) => share * middle,
        };
        (deviations > DEVIATIONS && slope > most).then(|| {
            format!(
                "`{}` rises by {} an hour over {}, more than {}",
                self.value,
                figure(slope),
                self.time(),
                figure(most)
            )
        })
    }

    fn worsened(&self, points: &[Point]) -> Option<String> {
        let share = self.worse?;
        let last = points.last()?.0;
        let over_ms = i64::try_from(self.over.as_millis()).unwrap_or(i64::MAX);
        let from = last - over_ms / NEWEST;
        let split = points.partition_point(|(at, _)| *at < from);
        let (before, newest) = points.split_at(split);
        let spans = (last - points.first()?.0) as f64 >= SPAN * self.over.as_secs_f64() * 1e3;
        if newest.len() < NEWEST_MIN || before.len() < POINTS_MIN || !spans {
            return None;
        }
        let middle = |points: &[Point]| median(points.iter().map(|(_, value)| *value).collect());
        let (was, is) = (middle(before), middle(newest));
        (is > was * (1.0 + share)).then(|| {
            format!(
                "`{}` is {} now and was {} before, over {}: more than {} worse",
                self.value,
                figure(is),
                figure(was),
                self.time(),
                percent(share)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;

    fn trend(rises: Option<Rise>, drops: Option<u64>, worse: Option<f64>) -> Trend {
        Trend {
            value: "memory".to_owned(),
            over: Duration::from_secs(6 * 3600),
            rises,
            drops,
            worse,
        }
    }

    fn series(trend: &Trend, minutes: i64, value: impl Fn(i64) -> f64) -> Series {
        let mut series = Series::default();
        for minute in 0..minutes {
            series.take((minute * MINUTE, value(minute)), trend.over);
        }
        series
    }

    /// A value that goes up and down by `height`, as between collections of garbage.
    fn saw(minute: i64, height: f64) -> f64 {
        height * (minute % 7) as f64 / 7.0
    }

    #[test]
    fn a_leak_is_told_and_a_saw_without_one_is_not() {
        let limit = trend(Some(Rise::By(2.0)), None, None);
        let leak = series(&limit, 720, |minute| {
            40.0 + saw(minute, 10.0) + minute as f64 * 0.05
        });
        let said = limit.objection(&leak).unwrap();
        assert!(said.starts_with("`memory` rises by 3"), "{said}");
        let well = series(&limit, 720, |minute| 40.0 + saw(minute, 10.0));
        assert_eq!(limit.objection(&well), None);
        let share = trend(Some(Rise::Share(0.02)), None, None);
        assert!(share.objection(&leak).is_some());
    }

    #[test]
    fn of_what_was_measured_for_a_short_time_no_rise_is_told() {
        let limit = trend(Some(Rise::By(0.1)), None, Some(0.1));
        let short = series(&limit, 200, |minute| minute as f64);
        assert_eq!(limit.objection(&short), None);
    }

    #[test]
    fn a_restart_is_a_drop_of_the_uptime() {
        let limit = trend(None, Some(0), None);
        let one = series(&limit, 300, |minute| ((minute % 200) * 60) as f64);
        let said = limit.objection(&one).unwrap();
        assert_eq!(said, "`memory` became smaller 1 times in 6h");
        // One that is started anew every three minutes, at each of which it is looked at ten times.
        let crashing = trend(None, Some(0), None);
        let mut loops = Series::default();
        for tick in 0..2_160_i64 {
            loops.take((tick * 10_000, ((tick % 18) * 10) as f64), crashing.over);
        }
        let said = crashing.objection(&loops).unwrap();
        assert_eq!(said, "`memory` became smaller 119 times in 6h");
        let none = series(&limit, 300, |minute| minute as f64);
        assert_eq!(limit.objection(&none), None);
    }

    #[test]
    fn the_newest_is_compared_with_what_was_before() {
        let limit = trend(None, None, Some(0.5));
        let slow = |minute: i64| if minute < 680 { 100.0 } else { 160.0 };
        let said = limit.objection(&series(&limit, 720, slow)).unwrap();
        assert!(said.contains("is 160 now and was 100 before"), "{said}");
        let once = |minute: i64| if minute == 700 { 900.0 } else { 100.0 };
        assert_eq!(limit.objection(&series(&limit, 720, once)), None);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_bounded_and_in_order(steps in proptest::collection::vec(-20_i64..200, 1..900)) {
            let over = Duration::from_secs(3600);
            let (mut series, mut now) = (Series::default(), 0);
            for step in steps {
                now += step * 1_000;
                series.take((now, 1.0), over);
                prop_assert!(series.points.len() <= POINTS_MAX as usize + 2);
                prop_assert!(series.points.windows(2).all(|two| two[0].0 < two[1].0));
            }
        }
    }
}
