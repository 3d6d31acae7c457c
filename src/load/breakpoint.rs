//! The search for the highest rate at which the objectives hold: pure.
//!
//! The rate is raised step by step until one does not hold, then narrowed down between the
//! highest that held and the lowest that did not. A search picks its best of many looks, and the
//! best of many looks flatters; so the rate it ends with is measured once more with fresh
//! requests, and only that measurement is what the report rests on.
//!
//! Invariants: no rate above the highest allowed is asked for; a rate is called confirmed only
//! after it held in a step of its own after the search; the search ends.

use crate::objective::Outcome;
use serde::{Deserialize, Serialize};

/// A step in which the load generator itself could not keep up says nothing about the target, and
/// may be a hiccup of the machine: only so many of them at one rate count.
const OWN_LIMIT_TRIES: usize = 3;
/// Steps of one search at the most.
pub const STEPS_MAX: usize = 60;

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// The first rate.
    pub start: f64,
    /// The highest that is tried.
    pub max: f64,
    /// Each step up is so many times the one before.
    pub factor: f64,
    /// The search ends when what held and what did not are this close, as a share.
    pub precision: f64,
}

/// One rate that was tried.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tried {
    /// Iterations asked for per second.
    pub rate: f64,
    /// Requests made.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Median latency in microseconds.
    pub p50_us: u64,
    /// 95th percentile in microseconds.
    pub p95_us: u64,
    /// 99th percentile in microseconds.
    pub p99_us: u64,
    /// Whether the objectives held.
    pub outcome: Outcome,
    /// Why not.
    pub reason: String,
    /// Whether it was to confirm a rate that had held before.
    pub confirms: bool,
    /// Whether the load generator could not make this rate.
    pub own_limit: bool,
}

/// A search, with all that was tried.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Search {
    /// Rates in the order they were tried.
    pub tried: Vec<Tried>,
    /// The highest rate that held and was confirmed.
    pub held: Option<f64>,
    /// The lowest rate above it that did not hold.
    pub broke: Option<f64>,
    /// Whether that rate was the generator's limit rather than the target's.
    pub own_limit: bool,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Try a rate.
    Try(f64),
    /// Try a rate again that held, with fresh requests.
    Confirm(f64),
    /// The search is over.
    End,
}

/// What is to be done after all that was tried.
pub fn next(range: &Range, tried: &[Tried]) -> Next {
    let Some(last) = tried.last() else {
        return Next::Try(range.start);
    };
    if tried.len() >= STEPS_MAX || (last.confirms && last.outcome == Outcome::Pass) {
        return Next::End;
    }
    if last.own_limit
        && last.outcome != Outcome::Pass
        && own_limits(tried, last.rate) < OWN_LIMIT_TRIES
    {
        return if last.confirms {
            Next::Confirm(last.rate)
        } else {
            Next::Try(last.rate)
        };
    }
    let broke = lowest_broken(tried);
    let held = highest_held(tried);
    match (held, broke) {
        // Not even the first rate held.
        (None, _) => Next::End,
        (Some(held), None) if held >= range.max => Next::Confirm(held),
        (Some(held), None) => Next::Try((held * range.factor).min(range.max)),
        (Some(held), Some(broke)) if broke / held - 1.0 <= range.precision => Next::Confirm(held),
        (Some(held), Some(broke)) => Next::Try(middle(held, broke)),
    }
}

/// What a search came to.
pub fn found(tried: Vec<Tried>) -> Search {
    let held = tried
        .last()
        .filter(|last| last.confirms && last.outcome == Outcome::Pass)
        .map(|last| last.rate);
    let broke = lowest_broken(&tried);
    // Once the target itself failed at that rate, it was the target.
    let own_limit = broke.is_some_and(|rate| {
        let mut broken = tried
            .iter()
            .filter(|step| (step.rate - rate).abs() < 1e-9 && step.outcome != Outcome::Pass);
        broken.all(|step| step.own_limit)
    });
    Search {
        tried,
        held,
        broke,
        own_limit,
    }
}

/// The rate in the middle of two, as ratios go.
fn middle(low: f64, high: f64) -> f64 {
    (low * high).sqrt()
}

/// How often the generator could not make a rate.
fn own_limits(tried: &[Tried], rate: f64) -> usize {
    let same = tried.iter().filter(|step| (step.rate - rate).abs() < 1e-9);
    same.filter(|step| step.own_limit && step.outcome != Outcome::Pass)
        .count()
}

/// A rate at which it did not hold, or was not shown to hold, even once.
fn lowest_broken(tried: &[Tried]) -> Option<f64> {
    let counts = |step: &&Tried| !step.own_limit || own_limits(tried, step.rate) >= OWN_LIMIT_TRIES;
    let broken = tried
        .iter()
        .filter(|step| step.outcome != Outcome::Pass)
        .filter(counts);
    broken.map(|step| step.rate).reduce(f64::min)
}

