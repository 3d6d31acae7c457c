//! What a run comes to: pass, fail or inconclusive, with the reasons.
//!
//! Pure. Invariant: a pass only if something was measured and all that was asked of it held.

use super::keeping_up;
use super::summary::Summary;
use crate::load::Stop;
use crate::load::breakpoint::Search;
use crate::load::recorder::StepRecord;
use crate::load::run::Finished;
use crate::net::ErrorClass;
use crate::objective::{Metric, Objective, Outcome};

/// Judges a run as a whole.
pub fn decide(
    summary: &mut Summary,
    finished: &Finished,
    objectives: &[Objective],
    by_service: &dyn Fn(&Objective) -> Outcome,
) {
    let mut outcomes = Vec::new();
    let counted: u64 = summary.core.requests;
    if let Some(class) = finished.setup_failure {
        let conclusive = !finished.is_load && !class.is_inconclusive();
        summary.reasons.push(format!(
            "setup failed ({}); no iteration was performed",
            class.word()
        ));
        outcomes.push(if conclusive {
            Outcome::Fail
        } else {
            Outcome::Inconclusive
        });
    } else if counted == 0 {
        summary.reasons.push("nothing was measured".to_owned());
        outcomes.push(Outcome::Inconclusive);
    }
    if finished.is_load {
        judge_load(summary, finished, objectives, by_service, &mut outcomes);
    } else if let Some(class) = finished.smoke_failure {
        let example = summary.steps.iter().find_map(|step| {
            let word = class.word();
            let text = step.examples.iter().find(|text| text.starts_with(word))?;
            Some(format!("step `{}` failed: {text}", step.name))
        });
        summary
            .reasons
            .push(example.unwrap_or_else(|| format!("a step failed ({})", class.word())));
        if class.is_inconclusive() {
            summary.reasons.push(inconclusive_because(class).to_owned());
        }
        outcomes.push(if class.is_inconclusive() {
            Outcome::Inconclusive
        } else {
            Outcome::Fail
        });
    } else if counted > 0 {
        outcomes.push(Outcome::Pass);
    }
    if let Some(class) = finished.teardown_failure {
        summary.reasons.push(format!(
            "teardown failed ({}); something may have been left behind",
            class.word()
        ));
    }
    if summary.was_interrupted {
        summary.reasons.push("it was interrupted".to_owned());
        outcomes.push(Outcome::Inconclusive);
    }
    summary.outcome = Outcome::all(outcomes);
}

