//! A run in numbers and words: the model that every report is made from.
//!
//! Invariant: the outcome is a pass only if something was measured and all that was asked of it
//! held; what could not be measured is inconclusive, with the reason.

use crate::load::recorder::{StepRecord, add, histogram};
use crate::load::run::Finished;
use crate::load::{Stop, Tick};
use crate::net::ErrorClass;
use crate::net::phases::PHASES;
use crate::objective::judge::{judge, show_micros};
use crate::objective::{Evidence, Judgement, Metric, Objective, Outcome};
use crate::scenario::Plan;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Own lateness above this at the 99th percentile means that the loader was the bottleneck.
const LATENESS_MICROS_MAX: u64 = 5_000;

/// A whole run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// The scenario's name.
    pub scenario: String,
    /// Where it ran.
    pub environment: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// `smoke` or `load`.
    pub kind: String,
    /// Pass, fail or inconclusive.
    pub outcome: Outcome,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// The stable core over all steps of the iterations.
    #[serde(flatten)]
    pub core: Core,
    /// The same for each step.
    pub steps: Vec<StepSummary>,
    /// Objectives.
    pub objectives: Vec<Judgement>,
    /// Checks.
    pub checks: Vec<CheckSummary>,
    /// Iterations that ended.
    pub iterations: u64,
    /// Iterations in which a step failed.
    pub iterations_failed: u64,
    /// Iterations that were cut off.
    pub interrupted: u64,
    /// Arrivals that waited for a free virtual user.
    pub waited: u64,
    /// Requests that waited for the environment's cap.
    pub held_back: u64,
    /// Virtual users made.
    pub virtual_users: u64,
    /// Worker threads.
    pub workers: u64,
    /// How late we started iterations ourselves (open models).
    pub own_lateness_us: Option<Quantiles>,
    /// Seconds.
    pub series: Vec<Point>,
    /// Whether it was asked to stop.
    pub was_interrupted: bool,
}

/// The numbers that others rely on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Core {
    /// Requests, failed ones included.
    pub requests: u64,
    /// Seconds in which iterations were performed.
    pub duration_s: f64,
    /// Requests per second.
    pub rate: f64,
    /// Failed requests.
    pub errors: u64,
    /// Latency of successful requests from their intended start, in microseconds.
    pub latency_us: Quantiles,
    /// Planned arrivals or iterations that were never performed.
    pub dropped: u64,
}

/// Quantiles of a histogram, in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Quantiles {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Highest.
    pub max: u64,
}

impl Quantiles {
    /// Of a histogram; zeros for an empty one.
    pub fn of(histogram: &Histogram<u64>) -> Quantiles {
        if histogram.is_empty() {
            return Quantiles::default();
        }
        let at = |quantile| histogram.value_at_quantile(quantile);
        Quantiles {
            mean: histogram.mean(),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max(),
        }
    }
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StepSummary {
    /// Its name.
    pub name: String,
    /// `setup`, `step` or `teardown`.
    pub part: String,
    /// The stable core.
    #[serde(flatten)]
    pub core: Core,
    /// Latency from the actual start, in microseconds.
    pub service_us: Quantiles,
    /// Median and 95th percentile of each phase, in microseconds.
    pub phases_us: BTreeMap<String, PhaseSummary>,
    /// Failed requests by class.
    pub errors_by_class: BTreeMap<String, u64>,
    /// Failures that are shown but not counted.
    pub advisory_failures: u64,
    /// Replies by status.
    pub statuses: BTreeMap<String, u64>,
    /// Texts of some failures.
    pub examples: Vec<String>,
    /// Bytes sent and received.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Times it was left out.
    pub skipped: u64,
}

/// One phase of a step.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct PhaseSummary {
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
}

/// One check of a step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckSummary {
    /// The step's name.
    pub step: String,
    /// The check as written.
    pub check: String,
    /// How often it held.
    pub passed: u64,
    /// How often it did not.
    pub failed: u64,
    /// Whether a failure counts.
    pub advisory: bool,
}

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
        }
    }
}

