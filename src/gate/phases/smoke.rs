//! Scenarios, once each; one that fails is performed again before it counts.

use crate::clock;
use crate::gate::casting::cast;
use crate::gate::context::{Ended, PhaseContext};
use crate::load;
use crate::load::Stop;
use crate::load::recorder::StepRecord;
use crate::load::run::Finished;
use crate::net::ErrorClass;
use crate::objective::Outcome;
use crate::objective::confirmation::{Confirmation, Performance, Series};
use crate::record::state::{Phase, Position};
use crate::run::{Summary, scripted, summarize};
use crate::script::cast::Cast;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Pause before a smoke that failed is performed again: longer than a balancer that is reloaded or a
/// connection that is cut, and short enough for a broken deploy to be gone within two seconds.
const PAUSE: Duration = Duration::from_millis(400);

/// Performs scenarios once each, without a second chance.
pub async fn smoke_all(context: &PhaseContext<'_>, paths: &[PathBuf], version: &str) -> Ended {
    perform_all(context, paths, version, None).await
}

/// The gate's smoke on the version that it verifies. A failure is confirmed.
pub(super) async fn smoke(context: &PhaseContext<'_>) -> Ended {
    let gate = context.gate;
    let confirmations = confirmations(context, &gate.smoke, gate.levels().smoke, 1);
    let version = &context.record.facts.version;
    perform_all(context, &gate.smoke, version, Some(&confirmations)).await
}

/// How failures of each of these scenarios are confirmed: a level is shared out among their steps.
pub(super) fn confirmations(
    context: &PhaseContext<'_>,
    paths: &[PathBuf],
    level: f64,
    occasions: u64,
) -> Vec<Confirmation> {
    let plans = &context.project.plans;
    let of_path = |path| {
        plans
            .get(path)
            .map_or_else(Vec::new, |plan| plan.requests_of_steps())
    };
    let requests: Vec<Vec<u64>> = paths.iter().map(of_path).collect();
    let all = requests.iter().map(Vec::len).sum::<usize>().max(1) as f64;
    let of = |requests: Vec<u64>| Confirmation {
        allowed: context.gate.rule.allowance,
        level: level * requests.len() as f64 / all,
        occasions,
        requests,
    };
    requests.into_iter().map(of).collect()
}

async fn perform_all(
    context: &PhaseContext<'_>,
    paths: &[PathBuf],
    version: &str,
    confirmations: Option<&[Confirmation]>,
) -> Ended {
    let mut ended = Ended::because(Outcome::Inconclusive, Vec::new());
    let mut outcomes = Vec::new();
    for (number, path) in paths.iter().enumerate() {
        let confirmation = confirmations.and_then(|all| all.get(number));
        let cast = match cast(context, path, version) {
            Ok(cast) => cast,
            Err(reasons) => {
                ended.reasons.extend(reasons);
                outcomes.push(Outcome::Inconclusive);
                continue;
            }
        };
        let (mut summary, finished) = smoke_once(context, &cast).await;
        if let Some(confirmation) = confirmation.filter(|_| summary.outcome != Outcome::Pass) {
            let first = (summary, &finished);
            let confirmed = confirm(context, &cast, first, (confirmation, PAUSE)).await;
            summary = confirmed.summary;
            ended.spoiled.extend(confirmed.others);
        }
        outcomes.push(summary.outcome);
        let said = summary.reasons.iter();
        let said = said.map(|reason| format!("`{}`: {reason}", summary.scenario));
        if summary.outcome == Outcome::Pass {
            ended.reasons.push(format!("`{}` passed", summary.scenario));
        }
        ended.reasons.extend(said);
        ended.runs.push(summary);
    }
    ended.outcome = Outcome::all(outcomes);
    if ended.outcome != Outcome::Pass {
        ended.reasons.retain(|reason| !reason.ends_with("` passed"));
    }
    ended
}

/// What became of a smoke that did not pass at first.
pub(super) struct Confirmed {
    /// The performance that counts, with the outcome of all of them.
    pub summary: Summary,
    /// The others.
    pub others: Vec<Summary>,
}

