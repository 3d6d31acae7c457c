//! Whole gates on simulated services: a smoke of ten steps, a load, a bake.

use super::{Kind, slots, stream};
use bellwether::gate::forecast;
use bellwether::objective::confirmation::{Confirmation, Performance};
use bellwether::objective::levels::Levels;
use bellwether::objective::rounds::Rounds;
use bellwether::objective::rule::Rule;
use bellwether::objective::trial::{Conclusion, Trial};
use bellwether::objective::{Objective, Outcome};

/// Steps of the smoke, and of a round of the bake.
const STEPS: usize = 10;
/// Rounds of the bake.
const ROUNDS: u64 = 60;
/// Pause between them, in seconds.
const EVERY: f64 = 5.0;
/// Pause before a performance that failed is repeated, in seconds.
const PAUSE: f64 = 0.4;
/// Time of one request, in seconds.
const REQUEST: f64 = 0.02;

/// How a service fails in smoke and bake, beside what it does under load.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// What it is called in a table.
    pub name: &'static str,
    /// Whether a rollback is wrong.
    pub is_healthy: bool,
    /// What it does under load.
    pub load: Kind,
    /// The share of any request that fails.
    pub any: f64,
    /// The share that fails of one step more than of the others.
    pub one: f64,
    /// The round of the bake from which this is so; 0 for always.
    pub from: u64,
}

const fn service(name: &'static str, is_healthy: bool, load: Kind, any: f64, one: f64) -> Service {
    Service {
        name,
        is_healthy,
        load,
        any,
        one,
        from: 0,
    }
}

/// All of them, healthy ones first.
pub const SERVICES: [Service; 11] = [
    service("healthy, 0.2 % fail", true, Kind::Healthy, 0.002, 0.0),
    service("healthy, 0.5 % fail", true, Kind::Bursts, 0.005, 0.0),
    service("exactly at its limits", true, Kind::AtLimit, 0.01, 0.0),
    service(
        "autocorrelated, at its limits",
        true,
        Kind::AutoAtLimit,
        0.01,
        0.0,
    ),
    service("BROKEN: one step", false, Kind::Healthy, 0.002, 1.0),
    service(
        "BROKEN: one step in half of the cases",
        false,
        Kind::Healthy,
        0.002,
        0.5,
    ),
    service(
        "BROKEN: one step in a fifth of the cases",
        false,
        Kind::Healthy,
        0.002,
        0.2,
    ),
    service(
        "BROKEN: 4 % errors everywhere",
        false,
        Kind::Failing,
        0.04,
        0.0,
    ),
    service("BROKEN: 8 % over the limit", false, Kind::Slow, 0.002, 0.0),
    Service {
        from: 30,
        ..service(
            "BROKEN: one step, after half of the bake",
            false,
            Kind::Healthy,
            0.002,
            1.0,
        )
    },
    service("BROKEN: dead", false, Kind::Dead, 1.0, 1.0),
];

impl Service {
    /// One performance of all steps, and how long it takes.
    fn perform(&self, round: u64, chance: &mut fastrand::Rng) -> (Performance, f64) {
        for step in 0..STEPS {
            let more = if step == STEPS / 2 && round >= self.from {
                self.one
            } else {
                0.0
            };
            if chance.f64() < self.any.max(more) {
                return (Performance::Failed(step), (step + 1) as f64 * REQUEST);
            }
        }
        (Performance::Passed, STEPS as f64 * REQUEST)
    }

    /// What a whole gate concludes, and after how many seconds.
    pub fn gate(&self, seed: u64) -> (Conclusion, f64) {
        let mut chance = fastrand::Rng::with_seed(seed ^ 0x6A7E);
        let levels = Levels::of(Rule::default().rollback_level, [true; 3]);
        let rule = levels.of_load(Rule::default(), 1);
        let smoke = Confirmation {
            allowed: rule.allowance,
            level: levels.smoke,
            occasions: 1,
            requests: vec![1; STEPS],
        };
        let mut seconds = -PAUSE;
        let (_, outcome) = forecast::smoke(&smoke, &mut || {
            // A fault that comes later is not there yet.
            let (performance, took) = self.perform(0, &mut chance);
            seconds += took + PAUSE;
            performance
        });
        match outcome {
            Outcome::Fail => return (Conclusion::Rollback, seconds),
            Outcome::Inconclusive => return (Conclusion::Inconclusive, seconds),
            Outcome::Pass => {}
        }
        let (conclusion, took) = self.load(rule, seed);
        seconds += took;
        if conclusion != Conclusion::Promote {
            return (conclusion, seconds);
        }
        self.bake(levels.bake / 2.0, seconds, &mut chance)
    }

    fn load(&self, rule: Rule, seed: u64) -> (Conclusion, f64) {
        let objectives = ["p95 < 300ms", "error_rate < 1%"]
            .map(|text| Objective::parse(text).expect("a constant"));
        let mut trial = Trial::new(rule, &objectives);
        for slot in slots(&stream(self.load, seed), &[]) {
            trial.slot(&slot);
            if trial.called().is_some() {
                break;
            }
        }
        (trial.conclude(1), trial.elapsed().as_secs_f64())
    }

    fn bake(&self, level: f64, before: f64, chance: &mut fastrand::Rng) -> (Conclusion, f64) {
        let allowed = Rule::default().allowance;
        let confirmation = Confirmation {
            allowed,
            level,
            occasions: ROUNDS,
            requests: vec![1; STEPS],
        };
        let rounds = Rounds::new(allowed, &[vec![1; STEPS]], level);
        let mut performing = 0.0;
        let (outcome, performed) = forecast::bake(rounds, ROUNDS, &confirmation, &mut |round| {
            let (performance, took) = self.perform(round, chance);
            performing += took;
            performance
        });
        let conclusion = match outcome {
            Outcome::Pass => Conclusion::Promote,
            Outcome::Fail => Conclusion::Rollback,
            Outcome::Inconclusive => Conclusion::Inconclusive,
        };
        (
            conclusion,
            before + (performed - 1) as f64 * EVERY + performing,
        )
    }
}
