//! One load on the versions that it is sent to: the candidate, and the baseline beside it.
//!
//! Knows when a load is worth another one, and who was late. Does not know what a gate makes of it.
//! Invariant: beside a baseline that the load generator itself spoiled nothing is concluded, and what
//! was ended early because it could not succeed is no pass.

use super::context::PhaseContext;
use super::watch::Watch;
use crate::clock;
use crate::load::histogram::{add, histogram};
use crate::load::run::{Finished, Options};
use crate::load::{self, Control, Stop, Tick};
use crate::objective::evidence::{Distribution, Evidence};
use crate::objective::rule::Rule;
use crate::objective::tally::{self, Arm, Watched};
use crate::objective::trial::Conclusion;
use crate::objective::{Metric, Objective, Outcome};
use crate::run::keeping_up::{self, Cause};
use crate::run::{Summary, scripted, summarize as summary};
use crate::scenario::Plan;
use crate::scenario::plan::{Load, end_of};
use crate::script::cast::Cast;
use crate::vu::Performers;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Whether a load is worth another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It is decided, or somebody stopped or changed it, or a part of it is missing: that is not
    /// ours to repeat.
    No,
    /// The load generator was late, so that nothing of it can be relied on.
    Afresh,
    /// What was measured stands, and more of the same may decide.
    More,
}

impl Again {
    fn after(finished: &Finished, baseline: Option<&Finished>, was_lost: bool) -> Again {
        let by_hand = finished.stopped != Stop::No || finished.scaled != (1.0, 1.0);
        let is_touched = by_hand || finished.lost_workers > 0;
        let mut causes = keeping_up::causes(finished);
        causes.extend(baseline.map(keeping_up::causes).unwrap_or_default());
        Again::because(is_touched, was_lost, &causes)
    }

    fn because(is_touched: bool, was_lost: bool, causes: &[Cause]) -> Again {
        if is_touched {
            Again::No
        } else if !was_lost && causes.iter().any(Cause::would_recur) {
            // Another one would not fare better, and costs the target just as much. The few seconds
            // of one that was ended early do not tell that.
            Again::No
        } else if causes.iter().any(Cause::spoils) {
            Again::Afresh
        } else {
            Again::More
        }
    }
}

/// The versions that a load is sent to.
pub(super) struct Arms {
    pub candidate: Cast,
    pub baseline: Option<Cast>,
    /// What is performed on each.
    pub loads: Vec<Load>,
}

/// What a load came to.
pub(super) struct Measured {
    pub summary: Summary,
    pub again: Again,
    /// Whether we ended it early, since it could no longer succeed.
    pub was_lost: bool,
}

impl Arms {
    /// The same for another performance.
    pub fn afresh(&self) -> Arms {
        Arms {
            candidate: self.candidate.afresh(),
            baseline: self.baseline.as_ref().map(Cast::afresh),
            loads: self.loads.clone(),
        }
    }

    /// How long the load lasts.
    pub fn length(&self) -> Duration {
        end_of(&self.loads)
    }

