//! A run second by second.

use super::summary::Quantiles;
use crate::load::Tick;
use crate::load::recorder::{add, histogram};
use serde::{Deserialize, Serialize};

/// One second.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Point {
    /// Seconds from the start.
    pub t_s: u64,
    /// Requests that ended.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
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
    /// Of a second.
    pub fn of(tick: &Tick) -> Point {
        let quantiles = Quantiles::of(&tick.latency);
        Point {
            t_s: tick.second,
            requests: tick.requests,
            errors: tick.errors,
            p50_us: quantiles.p50,
            p95_us: quantiles.p95,
            p99_us: quantiles.p99,
            active: tick.active,
            waiting: tick.waiting,
            lateness_p99_us: Quantiles::of(&tick.lateness).p99,
            busiest: tick.busiest.as_secs_f64().min(1.0),
        }
    }
}

/// A series that is not longer than a report can hold: of a long run, several seconds make a point.
pub fn thinned(series: &[Tick]) -> Vec<Point> {
    let group = series
        .len()
        .div_ceil(crate::limits::SERIES_POINTS_MAX)
        .max(1);
    series
        .chunks(group)
        .map(|chunk| {
            if let [single] = chunk {
                return Point::of(single);
            }
            let first = &chunk[0];
            let (mut latency, mut lateness) = (histogram(), histogram());
            let (mut requests, mut errors, mut busiest) = (0, 0, 0.0_f64);
            for tick in chunk {
                add(&mut latency, &tick.latency);
                add(&mut lateness, &tick.lateness);
                requests += tick.requests;
                errors += tick.errors;
                busiest = busiest.max(tick.busiest.as_secs_f64().min(1.0));
            }
            let quantiles = Quantiles::of(&latency);
            Point {
                t_s: first.second,
                requests: requests / chunk.len() as u64,
                errors: errors / chunk.len() as u64,
                p50_us: quantiles.p50,
                p95_us: quantiles.p95,
                p99_us: quantiles.p99,
                active: first.active,
                waiting: first.waiting,
                lateness_p99_us: Quantiles::of(&lateness).p99,
                busiest,
            }
        })
        .collect()
}
