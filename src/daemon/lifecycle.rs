//! Starts, wires, reloads and stops everything: owner of every task of the daemon.
//!
//! Order at the start: configuration, secrets, state, port, gates that were cut off, outbox,
//! probes. Order at the end: port and probes, gates, outbox. A broken configuration never
//! replaces one that works.

use super::service::{self, Watchdog};
use super::tasks::Tasks;
use super::watch::Watch;
use crate::config::given::Given;
use crate::config::load;
use crate::delivery::means::Means;
use crate::document;
use crate::document::Diagnostics;
use crate::gate::driver::Driver;
use crate::incident::keeper::Refused;
use crate::outbox::courier::Courier;
use crate::outbox::lane;
use crate::project::current::Current;
use crate::project::file::{self, Project};
use crate::reference::Page;
use crate::store::sqlite::Sqlite;
use crate::store::{Store, StoreFault};
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::{Metrics, Shown};
use crate::watch::incident::Incident;
use crate::web::{self, Site};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// Time for requests and gates to come to a clean stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Why the daemon did not start.
#[derive(Debug)]
pub enum StartFault {
    /// The configuration is broken; the text shows every mistake.
    Configuration(Diagnostics),
    /// The state file cannot be used.
    Store(StoreFault),
    /// The port cannot be used.
    Port(String),
}

impl fmt::Display for StartFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartFault::Configuration(found) => f.write_str(found.render(false).trim_end()),
            StartFault::Store(fault) => write!(f, "{fault}"),
            StartFault::Port(reason) => f.write_str(reason),
        }
    }
}

/// A daemon that runs.
#[derive(Debug)]
pub struct Daemon {
    /// The address that it listens on.
    pub address: SocketAddr,
    path: PathBuf,
    given: Given,
    store: Store,
    current: Arc<Current>,
    driver: Arc<Driver>,
    watch: Watch,
    metrics: Arc<Metrics>,
    means: Arc<RwLock<Arc<Means>>>,
    ready: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    tasks: Tasks,
    reloads: mpsc::Receiver<oneshot::Sender<Result<(), String>>>,
    hangup: Option<Signal>,
}

fn means(project: &Project, found: &mut Diagnostics) -> Option<Means> {
    let secrets = file::secrets(&project.file, found);
    match file::connector(&project.file, None, Duration::from_secs(30)) {
        Ok(connector) if !found.has_errors() => Some(Means { connector, secrets }),
        Ok(_) => None,
        Err(reason) => {
            found.push(crate::document::Diagnostic::error("bad-proxy", reason));
            None
        }
    }
}

fn read(path: &Path, given: &Given, found: &mut Diagnostics) -> Option<(Project, Means)> {
    let project = load::configuration_with(path, given, found)?;
    let means = means(&project, found)?;
    Some((project, means))
}

fn log_warnings(found: &Diagnostics) {
    let warning = |item: &&document::Diagnostic| item.severity == document::Severity::Warning;
    for item in found.sorted().into_iter().filter(warning) {
        tracing::warn!(code = item.code, "{}", item.title);
    }
}

