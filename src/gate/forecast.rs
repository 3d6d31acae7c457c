//! What a gate promises before it has run: how often it rolls back a good deploy, and how often it
//! promotes one of which a step is broken. Pure.
//!
//! The first is the level that each phase may spend; the second is simulated, with chance from fixed
//! seeds, so that the same gate is always told the same.

use crate::duration::show;
use crate::figures::percent;
use crate::objective::Outcome;
use crate::objective::binomial;
use crate::objective::confirmation::{Confirmation, Performance};
use crate::objective::judge::PROMOTE_LEVEL;
use crate::objective::rounds::Rounds;
use crate::objective::rule::Rule;
use crate::project::counter::Counter;
use crate::project::gate::{Bake, Gate};
use crate::scenario::Plan;
use crate::witness::counters::block_of;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Gates that are simulated for each share.
const GATES: u64 = 400;
/// Rounds of a bake that are simulated at the most: longer ones find no less.
const ROUNDS_MAX: u64 = 120;

/// A smoke: what the first performance came to, and the smoke after all.
pub fn smoke(
    confirmation: &Confirmation,
    perform: &mut dyn FnMut() -> Performance,
) -> (Performance, Outcome) {
    let first = perform();
    if first == Performance::Passed {
        return (first, Outcome::Pass);
    }
    let mut series = confirmation.begin(first);
    loop {
        if let Some(outcome) = series.outcome() {
            return (first, outcome);
        }
        series.note(perform());
    }
}

/// A bake of one scenario, of so many rounds: its outcome, and the rounds that it took.
pub fn bake(
    mut rounds: Rounds,
    count: u64,
    confirmation: &Confirmation,
    perform: &mut dyn FnMut(u64) -> Performance,
) -> (Outcome, u64) {
    for round in 0..count {
        let (first, settled) = smoke(confirmation, &mut || perform(round));
        rounds.note(&[first]);
        rounds.settle_last(settled);
        if settled == Outcome::Fail || rounds.are_enough() {
            return (Outcome::Fail, round + 1);
        }
    }
    let objection = rounds.objection();
    (
        objection.map_or(Outcome::Pass, |(outcome, _)| outcome),
        count,
    )
}

/// How failures of all of these scenarios are confirmed, as if they were one.
fn confirmation(
    paths: &[PathBuf],
    plans: &BTreeMap<PathBuf, Arc<Plan>>,
    rule: Rule,
    (level, occasions): (f64, u64),
) -> Confirmation {
    let plans = paths.iter().filter_map(|path| plans.get(path));
    Confirmation {
        allowed: rule.allowance,
        level,
        occasions,
        requests: plans.flat_map(|plan| plan.requests_of_steps()).collect(),
    }
}

/// Steps that may fail.
fn steps(confirmation: &Confirmation) -> String {
    let steps = confirmation
        .requests
        .iter()
        .filter(|requests| **requests > 0);
    counted(steps.count() as u64, "step")
}

/// The promises of a gate, in lines.
pub fn told(gate: &Gate, plans: &BTreeMap<PathBuf, Arc<Plan>>) -> Vec<String> {
    let (levels, rule) = (gate.levels(), gate.rule);
    let mut lines = vec![format!(
        "gate `{}`: of deploys within their objectives at most {} are rolled back",
        gate.name,
        percent(rule.rollback_level)
    )];
    let of_smoke = confirmation(&gate.smoke, plans, rule, (levels.smoke, 1));
    if levels.smoke > 0.0 {
        lines.push(format!(
            "  smoke {:>7}   {}, of which {} may fail: {}",
            percent(levels.smoke),
            steps(&of_smoke),
            percent(rule.allowance),
            how(&of_smoke)
        ));
    }
    if levels.load > 0.0 {
        lines.push(format!(
            "  load  {:>7}   {}; beyond {} times a limit it promotes at most {}",
            percent(levels.load),
            counted(gate.load.len() as u64, "load"),
            rule.indifference,
            percent(rule.promote_level)
        ));
    }
    let mut of_bake = None;
    if let Some(bake) = &gate.bake {
        let level = levels.bake / bake.parts() as f64;
        let by = confirmation(&bake.scenarios, plans, rule, (level, bake.rounds()));
        lines.push(format!(
            "  bake  {:>7}   {} of {} in {}: {}",
            percent(levels.bake),
            counted(bake.rounds(), "round"),
            steps(&by),
            show(bake.duration),
            how(&by)
        ));
        lines.extend(bake.counters.iter().map(|counter| counters(counter, bake)));
        let rounds = Rounds::new(rule.allowance, std::slice::from_ref(&by.requests), level);
        of_bake = Some((by, rounds, bake.rounds().min(ROUNDS_MAX)));
    }
    if levels.smoke > 0.0 || of_bake.is_some() {
        let promoted = |share: f64| {
            let smoke = (levels.smoke > 0.0).then_some(&of_smoke);
            percent(promoted(share, smoke, of_bake.as_ref()))
        };
        lines.push(format!(
            "  broken: a step that always fails is promoted in {} of deploys, one in half of the cases in {}, one in a fifth in {}, whatever the load finds",
            promoted(1.0),
            promoted(0.5),
            promoted(0.2)
        ));
    }
    lines
}

/// What counters of a bake need.
fn counters(counter: &Counter, bake: &Bake) -> String {
    let block = block_of(counter.scrape);
    let blocks = bake.duration.as_secs() / block.as_secs().max(1);
    let share = counter.objective.allowed_share().unwrap_or(0.0);
    format!(
        "        counters `{}`: `{}` over {} of {}; promoted from {} requests on",
        counter.name,
        counter.objective.text,
        counted(blocks, "scrape"),
        show(block),
        binomial::flawless_needed(share, PROMOTE_LEVEL)
    )
}

fn counted(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The step with the fewest requests: of one that is repeated more may fail.
fn ordinary(confirmation: &Confirmation) -> usize {
    let steps = confirmation.requests.iter().enumerate();
    let step = steps
        .filter(|(_, requests)| **requests > 0)
        .min_by_key(|(_, requests)| **requests);
    step.map_or(0, |(step, _)| step)
}

fn how(confirmation: &Confirmation) -> String {
    let step = ordinary(confirmation);
    let most = confirmation.performances(step);
    let fewest = (1..=most).find(|count| confirmation.failures_in(step, *count) <= *count);
    format!(
        "one that fails is performed again, up to {most} times in all; {} failures in a row are enough",
        fewest.unwrap_or(most)
    )
}

/// The share of deploys that pass smoke and bake though one step fails in a share of cases.
fn promoted(
    share: f64,
    smoke_by: Option<&Confirmation>,
    bake_by: Option<&(Confirmation, Rounds, u64)>,
) -> f64 {
    let passes = |gate: &u64| {
        let mut chance = fastrand::Rng::with_seed(*gate);
        let mut perform = |step| match chance.f64() < share {
            true => Performance::Failed(step),
            false => Performance::Passed,
        };
        if smoke_by.is_some_and(|by| {
            let step = ordinary(by);
            smoke(by, &mut || perform(step)).1 != Outcome::Pass
        }) {
            return false;
        }
        bake_by.is_none_or(|(by, rounds, count)| {
            let step = ordinary(by);
            bake(rounds.clone(), *count, by, &mut |_| perform(step)).0 == Outcome::Pass
        })
    };
    (0..GATES).filter(passes).count() as f64 / GATES as f64
}
