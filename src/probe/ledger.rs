//! Keeps what probes showed: many results in one commit, and none of a probe's time.
//!
//! A change of a state is committed at once, all else within a second. What cannot be committed waits,
//! within a bound; what is beyond it is counted as lost. Does not know what a result means.

use crate::store::Store;
use crate::telemetry::metrics::Metrics;
use crate::watch::result::ProbeCommit;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Results that wait at the most: an hour of a hundred probes, or a minute of ten thousand.
const WAITING_MAX: usize = 100_000;
/// Results of one commit.
const TOGETHER_MAX: usize = 4_096;
/// Results that change no state wait so long for others.
const GATHER: Duration = Duration::from_secs(1);
/// Pause after a commit that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// What waits to be committed.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    metrics: Arc<Metrics>,
    waiting: Mutex<VecDeque<ProbeCommit>>,
    urgent: Notify,
    settling: tokio::sync::Mutex<()>,
    is_well: AtomicBool,
}

impl Ledger {
    /// A ledger on a store.
    pub fn new(store: Store, metrics: Arc<Metrics>) -> Ledger {
        Ledger {
            store,
            metrics,
            waiting: Mutex::default(),
            urgent: Notify::new(),
            settling: tokio::sync::Mutex::default(),
            is_well: AtomicBool::new(true),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<ProbeCommit>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a result; nobody waits for that.
    pub fn keep(&self, commit: ProbeCommit) {
        let is_change = commit.state.is_some();
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING_MAX {
            // What changes a state tells more than one more run of the same.
            match waiting.iter().position(|kept| kept.state.is_none()) {
                Some(at) => drop(waiting.remove(at)),
                None => drop(waiting.pop_front()),
            }
            self.metrics.results_lost(1);
        }
        waiting.push_back(commit);
        let is_full = waiting.len() >= TOGETHER_MAX;
        drop(waiting);
        if is_change || is_full {
            self.urgent.notify_one();
        }
    }

    fn put_back(&self, some: Vec<ProbeCommit>) {
        let mut waiting = self.waiting();
        for commit in some.into_iter().rev() {
            waiting.push_front(commit);
        }
    }

    /// Whether what was seen can be kept.
    pub fn is_well(&self) -> bool {
        self.is_well.load(Relaxed)
    }

    /// Commits for ever.
    pub async fn run(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.urgent.notified() => {}
                () = tokio::time::sleep(GATHER) => {}
            }
            self.settle().await;
        }
    }

    /// Commits all that waits; what somebody else is committing by now is kept, too, when this ends.
    pub async fn settle(&self) {
        let _one_at_a_time = self.settling.lock().await;
        loop {
            let some: Vec<ProbeCommit> = {
                let mut waiting = self.waiting();
                let count = waiting.len().min(TOGETHER_MAX);
                waiting.drain(..count).collect()
            };
            if some.is_empty() {
                return;
            }
            match self.store.commit_probes(some.clone()).await {
                Ok(()) => {
                    if !self.is_well.swap(true, Relaxed) {
                        tracing::info!("Results of probes are kept again");
                    }
                }
                Err(fault) => {
                    if self.is_well.swap(false, Relaxed) {
                        tracing::error!(%fault, "Results of probes cannot be kept; probing goes on, and they wait");
                    }
                    self.put_back(some);
                    tokio::time::sleep(PAUSE).await;
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::Outcome;
    use crate::store::sqlite::Sqlite;
    use crate::watch::result::ProbeResult;

    #[tokio::test]
    async fn whoever_stops_waits_for_what_somebody_else_is_committing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("state.db")).unwrap();
        let ledger = Ledger::new(store.clone(), Arc::new(Metrics::new()));
        ledger.keep(ProbeCommit {
            probe: "a".into(),
            state: None,
            result: ProbeResult {
                at_ms: 1,
                outcome: Outcome::Fail,
                impaired: false,
                flaky: false,
                is_excluded: false,
                duration_us: 1,
                severity: None,
                reason: "".into(),
            },
            measured: Vec::new(),
        });
        let (first, second) = (ledger.settle(), ledger.settle());
        tokio::pin!(first, second);
        let is_kept = tokio::select! {
            biased;
            () = &mut first => true,
            () = std::future::ready(()) => false,
        };
        if !is_kept {
            // Nothing waits any more, and nobody has said that it is kept.
            tokio::select! {
                biased;
                () = &mut second => panic!("it is not kept yet"),
                () = std::future::ready(()) => {}
            }
            first.await;
        }
        second.await;
        let kept = store.remembered(vec!["a".to_owned()], 10).await.unwrap();
        assert_eq!(kept["a"].results.len(), 1);
    }
}
