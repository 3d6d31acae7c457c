//! When iterations of an open model should start: a pure sequence of offsets.
//!
//! The planned rate is a line of straight pieces; the area under it up to a moment is the number
//! of arrivals until then. Evenly spaced ones follow k6's semantics: a constant rate starts with
//! one arrival at 0 and has its last one at or before the end; a ramping rate starts its n-th
//! iteration when the area reaches n, so its first one is not at 0. The arrivals of a Poisson
//! process lie at areas whose distances are exponential (time change of a process with rate 1).
//! Rates may be fractions.

use crate::scenario::plan::{Executor, Spacing, Stage};
use std::time::Duration;

/// Offsets of arrivals from the start of their executor, ascending.
#[derive(Debug, Clone)]
pub struct Arrivals {
    line: Line,
    /// The area at which the next arrival lies.
    next: f64,
    /// Number of the next evenly spaced one.
    number: u64,
    /// A constant rate, whose offsets are computed without sums.
    constant: Option<f64>,
    chance: Option<fastrand::Rng>,
    /// Area from one arrival to the next: 1, unless the run was scaled.
    unit: f64,
    /// The rate at the start of the plan.
    first: f64,
}

/// The planned rate over time.
#[derive(Debug, Clone)]
struct Line {
    stages: Vec<Stage>,
    /// Rate at the start of the current stage.
    from: f64,
    /// The current stage.
    at: usize,
    /// Its start in seconds.
    start: f64,
    /// The area before it.
    before: f64,
}

impl Arrivals {
    /// The arrivals of an executor; `None` for closed models. The seed is for those that come by
    /// chance: the same seed gives the same arrivals.
    pub fn of(executor: &Executor, seed: u64) -> Option<Arrivals> {
        let (from, stages, open) = match executor {
            Executor::ConstantArrivalRate {
                rate_per_second,
                duration,
                open,
            } => {
                let stage = Stage {
                    duration: *duration,
                    target: *rate_per_second,
                };
                (*rate_per_second, vec![stage], open)
            }
            Executor::RampingArrivalRate {
                start_per_second,
                stages,
                open,
            } => (*start_per_second, stages.clone(), open),
            _ => return None,
        };
        let constant = matches!(executor, Executor::ConstantArrivalRate { .. }).then_some(from);
        let mut arrivals = Arrivals {
            line: Line {
                stages,
                from,
                at: 0,
                start: 0.0,
                before: 0.0,
            },
            next: 1.0,
            number: 0,
            constant,
            chance: (open.spacing == Spacing::Poisson).then(|| fastrand::Rng::with_seed(seed)),
            unit: 1.0,
            first: from,
        };
        if arrivals.chance.is_some() {
            arrivals.next = 0.0;
            arrivals.advance();
        }
        Some(arrivals)
    }

    /// From a moment of the plan on, the planned rate is multiplied: the sequence starts anew there.
    pub fn scale(&mut self, at: Duration, factor: f64) {
        self.constant = None;
        self.unit = 1.0 / factor;
        self.line = Line {
            at: 0,
            start: 0.0,
            before: 0.0,
            from: self.first,
            stages: std::mem::take(&mut self.line.stages),
        };
        self.next = self.line.area(at.as_secs_f64());
        self.advance();
    }

    fn advance(&mut self) {
        self.next += self.unit
            * match &mut self.chance {
                // 1 − u is never 0, so the logarithm is finite.
                Some(chance) => -(1.0 - chance.f64()).ln(),
                None => 1.0,
            };
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if let (Some(rate), None) = (self.constant, &self.chance) {
            let length = self.line.stages.first()?.duration.as_secs_f64();
            let offset = self.number as f64 / rate;
            if offset.is_nan() || offset > length + 1e-9 {
                return None;
            }
            self.number += 1;
            return Some(Duration::from_secs_f64(offset));
        }
        let offset = self.line.reach(self.next)?;
        self.advance();
        Some(Duration::from_secs_f64(offset))
    }
}

