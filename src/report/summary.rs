//! A run in numbers and words: the model that every report is made from.
//!
//! Invariant: the outcome is a pass only if something was measured and all that was asked of it
//! held; what could not be measured is inconclusive, with the reason.

use crate::load::Stop;
use crate::load::breakpoint::Search;
use crate::load::recorder::StepRecord;
use crate::load::run::Finished;
use crate::load::series::Point;
use crate::net::ErrorClass;
use crate::net::phases::PHASES;
use crate::objective::judge::judge;
use crate::objective::{Evidence, Judgement, Metric, Objective, Outcome};
use crate::scenario::Plan;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

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
    /// The search for the highest rate that holds, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// Whether it was asked to stop.
    pub was_interrupted: bool,
    /// What a sequential verdict rests on, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<crate::objective::evidence::Evidence>,
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

impl Summary {
    /// Why nothing follows from the evidence of this run, if that is so: it was spoiled, or changed
    /// by hand.
    pub fn not_counted(&self) -> Option<&str> {
        let spoiled = self.evidence.as_ref().is_some_and(|seen| seen.is_spoiled);
        if !spoiled || self.outcome != Outcome::Inconclusive {
            return None;
        }
        let reason = self.reasons.first().map(String::as_str);
        Some(reason.unwrap_or("nothing can be concluded from it"))
    }
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

/// Makes the summary of a run and judges it. `started` is when it did, RFC 3339.
pub fn summarize(
    plan: &Plan,
    environment: &str,
    started: String,
    finished: &Finished,
    objectives: &[Objective],
) -> Summary {
    summarize_judged(
        plan,
        environment,
        started,
        finished,
        objectives,
        &BTreeMap::new(),
    )
}

/// The same, with judgements of objectives that were reached while evidence came in, by number.
pub fn summarize_judged(
    plan: &Plan,
    environment: &str,
    started: String,
    finished: &Finished,
    objectives: &[Objective],
    judged: &BTreeMap<usize, Judgement>,
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
            .enumerate()
            .map(|(number, objective)| {
                let seen = evidence(objective, plan, finished, whole.as_ref());
                let at_once = judge_with_cut_off(objective, &seen, finished.recorded.interrupted);
                match judged.get(&number) {
                    // The value itself, over all requests, is what people want to see.
                    Some(judgement) => Judgement {
                        seen: at_once.seen,
                        ..judgement.clone()
                    },
                    None => at_once,
                }
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
        series: finished.series.clone(),
        search: finished.search.clone(),
        was_interrupted: finished.stopped != Stop::No,
        evidence: None,
    };
    let by_service = |objective: &Objective| {
        let seen = record_of(objective, plan, finished, whole.as_ref()).map(|record| {
            let served = StepRecord {
                latency: record.service.clone(),
                ..record.clone()
            };
            let recorded = &finished.recorded;
            evidence_of(objective, &served, finished.duration, recorded.dropped)
        });
        judge(objective, &seen.unwrap_or_default()).outcome
    };
    super::outcome::decide(&mut summary, finished, objectives, &by_service);
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
    record_of(objective, plan, finished, whole).map_or_else(Evidence::default, |record| {
        evidence_of(
            objective,
            record,
            finished.duration,
            finished.recorded.dropped,
        )
    })
}

/// The record that an objective is about.
fn record_of<'a>(
    objective: &Objective,
    plan: &Plan,
    finished: &'a Finished,
    whole: Option<&'a StepRecord>,
) -> Option<&'a StepRecord> {
    match &objective.step {
        None => whole,
        Some(name) => plan
            .all_steps()
            .find(|step| step.name.as_ref() == name)
            .and_then(|step| finished.recorded.steps.get(step.index)),
    }
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
