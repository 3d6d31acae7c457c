//! The load phase: scenarios under load, judged while they run, beside a baseline if there is one.

use super::phases::{Ended, Ground, bind, bind_to, now_text};
use super::watch::Watch;
use crate::load::recorder::{add, histogram};
use crate::load::run::{Finished, Options};
use crate::load::{self, Control, Stop, Tick};
use crate::objective::rule::Rule;
use crate::objective::trial::Conclusion;
use crate::objective::{Metric, Outcome};
use crate::replay::evidence::{Distribution, Evidence};
use crate::replay::tally::{self, Arm};
use crate::report::keeping_up::{self, Cause};
use crate::report::{Summary, summary};
use crate::scenario::Plan;
use crate::scenario::plan::end_of;
use crate::vu::Binding;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Performs the loads of a gate, one after another.
pub async fn load_all(
    ground: &Ground<'_>,
    on_tick: &mut (dyn FnMut(&Plan, &Tick) + Send),
) -> Ended {
    let mut ended = Ended {
        outcome: Outcome::Inconclusive,
        reasons: Vec::new(),
        runs: Vec::new(),
        is_open: false,
        is_foreign: false,
    };
    let mut outcomes = Vec::new();
    let mut open = Vec::new();
    for (number, path) in ground.gate.load.iter().enumerate() {
        let bound = bind(ground, path, &ground.record.facts.version).and_then(|candidate| {
            let baseline = match ground.baseline {
                Some(environment) => Some(Arc::new(bind_to(
                    ground,
                    environment,
                    path,
                    ground.record.rollback_to.as_deref().unwrap_or_default(),
                )?)),
                None => None,
            };
            Ok(Arms {
                candidate: Arc::new(candidate),
                baseline,
            })
        });
        let arms = match bound {
            Ok(arms) => arms,
            Err(reasons) => {
                ended.reasons.extend(reasons);
                outcomes.push(Outcome::Inconclusive);
                open.push(false);
                continue;
            }
        };
        let Some(measured) = arms.measure(ground, number, on_tick).await else {
            return Ended::new(Outcome::Inconclusive, "it was stopped");
        };
        let (summary, is_open) = measured;
        outcomes.push(summary.outcome);
        open.push(is_open || summary.outcome == Outcome::Pass);
        ended.reasons.extend(reasons_of(&summary));
        let failed = summary.outcome == Outcome::Fail;
        ended.runs.push(summary);
        if failed {
            break;
        }
    }
    ended.outcome = Outcome::all(outcomes);
    // More of the same helps only if nothing but the evidence was missing.
    ended.is_open = ended.outcome == Outcome::Inconclusive && open.iter().all(|open| *open);
    ended
}

fn reasons_of(summary: &Summary) -> Vec<String> {
    if summary.outcome == Outcome::Pass {
        let kept: Vec<String> = summary
            .objectives
            .iter()
            .map(|judgement| format!("{} (seen {})", judgement.objective, judgement.seen))
            .collect();
        return vec![format!("`{}` held {}", summary.scenario, kept.join(", "))];
    }
    summary
        .reasons
        .iter()
        .map(|reason| format!("`{}`: {reason}", summary.scenario))
        .collect()
}

/// Whether a load that was inconclusive is worth another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    /// Somebody stopped or changed it, or a part of it is missing: that is not ours to repeat.
    No,
    /// The load generator was late, so that nothing of it can be relied on.
    Afresh,
    /// What was measured stands.
    More,
}

impl Again {
    fn after(finished: &Finished) -> Again {
        let by_hand = finished.stopped != Stop::No || finished.scaled != (1.0, 1.0);
        let is_touched = by_hand || finished.lost_workers > 0;
        Again::because(is_touched, &keeping_up::causes(finished))
    }

    fn because(is_touched: bool, causes: &[Cause]) -> Again {
        if is_touched {
            Again::No
        } else if causes.iter().any(Cause::taints_all) {
            Again::Afresh
        } else {
            Again::More
        }
    }
}

/// The versions that a load is sent to.
struct Arms {
    candidate: Arc<Binding>,
    baseline: Option<Arc<Binding>>,
}

