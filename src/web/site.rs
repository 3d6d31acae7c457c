//! What every route knows of the daemon, and who may change anything.

use super::problem::Problem;
use crate::delivery::means::Means;
use crate::gate::driver::Driver;
use crate::probe::prober::Prober;
use crate::project::current::Current;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use http::{HeaderMap, StatusCode};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc;

/// Everything that routes may use.
#[derive(Debug, Clone)]
pub struct Site {
    /// State.
    pub store: Store,
    /// Configuration.
    pub current: Arc<Current>,
    /// Gates.
    pub driver: Arc<Driver>,
    /// Probes.
    pub prober: Arc<Prober>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Secrets and sockets.
    pub means: Arc<RwLock<Arc<Means>>>,
    /// Asks the daemon to reload; the answer comes back.
    pub reload: mpsc::Sender<tokio::sync::oneshot::Sender<Result<(), String>>>,
    /// Whether everything is started.
    pub ready: Arc<AtomicBool>,
    /// Tasks that must live as long as the process.
    pub supervisor: Arc<Supervisor>,
    /// Whether only this machine reaches the port.
    pub loopback: bool,
}

impl Site {
    /// Secrets and sockets in force.
    pub fn means(&self) -> Arc<Means> {
        self.means
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Whether a request may change anything.
    pub fn may_change(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let project = self.current.get();
        let text = |name: http::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(token) = &project.file.token {
            let means = self.means();
            let wanted = means.fill(token, &BTreeMap::new()).map_err(|_| {
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the server's token cannot be made",
                )
            })?;
            let given = text(http::header::AUTHORIZATION)
                .and_then(|value| value.strip_prefix("Bearer "))
                .unwrap_or_default();
            return if wanted.is(given) {
                Ok(())
            } else {
                Err(Problem::new(
                    StatusCode::UNAUTHORIZED,
                    "this needs the server's token: `Authorization: Bearer …`",
                ))
            };
        }
        if !self.loopback {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "the server has no token, so nothing can be changed over the network; set `server.token`",
            ));
        }
        if super::local::is_local(headers) {
            Ok(())
        } else {
            Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this request comes from another site",
            ))
        }
    }
}