impl Line {
    /// The area up to a second, from the start of the plan.
    fn area(&self, second: f64) -> f64 {
        let (mut from, mut left, mut area) = (self.from, second, 0.0);
        for stage in &self.stages {
            let length = stage.duration.as_secs_f64();
            if left < length {
                let slope = (stage.target - from) / length;
                return area + from * left + slope * left * left / 2.0;
            }
            area += (from + stage.target) / 2.0 * length;
            left -= length;
            from = stage.target;
        }
        area
    }

    /// The second at which the area reaches a value; values only grow.
    fn reach(&mut self, area: f64) -> Option<f64> {
        loop {
            let stage = self.stages.get(self.at)?;
            let length = stage.duration.as_secs_f64();
            let whole = (self.from + stage.target) / 2.0 * length;
            let wanted = area - self.before;
            // A hair of tolerance: sums of fractions must not lose the last arrival of a stage.
            if wanted <= whole + 1e-9 && length > 0.0 {
                let within = solve(self.from, (stage.target - self.from) / length, wanted);
                return Some(self.start + within.min(length));
            }
            self.before += whole;
            self.start += length;
            self.from = stage.target;
            self.at += 1;
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
        spacing: Spacing::Even,
    };
    const POISSON: OpenModel = OpenModel {
        spacing: Spacing::Poisson,
        ..OPEN
    };

    fn millis(executor: &Executor) -> Vec<u128> {
        Arrivals::of(executor, 0)
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

    /// A Poisson process: the gaps have the mean of the rate and, as exponential ones do, a
    /// standard deviation that equals it; counts of disjoint seconds vary as much as their mean.
    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread_of_independent_people() {
        let executor = Executor::ConstantArrivalRate {
            rate_per_second: 200.0,
            duration: Duration::from_secs(500),
            open: POISSON,
        };
        let seconds: Vec<f64> = Arrivals::of(&executor, 7)
            .unwrap()
            .map(|offset| offset.as_secs_f64())
            .collect();
        let expected = 200.0 * 500.0_f64;
        assert!((seconds.len() as f64 - expected).abs() < 4.0 * expected.sqrt());
        let gaps: Vec<f64> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02);
        let mut counts = vec![0.0_f64; 500];
        for second in &seconds {
            counts[(*second as usize).min(499)] += 1.0;
        }
        let mean = counts.iter().sum::<f64>() / 500.0;
        let variance = counts.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 500.0;
        assert!((variance / mean - 1.0).abs() < 0.3, "{}", variance / mean);
        let again: Vec<f64> = Arrivals::of(&executor, 7)
            .unwrap()
            .map(|offset| offset.as_secs_f64())
            .collect();
        assert_eq!(seconds, again, "the same seed gives the same arrivals");
    }

    #[test]
    fn a_scaled_plan_goes_on_with_the_new_rate() {
        let executor = Executor::ConstantArrivalRate {
            rate_per_second: 2.0,
            duration: Duration::from_secs(3),
            open: OPEN,
        };
        let mut arrivals = Arrivals::of(&executor, 0).unwrap();
        assert_eq!(arrivals.by_ref().take(2).count(), 2);
        arrivals.scale(Duration::from_secs(1), 2.0);
        let rest: Vec<f64> = arrivals.map(|offset| offset.as_secs_f64()).collect();
        assert_eq!(rest, [1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0]);
        // A slow plan that is scaled down and back does not sleep through what comes after.
        let slow = Executor::ConstantArrivalRate {
            rate_per_second: 1.0,
            duration: Duration::from_secs(100),
            open: OPEN,
        };
        let mut arrivals = Arrivals::of(&slow, 0).unwrap();
        arrivals.scale(Duration::from_secs(3), 0.01);
        arrivals.scale(Duration::from_secs(5), 1.0);
        assert_eq!(arrivals.next(), Some(Duration::from_secs(6)));
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
            let offsets: Vec<Duration> = Arrivals::of(&executor, 0).unwrap().collect();
            proptest::prop_assert!(offsets.is_sorted());
            let planned = executor.iterations_planned().unwrap();
            proptest::prop_assert!(offsets.len().abs_diff(planned as usize) <= 1);
        }
    }
}
