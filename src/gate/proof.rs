//! The proof of a rollback: the old version everywhere, and its smoke passing. Nothing less.

use super::context::PhaseContext;
use super::phases::smoke::smoke_all;
use super::served::await_version;
use crate::load::Stop;
use crate::objective::Outcome;
use crate::run::Summary;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Proves a rollback: the old version everywhere, then its smoke, again and again until time is up.
pub async fn prove(
    context: &PhaseContext<'_>,
    deadline: Instant,
) -> (bool, Vec<String>, Vec<Summary>) {
    if context.gate.services.is_empty() {
        let reason = "the gate names no `services`, so nobody can see which version is served";
        return (false, vec![reason.to_owned()], Vec::new());
    }
    let Some(good) = context
        .record
        .rollback_to
        .as_deref()
        .filter(|version| !version.is_empty())
    else {
        let reason = "no version is known that would be the right one";
        return (false, vec![reason.to_owned()], Vec::new());
    };
    let prove = &context.gate.prove;
    let wanted = |version: &str| version == good;
    let mut runs;
    let mut reasons;
    loop {
        let seen = match await_version(context, &prove.converge, deadline, &wanted).await {
            Ok(seen) => seen,
            Err((_, mut seen)) => {
                seen.insert(0, format!("`{good}` is not served everywhere"));
                return (false, seen, Vec::new());
            }
        };
        if prove.smoke.is_empty() {
            return (true, vec![seen], Vec::new());
        }
        let shown = Arc::default();
        let measured = PhaseContext {
            seen: &shown,
            ..*context
        };
        let smoke = smoke_all(&measured, &prove.smoke, good);
        let Ok(ended) = tokio::time::timeout_at(deadline.into(), smoke).await else {
            let late = "the smoke of the old version did not end in time".to_owned();
            return (false, vec![seen, late], Vec::new());
        };
        runs = ended.runs;
        reasons = ended.reasons;
        reasons.insert(0, seen);
        let other = shown.others().map(|(others, other)| {
            let replies = shown.replies();
            format!("{others} of {replies} replies of the smoke showed `{other}`")
        });
        let is_mixed = other.is_some();
        reasons.extend(other);
        if ended.outcome == Outcome::Pass && !is_mixed {
            return (true, reasons, runs);
        }
        if context.control.asked() != Stop::No || Instant::now() + prove.converge.every >= deadline
        {
            return (false, reasons, runs);
        }
        tokio::time::sleep(prove.converge.every).await;
    }
}

/// Targets that a rollback missed, in sentences.
pub(super) fn late(
    targets: Option<(i64, i64)>,
    action_ms: Option<i64>,
    healthy_ms: Option<i64>,
) -> Vec<String> {
    let Some((action, healthy)) = targets else {
        return Vec::new();
    };
    let show = |ms: i64| crate::duration::show(Duration::from_millis(ms.max(0) as u64));
    let missed = |what: &str, took: Option<i64>, target: i64| {
        let took = took.filter(|took| *took > target)?;
        Some(format!(
            "{what} took {}, longer than its target of {}",
            show(took),
            show(target)
        ))
    };
    let action = missed("the rollback action", action_ms, action);
    let healthy = missed("the way from the trigger to healthy", healthy_ms, healthy);
    action.into_iter().chain(healthy).collect()
}