/// Makes the summary of a run and judges it. `started` is when it did, RFC 3339.
pub fn summarize(
    plan: &Plan,
    environment: &str,
    started: String,
    finished: &Finished,
    objectives: &[Objective],
) -> Summary {
    let steps = || plan.all_steps().zip(&finished.recorded.steps);
    let seconds = finished.duration.as_secs_f64();
    let setup = plan.setup.len();
    let main = setup..setup + plan.steps.len();
    let mut whole: Option<StepRecord> = None;
    // What is only advisory proves nothing, neither for nor against.
    for step in plan.steps.iter().filter(|step| !step.advisory) {
        let record = &finished.recorded.steps[step.index];
        match &mut whole {
            None => whole = Some(record.clone()),
            Some(whole) => whole.merge(record),
        }
    }
    let lateness = &finished.recorded.lateness;
    let mut summary = Summary {
        scenario: plan.name.to_string(),
        environment: environment.to_owned(),
        started,
        kind: if finished.is_load { "load" } else { "smoke" }.to_owned(),
        outcome: Outcome::Inconclusive,
        reasons: Vec::new(),
        core: whole.as_ref().map_or_else(Core::default, |whole| {
            core(whole, seconds, finished.recorded.dropped)
        }),
        steps: steps()
            .filter(|(step, _)| step.is_measured())
            .map(|(step, record)| {
                let part = if step.index < main.start {
                    "setup"
                } else if step.index < main.end {
                    "step"
                } else {
                    "teardown"
                };
                step_summary(&step.name, part, record, seconds)
            })
            .collect(),
        objectives: objectives
            .iter()
            .map(|objective| {
                let seen = evidence(objective, plan, finished, whole.as_ref());
                judge_with_cut_off(objective, &seen, finished.recorded.interrupted)
            })
            .collect(),
        checks: steps()
            .flat_map(|(step, record)| {
                step.checks
                    .iter()
                    .zip(&record.checks)
                    .map(|(check, (passed, failed))| CheckSummary {
                        step: step.name.to_string(),
                        check: check.text.clone(),
                        passed: *passed,
                        failed: *failed,
                        advisory: step.advisory,
                    })
            })
            .collect(),
        iterations: finished.recorded.iterations,
        iterations_failed: finished.recorded.iterations_failed,
        interrupted: finished.recorded.interrupted,
        waited: finished.recorded.waited,
        held_back: finished.recorded.held_back,
        virtual_users: finished.recorded.users,
        workers: finished.workers,
        own_lateness_us: (!lateness.is_empty()).then(|| Quantiles::of(lateness)),
        series: thinned(&finished.series),
        was_interrupted: finished.stopped != Stop::No,
    };
    decide(&mut summary, finished);
    summary
}

/// Judges an objective. Iterations that were cut off might all have failed: a pass that would not
/// survive that is none.
fn judge_with_cut_off(objective: &Objective, seen: &Evidence, cut_off: u64) -> Judgement {
    let mut judgement = judge(objective, seen);
    if cut_off > 0 && judgement.outcome == Outcome::Pass {
        let worst = Evidence {
            requests: seen.requests + cut_off,
            errors: seen.errors + cut_off,
            ..*seen
        };
        if judge(objective, &worst).outcome != Outcome::Pass {
            judgement.outcome = Outcome::Inconclusive;
            judgement.reason = format!(
                "{}; but {cut_off} iterations were cut off, and with them it might not hold",
                judgement.reason
            );
        }
    }
    judgement
}

/// The evidence for one objective.
pub fn evidence(
    objective: &Objective,
    plan: &Plan,
    finished: &Finished,
    whole: Option<&StepRecord>,
) -> Evidence {
    let record = match &objective.step {
        None => whole,
        Some(name) => plan
            .all_steps()
            .find(|step| step.name.as_ref() == name)
            .and_then(|step| finished.recorded.steps.get(step.index)),
    };
    record.map_or_else(Evidence::default, |record| {
        evidence_of(
            objective,
            record,
            finished.duration,
            finished.recorded.dropped,
        )
    })
}

/// The evidence of one record.
pub fn evidence_of(
    objective: &Objective,
    record: &StepRecord,
    duration: Duration,
    dropped: u64,
) -> Evidence {
    let errors = record.failed();
    // A failure that is only advisory is evidence of nothing.
    let requests = record.requests - record.advisory_failures;
    let good = requests.saturating_sub(errors);
    let slow = match objective.metric {
        Metric::Quantile(_) => {
            let limit = objective
                .limit
                .min(crate::limits::LATENCY_MICROS_MAX as f64) as u64;
            record.latency.len() - record.latency.count_between(0, limit)
        }
        _ => 0,
    };
    let some = |value: f64| (!record.latency.is_empty()).then_some(value);
    let value = match objective.metric {
        Metric::Quantile(quantile) => some(quantile_with_failures(record, quantile)),
        // A failed request is over every latency limit.
        Metric::Mean | Metric::Max if errors > 0 => some(crate::limits::LATENCY_MICROS_MAX as f64),
        Metric::Mean => some(record.latency.mean()),
        Metric::Max => some(record.latency.max() as f64),
        Metric::ErrorRate => Some(errors as f64 / requests.max(1) as f64),
        Metric::Errors => Some(errors as f64),
        Metric::Rate => Some(good as f64 / duration.as_secs_f64().max(1e-9)),
        Metric::Requests => Some(good as f64),
        Metric::Dropped => Some(dropped as f64),
    };
    Evidence {
        requests,
        errors,
        slow,
        value,
    }
}

