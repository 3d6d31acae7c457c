//! The load phase: scenarios under load, judged while they run, beside a baseline if there is one.

use super::arms::{Again, Arms, Measured};
use super::phases::{Ended, Ground, bind, bind_to};
use crate::load::Tick;
use crate::objective::Outcome;
use crate::report::Summary;
use crate::scenario::Plan;
use std::sync::Arc;

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
        let Some((mut spoiled, measured)) = arms.measure_well(ground, number, on_tick).await else {
            return Ended::new(Outcome::Inconclusive, "it was stopped");
        };
        let Measured { summary, again } = measured;
        outcomes.push(summary.outcome);
        open.push(again == Again::More || summary.outcome == Outcome::Pass);
        ended.reasons.extend(reasons_of(&summary));
        if !spoiled.is_empty() {
            ended.reasons.push(format!(
                "`{}` was performed {} times: the load generator was late before",
                summary.scenario,
                spoiled.len() + 1
            ));
        }
        ended.runs.append(&mut spoiled);
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
