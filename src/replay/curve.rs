//! The evidence over time: a kept trial, replayed and looked at after every block. Pure.

use super::band::{Lower, lower_at_end, upper};
use crate::objective::Objective;
use crate::objective::evidence::Evidence;
use crate::objective::rule::Rule;
use crate::objective::slot::slots_of;
use crate::objective::trial::Trial;
use crate::objective::verdict::{self, Judged};
use serde::{Deserialize, Serialize};

/// What an objective's evidence came to, moment by moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Curve {
    /// As written.
    pub objective: String,
    /// The threshold of a rollback, as odds to one.
    pub needed: f64,
    /// The share of bad requests that is allowed.
    #[serde(default)]
    pub limit: f64,
    /// Below it, a promotion is certain enough.
    #[serde(default)]
    pub bound: f64,
    /// Seconds at the beginning from which nothing is concluded, but that a deploy is dead.
    #[serde(default)]
    pub warm_up_s: f64,
    /// Whether there was a baseline beside it.
    pub with_baseline: bool,
    /// Its points.
    pub points: Vec<CurvePoint>,
}

/// One moment.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Seconds from the start.
    pub t_s: f64,
    /// ln of the odds that the limit is broken.
    pub ln_broken: f64,
    /// ln of the odds that the candidate is worse than its baseline.
    pub ln_worse: f64,
    /// Requests of the candidate that count so far.
    #[serde(default)]
    pub requests: u64,
    /// The bad share of the candidate so far, 0 where none counts.
    pub share: f64,
    /// The bad share of the baseline so far.
    pub baseline: f64,
    /// The largest share of which it is certain that there are more.
    #[serde(default)]
    pub low: f64,
    /// The smallest share of which it is certain that there are fewer.
    #[serde(default = "all")]
    pub high: f64,
}

fn all() -> f64 {
    1.0
}

/// Replays kept evidence: its curves, and what it comes to.
pub fn replay(evidence: &Evidence) -> Option<(Vec<Curve>, Judged)> {
    let rule = evidence.rule.unwrap_or_default();
    let looks = evidence.looks.max(1);
    let parsed: Result<Vec<Objective>, String> = evidence
        .objectives
        .iter()
        .map(|text| Objective::parse(text))
        .collect();
    let objectives = parsed.ok()?;
    let mut trial = Trial::new(rule, &objectives);
    let mut curves: Vec<Curve> = objectives
        .iter()
        .map(|objective| Curve {
            objective: objective.text.clone(),
            needed: rule.rollback_threshold(objectives.len()),
            limit: 0.0,
            bound: 0.0,
            warm_up_s: rule.warm_up.as_secs_f64(),
            with_baseline: false,
            points: Vec::new(),
        })
        .collect();
    let count = objectives.len();
    let mut lowers: Vec<Lower> = (0..count)
        .map(|number| {
            let limit = trial.standing(number, looks).limit;
            curves[number].limit = limit;
            curves[number].bound = rule.bound(limit);
            Lower::new(rule, count, limit)
        })
        .collect();
    for (number, slot) in evidence.slots().iter().enumerate() {
        for (objective, lower) in lowers.iter_mut().enumerate() {
            lower.slot(slot, objective);
        }
        trial.slot(slot);
        let called = trial.called().is_some();
        if called || (number as u64 + 1).is_multiple_of(slots_of(rule.block)) {
            look(&trial, &rule, looks, &lowers, &mut curves);
        }
        if called {
            break;
        }
    }
    for (number, curve) in curves.iter_mut().enumerate() {
        if let Some(last) = curve.points.last_mut() {
            let standing = trial.standing(number, looks);
            last.low = last.low.max(lower_at_end(&rule, count, looks, &standing));
        }
    }
    let judged = verdict::describe(&rule, &objectives, &trial, looks);
    Some((curves, judged))
}

fn look(trial: &Trial, rule: &Rule, looks: u32, lowers: &[Lower], curves: &mut [Curve]) {
    for (number, curve) in curves.iter_mut().enumerate() {
        let standing = trial.standing(number, looks);
        let share = standing.candidate.share().unwrap_or(0.0);
        curve.with_baseline |= standing.baseline.requests > 0;
        curve.points.push(CurvePoint {
            t_s: trial.elapsed().as_secs_f64(),
            ln_broken: standing.ln_broken,
            ln_worse: standing.ln_worse,
            requests: standing.candidate.requests,
            share,
            baseline: standing.baseline.share().unwrap_or(0.0),
            // What was certain of a bad beginning is not of the whole, unless it was enough to call the limit broken.
            low: match lowers[number].end() {
                low if low >= standing.limit - 1e-12 => low,
                low => low.min(share),
            },
            high: upper(rule, looks, &standing),
        });
    }
}