impl Arms {
    /// Performs a load on both arms at once. Nothing if the gate was stopped.
    async fn measure(
        &self,
        ground: &Ground<'_>,
        number: usize,
        on_tick: &mut (dyn FnMut(&Plan, &Tick) + Send),
    ) -> Option<(Summary, bool)> {
        let plan = self.candidate.plan.clone();
        let started = now_text();
        let rule = Rule {
            beside: objectives_beside(ground, number),
            ..ground.gate.rule
        };
        let looks = if ground.gate.extend { 2 } else { 1 };
        let mut watch = Watch::new(
            &plan,
            rule,
            end_of(&plan.load),
            self.baseline.is_some(),
            looks,
        );
        if let Some(earlier) = ground.earlier.get(plan.name.as_ref()) {
            watch.go_on_from(earlier);
        }
        let watched = watch.watched(&plan);
        let watch = Mutex::new(watch);
        let lost = AtomicBool::new(false);
        let (own, beside) = (Control::new(), Control::new());
        let presence = ground.live.enter(
            &plan.name,
            &self.candidate.environment,
            &started,
            end_of(&plan.load).as_secs_f64(),
            &own,
        );
        let measured = {
            let take = |arm: Arm, tick: &mut Tick| {
                let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
                if watch.second(arm, tick.second, &mut tick.slots) && own.asked() == Stop::No {
                    lost.store(true, Relaxed);
                    own.stop();
                    beside.stop();
                }
            };
            let options = || Options {
                watched: Some(watched.clone()),
                ..Options::default()
            };
            let candidate = async {
                let finished = load::load(
                    &self.candidate,
                    plan.load.clone(),
                    options(),
                    &own,
                    |tick| {
                        on_tick(&plan, tick);
                        presence.tick(tick);
                        take(Arm::Candidate, tick);
                    },
                )
                .await;
                // What the baseline still sends has nothing beside it.
                beside.stop();
                finished
            };
            let baseline = async {
                match &self.baseline {
                    Some(binding) => {
                        let take = |tick: &mut Tick| take(Arm::Baseline, tick);
                        Some(load::load(binding, plan.load.clone(), options(), &beside, take).await)
                    }
                    None => None,
                }
            };
            let both = async { tokio::join!(candidate, baseline) };
            tokio::pin!(both);
            tokio::select! {
                finished = &mut both => Some(finished),
                () = ground.control.stopped() => {
                    // At once, but with teardown.
                    for control in [&own, &beside] {
                        control.stop();
                        control.stop();
                    }
                    both.await;
                    None
                }
            }
        };
        let (mut finished, baseline) = measured?;
        if let Some(orders) = presence.leave() {
            finished.stopped = orders.stop;
        }
        if lost.load(Relaxed) {
            // We ended it ourselves, on evidence that is judged below.
            finished.stopped = Stop::No;
        }
        let mut watch = watch.into_inner().unwrap_or_else(PoisonError::into_inner);
        watch.end();
        let again = Again::after(&finished);
        let lost = lost.load(Relaxed);
        let mut summary = self.sum_up(started, &finished, baseline.as_ref(), &watch, lost);
        if let Some(evidence) = &mut summary.evidence {
            evidence.is_spoiled = again != Again::More;
        }
        let is_open = summary.outcome == Outcome::Inconclusive
            && match again {
                Again::No => false,
                Again::Afresh => true,
                Again::More => watch.is_open(),
            };
        Some((summary, is_open))
    }

    fn sum_up(
        &self,
        started: String,
        finished: &Finished,
        baseline: Option<&Finished>,
        watch: &Watch,
        lost: bool,
    ) -> Summary {
        let plan = &self.candidate.plan;
        let judged = watch.judgements(if lost {
            0
        } else {
            finished.recorded.interrupted
        });
        let mut summary = summary::summarize_judged(
            plan,
            &self.candidate.environment,
            started,
            finished,
            &plan.objectives,
            &judged,
        );
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
        if let Some(failed) = baseline.and_then(|baseline| baseline.setup_failure) {
            summary.reasons.push(format!(
                "the baseline could not be measured: its setup failed ({})",
                failed.word()
            ));
            if summary.outcome == Outcome::Pass {
                summary.outcome = Outcome::Inconclusive;
            }
        }
        summary
    }
}

/// Latencies around the limit of the first objective that has one.
fn distribution(
    plan: &Plan,
    finished: &Finished,
    baseline: Option<&Finished>,
) -> Option<Distribution> {
    let objective = plan.objectives.iter().find(|objective| {
        matches!(objective.metric, Metric::Quantile(_)) && tally::is_sequential(objective)
    })?;
    let mut found = Distribution::new(objective.limit as u64);
    let bands = |finished: &Finished| {
        let (mut latency, mut failed) = (histogram(), 0);
        for step in plan.steps.iter().filter(|step| !step.advisory) {
            if objective
                .step
                .as_ref()
                .is_none_or(|name| step.name.as_ref() == name)
            {
                let record = &finished.recorded.steps[step.index];
                add(&mut latency, &record.latency);
                failed += record.failed();
            }
        }
        found.bands(&latency, failed)
    };
    let candidate = bands(finished);
    let beside = baseline.map(bands).unwrap_or_default();
    found.candidate = candidate;
    found.baseline = beside;
    Some(found)
}

/// Objectives of the gate's other loads: the levels are shared out among all of them.
fn objectives_beside(ground: &Ground<'_>, number: usize) -> usize {
    let others = ground
        .gate
        .load
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != number);
    others
        .filter_map(|(_, path)| ground.project.plans.get(path))
        .flat_map(|plan| plan.objectives.iter())
        .filter(|objective| tally::is_sequential(objective))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_touched_is_not_repeated_and_what_was_late_starts_afresh() {
        let late = [Cause::Late(9_000, false)];
        let saturated = [Cause::Saturated(3, 4), Cause::NoUser(5, 100)];
        assert_eq!(Again::because(true, &late), Again::No);
        assert_eq!(Again::because(false, &late), Again::Afresh);
        assert_eq!(Again::because(false, &saturated), Again::More);
        assert_eq!(Again::because(false, &[]), Again::More);
    }
}
