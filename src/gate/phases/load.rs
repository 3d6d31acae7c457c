//! The load phase: scenarios under load, judged while they run, beside a baseline if there is one.
//!
//! Knows the order of the loads and which of them are repeated. Does not know how one is measured.

use crate::gate::arms::{Again, Arms, Measured};
use crate::gate::casting::{cast, cast_in};
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::rehearsal;
use crate::load::Tick;
use crate::objective::Outcome;
use crate::run::Summary;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How often a load is performed until the load generator was not late in it. Which of them counts
/// is decided by how late the generator was, never by what the target answered.
const ATTEMPTS_MAX: usize = 3;
/// Time for setup, teardown and what is still on its way at the end.
const BESIDE_A_LOAD: Duration = Duration::from_secs(10);

/// One load of the phase.
struct Load {
    /// The arms, or why there are none.
    arms: Result<Arms, Vec<String>>,
    measured: Option<Measured>,
    attempts: usize,
}

impl Load {
    fn new(context: &PhaseContext<'_>, path: &PathBuf) -> Load {
        let arms = cast(context, path, &context.record.facts.version).and_then(|candidate| {
            let before = context.record.rollback_to.as_deref().unwrap_or_default();
            let baseline = context
                .baseline
                .map(|beside| cast_in(context, beside, path, before));
            Ok(Arms {
                loads: rehearsal::loads(&context.record.facts, &candidate.binding().plan.load),
                candidate,
                baseline: baseline.transpose()?,
            })
        });
        Load {
            arms,
            measured: None,
            attempts: 0,
        }
    }

    /// The arms, if it is to be performed now.
    fn due(&self, context: &PhaseContext<'_>) -> Option<&Arms> {
        let arms = self.arms.as_ref().ok()?;
        let Some(measured) = &self.measured else {
            return Some(arms);
        };
        // What cannot succeed is over in seconds.
        let length = match measured.was_lost {
            true => Duration::ZERO,
            false => arms.length(),
        };
        let fits = || Instant::now() + length + BESIDE_A_LOAD <= context.deadline;
        let again = measured.again == Again::Afresh && context.gate.extend;
        (again && self.attempts < ATTEMPTS_MAX && fits()).then_some(arms)
    }

    /// Whether it looked so bad that the others are not worth waiting for.
    fn is_urgent(&self) -> bool {
        let measured = self.measured.as_ref();
        measured.is_some_and(|measured| measured.was_lost)
    }

    /// Whether it was spoiled, and there was no time, or no leave, for another one.
    fn was_left(&self) -> bool {
        let measured = self.measured.as_ref();
        measured.is_some_and(|measured| measured.again == Again::Afresh)
            && self.attempts < ATTEMPTS_MAX
    }

    fn name(&self) -> &str {
        let measured = self.measured.as_ref();
        measured.map_or("", |measured| measured.summary.scenario.as_str())
    }

    fn has_failed(&self) -> bool {
        let measured = self.measured.as_ref();
        measured.is_some_and(|measured| measured.summary.outcome == Outcome::Fail)
    }

    /// Whether more of the same would settle it.
    fn is_open(&self) -> bool {
        self.measured.as_ref().is_some_and(|measured| {
            let passed = measured.summary.outcome == Outcome::Pass;
            passed || self.was_left() || measured.again == Again::More
        })
    }
}

/// Performs the loads of a gate, one after another, and then those again that the load generator
/// spoiled.
pub async fn load_all(
    context: &PhaseContext<'_>,
    on_tick: &mut (dyn FnMut(&str, &Tick) + Send),
) -> Ended {
    let paths = context.gate.load.iter();
    let mut loads: Vec<Load> = paths.map(|path| Load::new(context, path)).collect();
    let mut spoiled = Vec::new();
    'rounds: for _ in 0..ATTEMPTS_MAX {
        for (number, load) in loads.iter_mut().enumerate() {
            while let Some(arms) = load.due(context) {
                let Some(measured) = arms.afresh().measure(context, number, on_tick).await else {
                    return Ended::new(Outcome::Inconclusive, "it was stopped");
                };
                load.attempts += 1;
                spoiled.extend(load.measured.replace(measured).map(|before| before.summary));
                if load.has_failed() && !context.waives(load.name()).await {
                    break 'rounds;
                }
                if !load.is_urgent() {
                    break;
                }
            }
        }
    }
    Ended {
        spoiled,
        ..sum_up(loads, context.gate.extend)
    }
}

fn sum_up(loads: Vec<Load>, extends: bool) -> Ended {
    let mut ended = Ended::because(Outcome::Inconclusive, Vec::new());
    let mut outcomes = Vec::new();
    // More of the same helps only if nothing but the evidence was missing.
    let is_open = loads.iter().all(Load::is_open);
    for load in loads {
        let was_left = load.was_left();
        if let Err(reasons) = load.arms {
            ended.reasons.extend(reasons);
            outcomes.push(Outcome::Inconclusive);
        }
        // One after a load that failed was not performed.
        let Some(Measured { summary, .. }) = load.measured else {
            continue;
        };
        outcomes.push(summary.outcome);
        ended.reasons.extend(reasons_of(&summary));
        if was_left {
            let why = match extends {
                true => "the time of the phase is too short",
                false => "`extend` is off",
            };
            ended.reasons.push(format!(
                "`{}` was not performed again: {why}",
                summary.scenario
            ));
        }
        if load.attempts > 1 && summary.outcome != Outcome::Fail {
            ended.reasons.push(format!(
                "`{}` was performed {} times: the load generator was late before",
                summary.scenario, load.attempts
            ));
        }
        ended.runs.push(summary);
    }
    ended.outcome = Outcome::all(outcomes);
    ended.is_open = is_open && ended.outcome == Outcome::Inconclusive;
    ended
}

fn reasons_of(summary: &Summary) -> Vec<String> {
    // Of a pass these are remarks.
    let said = summary.reasons.iter();
    let said = said.map(|reason| format!("`{}`: {reason}", summary.scenario));
    if summary.outcome == Outcome::Pass {
        let kept: Vec<String> = summary
            .objectives
            .iter()
            .map(|judgement| format!("{} (seen {})", judgement.objective, judgement.seen))
            .collect();
        let held = format!("`{}` held {}", summary.scenario, kept.join(", "));
        return [held].into_iter().chain(said).collect();
    }
    said.collect()
}
