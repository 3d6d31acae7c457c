//! Rolls history up, and removes what has been kept long enough, a little at a time.

use crate::project::current::Current;
use crate::project::keeping::Keeping;
use crate::store::Store;
use crate::store::contract::Stretch;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks for results that are to be rolled up.
const ROLL_UP_EVERY: Duration = Duration::from_secs(10);
/// Between two looks for what is old, in looks of the other kind.
const REMOVE_EVERY: u64 = 360;

/// Keeps house for ever; to be aborted at the end.
pub async fn keep(store: Store, current: Arc<Current>) {
    for round in 0_u64.. {
        roll_up(&store).await;
        if round.is_multiple_of(REMOVE_EVERY) {
            remove(&store, current.get().file.keeping).await;
        }
        tokio::time::sleep(ROLL_UP_EVERY).await;
    }
}

async fn roll_up(store: &Store) {
    loop {
        match store.roll_up().await {
            Ok(0) => return,
            Ok(_) => tokio::task::yield_now().await,
            Err(fault) => {
                tracing::error!(%fault, "Results of probes cannot be rolled up; trying again");
                return;
            }
        }
    }
}

async fn remove(store: &Store, keeping: Keeping) {
    let before = |kept: Duration| crate::clock::now_ms() - kept.as_millis() as i64;
    let evidence = before(keeping.evidence);
    let results = before(keeping.results);
    let minutes = before(keeping.minutes) / 1_000;
    let hours = before(keeping.hours) / 1_000;
    for (what, removed) in [
        ("probe results", store.prune_probe_results(results).await),
        (
            "history",
            store.prune_history(Stretch::Minute, minutes).await,
        ),
        ("history", store.prune_history(Stretch::Hour, hours).await),
        ("history", store.prune_history(Stretch::Day, hours).await),
        ("audit", store.prune_audit(before(keeping.gates)).await),
        ("incidents", store.prune_incidents(evidence).await),
        ("evidence", store.prune_evidence(evidence).await),
        ("gates", store.prune_gates(before(keeping.gates)).await),
    ] {
        match removed {
            Ok(0) => {}
            Ok(count) => tracing::info!(what, count, "What was old is removed"),
            Err(fault) => tracing::error!(what, %fault, "What is old cannot be removed"),
        }
    }
}
