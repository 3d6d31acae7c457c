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
use crate::objective::parse::counts_all;
use crate::objective::{Metric, Objective, Outcome};

/// Ways to judge an objective a second time.
pub struct Again<'a> {
    /// Without our own part: from the actual start, without arrivals that nobody took.
    pub by_service: &'a dyn Fn(&Objective) -> Outcome,
    /// Without failures that say nothing about the product.
    pub without_doubtful: &'a dyn Fn(&Objective) -> Outcome,
}

/// Judges a run as a whole.
pub fn decide(
    summary: &mut Summary,
    finished: &Finished,
    objectives: &[Objective],
    again: &Again<'_>,
) {
    let mut outcomes = Vec::new();
    if finished.is_load {
        if let Some(class) = finished.setup_failure {
            let example = example_of(summary, class);
            summary
                .reasons
                .push(setup_failed(class, example.as_deref()));
            outcomes.push(Outcome::Inconclusive);
        } else if summary.core.requests == 0 {
            summary.reasons.push(NOTHING.to_owned());
            outcomes.push(Outcome::Inconclusive);
        }
        judge_load(summary, finished, objectives, again, &mut outcomes);
        if let Some(class) = finished.teardown_failure {
            summary.reasons.push(teardown_failed(class));
        }
        if summary.was_interrupted {
            summary.reasons.push(INTERRUPTED.to_owned());
            outcomes.push(Outcome::Inconclusive);
        } else if let Some(reason) = left(finished, objectives) {
            summary.reasons.push(reason);
            outcomes.push(Outcome::Inconclusive);
        }
    } else {
        let failure = finished.setup_failure.or(finished.smoke_failure);
        let example = failure.and_then(|class| example_of(summary, class));
        let (decided, reasons) = decide_once(&Performed {
            requests: summary.core.requests,
            setup_failure: finished.setup_failure,
            failure: finished.smoke_failure,
            example,
            teardown_failure: finished.teardown_failure,
            was_interrupted: summary.was_interrupted,
        });
        outcomes = decided;
        summary.reasons.extend(reasons);
    }
    summary.outcome = Outcome::all(outcomes);
}

const NOTHING: &str = "nothing was measured";
const INTERRUPTED: &str = "it was interrupted";

/// What was asked for and not performed: the slower a target is, the less of it is measured. Where an objective says
/// how much of it may be, that judges it.
fn left(finished: &Finished, objectives: &[Objective]) -> Option<String> {
    let left = finished.recorded.left;
    let is_judged = objectives.iter().any(|it| it.metric == Metric::Dropped);
    (left > 0 && !is_judged).then(|| {
        let begun = finished.recorded.iterations + finished.recorded.interrupted;
        format!(
            "{left} of {} iterations were not begun within `maxDuration`: nobody knows what they would have met",
            left + begun
        )
    })
}

/// The first step that failed so and is not advisory, and what came back.
fn example_of(summary: &Summary, class: ErrorClass) -> Option<String> {
    let counting = summary
        .steps
        .iter()
        .filter(|step| step.advisory_failures == 0);
    counting.into_iter().find_map(|step| {
        let word = class.word();
        let text = step.examples.iter().find(|text| text.starts_with(word))?;
        Some(format!("step `{}` failed: {text}", step.name))
    })
}

fn setup_failed(class: ErrorClass, example: Option<&str>) -> String {
    let why = example.unwrap_or(class.word());
    format!("setup failed ({why}); no iteration was performed")
}

fn teardown_failed(class: ErrorClass) -> String {
    let class = class.word();
    format!("teardown failed ({class}); something may have been left behind")
}

/// What became of a scenario that was performed once.
#[derive(Debug)]
pub struct Performed {
    /// Requests that count.
    pub requests: u64,
    /// Why setup failed, if it did.
    pub setup_failure: Option<ErrorClass>,
    /// Why the iteration failed, if it did.
    pub failure: Option<ErrorClass>,
    /// Which step failed, and what came back.
    pub example: Option<String>,
    /// Why teardown failed, if it did.
    pub teardown_failure: Option<ErrorClass>,
    /// Whether it was interrupted.
    pub was_interrupted: bool,
}