async fn listening(listen: &str) -> Result<(TcpListener, SocketAddr), StartFault> {
    let fault = |error| StartFault::Port(format!("`{listen}` cannot be listened on: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(fault)?;
    let address = listener.local_addr().map_err(fault)?;
    Ok((listener, address))
}

/// Metrics, and a supervisor that counts in them.
fn counted() -> (Arc<Metrics>, Arc<Supervisor>) {
    let metrics = Arc::new(Metrics::new());
    let counting = metrics.clone();
    let supervisor = Supervisor::new(move |task| counting.task_died(task));
    (metrics, Arc::new(supervisor))
}

impl Daemon {
    /// Starts the daemon of a configuration.
    pub async fn start(path: &Path) -> Result<Daemon, StartFault> {
        Daemon::start_with(path, Given::default(), None).await
    }

    /// The same, with what the command line says instead, and the page that explains the commands.
    pub async fn start_with(
        path: &Path,
        given: Given,
        commands: Option<fn() -> Page>,
    ) -> Result<Daemon, StartFault> {
        let mut found = Diagnostics::default();
        let Some((project, means)) = read(path, &given, &mut found) else {
            return Err(StartFault::Configuration(found));
        };
        log_warnings(&found);
        let store = Sqlite::open(&project.file.state).map_err(StartFault::Store)?;
        let (listener, address) = listening(&project.file.listen).await?;
        let (metrics, supervisor) = counted();
        let current = Arc::new(Current::new(project));
        let means = Arc::new(RwLock::new(Arc::new(means)));
        let (committed, settled) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let driver = Arc::new(Driver::new(
            store.clone(),
            current.clone(),
            metrics.clone(),
            committed.clone(),
            settled.clone(),
            supervisor.clone(),
        ));
        let bells = (committed.clone(), settled.clone());
        let watch = Watch::new(
            &store,
            &metrics,
            &supervisor,
            &current,
            committed.clone(),
            &means,
        );
        current.set(current.get().with_targets(&watch.discovery.found()));
        let courier = Courier::new(
            store.clone(),
            current.clone(),
            means.clone(),
            metrics.clone(),
            bells,
            supervisor.clone(),
            watch.levels.clone(),
        );
        let ready = Arc::new(AtomicBool::new(false));
        let (stop, stopping) = watch::channel(false);
        let (reload, reloads) = mpsc::channel(4);
        let site = Site {
            store: store.clone(),
            current: current.clone(),
            driver: driver.clone(),
            prober: watch.prober.clone(),
            keeper: watch.keeper.clone(),
            heartbeats: watch.heartbeats.clone(),
            budgets: watch.budgets.clone(),
            metrics: metrics.clone(),
            means: means.clone(),
            reload,
            ready: ready.clone(),
            supervisor: supervisor.clone(),
            loopback: address.ip().is_loopback(),
            sessions: web::sessions::Sessions::new()
                .map_err(|fault| StartFault::Port(fault.detail))?,
            uptimes: Arc::default(),
            statuses: Arc::default(),
            reference: Arc::new(web::Reference::new(commands)),
        };
        // Before anybody is served: a gate that starts meanwhile would be taken for an old one.
        driver.resume().await.map_err(StartFault::Store)?;
        let server = tokio::spawn(served(&supervisor, listener, web::routes(site), stopping));
        let mut tasks = Tasks::start(&supervisor, &courier, &driver, &store, &current);
        tasks.0.extend(watch.start(&supervisor, courier, &current));
        let daemon = Daemon {
            address,
            path: path.to_owned(),
            given,
            store,
            current,
            driver,
            watch,
            metrics,
            means,
            ready,
            stop,
            server,
            tasks,
            reloads,
            hangup: signal(SignalKind::hangup()).ok(),
        };
        daemon.in_force().await;
        for channel in daemon.current.get().file.channels.keys() {
            // Whatever was wrong with it before is seen again if it still is.
            daemon
                .watch
                .levels
                .put(lane::level(&daemon.current.get(), channel, None));
        }
        daemon.ready.store(true, Relaxed);
        tracing::info!(%address, configuration = %daemon.path.display(), "Bellwether is ready");
        Ok(daemon)
    }

    /// The gates' driver, for those who run the daemon inside their own process.
    pub fn driver(&self) -> &Arc<Driver> {
        &self.driver
    }

    /// A gate as it is committed.
    pub async fn gate(&self, id: i64) -> Result<Option<crate::record::gate::Record>, StoreFault> {
        self.store.gate(id).await
    }

    /// Incidents that are open, for those who run the daemon inside their own process.
    pub fn incidents(&self) -> Vec<Incident> {
        self.watch.keeper.incidents()
    }

    /// Somebody has an incident.
    ///
    /// # Errors
    ///
    /// There is none that is open, or somebody has it.
    pub async fn acknowledge(&self, id: i64, by: String, comment: String) -> Result<(), Refused> {
        self.watch.keeper.acknowledge(id, by, comment).await
    }

    async fn in_force(&self) {
        let project = self.current.get();
        let probes: Vec<_> = project
            .probes
            .iter()
            // What is not run shows nothing.
            .filter(|probe| !probe.paused)
            .map(|probe| {
                let plan = project.plans.get(&probe.scenario);
                let service = plan.and_then(|plan| plan.service.as_deref());
                Shown {
                    probe: &probe.name,
                    environment: &probe.environment,
                    service: service.unwrap_or_default(),
                    group: probe.group.as_deref().unwrap_or_default(),
                }
            })
            .collect();
        let gates: Vec<_> = project
            .file
            .gates
            .iter()
            .map(|gate| (gate.name.clone(), gate.environment.clone()))
            .collect();
        self.metrics.configured(&probes, &gates);
        let slos = project.file.slos.iter();
        let counted = slos.map(|slo| {
            let probes = slo.probes_of(&project).collect();
            (slo.name.as_str(), slo.goal, probes)
        });
        self.metrics.slos_count(counted);
        self.metrics
            .reloaded(true, crate::clock::now_ms() as f64 / 1e3);
        let channels = project.file.channels.keys();
        let channels = channels.map(|name| format!("{}{name}", lane::KIND));
        self.watch.levels.only(lane::KIND, channels.collect());
        if let Err(fault) = self.watch.heartbeats.configure(&project).await {
            tracing::error!(%fault, "Heartbeats cannot be read or kept");
        }
        self.watch.prober.configure(&project).await;
    }

    /// Reads the configuration again. If it is broken, the old one stays in force.
    pub async fn reload(&self) -> Result<(), String> {
        let mut found = Diagnostics::default();
        let Some((project, means)) = read(&self.path, &self.given, &mut found) else {
            self.metrics.reloaded(false, 0.0);
            let text = found.render(false);
            tracing::error!(
                problems = text,
                "The configuration is broken; the old one stays in force"
            );
            return Err(text);
        };
        let before = self.current.get();
        if before.file.listen != project.file.listen || before.file.state != project.file.state {
            tracing::warn!("`server.listen` and `state` take effect at the next start");
        }
        self.current
            .set(project.with_targets(&self.watch.discovery.found()));
        *self.means.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(means);
        self.in_force().await;
        tracing::info!("Configuration reloaded");
        Ok(())
    }

    /// Serves reloads until `end` is over, then stops cleanly.
    pub async fn run(mut self, end: impl Future<Output = ()>) {
        tokio::pin!(end);
        let mut watchdog = Watchdog::new();
        service::ready(&self.current.get().file.listen);
        loop {
            let hung_up = async {
                match &mut self.hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut end => break,
                () = watchdog.due() => watchdog.alive(),
                () = self.watch.discovery.changed.notified() => {
                    // Only the targets are other ones: the file is not read again before somebody says so.
                    let found = self.watch.discovery.found();
                    self.current.set(self.current.get().with_targets(&found));
                    self.in_force().await;
                }
                Some(answer) = self.reloads.recv() => {
                    let result = self.reload().await;
                    service::reloaded(&result);
                    // The caller may have gone.
                    let _ = answer.send(result);
                }
                _ = hung_up => {
                    let result = self.reload().await;
                    service::reloaded(&result);
                }
            }
        }
        self.stop().await;
    }

    /// Stops: no new work, gates stay where their last commit stands.
    pub async fn stop(self) {
        tracing::info!("Stopping");
        service::stopping();
        self.ready.store(false, Relaxed);
        self.driver.stop();
        self.watch.prober.stop().await;
        // Nobody listens any more if the server has ended by itself.
        let _ = self.stop.send(true);
        let calm = async {
            while self.driver.active() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(STOP_WITHIN, calm).await;
        let server = self.server;
        let ending = server.abort_handle();
        if tokio::time::timeout(STOP_WITHIN, server).await.is_err() {
            ending.abort();
        }
        self.tasks.stop();
        tracing::info!("Stopped");
    }
}

/// Serves until the daemon stops, kept alive by the supervisor until then.
fn served(
    supervisor: &Arc<Supervisor>,
    listener: TcpListener,
    routes: axum::Router,
    stopping: watch::Receiver<bool>,
) -> impl Future<Output = ()> + use<> {
    let listener = Arc::new(listener);
    let (over, ended) = (stopping, Arc::new(Notify::new()));
    let last = ended.clone();
    let kept = supervisor.clone().keep("web", move || {
        let served = web::serve(listener.clone(), routes.clone(), stopped(over.clone()));
        let (over, last) = (over.clone(), last.clone());
        async move {
            served.await;
            if *over.borrow() || over.has_changed().is_err() {
                last.notify_one();
                std::future::pending::<()>().await;
            }
        }
    });
    async move {
        tokio::select! {
            () = kept => {}
            () = ended.notified() => {}
        }
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stopping.wait_for(|stop| *stop).await;
}
