//! From slots of evidence to a verdict with its reasons: pure.

use super::judge::{PROMOTE_LEVEL, bad_in_words};
use super::rule::Rule;
use super::slot::Slot;
use super::trial::{Conclusion, Standing, Trial};
use super::{Objective, binomial};
use crate::figures::percent;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A verdict with all that it rests on. A boundary type: it is printed as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Judged {
    /// Promote, rollback, hold or inconclusive.
    pub verdict: Conclusion,
    /// Seconds from the start until it was reached.
    pub t_s: f64,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// About how many more requests would settle it, if it is inconclusive.
    pub more_requests: Option<u64>,
    /// Requests of the candidate, those of the warm-up included.
    pub requests: u64,
    /// Evidence by objective.
    pub objectives: Vec<JudgedObjective>,
    /// What error rates it was reached under.
    pub guarantee: String,
}

/// The evidence for one objective.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JudgedObjective {
    /// As written.
    pub objective: String,
    /// `holds`, `broken` or `open`.
    pub state: String,
    /// In a sentence.
    pub reason: String,
    /// About how many more requests it needs, if it is open.
    pub more_requests: Option<u64>,
    /// The numbers.
    #[serde(flatten)]
    pub standing: Standing,
}

/// Judges slots by a rule. `looks` is how many ends there may be.
pub fn judge(rule: Rule, objectives: &[Objective], slots: &[Slot], looks: u32) -> (Judged, Trial) {
    let mut trial = Trial::new(rule, objectives);
    for slot in slots {
        trial.slot(slot);
        if trial.called().is_some() {
            break;
        }
    }
    (describe(&rule, objectives, &trial, looks), trial)
}

/// A trial as it stands, in words, were this its end.
pub fn describe(rule: &Rule, objectives: &[Objective], trial: &Trial, looks: u32) -> Judged {
    let verdict = trial.conclude(looks);
    let judged: Vec<JudgedObjective> = objectives
        .iter()
        .enumerate()
        .map(|(number, objective)| {
            objective_state(
                rule,
                objective,
                trial.standing(number, looks),
                objectives.len(),
            )
        })
        .collect();
    let reasons = match (verdict, trial.called()) {
        (Conclusion::Rollback, Some(call)) => match call.objective {
            None => vec![format!(
                "the deploy is dead: {} of {} requests failed, up to the last one of {}",
                trial.candidate().bad,
                trial.candidate().requests,
                seconds(trial.elapsed())
            )],
            Some(number) => vec![format!(
                "`{}` is broken: {}",
                objectives[number].text, judged[number].reason
            )],
        },
        (Conclusion::Rollback, None) => judged
            .iter()
            .filter(|line| line.state == "broken")
            .map(|line| format!("`{}` is broken: {}", line.objective, line.reason))
            .collect(),
        (Conclusion::Hold, _) => vec![
            "objectives do not hold, but the baseline is no better: rolling back would not help"
                .to_owned(),
        ],
        (Conclusion::Promote, _) => vec!["every objective is shown to hold".to_owned()],
        _ if trial.candidate().requests == 0 => vec!["nothing was measured".to_owned()],
        _ => open_reasons(rule, &judged, trial),
    };
    let more = judged.iter().filter_map(|line| line.more_requests).max();
    Judged {
        verdict,
        t_s: trial.elapsed().as_secs_f64(),
        reasons,
        more_requests: more.filter(|_| verdict == Conclusion::Inconclusive),
        requests: trial.candidate().requests,
        objectives: judged,
        guarantee: guarantee(rule),
    }
}

fn open_reasons(rule: &Rule, judged: &[JudgedObjective], trial: &Trial) -> Vec<String> {
    let mut reasons: Vec<String> = judged
        .iter()
        .filter(|line| line.state != "holds")
        .map(|line| format!("`{}` is open: {}", line.objective, line.reason))
        .collect();
    if trial.warms_up_badly() {
        let count = trial.warm_up();
        reasons.push(format!(
            "{} of {} requests of the warm-up failed ({}); at most {} may",
            count.bad,
            count.requests,
            percent(count.share().unwrap_or(0.0)),
            percent(rule.warm_up_errors)
        ));
    }
    if trial.candidate().requests < rule.requests_min {
        reasons.push(format!(
            "{} requests, and the rule asks for {}",
            trial.candidate().requests,
            rule.requests_min
        ));
    }
    if trial.elapsed() <= rule.warm_up {
        reasons.push(format!(
            "the first {} are warm-up, and nothing came after; `--rule warm-up=…` shortens it",
            seconds(rule.warm_up)
        ));
    }
    reasons
}

/// What the levels mean, in words.
pub fn guarantee(rule: &Rule) -> String {
    format!(
        "A service that meets its objectives is rolled back for this load in at most {} of its deploys, however often it is looked at. One with more than {} times the allowed bad requests is promoted in at most {}.",
        percent(rule.rollback_level),
        rule.indifference,
        percent(rule.promote_level)
    )
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn objective_state(
    rule: &Rule,
    objective: &Objective,
    standing: Standing,
    objectives: usize,
) -> JudgedObjective {
    let count = standing.candidate;
    let what = bad_in_words(objective);
    let share = count.share().unwrap_or(0.0);
    let mut reason = if count.requests == 0 {
        "nothing was measured".to_owned()
    } else {
        format!(
            "{} of {} requests ({}) {what}; allowed: {}",
            count.bad,
            count.requests,
            percent(share),
            percent(standing.limit)
        )
    };
    if let Some(baseline) = standing.baseline.share() {
        reason.push_str(&format!("; baseline: {}", percent(baseline)));
    }
    let state = if standing.broken {
        "broken"
    } else if standing.good {
        "holds"
    } else {
        "open"
    };
    let more = (state == "open").then(|| more_requests(rule, &standing, objectives));
    if let Some(more) = more {
        reason.push_str(&format!("; about {more} more requests would settle it"));
    }
    JudgedObjective {
        objective: objective.text.clone(),
        state: state.to_owned(),
        reason,
        more_requests: more,
        standing,
    }
}

/// How many more requests of the same kind would probably settle an objective, either way.
fn more_requests(rule: &Rule, standing: &Standing, objectives: usize) -> u64 {
    let count = standing.candidate;
    let (n, limit, effect) = (
        count.requests as f64,
        standing.limit,
        standing.design_effect,
    );
    let share = count.share().unwrap_or(0.0);
    let wanted = if share > limit {
        // Betting on blocks gains about two thirds of the divergence for each request; what was
        // gained so far says it better.
        let threshold = rule.rollback_threshold(objectives);
        let gain = 0.66 * divergence(share, limit) / effect;
        let gained = standing.ln_broken.max(0.1) / n;
        ((threshold + 2.0) / gain.max(1e-9))
            .max(n + (threshold - standing.ln_broken) / gained.max(gain))
    } else {
        let bound = rule.bound(limit);
        let mut total = n.max(binomial::flawless_needed(limit, PROMOTE_LEVEL) as f64);
        for _ in 0..80 {
            let (k, m) = (share * total / effect, total / effect);
            if binomial::lower_tail_of(k, m, bound) <= rule.promote_level {
                break;
            }
            total *= 1.2;
        }
        total
    };
    (wanted - n).clamp(1.0, 1e9).ceil() as u64
}

/// The Kullback–Leibler divergence of two Bernoulli distributions.
fn divergence(p: f64, q: f64) -> f64 {
    let part = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    part(p, q) + part(1.0 - p, 1.0 - q)
}
