//! From what was recorded of a run to its summary: quantiles, counts, judged objectives.
//!
//! A step's quantiles are of its successful requests; an objective counts a failed one as over every
//! limit. What a summary comes to is decided beside it.

use super::decide::Again;
use super::remarks::remarks;
use super::summary::{
    CheckSummary, Core, PhaseSummary, Quantiles, StepSummary, Summary, ValueSummary,
};
use crate::load::Stop;
use crate::load::recorder::StepRecord;
use crate::load::run::Finished;
use crate::net::ErrorClass;
use crate::net::phases::PHASES;
use crate::objective::class::Class;
use crate::objective::judge::judge;
use crate::objective::{Evidence, Judgement, Metric, Objective, Outcome};
use crate::scenario::Plan;
use crate::vu::Heading;
use std::collections::BTreeMap;
use std::time::Duration;

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
    let seconds = finished.duration.as_secs_f64();
    let whole = whole_of(finished);
    let lateness = &finished.recorded.lateness;
    let at_once = |objective: &Objective| {
        let seen = evidence(objective, finished, whole.as_ref());
        judge_with_cut_off(objective, &seen, finished.recorded.interrupted)
    };
    let mut summary = Summary {
        scenario: plan.name.to_string(),
        environment: environment.to_owned(),
        about: BTreeMap::new(),
        started,
        kind: if finished.is_load { "load" } else { "smoke" }.to_owned(),
        keeps_pictures: None,
        outcome: Outcome::Inconclusive,
        reasons: Vec::new(),
        core: whole.as_ref().map_or_else(Core::default, |whole| {
            core(whole, seconds, finished.recorded.dropped)
        }),
        steps: steps_of(finished, seconds),
        objectives: objectives
            .iter()
            .enumerate()
            .map(|(number, objective)| {
                let at_once = at_once(objective);
                match judged.get(&number) {
                    // The value itself, over all requests, is what people want to see.
                    Some(judgement) => Judgement {
                        seen: match (judgement.outcome, at_once.outcome) {
                            (Outcome::Pass, Outcome::Fail) => {
                                format!("{} with the warm-up", at_once.seen)
                            }
                            _ => at_once.seen,
                        },
                        ..judgement.clone()
                    },
                    None => at_once,
                }
            })
            .collect(),
        warnings: match finished.is_load {
            true => plan.warnings.iter().map(at_once).collect(),
            false => Vec::new(),
        },
        checks: checks_of(finished),
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
    let judged_as = |objective: &Objective, change: &dyn Fn(&mut StepRecord), dropped: u64| {
        let seen = record_of(objective, finished, whole.as_ref()).map(|record| {
            let mut record = record.clone();
            change(&mut record);
            evidence_of(objective, &record, finished.duration, dropped)
        });
        judge(objective, &seen.unwrap_or_default()).outcome
    };
    let dropped = finished.recorded.dropped;
    super::decide::decide(
        &mut summary,
        finished,
        objectives,
        &Again {
            by_service: &|objective| judged_as(objective, &StepRecord::by_service, 0),
            without_doubtful: &|objective| {
                judged_as(objective, &StepRecord::without_doubtful, dropped)
            },
        },
    );
    let remarks = remarks(&summary);
    summary.reasons.extend(remarks);
    summary
}

/// All measured steps as one. What is only advisory proves nothing, neither for nor against.
pub fn whole_of(finished: &Finished) -> Option<StepRecord> {
    let mut whole: Option<StepRecord> = None;
    for record in &finished.recorded.steps {
        match &mut whole {
            _ if !record.heading.counts() => {}
            None => whole = Some(record.clone()),
            Some(whole) => whole.merge(record),
        }
    }
    whole
}

fn steps_of(finished: &Finished, seconds: f64) -> Vec<StepSummary> {
    let measured = finished.recorded.steps.iter();
    measured
        .filter(|record| record.heading.measured)
        .map(|record| {
            let Heading { name, part, .. } = &*record.heading;
            step_summary(name, part.word(), record, seconds)
        })
        .collect()
}

fn checks_of(finished: &Finished) -> Vec<CheckSummary> {
    let of_step = |record: &StepRecord| -> Vec<CheckSummary> {
        let heading = &record.heading;
        let checks = heading.checks.iter().zip(&record.checks);
        checks
            .enumerate()
            .map(|(number, (check, (passed, failed)))| CheckSummary {
                step: heading.name.to_string(),
                check: check.clone(),
                passed: *passed,
                failed: *failed,
                advisory: heading.advisory || number >= heading.warns_from,
            })
            .collect()
    };
    finished.recorded.steps.iter().flat_map(of_step).collect()
}

