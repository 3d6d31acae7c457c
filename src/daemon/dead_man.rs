//! The heartbeat that we send: whoever watches us hears from us while we are well, and only then.
//!
//! A dead process sends nothing, and so does one that cannot keep what it sees: silence is the alarm, at the
//! other end.

use crate::delivery::means::Means;
use crate::incident::own::Noted;
use crate::net::client::send;
use crate::project::current::Current;
use crate::project::heartbeat::DeadMan;
use bytes::Bytes;
use http::{HeaderMap, Method};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Time for one report.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Between two looks for whether there is anybody to report to.
const IDLE: Duration = Duration::from_secs(5);

/// Reports for ever; to be aborted at the end. `is_well` says whether there is anything good to report.
pub(super) async fn report(
    current: Arc<Current>,
    means: Arc<RwLock<Arc<Means>>>,
    is_well: Arc<dyn Fn() -> bool + Send + Sync>,
    trouble: Noted,
) {
    loop {
        let project = current.get();
        let Some(dead_man) = &project.file.dead_man else {
            trouble.set(None);
            tokio::time::sleep(IDLE).await;
            continue;
        };
        if is_well() {
            let means = means.read().unwrap_or_else(PoisonError::into_inner).clone();
            let failed = one(dead_man, &means).await.err();
            if let Some(reason) = &failed {
                tracing::warn!(reason, "Whoever watches us could not be reported to");
            }
            trouble.set(failed);
        }
        tokio::time::sleep(dead_man.every).await;
    }
}

/// One report.
async fn one(dead_man: &DeadMan, means: &Means) -> Result<(), String> {
    let url = means.fill(&dead_man.url, &BTreeMap::new())?;
    let body = Bytes::from_static(b"bellwether is well\n");
    let (post, none) = (Method::POST, HeaderMap::new());
    let sent = send(&means.connector, post, url.expose(), none, body, TIMEOUT).await;
    match sent {
        Ok(reply) if reply.status.is_success() => Ok(()),
        Ok(reply) => Err(format!("it answers {}", reply.status)),
        Err(fault) => Err(means.redactor().clean(&fault.detail)),
    }
}