fn judge_load(
    summary: &mut Summary,
    finished: &Finished,
    objectives: &[Objective],
    by_service: &dyn Fn(&Objective) -> Outcome,
    outcomes: &mut Vec<Outcome>,
) {
    for cause in keeping_up::causes(finished) {
        let told = keeping_up::apply(&cause, objectives, &mut summary.objectives, by_service);
        if told || cause.taints_all() {
            summary.reasons.push(cause.text());
            outcomes.push(Outcome::Inconclusive);
        }
    }
    if let Some(search) = &finished.search {
        summary.reasons.push(searched(search));
        if search.held.is_none() {
            // What was not confirmed is not known, whatever the last step came to.
            outcomes.push(Outcome::Inconclusive);
        }
    }
    if let Some(change) = changed_by_hand(finished) {
        summary.reasons.push(change);
        if was_scaled(finished) {
            // Neither a pass nor a failure is that of the load that was asked for.
            for judgement in &mut summary.objectives {
                judgement.outcome = Outcome::Inconclusive;
                judgement.reason = format!("{}; but it was scaled by hand", judgement.reason);
            }
            outcomes.push(Outcome::Inconclusive);
        }
    }
    if finished.stopped != Stop::No || finished.lost_workers > 0 {
        // What was cut short is not to blame for how little it was.
        let short =
            summary
                .objectives
                .iter_mut()
                .zip(objectives)
                .filter(|(judgement, objective)| {
                    judgement.outcome == Outcome::Fail
                        && matches!(objective.metric, Metric::Requests | Metric::Rate)
                });
        for (judgement, _) in short {
            judgement.outcome = Outcome::Inconclusive;
            judgement.reason = format!("{}; but the load was cut short", judgement.reason);
        }
    }
    if finished.lost_workers > 0 {
        summary.reasons.push(format!(
            "{} of {} workers broke down, and their requests are missing",
            finished.lost_workers, finished.workers
        ));
        outcomes.push(Outcome::Inconclusive);
    }
    if summary.objectives.is_empty() && summary.interrupted > 0 && !summary.was_interrupted {
        summary.reasons.push(format!(
            "{} iterations were cut off; what they would have met is not known",
            summary.interrupted
        ));
        outcomes.push(Outcome::Inconclusive);
    }
    if summary.objectives.is_empty() {
        if was_scaled(finished) {
            // Said above.
        } else if summary.core.errors > 0 {
            summary.reasons.push(format!(
                "{} of {} requests failed",
                summary.core.errors, summary.core.requests
            ));
            outcomes.push(Outcome::Fail);
        } else if summary.core.requests > 0 {
            outcomes.push(Outcome::Pass);
        }
    }
    let doubtful = doubtful_errors(finished);
    if doubtful > 0 && doubtful * 2 >= summary.core.errors {
        // Failures of credentials, limiters or the way there must not roll a product back; what
        // else was bad, slow requests too, may.
        for judgement in summary
            .objectives
            .iter_mut()
            .filter(|judgement| judgement.outcome == Outcome::Fail && doubtful * 2 >= judgement.bad)
        {
            judgement.outcome = Outcome::Inconclusive;
            judgement.reason = format!(
                "{}; but most failures say nothing about the product",
                judgement.reason
            );
        }
        summary.reasons.push(format!("{doubtful} requests failed for reasons that say nothing about the product (credentials, rate limits or the way there)"));
        outcomes.push(Outcome::Inconclusive);
    }
    let any_fails = summary
        .objectives
        .iter()
        .any(|judgement| judgement.outcome == Outcome::Fail);
    for judgement in &summary.objectives {
        // Once one fails, those that are still open explain nothing.
        let explains = match judgement.outcome {
            Outcome::Pass => false,
            Outcome::Fail => true,
            Outcome::Inconclusive => !any_fails,
        };
        if explains {
            summary.reasons.push(format!(
                "`{}` {}: {}",
                judgement.objective,
                if judgement.outcome == Outcome::Fail {
                    "does not hold"
                } else {
                    "is inconclusive"
                },
                judgement.reason
            ));
        }
        outcomes.push(judgement.outcome);
    }
}

/// What a search came to, in a sentence.
fn searched(search: &Search) -> String {
    let limit = if search.own_limit {
        "the load generator itself could not make"
    } else {
        "the objectives were not shown to hold at"
    };
    match (search.held, search.broke) {
        (Some(held), Some(broke)) => format!(
            "{held:.1}/s is the highest rate that held, confirmed with fresh requests; {limit} {broke:.1}/s"
        ),
        (Some(held), None) => format!("everything held up to the highest rate tried, {held:.1}/s"),
        (None, Some(broke)) => format!("no rate was confirmed to hold; {limit} {broke:.1}/s"),
        (None, None) if search.tried.is_empty() => "no rate was tried".to_owned(),
        (None, None) => "the search ended before a rate was confirmed".to_owned(),
    }
}

fn was_scaled(finished: &Finished) -> bool {
    finished.scaled != (1.0, 1.0)
}

/// What a person changed while it ran.
fn changed_by_hand(finished: &Finished) -> Option<String> {
    let mut changes = Vec::new();
    if !finished.paused.is_zero() {
        let seconds = finished.paused.as_secs_f64();
        changes.push(format!("paused for {seconds:.1} s"));
    }
    if was_scaled(finished) {
        let percent = |factor: f64| format!("{:.0} %", factor * 100.0);
        let factors = match finished.scaled {
            (low, high) if high <= 1.0 => percent(low),
            (low, high) if low >= 1.0 => percent(high),
            (low, high) => format!("between {} and {}", percent(low), percent(high)),
        };
        changes.push(format!(
            "scaled to {factors}, so that what was asked for was not measured"
        ));
    }
    let all = changes.join(" and ");
    (!all.is_empty()).then(|| format!("it was {all}"))
}

fn doubtful_errors(finished: &Finished) -> u64 {
    finished
        .recorded
        .steps
        .iter()
        .map(StepRecord::doubtful)
        .sum()
}

fn inconclusive_because(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Unauthorized => {
            "credentials were refused, which says nothing about the product"
        }
        ErrorClass::RateLimited => "a rate limiter answered, not the product",
        ErrorClass::Template => "the request could not be made from the values at hand",
        _ => "the target could not be reached from here, which says nothing about the product",
    }
}