    /// Performs a load on both arms at once. Nothing if the gate was stopped.
    pub async fn measure(
        &self,
        context: &PhaseContext<'_>,
        number: usize,
        on_tick: &mut (dyn FnMut(&str, &Tick) + Send),
    ) -> Option<Measured> {
        let plan = self.candidate.binding().plan.clone();
        let started = clock::now_text();
        let rule = Rule {
            beside: objectives_beside(context, number),
            ..context
                .gate
                .levels()
                .of_load(context.gate.rule, context.gate.load.len())
        };
        let looks = if context.gate.extend { 2 } else { 1 };
        let objectives = context.gate.objectives_of(&plan);
        let with_baseline = self.baseline.is_some();
        let mut watch = Watch::new(&objectives, rule, self.length(), with_baseline, looks);
        if let Some(earlier) = context.earlier.get(plan.name.as_ref()) {
            watch.go_on_from(earlier);
        }
        let watched = watch.watched(&self.candidate.headings());
        let watch = Mutex::new(watch);
        let lost = AtomicBool::new(false);
        let (own, beside) = (Control::new(), Control::new());
        let presence = context.live.enter(
            &plan.name,
            &self.candidate.binding().environment,
            &started,
            self.length().as_secs_f64(),
            &own,
        );
        let take = |arm: Arm, tick: &mut Tick| {
            let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            if watch.second(arm, tick.second, &mut tick.slots) && own.asked() == Stop::No {
                lost.store(true, Relaxed);
                own.stop();
                beside.stop();
            }
        };
        let on_candidate = |tick: &mut Tick| {
            on_tick(&plan.name, tick);
            presence.tick(tick);
            take(Arm::Candidate, tick);
        };
        let on_baseline = |tick: &mut Tick| take(Arm::Baseline, tick);
        let controls = [&own, &beside];
        let both = self.both(&watched, controls, on_candidate, on_baseline);
        let measured = unless_stopped(context.control, controls, both).await;
        let (mut finished, baseline) = measured?;
        if let Some(orders) = presence.leave() {
            finished.stopped = orders.stop;
            finished.scaled = orders.scaled;
        }
        let lost = lost.load(Relaxed);
        if lost && finished.stopped == Stop::Drain {
            // We ended it ourselves, on evidence that is judged below; who asks again is a person.
            finished.stopped = Stop::No;
        }
        let mut watch = watch.into_inner().unwrap_or_else(PoisonError::into_inner);
        watch.end();
        let standing = Again::after(&finished, baseline.as_ref(), lost);
        let arms = (&finished, baseline.as_ref());
        let mut summary = self.sum_up(started, arms, &objectives, &watch, lost);
        if let Some(evidence) = &mut summary.evidence {
            evidence.is_spoiled = standing != Again::More;
        }
        let is_decided = summary.outcome != Outcome::Inconclusive;
        let again = match standing {
            _ if is_decided => Again::No,
            Again::More if !watch.is_open() => Again::No,
            standing => standing,
        };
        Some(Measured {
            summary,
            again,
            was_lost: lost,
        })
    }

    /// Performs the load on the candidate, and on the baseline beside it.
    async fn both(
        &self,
        watched: &Arc<[Watched]>,
        [own, beside]: [&Control; 2],
        on_candidate: impl FnMut(&mut Tick),
        on_baseline: impl FnMut(&mut Tick),
    ) -> (Finished, Option<Finished>) {
        let loads = &self.loads;
        let options = || Options {
            watched: Some(watched.clone()),
            ..Options::default()
        };
        let candidate = async {
            let performed =
                load::load(&self.candidate, loads.clone(), options(), own, on_candidate);
            let finished = until_over(&self.candidate, own, performed).await;
            // What the baseline still sends has nothing beside it.
            beside.stop();
            finished
        };
        let baseline = async {
            let cast = self.baseline.as_ref()?;
            let performed = load::load(cast, loads.clone(), options(), beside, on_baseline);
            Some(until_over(cast, beside, performed).await)
        };
        tokio::join!(candidate, baseline)
    }

    fn sum_up(
        &self,
        started: String,
        (finished, baseline): (&Finished, Option<&Finished>),
        objectives: &[Objective],
        watch: &Watch,
        lost: bool,
    ) -> Summary {
        let plan = &self.candidate.binding().plan;
        let judged = watch.judgements(if lost {
            0
        } else {
            finished.recorded.interrupted
        });
        let mut summary = summary::summarize_judged(
            plan,
            &self.candidate.binding().environment,
            started,
            finished,
            objectives,
            &judged,
        );
        summary.about = self.candidate.binding().about();
        summary.keeps_pictures = self.candidate.binding().keeps_pictures;
        summary.evidence = Some(Evidence {
            distribution: distribution(plan, finished, baseline),
            ..watch.evidence()
        });
        if lost {
            summary
                .reasons
                .push("the load was ended early: it could no longer succeed".to_owned());
        }
        let judged = watch.judged();
        if summary.outcome == Outcome::Pass
            && !judged.objectives.is_empty()
            && judged.verdict != Conclusion::Promote
        {
            // Too few requests for the rule, or both arms are dead: no single objective shows that.
            summary.outcome = Outcome::Inconclusive;
            summary.reasons.extend(judged.reasons);
        }
        if lost && summary.outcome == Outcome::Pass {
            // What could no longer succeed has not: no other objective makes that good.
            summary.outcome = match judged.verdict {
                Conclusion::Rollback => Outcome::Fail,
                _ => Outcome::Inconclusive,
            };
            summary.reasons.extend(watch.judged().reasons);
        }
        if let Cast::Script(ready) = &self.candidate {
            scripted::judge_too(ready, finished, &mut summary);
        }
        let (doubts, is_void) = baseline.map(doubts).unwrap_or_default();
        if is_void || !doubts.is_empty() && summary.outcome == Outcome::Pass {
            summary.outcome = Outcome::Inconclusive;
        }
        summary.reasons.extend(doubts);
        summary
    }
}