/// The quantile over all requests, in which failed ones stand above every successful one.
fn quantile_with_failures(record: &StepRecord, quantile: f64) -> f64 {
    let all = record.latency.len() + record.failed();
    let rank = (quantile * all as f64).ceil();
    if rank > record.latency.len() as f64 {
        return crate::limits::LATENCY_MICROS_MAX as f64;
    }
    record
        .latency
        .value_at_quantile(rank / record.latency.len() as f64) as f64
}

fn core(record: &StepRecord, seconds: f64, dropped: u64) -> Core {
    Core {
        requests: record.requests,
        duration_s: seconds,
        rate: if seconds > 0.0 {
            record.requests as f64 / seconds
        } else {
            0.0
        },
        errors: record.failed(),
        latency_us: Quantiles::of(&record.latency),
        dropped,
    }
}

fn step_summary(name: &str, part: &str, record: &StepRecord, seconds: f64) -> StepSummary {
    let dropped = record
        .errors
        .get(&ErrorClass::Dropped)
        .copied()
        .unwrap_or(0);
    StepSummary {
        name: name.to_owned(),
        part: part.to_owned(),
        core: core(record, seconds, dropped),
        service_us: Quantiles::of(&record.service),
        phases_us: PHASES
            .iter()
            .zip(&record.phases)
            .map(|(phase, histogram)| {
                let summary = PhaseSummary {
                    p50: histogram.value_at_quantile(0.5),
                    p95: histogram.value_at_quantile(0.95),
                };
                ((*phase).to_owned(), summary)
            })
            .collect(),
        errors_by_class: record
            .errors
            .iter()
            .map(|(class, count)| (class.word().to_owned(), *count))
            .collect(),
        advisory_failures: record.advisory_failures,
        statuses: record
            .statuses
            .iter()
            .map(|(status, count)| (status.to_string(), *count))
            .collect(),
        examples: record
            .examples
            .iter()
            .map(|(class, text)| format!("{}: {text}", class.word()))
            .collect(),
        bytes_sent: record.bytes.0,
        bytes_received: record.bytes.1,
        skipped: record.skipped,
    }
}

fn thinned(series: &[Tick]) -> Vec<Point> {
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
            let mut latency = histogram();
            for tick in chunk {
                add(&mut latency, &tick.latency);
            }
            let quantiles = Quantiles::of(&latency);
            let first = &chunk[0];
            Point {
                t_s: first.second,
                requests: chunk.iter().map(|tick| tick.requests).sum::<u64>() / chunk.len() as u64,
                errors: chunk.iter().map(|tick| tick.errors).sum::<u64>() / chunk.len() as u64,
                p50_us: quantiles.p50,
                p95_us: quantiles.p95,
                p99_us: quantiles.p99,
                active: first.active,
                waiting: first.waiting,
            }
        })
        .collect()
}

fn decide(summary: &mut Summary, finished: &Finished) {
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
        judge_load(summary, finished, &mut outcomes);
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

fn judge_load(summary: &mut Summary, finished: &Finished, outcomes: &mut Vec<Outcome>) {
    let late = summary
        .own_lateness_us
        .is_some_and(|late| late.p99 > LATENESS_MICROS_MAX);
    if late {
        let p99 = summary.own_lateness_us.map_or(0, |late| late.p99);
        summary.reasons.push(format!("the load generator could not keep up: it started 1 % of the iterations more than {} late", show_micros(p99 as f64)));
        for judgement in &mut summary.objectives {
            judgement.outcome = Outcome::Inconclusive;
            judgement.reason = format!(
                "{}; but the load generator could not keep up",
                judgement.reason
            );
        }
        outcomes.push(Outcome::Inconclusive);
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
        if summary.core.errors > 0 {
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
        // Failures of credentials, limiters or the way there must not roll a product back.
        for judgement in summary
            .objectives
            .iter_mut()
            .filter(|judgement| judgement.outcome == Outcome::Fail)
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