/// The highest rate that always held, below everything that did not.
fn highest_held(tried: &[Tried]) -> Option<f64> {
    let limit = lowest_broken(tried).unwrap_or(f64::INFINITY);
    let held = tried
        .iter()
        .filter(|step| step.outcome == Outcome::Pass && step.rate < limit);
    held.map(|step| step.rate).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range {
        start: 100.0,
        max: 10_000.0,
        factor: 1.5,
        precision: 0.05,
    };

    fn step(rate: f64, confirms: bool, outcome: Outcome) -> Tried {
        Tried {
            rate,
            requests: 1000,
            errors: 0,
            p50_us: 1,
            p95_us: 1,
            p99_us: 1,
            outcome,
            reason: String::new(),
            confirms,
            own_limit: false,
        }
    }

    fn search(range: &Range, mut target: impl FnMut(f64) -> Outcome) -> Search {
        let mut tried = Vec::new();
        loop {
            let (rate, confirms) = match next(range, &tried) {
                Next::Try(rate) => (rate, false),
                Next::Confirm(rate) => (rate, true),
                Next::End => return found(tried),
            };
            assert!(rate <= range.max);
            tried.push(step(rate, confirms, target(rate)));
        }
    }

    fn limit(limit: f64) -> impl FnMut(f64) -> Outcome {
        move |rate| {
            if rate <= limit {
                Outcome::Pass
            } else {
                Outcome::Fail
            }
        }
    }

    #[test]
    fn the_limit_is_found_within_the_precision() {
        let search = search(&RANGE, limit(777.0));
        let (held, broke) = (search.held.unwrap(), search.broke.unwrap());
        assert!(held <= 777.0 && 777.0 < broke && broke / held < 1.0501);
        assert!(search.tried.len() < 15, "{}", search.tried.len());
    }

    #[test]
    fn a_target_without_limit_and_one_that_never_holds() {
        let fast = search(&RANGE, limit(1e9));
        assert_eq!((fast.held, fast.broke), (Some(10_000.0), None));
        let slow = search(&RANGE, limit(1.0));
        assert_eq!((slow.held, slow.broke), (None, Some(100.0)));
        assert_eq!(slow.tried.len(), 1);
    }

    #[test]
    fn what_held_once_by_luck_is_not_believed() {
        // Lucky at every first look above the limit of 300, and never again.
        let mut seen = Vec::new();
        let lucky = search(&RANGE, |rate| {
            let first = !seen.contains(&rate.to_bits());
            seen.push(rate.to_bits());
            if rate <= 300.0 || (first && rate < 320.0) {
                Outcome::Pass
            } else {
                Outcome::Fail
            }
        });
        assert!(lucky.held.unwrap() <= 300.0);
    }

    #[test]
    fn a_hiccup_of_the_machine_is_not_the_limit_of_the_target() {
        let hiccup = |tried: &mut Vec<Tried>, every: usize| loop {
            let (rate, confirms) = match next(&RANGE, tried) {
                Next::Try(rate) => (rate, false),
                Next::Confirm(rate) => (rate, true),
                Next::End => return found(std::mem::take(tried)),
            };
            let mut step = step(rate, confirms, limit(777.0)(rate));
            if tried.len().is_multiple_of(every) {
                step.outcome = Outcome::Inconclusive;
                step.own_limit = true;
            }
            tried.push(step);
        };
        let search = hiccup(&mut Vec::new(), 3);
        assert!(search.held.unwrap() > 739.0, "{:?}", search.held);
        assert!(!search.own_limit);
        let never = hiccup(&mut Vec::new(), 1);
        assert_eq!((never.held, never.broke), (None, Some(100.0)));
        assert!(never.own_limit && never.tried.len() == 3);
    }

    proptest::proptest! {
        #[test]
        fn it_ends_and_claims_only_what_was_confirmed(answers in proptest::collection::vec(0..3_u8, 1..200), factor in 1.01_f64..4.0, precision in 0.001_f64..0.9) {
            let range = Range { factor, precision, ..RANGE };
            let mut answers = answers.into_iter().cycle();
            let search = search(&range, |_| match answers.next() {
                Some(0) => Outcome::Fail,
                Some(1) => Outcome::Inconclusive,
                _ => Outcome::Pass,
            });
            proptest::prop_assert!(search.tried.len() <= STEPS_MAX);
            if let Some(held) = search.held {
                proptest::prop_assert!(search.broke.is_none_or(|broke| held < broke));
                proptest::prop_assert_eq!(search.tried.last().unwrap().rate, held);
            }
        }
    }
}
