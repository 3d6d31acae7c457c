//! When iterations of an open model should start: a pure sequence of offsets.
//!
//! By k6's semantics: a constant rate starts with one arrival at 0 and has its last one at or
//! before the end; a ramping rate starts its n-th iteration when the integral of the rate
//! reaches n, so its first one is not at 0. Rates may be fractions.

use crate::scenario::plan::{Executor, Stage};
use std::time::Duration;

/// Offsets of arrivals from the start of their executor, ascending.
#[derive(Debug, Clone)]
pub enum Arrivals {
    /// At a constant rate.
    Constant {
        /// Per second.
        rate: f64,
        /// Length in seconds.
        length: f64,
        /// Number of the next one.
        next: u64,
    },
    /// At a rate that changes in straight lines.
    Ramping {
        /// Rate at the start of the current stage.
        from: f64,
        /// Stages that are left.
        stages: Vec<Stage>,
        /// Current stage.
        at: usize,
        /// Start of the current stage in seconds.
        start: f64,
        /// Arrivals before the current stage, with fractions.
        before: f64,
        /// Number of the next one, from 1.
        next: u64,
    },
}

impl Arrivals {
    /// The arrivals of an executor; `None` for closed models.
    pub fn of(executor: &Executor) -> Option<Arrivals> {
        match executor {
            Executor::ConstantArrivalRate {
                rate_per_second,
                duration,
                ..
            } => Some(Arrivals::Constant {
                rate: *rate_per_second,
                length: duration.as_secs_f64(),
                next: 0,
            }),
            Executor::RampingArrivalRate {
                start_per_second,
                stages,
                ..
            } => Some(Arrivals::Ramping {
                from: *start_per_second,
                stages: stages.clone(),
                at: 0,
                start: 0.0,
                before: 0.0,
                next: 1,
            }),
            _ => None,
        }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        match self {
            Arrivals::Constant { rate, length, next } => {
                let offset = *next as f64 / *rate;
                if offset.is_nan() || offset > *length + 1e-9 {
                    return None;
                }
                *next += 1;
                Some(Duration::from_secs_f64(offset))
            }
            Arrivals::Ramping {
                from,
                stages,
                at,
                start,
                before,
                next,
            } => loop {
                let stage = stages.get(*at)?;
                let length = stage.duration.as_secs_f64();
                let area = (*from + stage.target) / 2.0 * length;
                let wanted = *next as f64 - *before;
                // A hair of tolerance: sums of fractions must not lose the last arrival of a stage.
                if wanted <= area + 1e-9 && length > 0.0 {
                    *next += 1;
                    let within = solve(*from, (stage.target - *from) / length, wanted).min(length);
                    return Some(Duration::from_secs_f64(*start + within));
                }
                *before += area;
                *start += length;
                *from = stage.target;
                *at += 1;
            },
        }
    }
}

/// The time t at which `rate·t + slope·t²/2` reaches `area`.
fn solve(rate: f64, slope: f64, area: f64) -> f64 {
    if slope.abs() < 1e-12 {
        return area / rate.max(1e-12);
    }
    let root = (rate * rate + 2.0 * slope * area).max(0.0).sqrt();
    // The form without cancellation.
    2.0 * area / (rate + root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::plan::OpenModel;

    const OPEN: OpenModel = OpenModel {
        users: 1,
        max_users: 1,
        max_wait: Duration::from_secs(60),
    };

    fn millis(executor: &Executor) -> Vec<u128> {
        Arrivals::of(executor)
            .unwrap()
            .map(|offset| (offset.as_secs_f64() * 1e3).round() as u128)
            .collect()
    }

    #[test]
    fn a_constant_rate_starts_at_zero_and_ends_at_its_length() {
        let executor = Executor::ConstantArrivalRate {
            rate_per_second: 2.0,
            duration: Duration::from_secs(2),
            open: OPEN,
        };
        assert_eq!(millis(&executor), [0, 500, 1000, 1500, 2000]);
        let slow = Executor::ConstantArrivalRate {
            rate_per_second: 0.4,
            duration: Duration::from_secs(6),
            open: OPEN,
        };
        assert_eq!(millis(&slow), [0, 2500, 5000]);
    }

    #[test]
    fn a_ramp_starts_its_nth_iteration_when_the_integral_reaches_n() {
        let flat = Executor::RampingArrivalRate {
            start_per_second: 2.0,
            stages: vec![Stage {
                duration: Duration::from_secs(2),
                target: 2.0,
            }],
            open: OPEN,
        };
        assert_eq!(millis(&flat), [500, 1000, 1500, 2000]);
        let up_and_jump = Executor::RampingArrivalRate {
            start_per_second: 0.0,
            stages: vec![
                Stage {
                    duration: Duration::from_secs(2),
                    target: 2.0,
                },
                Stage {
                    duration: Duration::ZERO,
                    target: 10.0,
                },
                Stage {
                    duration: Duration::from_millis(300),
                    target: 10.0,
                },
            ],
            open: OPEN,
        };
        assert_eq!(millis(&up_and_jump), [1414, 2000, 2100, 2200, 2300]);
    }

    proptest::proptest! {
        /// Fractions carry across stages, and nothing is lost or doubled.
        #[test]
        fn as_many_arrivals_as_the_area_under_the_rate(
            start in 0.0f64..50.0,
            stages in proptest::collection::vec((1u64..4000, 0.0f64..50.0), 1..5),
        ) {
            let stages: Vec<Stage> = stages.into_iter().map(|(ms, target)| Stage { duration: Duration::from_millis(ms), target }).collect();
            let executor = Executor::RampingArrivalRate { start_per_second: start, stages, open: OPEN };
            let offsets: Vec<Duration> = Arrivals::of(&executor).unwrap().collect();
            proptest::prop_assert!(offsets.is_sorted());
            let planned = executor.iterations_planned().unwrap();
            proptest::prop_assert!(offsets.len().abs_diff(planned as usize) <= 1);
        }
    }
}