/// Performs a smoke that did not pass again, on fresh connections and some time apart, until it can be
/// said whether it is broken, or there is no time for more.
pub(super) async fn confirm(
    context: &PhaseContext<'_>,
    cast: &Cast,
    (first, finished): (Summary, &Finished),
    (confirmation, pause): (&Confirmation, Duration),
) -> Confirmed {
    let mut series = confirmation.begin(performance(context, cast, &first, finished));
    let mut outcome = series.outcome();
    let mut others = Vec::new();
    let mut longest = finished.duration;
    while outcome.is_none() && context.control.asked() == Stop::No {
        if Instant::now() + pause + longest >= context.deadline {
            outcome = Some(series.cut_short());
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = context.control.stopped() => break,
        }
        let begun = Instant::now();
        let (summary, finished) = smoke_once(context, cast).await;
        longest = longest.max(begun.elapsed());
        series.note(performance(context, cast, &summary, &finished));
        others.push(summary);
        outcome = series.outcome();
    }
    let outcome = outcome.unwrap_or(Outcome::Inconclusive);
    let mut summary = first;
    if outcome == Outcome::Pass
        && let Some(at) = others.iter().position(|other| other.outcome == outcome)
    {
        std::mem::swap(&mut summary, &mut others[at]);
        let why = others[at].reasons.join("; ");
        summary
            .reasons
            .push(format!("{}: {why}", told(&series, outcome)));
    } else {
        let class = finished.smoke_failure.or(finished.setup_failure);
        if outcome == Outcome::Fail && class.is_some_and(|class| is_refusal(context, class)) {
            let good = "but the same credentials were good on the version before: it is the deploy that refuses them";
            summary.reasons.push(good.to_owned());
        }
        summary.outcome = outcome;
        summary.reasons.push(told(&series, outcome));
    }
    Confirmed { summary, others }
}

fn told(series: &Series, outcome: Outcome) -> String {
    let (performed, failed) = series.counts();
    let times = format!("{failed} of {performed} times, each on fresh connections");
    match outcome {
        Outcome::Fail => format!("it failed {times}"),
        Outcome::Pass => format!("flaky, it failed {times}"),
        Outcome::Inconclusive => {
            format!("it did not pass {times}: too often for a blip, too seldom to be broken")
        }
    }
}

/// Whether a refusal is the product's own: the same smoke, with the same credentials, passed on the
/// version before in this very gate.
fn is_refusal(context: &PhaseContext<'_>, class: ErrorClass) -> bool {
    let is_of_smoke = context.record.state.position == Position::Measuring(Phase::Smoke);
    class == ErrorClass::Unauthorized && is_of_smoke && context.record.state.proved_credentials()
}

/// What one performance says of the product.
pub(super) fn performance(
    context: &PhaseContext<'_>,
    cast: &Cast,
    summary: &Summary,
    finished: &Finished,
) -> Performance {
    if matches!(cast, Cast::Script(_)) {
        // It is confirmed as a whole: which requests it makes is known when it has made them.
        return match summary.outcome {
            Outcome::Pass => Performance::Passed,
            Outcome::Fail => Performance::Failed(0),
            Outcome::Inconclusive => Performance::Doubtful,
        };
    }
    let class = finished.smoke_failure.or(finished.setup_failure);
    if let Some(class) = class.filter(|class| is_refusal(context, *class)) {
        let refused = |step: &StepRecord| step.errors.contains_key(&class);
        let step = finished.recorded.steps.iter().position(refused);
        return Performance::Failed(step.unwrap_or(0));
    }
    let steps = finished.recorded.steps.iter();
    let failed = steps
        .enumerate()
        .find(|(_, step)| !step.heading.advisory && step.failed() > step.doubtful());
    match (summary.outcome, failed) {
        (Outcome::Pass, _) => Performance::Passed,
        (Outcome::Fail, Some((step, _))) => Performance::Failed(step),
        // Without a step that failed it is the scenario that did: as good as its first step.
        (Outcome::Fail, None) => Performance::Failed(0),
        (Outcome::Inconclusive, _) => Performance::Doubtful,
    }
}

pub(in crate::gate) async fn smoke_once(
    context: &PhaseContext<'_>,
    cast: &Cast,
) -> (Summary, Finished) {
    let started = clock::now_text();
    let cast = &cast.afresh();
    let latest = cast.binding().latest();
    let finished = load::smoke(cast, context.control, false, |_| ()).await;
    let binding = cast.binding();
    let mut summary =
        summarize::summarize(&binding.plan, &binding.environment, started, &finished, &[]);
    if let Cast::Script(ready) = cast {
        scripted::judge_too(ready, &finished, &mut summary);
    }
    summary.about = binding.about();
    summary.keeps_pictures = binding.keeps_pictures;
    summary.show_failing(latest.take());
    (summary, finished)
}
