//! Mistakes that no single value shows: an objective that can never be proven, a load over a cap.

use super::plan::Plan;
use crate::document::diagnostic::{Diagnostic, Diagnostics};
use crate::document::node::Node;
use crate::objective::binomial;
use crate::objective::judge::PROMOTE_LEVEL;

/// Requests that the plan makes on a step (or on all), if that is known before it runs.
pub fn requests_planned(plan: &Plan, step: Option<&str>) -> Option<u64> {
    let iterations: u64 = plan
        .load
        .iter()
        .map(|load| load.executor.iterations_planned())
        .sum::<Option<u64>>()?;
    let each = match step {
        None => plan.requests_per_iteration(),
        Some(name) => {
            let step = plan.steps.iter().find(|step| step.name.as_ref() == name)?;
            step.repeat.as_ref().map_or(1, |repeat| repeat.times)
        }
    };
    Some(iterations * each)
}

/// Reports objectives of what is performed once: nobody judges them, unless a load is given to a run.
fn unjudged(plan: &Plan, root: &Node, found: &mut Diagnostics) {
    for (key, objectives) in [("objectives", &plan.objectives), ("warn", &plan.warnings)] {
        let Some(key) = root.key(key).filter(|_| !objectives.is_empty()) else {
            continue;
        };
        found.push(
            Diagnostic::warning(
                "objective-not-judged",
                "objectives are judged under load, and this scenario is performed once",
            )
            .at(&plan.source, key.span, "without effect here")
            .hint("add `load`, or ask the step itself: `check`, or `warn`"),
        );
    }
}

/// Reports objectives that the planned number of requests can never prove.
pub fn provable(plan: &Plan, root: &Node, found: &mut Diagnostics) {
    if plan.load.is_empty() {
        unjudged(plan, root, found);
        return;
    }
    let nodes = root.get("objectives").map(Node::items).unwrap_or_default();
    for objective in &plan.objectives {
        let Some(share) = objective.allowed_share().filter(|share| *share > 0.0) else {
            continue;
        };
        let Some(planned) = requests_planned(plan, objective.step.as_deref()) else {
            continue;
        };
        let needed = binomial::flawless_needed(share, PROMOTE_LEVEL);
        let node = nodes.iter().find(|node| node.text.trim() == objective.text);
        if planned < needed
            && let Some(node) = node
        {
            found.push(
                Diagnostic::error(
                    "objective-never-provable",
                    format!("{planned} requests can never prove `{}`", objective.text),
                )
                .at(&plan.source, node.span, format!("at least {needed} needed"))
                .hint(format!(
                    "plan {:.1} times as many requests (a longer `duration`, or a higher `rate`), or ask for less: even flawless requests leave this many open",
                    (needed as f64 / planned.max(1) as f64 * 10.0).ceil() / 10.0
                )),
            );
        }
    }
}
