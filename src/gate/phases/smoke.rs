//! Scenarios, once each.

use crate::clock;
use crate::gate::context::{Ended, PhaseContext, bind};
use crate::load;
use crate::load::run::Finished;
use crate::objective::Outcome;
use crate::run::{Summary, summarize};
use crate::vu::Binding;
use std::path::PathBuf;
use std::sync::Arc;

/// Performs scenarios once each.
pub async fn smoke_all(context: &PhaseContext<'_>, paths: &[PathBuf], version: &str) -> Ended {
    let mut ended = Ended::because(Outcome::Inconclusive, Vec::new());
    let mut outcomes = Vec::new();
    for path in paths {
        let binding = match bind(context, path, version) {
            Ok(binding) => Arc::new(binding),
            Err(reasons) => {
                ended.reasons.extend(reasons);
                outcomes.push(Outcome::Inconclusive);
                continue;
            }
        };
        let (summary, _) = smoke_once(context, &binding).await;
        outcomes.push(summary.outcome);
        if summary.outcome == Outcome::Pass {
            ended.reasons.push(format!("`{}` passed", summary.scenario));
        } else {
            ended.reasons.extend(
                summary
                    .reasons
                    .iter()
                    .map(|reason| format!("`{}`: {reason}", summary.scenario)),
            );
        }
        ended.runs.push(summary);
    }
    ended.outcome = Outcome::all(outcomes);
    if ended.outcome != Outcome::Pass {
        ended.reasons.retain(|reason| !reason.ends_with("` passed"));
    }
    ended
}

pub(in crate::gate) async fn smoke_once(
    context: &PhaseContext<'_>,
    binding: &Arc<Binding>,
) -> (Summary, Finished) {
    let started = clock::now_text();
    let finished = load::smoke(binding, context.control, false, |_| ()).await;
    (
        summarize::summarize(&binding.plan, &binding.environment, started, &finished, &[]),
        finished,
    )
}

/// The gate's smoke on the version that it verifies.
pub(super) async fn smoke(context: &PhaseContext<'_>) -> Ended {
    smoke_all(context, &context.gate.smoke, &context.record.facts.version).await
}