/// Judges a scenario that was performed once: outcomes of which all must be good, and reasons.
pub fn decide_once(performed: &Performed) -> (Vec<Outcome>, Vec<String>) {
    let (mut outcomes, mut reasons) = (Vec::new(), Vec::new());
    let by_class = |class: ErrorClass| match class.is_inconclusive() {
        true => Outcome::Inconclusive,
        false => Outcome::Fail,
    };
    if let Some(class) = performed.setup_failure {
        reasons.push(setup_failed(class, performed.example.as_deref()));
        outcomes.push(by_class(class));
    } else if performed.requests == 0 {
        reasons.push(NOTHING.to_owned());
        outcomes.push(Outcome::Inconclusive);
    }
    if let Some(class) = performed.failure {
        let example = performed.example.clone();
        reasons.push(example.unwrap_or_else(|| format!("a step failed ({})", class.word())));
        if class.is_inconclusive() {
            reasons.push(inconclusive_because(class).to_owned());
        }
        outcomes.push(by_class(class));
    } else if performed.requests > 0 {
        outcomes.push(Outcome::Pass);
    }
    if let Some(class) = performed.teardown_failure {
        reasons.push(teardown_failed(class));
    }
    if performed.was_interrupted {
        reasons.push(INTERRUPTED.to_owned());
        outcomes.push(Outcome::Inconclusive);
    }
    (outcomes, reasons)
}

/// Why some failures do not count against a product.
const DOUBTFUL: &str =
    "for reasons that say nothing about the product (credentials, rate limits or the way there)";

/// The share of requests that may be sent once more.
const REPEATED_SHARE_MAX: f64 = 0.5;

/// A load while it is judged.
struct Judging<'a> {
    summary: &'a mut Summary,
    finished: &'a Finished,
    objectives: &'a [Objective],
    again: &'a Again<'a>,
    outcomes: &'a mut Vec<Outcome>,
}