/// A load, which its script may end.
async fn until_over<T>(cast: &Cast, control: &Control, load: impl Future<Output = T>) -> T {
    tokio::pin!(load);
    tokio::select! {
        finished = &mut load => return finished,
        () = cast.over() => {}
    }
    // At once, as in k6.
    control.stop();
    control.stop();
    load.await
}

/// Lets loads end, or ends them at once, but with teardown, where the gate is stopped: then nothing
/// comes of them.
async fn unless_stopped<T>(
    gate: &Control,
    controls: [&Control; 2],
    loads: impl Future<Output = T>,
) -> Option<T> {
    tokio::pin!(loads);
    tokio::select! {
        finished = &mut loads => Some(finished),
        () = gate.stopped() => {
            for control in controls {
                control.stop();
                control.stop();
            }
            loads.await;
            None
        }
    }
}

/// Why a baseline is none, and whether nothing at all can be said beside it: beside one that failed
/// or was slowed down by ourselves, a bad candidate looks good.
fn doubts(baseline: &Finished) -> (Vec<String>, bool) {
    let mut doubts = Vec::new();
    if let Some(failed) = baseline.setup_failure {
        doubts.push(format!(
            "the baseline could not be measured: its setup failed ({})",
            failed.word()
        ));
    }
    let causes = keeping_up::causes(baseline);
    let late = causes.iter().filter(|cause| cause.spoils());
    let late: Vec<String> = late
        .map(|cause| format!("the baseline: {}", cause.text()))
        .collect();
    // Beside a baseline that was not measured nothing is worse.
    let is_void = !late.is_empty() || baseline.setup_failure.is_some();
    doubts.extend(late);
    (doubts, is_void)
}

/// Latencies around the limit of the first objective that has one.
fn distribution(
    plan: &Plan,
    finished: &Finished,
    baseline: Option<&Finished>,
) -> Option<Distribution> {
    let objective = plan.objectives.iter().find(|objective| {
        // Of latencies: what is sequential is not of measured values.
        matches!(objective.metric, Metric::Quantile(_)) && tally::is_sequential(objective)
    })?;
    let mut found = Distribution::new(objective.limit as u64);
    let bands = |finished: &Finished| {
        let (mut latency, mut failed) = (histogram(), 0);
        let counting = finished.recorded.steps.iter();
        for record in counting.filter(|record| record.heading.counts()) {
            let named = |name: &String| record.heading.name.as_ref() == name;
            if objective.step.as_ref().is_none_or(named) {
                add(&mut latency, &record.latency);
                failed += record.failed();
            }
        }
        (found.bands(&latency, failed), failed)
    };
    let candidate = bands(finished);
    let beside = baseline.map(bands).unwrap_or_default();
    (found.candidate, found.candidate_failed) = candidate;
    (found.baseline, found.baseline_failed) = beside;
    Some(found)
}

/// Objectives of the gate's other loads: the levels are shared out among all of them.
fn objectives_beside(context: &PhaseContext<'_>, number: usize) -> usize {
    let others = context
        .gate
        .load
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != number);
    others
        .filter_map(|(_, path)| context.project.plans.get(path))
        .flat_map(|plan| context.gate.objectives_of(plan))
        .filter(tally::is_sequential)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_touched_is_not_repeated_and_what_was_late_starts_afresh() {
        let late = [Cause::Late(9_000, false)];
        let saturated = [Cause::Saturated(3, 4), Cause::NoUser(5, 100)];
        assert_eq!(Again::because(true, false, &late), Again::No);
        assert_eq!(Again::because(false, false, &late), Again::Afresh);
        let for_lack_of_cores = [Cause::Late(9_000, true)];
        assert_eq!(Again::because(false, false, &for_lack_of_cores), Again::No);
        let at_once = Again::because(false, true, &for_lack_of_cores);
        assert_eq!(
            at_once,
            Again::Afresh,
            "a dead deploy shows itself in seconds"
        );
        assert_eq!(Again::because(false, false, &saturated), Again::More);
        assert_eq!(Again::because(false, false, &[]), Again::More);
    }
}
