//! What is looked at once where a phase did not pass, while it can still be seen: logs, status of the
//! platform, replies.
//!
//! Does not decide anything: whatever comes of it, the phase ended as it did. Invariant: a rollback never
//! waits for it longer than [`WITHIN`].

use super::context::PhaseContext;
use super::phases::smoke::smoke_all;
use crate::run::Summary;
use std::sync::Arc;
use std::time::Duration;

/// Time for all of it.
const WITHIN: Duration = Duration::from_secs(15);

/// Performs the diagnostics that the gate names, beside one another.
pub async fn diagnose(context: &PhaseContext<'_>) -> Vec<Summary> {
    let version = &context.record.facts.version;
    let seen = Arc::default();
    let apart = PhaseContext {
        seen: &seen,
        ..*context
    };
    let each = context.gate.diagnostics.iter().map(|path| {
        let performed = smoke_all(&apart, std::slice::from_ref(path), version);
        async { tokio::time::timeout(WITHIN, performed).await.ok() }
    });
    let all = futures_util::future::join_all(each).await;
    all.into_iter()
        .flatten()
        .flat_map(|ended| ended.runs)
        .collect()
}