/// The rules of a load, in order: each may take outcomes of objectives back, add outcomes and say why.
const LOAD_RULES: &[fn(&mut Judging<'_>)] = &[
    |judging| judging.retried(),
    |judging| judging.repeated(),
    |judging| judging.own_limits(),
    |judging| judging.search(),
    |judging| judging.orders(),
    |judging| judging.cut_short(),
    |judging| judging.lost_workers(),
    |judging| judging.cut_off(),
    |judging| judging.without_objectives(),
    |judging| judging.doubtful(),
    |judging| judging.objectives(),
];

fn judge_load(
    summary: &mut Summary,
    finished: &Finished,
    objectives: &[Objective],
    again: &Again<'_>,
    outcomes: &mut Vec<Outcome>,
) {
    let mut judging = Judging {
        summary,
        finished,
        objectives,
        again,
        outcomes,
    };
    for rule in LOAD_RULES {
        rule(&mut judging);
    }
}

impl Judging<'_> {
    fn inconclusive(&mut self, reason: String) {
        self.summary.reasons.push(reason);
        self.outcomes.push(Outcome::Inconclusive);
    }

    /// What was tried again is said: each of these attempts is counted as a failure.
    fn retried(&mut self) {
        let steps = self.finished.recorded.steps.iter();
        let retried: u64 = steps.map(|step| step.retried).sum();
        if retried > 0 {
            self.summary.reasons.push(format!(
                "{retried} attempts failed and were tried again; each of them is counted as a failure"
            ));
        }
    }

    /// What was sent once more is said; of a server that does not process a good part of what it is
    /// sent nobody can tell whether users would have noticed.
    fn repeated(&mut self) {
        let steps = self.finished.recorded.steps.iter();
        let repeated: u64 = steps.map(|step| step.repeated).sum();
        if repeated == 0 {
            return;
        }
        let requests = self.summary.core.requests;
        let reason = format!(
            "{repeated} of {requests} requests were sent again: the server had closed the connection, or refused the stream, before it processed them"
        );
        if repeated as f64 > REPEATED_SHARE_MAX * requests as f64 {
            self.inconclusive(reason);
        } else {
            self.summary.reasons.push(reason);
        }
    }

    /// What our own limits make doubtful.
    fn own_limits(&mut self) {
        let causes = keeping_up::causes(self.finished);
        let judgements = &mut self.summary.objectives;
        let told = !causes.is_empty()
            && keeping_up::apply(
                &causes,
                self.finished.is_closed,
                self.objectives,
                judgements,
                self.again.by_service,
            );
        for cause in causes {
            // Where nothing was taken back it is a remark.
            self.summary.reasons.push(cause.text());
        }
        if told {
            self.outcomes.push(Outcome::Inconclusive);
        }
    }

    fn search(&mut self) {
        if let Some(search) = &self.finished.search {
            self.summary.reasons.push(searched(search));
            if search.held.is_none() {
                // What was not confirmed is not known, whatever the last step came to.
                self.outcomes.push(Outcome::Inconclusive);
            }
        }
    }

    fn orders(&mut self) {
        let Some(change) = changed_by_hand(self.finished) else {
            return;
        };
        self.summary.reasons.push(change);
        if was_scaled(self.finished) {
            // Neither a pass nor a failure is that of the load that was asked for.
            for judgement in &mut self.summary.objectives {
                judgement.outcome = Outcome::Inconclusive;
                judgement.reason = format!("{}; but it was scaled by hand", judgement.reason);
            }
            self.outcomes.push(Outcome::Inconclusive);
        }
    }

    /// What was cut short is not to blame for how little it was.
    fn cut_short(&mut self) {
        if self.finished.stopped == Stop::No && self.finished.lost_workers == 0 {
            return;
        }
        let judgements = self.summary.objectives.iter_mut();
        for (judgement, objective) in judgements.zip(self.objectives) {
            let counts = matches!(objective.metric, Metric::Requests | Metric::Rate);
            if judgement.outcome == Outcome::Fail && counts {
                judgement.outcome = Outcome::Inconclusive;
                judgement.reason = format!("{}; but the load was cut short", judgement.reason);
            }
        }
    }

    fn lost_workers(&mut self) {
        let (lost, workers) = (self.finished.lost_workers, self.finished.workers);
        if lost > 0 {
            self.inconclusive(format!(
                "{lost} of {workers} workers broke down, and their requests are missing"
            ));
        }
    }

    fn cut_off(&mut self) {
        let interrupted = self.summary.interrupted;
        let is_asked_for = self.summary.was_interrupted;
        if self.summary.objectives.is_empty() && interrupted > 0 && !is_asked_for {
            self.inconclusive(format!(
                "{interrupted} iterations were cut off; what they would have met is not known"
            ));
        }
    }

    /// Where no objective counts all failures, every request counts.
    fn without_objectives(&mut self) {
        // Of one that was scaled it is said already. A search judges each of its steps.
        let is_judged = counts_all(self.objectives) || self.finished.search.is_some();
        if is_judged || was_scaled(self.finished) {
            return;
        }
        let (errors, requests) = (self.summary.core.errors, self.summary.core.requests);
        let doubtful = doubtful_errors(self.finished);
        if errors > doubtful {
            let allowed = match self.objectives.is_empty() {
                true => "",
                false => ", and no objective says how many may",
            };
            let reason = format!("{errors} of {requests} requests failed{allowed}");
            self.summary.reasons.push(reason);
            self.outcomes.push(Outcome::Fail);
        } else if doubtful > 0 {
            self.inconclusive(format!("{doubtful} requests failed {DOUBTFUL}"));
        } else if requests > 0 && self.objectives.is_empty() {
            self.outcomes.push(Outcome::Pass);
        }
    }

    /// Failures of credentials, limiters or the way there must not roll a product back; what else
    /// was bad, slow requests too, may.
    fn doubtful(&mut self) {
        let doubtful = doubtful_errors(self.finished);
        if doubtful == 0 {
            return;
        }
        let errors = self.summary.core.errors;
        let all = if doubtful == errors { "all" } else { "some" };
        let mut changed = false;
        for (judgement, objective) in self.summary.objectives.iter_mut().zip(self.objectives) {
            let failed = judgement.outcome == Outcome::Fail;
            if failed && (self.again.without_doubtful)(objective) != Outcome::Fail {
                judgement.outcome = Outcome::Inconclusive;
                judgement.reason = format!(
                    "{}; but {all} of the failures say nothing about the product, and without them it may hold",
                    judgement.reason
                );
                changed = true;
            }
        }
        if changed {
            self.inconclusive(format!("{doubtful} requests failed {DOUBTFUL}"));
        } else if !self.summary.objectives.is_empty() {
            self.summary.reasons.push(format!(
                "{doubtful} requests failed {DOUBTFUL}; they are counted as failures, and change nothing"
            ));
        }
    }

    fn objectives(&mut self) {
        let judgements = &self.summary.objectives;
        let any_fails = judgements
            .iter()
            .any(|judgement| judgement.outcome == Outcome::Fail);
        for judgement in judgements {
            self.outcomes.push(judgement.outcome);
            let word = match judgement.outcome {
                Outcome::Fail => "does not hold",
                // Once one fails, those that are still open explain nothing.
                Outcome::Inconclusive if !any_fails => "is inconclusive",
                _ => continue,
            };
            self.summary.reasons.push(format!(
                "`{}` {word}: {}",
                judgement.objective, judgement.reason
            ));
        }
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
    // Of the same requests that errors are counted of.
    let steps = finished.recorded.steps.iter();
    let counted = steps.filter(|step| step.heading.counts());
    counted.map(StepRecord::doubtful).sum()
}

fn inconclusive_because(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Unauthorized => {
            "credentials were refused, which says nothing about the product"
        }
        ErrorClass::RateLimited => "a rate limiter answered, not the product",
        ErrorClass::NoEvidence => {
            "what was asked for is not known, which says nothing about the product"
        }
        ErrorClass::Template => "the request could not be made from the values at hand",
        _ => "the target could not be reached from here, which says nothing about the product",
    }
}
