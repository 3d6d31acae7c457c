//! The expected version is served; and how those who use the service fare until then.

use super::smoke::smoke_all;
use crate::environment::everywhere::Look;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::rollout::{Rollout, Served};
use crate::gate::served;
use crate::load::Stop;
use crate::objective::Outcome;
use crate::project::gate::Rolling;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

pub async fn converge(context: &PhaseContext<'_>) -> Ended {
    let wanted = context.record.facts.version.clone();
    let deadline = Instant::now() + context.gate.converge.timeout;
    let is_wanted = |version: &str| version == wanted;
    let awaiting = served::await_version(context, &context.gate.converge, deadline, &is_wanted);
    // What a remedy does is no rollout.
    let is_rollout = context.record.state.remedy.is_none();
    let Some(rolling) = context.gate.rollout.as_ref().filter(|_| is_rollout) else {
        return ended(context, awaiting.await);
    };
    let begun = Instant::now();
    let (over, is_over) = watch::channel(false);
    let (result, seen) = tokio::join!(
        async {
            let result = awaiting.await;
            over.send_replace(true);
            result
        },
        rounds(context, rolling, begun, is_over),
    );
    let (said, objection) = seen.end(begun.elapsed(), &wanted, rolling.downtime);
    let mut ended = ended(context, result);
    ended.reasons.extend(said);
    // The rest is measured all the same: a version that is broken, too, is rolled back.
    ended.holds = objection;
    ended
}

/// Performs the scenarios of a rollout, round after round, until it is over. A round comes to its end, teardown
/// and all.
async fn rounds(
    context: &PhaseContext<'_>,
    rolling: &Rolling,
    begun: Instant,
    mut is_over: watch::Receiver<bool>,
) -> Rollout {
    let mut rollout = Rollout::default();
    // Replies of the version before are what is expected here.
    let replies = Arc::default();
    let beside = PhaseContext {
        seen: &replies,
        ..*context
    };
    while context.control.asked() == Stop::No && !*is_over.borrow() {
        let round = Instant::now();
        let (looks, ended) = tokio::join!(
            served::shown(&beside),
            smoke_all(&beside, &rolling.scenarios, &context.record.facts.version),
        );
        let shown: Vec<Option<String>> = looks
            .unwrap_or_default()
            .into_iter()
            .map(|(_, look)| match look {
                Look::Shown(version) => Some(version),
                _ => None,
            })
            .collect();
        let why = ended.reasons.join("; ");
        let at = round.duration_since(begun);
        rollout.note(at, Served::of(&shown), ended.outcome, &why);
        tokio::select! {
            () = tokio::time::sleep_until((round + rolling.every).into()) => {}
            () = context.control.stopped() => {}
            _ = is_over.wait_for(|over| *over) => {}
        }
    }
    rollout
}

fn ended(context: &PhaseContext<'_>, result: Result<String, (bool, Vec<String>)>) -> Ended {
    let wanted = &context.record.facts.version;
    match result {
        Ok(seen) => Ended::new(Outcome::Pass, seen),
        Err((broken, mut seen)) => {
            let lead = format!(
                "`{wanted}` was not served everywhere within {}",
                crate::duration::show(context.gate.converge.timeout)
            );
            seen.insert(0, lead);
            // A service that answers with another version tells us nothing of this one; one that
            // does not answer at all is broken.
            let outcome = if broken {
                Outcome::Fail
            } else {
                Outcome::Inconclusive
            };
            Ended::because(outcome, seen)
        }
    }
}
