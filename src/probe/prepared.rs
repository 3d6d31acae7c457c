//! A probe made ready: its scenario bound to its environment, or its script read, and kept so over its runs.
//!
//! Knows secrets, sockets and how they are shared between probes. Does not know when a probe runs.
//! Invariant: what is bound is bound again before it is a minute old, and after each failure, if it holds
//! secrets or trusts authorities of a file: one that was rotated is used.

use crate::document::Diagnostics;
use crate::environment::needs::Supplied;
use crate::environment::proxies::ProxySource;
use crate::environment::secrets;
use crate::environment::settings::{Environment, TlsFiles};
use crate::net::connect::Connector;
use crate::project::probe::{Connecting, Probe};
use crate::scenario::Plan;
use crate::scenario::plan::Connections;
use crate::script::given;
use crate::script::prepare::Ready;
use crate::vu::kept::Kept;
use crate::vu::traced::Latest;
use crate::vu::{Binding, Shared};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was read from outside (secrets, authorities) is read again when it is older.
const READ_AGAIN: Duration = Duration::from_secs(60);

/// What probes share that open the same kind of sockets.
#[derive(Debug, Clone)]
struct Outlet {
    connector: Arc<Connector>,
    kept: Arc<Kept>,
    made: Instant,
}

/// What tells one kind of sockets from another: what is believed and shown, who stands on the way, whether sessions are taken
/// up again, and how the scenario uses connections.
type Sockets = (TlsFiles, Option<ProxySource>, bool, Connections);

/// Sockets that probes share.
#[derive(Debug, Default)]
pub struct Outlets(Mutex<HashMap<Sockets, Outlet>>);

impl Outlets {
    fn of(
        &self,
        environment: &Environment,
        plan: &Plan,
        resumes: bool,
        make: Arc<Connector>,
    ) -> Outlet {
        let (files, proxy) = (&environment.tls_files, &environment.proxy);
        let key = (
            files.clone(),
            proxy.clone(),
            resumes,
            plan.connections.clone(),
        );
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let outlet = all.entry(key).or_insert_with(|| Outlet {
            connector: make.clone(),
            kept: Arc::default(),
            made: Instant::now(),
        });
        if environment.reads_for_sockets() && outlet.made.elapsed() >= READ_AGAIN {
            // What it believes and shows is what the files hold now, and what it says on the way.
            (outlet.connector, outlet.made) = (make, Instant::now());
        }
        outlet.clone()
    }

    /// Closes connections that are too old; to be called now and then.
    pub fn tidy(&self) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().for_each(|outlet| outlet.kept.tidy());
    }
}

/// What can be performed.
#[derive(Debug, Clone)]
pub enum Work {
    /// Steps, and what virtual users share over runs, where connections are kept.
    Steps(Arc<Binding>, Option<Arc<Shared>>),
    /// A script.
    Script(Arc<Ready>),
}

/// A scenario that can be performed.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// What is performed.
    pub work: Work,
    /// The last exchange of each step.
    pub latest: Latest,
    made: Instant,
    is_read: bool,
}

impl Prepared {
    /// Whether anything of it was read from outside, and may be another by now.
    pub fn is_read(&self) -> bool {
        self.is_read
    }

    /// Whether it may be used again.
    pub fn is_fresh(&self) -> bool {
        !self.is_read || self.made.elapsed() < READ_AGAIN
    }
}

/// Binds a probe's scenario; where that is not possible, why.
fn bind(
    probe: &Probe,
    plan: &Arc<Plan>,
    environment: &Environment,
) -> Result<Binding, Vec<String>> {
    let mut found = Diagnostics::default();
    let supplied = Supplied {
        inputs: probe.inputs.clone(),
        environment_inputs: environment.inputs.clone(),
        secrets: secrets::environment_secrets(environment, &mut found),
    };
    let binding = Binding::new(
        plan.clone(),
        environment,
        &supplied,
        Duration::ZERO,
        &mut found,
    );
    let binding = binding.filter(|_| !found.has_errors());
    binding.ok_or_else(|| found.errors())
}

/// Makes a probe ready. Secrets may come from programs: nobody else waits for those.
///
/// # Errors
///
/// Why it cannot be performed, secrets that are missing by name.
pub async fn prepare(
    probe: &Probe,
    plan: &Arc<Plan>,
    environment: &Arc<Environment>,
    outlets: &Outlets,
) -> Result<Prepared, Vec<String>> {
    if let Some(script) = &plan.script {
        return read(probe, script.path.clone(), environment).await;
    }
    let binding = if secrets::has_programs(plan, environment) {
        let (probe, plan, environment) = (probe.clone(), plan.clone(), environment.clone());
        let bound = tokio::task::spawn_blocking(move || bind(&probe, &plan, &environment)).await;
        bound.map_err(|died| vec![format!("its secrets could not be fetched: {died}")])??
    } else {
        bind(probe, plan, environment)?
    };
    let resumes = probe.connections == Connecting::Resumed && plan.connections.tls_resumption;
    let own = Arc::new(binding.connector.resuming(resumes).sharing_lookups());
    let outlet = outlets.of(environment, plan, resumes, own);
    let binding = Arc::new(binding.through(outlet.connector));
    let is_kept = probe.connections == Connecting::Kept;
    Ok(Prepared {
        latest: binding.latest(),
        is_read: !binding.values.secrets.is_empty() || environment.reads_for_sockets(),
        work: Work::Steps(
            binding.clone(),
            is_kept.then(|| Shared::keeping(binding, Some(outlet.kept))),
        ),
        made: Instant::now(),
    })
}

/// A script with all that its probe and its environment give it. It computes while it is loaded: nobody else
/// waits for that.
async fn read(
    probe: &Probe,
    path: PathBuf,
    environment: &Arc<Environment>,
) -> Result<Prepared, Vec<String>> {
    let (inputs, around) = (probe.inputs.clone(), environment.clone());
    let ready = move || given::ready(&path, &around, inputs, None, Duration::ZERO);
    let ready = tokio::task::spawn_blocking(ready).await;
    let ready = ready.map_err(|died| vec![format!("it could not be read: {died}")])??;
    Ok(Prepared {
        latest: ready.run.binding.latest(),
        work: Work::Script(Arc::new(ready)),
        made: Instant::now(),
        is_read: !environment.secrets.is_empty() || environment.reads_for_sockets(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::Settings;

    #[test]
    fn probes_share_sockets_only_where_the_same_proxy_stands_on_the_way() {
        let straight = Environment::default();
        let proxied = Environment {
            proxy: Some(ProxySource::Variables),
            ..Environment::default()
        };
        let text = "name: one\nsteps: [ { get: \"http://127.0.0.1/\" } ]";
        let source = crate::document::Source::new("one.yaml", text);
        let mut found = crate::document::Diagnostics::default();
        let plan =
            crate::scenario::compile(&source, std::path::Path::new("."), &mut found).unwrap();
        let outlets = Outlets::default();
        let of = |environment: &Environment| {
            let own = Connector::new(Settings::new(None).unwrap(), Duration::ZERO);
            outlets
                .of(environment, &plan, true, Arc::new(own))
                .connector
        };
        let (one, same, other) = (of(&straight), of(&straight), of(&proxied));
        assert!(Arc::ptr_eq(&one, &same));
        assert!(!Arc::ptr_eq(&one, &other));
    }
}
