//! A run second by second, in a size that does not grow with its length.

use super::tick::Tick;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// One second.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Point {
    /// Seconds from the start.
    pub t_s: u64,
    /// Requests that ended.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Failed ones by class: all of them, however few, and no average where a point is several seconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub errors_by_class: BTreeMap<String, u64>,
    /// Median in microseconds.
    pub p50_us: u64,
    /// 95th percentile in microseconds.
    pub p95_us: u64,
    /// 99th percentile in microseconds.
    pub p99_us: u64,
    /// Iterations in progress.
    pub active: u64,
    /// Arrivals that waited.
    pub waiting: u64,
    /// How late we started iterations ourselves: 99th percentile in microseconds.
    #[serde(default)]
    pub lateness_p99_us: u64,
    /// Share of the second that the busiest worker spent on a processor, 0 to 1.
    #[serde(default)]
    pub busiest: f64,
}

impl Point {
    /// Of an interval of some seconds: counts are those of a second on average.
    pub fn of(tick: &Tick, seconds: u64) -> Point {
        let at = |quantile| tick.latency.value_at_quantile(quantile);
        let seconds = seconds.max(1);
        Point {
            t_s: tick.second,
            requests: tick.requests / seconds,
            errors: tick.errors / seconds,
            errors_by_class: {
                let classes = tick.classes.iter();
                let named = classes.map(|(class, count)| (class.word().to_owned(), *count));
                named.collect()
            },
            p50_us: at(0.5),
            p95_us: at(0.95),
            p99_us: at(0.99),
            active: tick.active,
            waiting: tick.waiting,
            lateness_p99_us: tick.lateness.value_at_quantile(0.99),
            busiest: tick.busiest.as_secs_f64().min(1.0),
        }
    }
}

/// Makes points of seconds; of a long run, several seconds make one, without loss.
#[derive(Debug)]
pub struct Series {
    points: Vec<Point>,
    seconds: u64,
    open: Option<(u64, Tick)>,
}

impl Series {
    /// For a run of about this length.
    pub fn new(planned: Duration) -> Series {
        let most = crate::limits::SERIES_POINTS_MAX as u64;
        Series {
            points: Vec::new(),
            seconds: planned.as_secs().div_ceil(most).max(1),
            open: None,
        }
    }

    /// A second is over.
    pub fn push(&mut self, tick: Tick) {
        if self.seconds == 1 {
            self.points.push(Point::of(&tick, 1));
            return;
        }
        let (count, merged) = match self.open.take() {
            None => (1, tick),
            Some((count, mut merged)) => {
                let (active, waiting) = (tick.active, tick.waiting);
                merged.merge(tick);
                // These are levels, not counts.
                (merged.active, merged.waiting) = (active, waiting);
                (count + 1, merged)
            }
        };
        if count == self.seconds {
            self.points.push(Point::of(&merged, count));
        } else {
            self.open = Some((count, merged));
        }
    }

    /// All points.
    pub fn finish(mut self) -> Vec<Point> {
        if let Some((count, merged)) = self.open.take() {
            self.points.push(Point::of(&merged, count));
        }
        self.points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_run_is_no_longer_than_a_report_can_hold() {
        let hours = 5 * 3600;
        let mut series = Series::new(Duration::from_secs(hours));
        for second in 0..hours {
            let mut tick = Tick::new(second, 1, Default::default());
            tick.requests = 10;
            tick.latency.record(second).unwrap();
            series.push(tick);
        }
        let points = series.finish();
        assert!(points.len() <= crate::limits::SERIES_POINTS_MAX);
        assert!(points.iter().all(|point| point.requests == 10));
        assert_eq!(points[1].t_s, 3);
    }
}