fn values_of(record: &StepRecord) -> BTreeMap<String, ValueSummary> {
    let named = record.heading.measures.iter().zip(&record.values);
    let told = named.filter_map(|(name, seen)| {
        let summary = ValueSummary {
            count: seen.count,
            mean: seen.mean()?,
            min: seen.min,
            p50: seen.quantile(0.5, 0)?,
            p95: seen.quantile(0.95, 0)?,
            max: seen.max,
            last: seen.last,
        };
        Some((name.to_string(), summary))
    });
    told.collect()
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
    finished: &Finished,
    whole: Option<&StepRecord>,
) -> Evidence {
    record_of(objective, finished, whole).map_or_else(Evidence::default, |record| {
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
    finished: &'a Finished,
    whole: Option<&'a StepRecord>,
) -> Option<&'a StepRecord> {
    let mut steps = finished.recorded.steps.iter();
    let has_value = |record: &StepRecord| match &objective.value {
        Some(value) => record.heading.measures.iter().any(|name| **name == **value),
        None => true,
    };
    match (&objective.step, &objective.value) {
        (None, None) => whole,
        (None, Some(_)) => steps.find(|record| has_value(record)),
        (Some(name), _) => steps.find(|record| *record.heading.name == **name && has_value(record)),
    }
}

/// The evidence of one record.
pub fn evidence_of(
    objective: &Objective,
    record: &StepRecord,
    duration: Duration,
    dropped: u64,
) -> Evidence {
    let errors = failed_by(objective, record);
    // A failure that is only advisory is evidence of nothing.
    let requests = record.requests - record.advisory_failures;
    let good = requests.saturating_sub(errors);
    if let Some(name) = &objective.value {
        return of_value(objective, record, name, (requests, errors));
    }
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
        Metric::Mean => some(record.latency.mean()),
        Metric::Max => some(record.latency.max() as f64),
        Metric::Min => some(record.latency.min() as f64),
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

/// Failures that an objective counts.
fn failed_by(objective: &Objective, record: &StepRecord) -> u64 {
    let of = |counts: &dyn Fn(ErrorClass) -> bool| -> u64 {
        let errors = record.errors.iter();
        errors
            .filter(|(class, _)| counts(**class))
            .map(|(_, count)| count)
            .sum()
    };
    match objective.class {
        None => record.failed(),
        Some(class @ Class::Statuses(from, to)) => {
            let answered: u64 = record.statuses.range(from..=to).map(|(_, it)| it).sum();
            let silent = of(&|error| class.counts(0, Some(error)));
            (answered + silent).min(record.requests - record.advisory_failures)
        }
        Some(class) => of(&|error| class.counts(0, Some(error))),
    }
}

/// The evidence for an objective on a measured value. A request that failed told none, and stands above
/// every limit.
fn of_value(
    objective: &Objective,
    record: &StepRecord,
    name: &str,
    (requests, errors): (u64, u64),
) -> Evidence {
    let named = record.heading.measures.iter();
    let place = named.into_iter().position(|measured| **measured == *name);
    let Some(seen) = place.and_then(|place| record.values.get(place)) else {
        return Evidence::default();
    };
    let some = |value: f64| (seen.count > 0).then_some(value);
    Evidence {
        requests,
        errors,
        slow: seen.over(objective.limit),
        value: match objective.metric {
            Metric::Quantile(quantile) if seen.count > 0 => {
                seen.quantile(quantile, errors).or(Some(f64::INFINITY))
            }
            Metric::Mean => seen.mean(),
            Metric::Min => some(seen.min),
            Metric::Max => some(seen.max),
            _ => None,
        },
    }
}

/// Requests from which on classes of latency say anything.
const BANDS_MIN: u64 = 20;

/// Requests by class of latency, where there are enough to be compared.
fn bands(latency: &hdrhistogram::Histogram<u64>) -> BTreeMap<u8, u64> {
    let mut bands = BTreeMap::new();
    if latency.len() < BANDS_MIN {
        return bands;
    }
    for value in latency.iter_recorded() {
        let class = crate::watch::rollup::class_of(value.value_iterated_to());
        *bands.entry(class).or_default() += value.count_at_value();
    }
    bands
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
        warned: record.warned,
        warnings: record.warnings.clone(),
        values: values_of(record),
        bands: bands(&record.latency),
        kept: record.kept.clone(),
        pictures: record.pictures.clone(),
        tests: record.tests.clone(),
        failing: None,
        bytes_sent: record.bytes.0,
        bytes_received: record.bytes.1,
        skipped: record.skipped,
    }
}
