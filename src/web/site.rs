//! What every route knows of the daemon, and who may change anything.

use super::problem::Problem;
use crate::delivery::means::Means;
use crate::gate::driver::Driver;
use crate::incident::keeper::Keeper;
use crate::probe::heartbeats::Heartbeats;
use crate::probe::prober::Prober;
use crate::project::access::{Caller, Role};
use crate::project::current::Current;
use crate::scenario::template::Template;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use crate::watch::budgets::Budgets;
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
    /// Incidents.
    pub keeper: Arc<Keeper>,
    /// How the error budgets stand.
    pub budgets: Arc<Budgets>,
    /// Jobs that report.
    pub heartbeats: Arc<Heartbeats>,
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

    /// Who sends a request that needs a role; whoever may not is told why.
    pub fn caller(&self, headers: &HeaderMap, needs: Role) -> Result<Caller, Problem> {
        let project = self.current.get();
        let file = &project.file;
        let named = |name: Option<&str>| Caller {
            name: name.map(str::to_owned),
            others_have_names: !file.tokens.is_empty(),
        };
        if file.token.is_none() && file.tokens.is_empty() {
            return self.unasked(headers).map(|()| named(None));
        }
        let given = bearer(headers);
        let means = self.means();
        let is = |token: &Template| {
            let wanted = means.fill(token, &BTreeMap::new()).map_err(|_| {
                let detail = "the server's token cannot be made";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
            })?;
            Ok::<bool, Problem>(wanted.is(given))
        };
        for holder in &file.tokens {
            if is(&holder.token)? {
                if holder.role >= needs {
                    return Ok(named(Some(&holder.name)));
                }
                let (name, has, needs) = (&holder.name, holder.role.word(), needs.word());
                let detail =
                    format!("the token of `{name}` has the role `{has}`, and this needs `{needs}`");
                return Err(Problem::new(StatusCode::FORBIDDEN, detail));
            }
        }
        match &file.token {
            Some(token) if is(token)? => Ok(named(None)),
            _ => Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                "this needs the server's token: `Authorization: Bearer …`",
            )),
        }
    }

    /// By whose name somebody does something that needs a role; `said` is who they say they are.
    pub fn acting(&self, headers: &HeaderMap, needs: Role, said: &str) -> Result<String, Problem> {
        let caller = self.caller(headers, needs)?;
        let acts = caller.acts_as(said);
        acts.map_err(|detail| Problem::new(StatusCode::FORBIDDEN, detail))
    }

    /// Whether a request may change something where nobody has a token.
    fn unasked(&self, headers: &HeaderMap) -> Result<(), Problem> {
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

/// The token that a request brings; empty where it brings none.
pub fn bearer(headers: &HeaderMap) -> &str {
    let value = headers.get(http::header::AUTHORIZATION);
    let text = value.and_then(|value| value.to_str().ok());
    text.and_then(|text| text.strip_prefix("Bearer "))
        .unwrap_or_default()
}
