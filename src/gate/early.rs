//! Stopping a load that is lost already: pure.
//!
//! Looked at once a second, so the level of each look is set such that even two hours of looks
//! together wrongly stop a healthy service less than once in a hundred runs (union bound).

use crate::load::Tick;
use crate::load::recorder::{add, histogram};
use crate::objective::{Metric, Objective, binomial};
use hdrhistogram::Histogram;

/// Level of one look: 7,200 looks at this level add up to less than one in a hundred.
const LOOK_LEVEL: f64 = 1e-6;

/// What was seen so far.
#[derive(Debug)]
pub struct EarlyStop {
    requests: u64,
    errors: u64,
    latency: Histogram<u64>,
    objectives: Vec<(f64, Option<u64>)>,
}

impl EarlyStop {
    /// For the objectives of a load that concern all its steps.
    pub fn new(objectives: &[Objective]) -> EarlyStop {
        let judged = objectives
            .iter()
            .filter(|objective| objective.step.is_none())
            .filter_map(|objective| {
                let share = objective.allowed_share().filter(|share| *share > 0.0)?;
                let limit = matches!(objective.metric, Metric::Quantile(_))
                    .then_some(objective.limit as u64);
                Some((share, limit))
            });
        EarlyStop {
            requests: 0,
            errors: 0,
            latency: histogram(),
            objectives: judged.collect(),
        }
    }

    /// Takes a second; whether the load is lost.
    pub fn is_lost(&mut self, tick: &Tick) -> bool {
        self.requests += tick.requests;
        self.errors += tick.errors;
        add(&mut self.latency, &tick.latency);
        self.objectives.iter().any(|(share, limit)| {
            let slow = limit.map_or(0, |limit| {
                self.latency.len() - self.latency.count_between(0, limit)
            });
            let bad = (self.errors + slow).min(self.requests);
            bad as f64 > share * self.requests as f64
                && binomial::upper_tail(bad, self.requests, *share) <= LOOK_LEVEL
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_deploy_is_lost_after_a_few_requests_and_a_healthy_one_never() {
        let objectives = [Objective::parse("error_rate < 5%").unwrap()];
        let tick = |requests, errors| Tick {
            requests,
            errors,
            ..Tick::new(0, 0)
        };
        let mut dead = EarlyStop::new(&objectives);
        assert!(dead.is_lost(&tick(10, 10)));
        let mut healthy = EarlyStop::new(&objectives);
        assert!((0..1000).all(|_| !healthy.is_lost(&tick(20, 1))));
    }
}
