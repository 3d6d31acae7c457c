//! Who watches production: probes, jobs that report, objectives, and the book of incidents.

use super::{dead_man, pushing};
use crate::delivery::means::Means;
use crate::doing::Doing;
use crate::incident::keeper::Keeper;
use crate::incident::own::{self, Look, Noted};
use crate::outbox::courier::Courier;
use crate::probe::discovery::Discovery;
use crate::probe::heartbeats::Heartbeats;
use crate::probe::objectives::Objectives;
use crate::probe::prober::Prober;
use crate::project::current::Current;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use crate::watch::alert::Severity;
use crate::watch::budgets::Budgets;
use crate::watch::deploys::Deploys;
use crate::watch::direct::Direct;
use crate::watch::levels::Levels;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Who watches production.
#[derive(Debug)]
pub(super) struct Watch {
    /// What is so now.
    pub(super) levels: Arc<Levels>,
    /// How the error budgets stand.
    pub(super) budgets: Arc<Budgets>,
    /// Probes.
    pub(super) prober: Arc<Prober>,
    /// Jobs that report.
    pub(super) heartbeats: Arc<Heartbeats>,
    /// Targets that are looked up.
    pub(super) discovery: Arc<Discovery>,
    /// Incidents.
    pub(super) keeper: Arc<Keeper>,
    objectives: Arc<Objectives>,
    direct: Arc<Direct>,
    means: Arc<RwLock<Arc<Means>>>,
    metrics: Arc<Metrics>,
    store: Store,
    deploys: Arc<Deploys>,
}

impl Watch {
    /// On a store; `committed` is woken when there is something to tell.
    pub(super) fn new(
        store: &Store,
        metrics: &Arc<Metrics>,
        supervisor: &Arc<Supervisor>,
        current: &Arc<Current>,
        committed: Arc<Notify>,
        means: &Arc<RwLock<Arc<Means>>>,
    ) -> Watch {
        let (levels, budgets) = (Arc::new(Levels::default()), Arc::new(Budgets::default()));
        let (direct, deploys) = (Arc::new(Direct::default()), Arc::new(Deploys::default()));
        let (kept, counted, project) = (|| store.clone(), || metrics.clone(), || current.clone());
        let prober = Prober::new(
            kept(),
            counted(),
            supervisor.clone(),
            levels.clone(),
            (project(), deploys.clone()),
        );
        let heartbeats = Heartbeats::new(kept(), levels.clone(), project());
        let bell = (counted(), committed);
        let objectives = Objectives::new(
            kept(),
            levels.clone(),
            project(),
            counted(),
            budgets.clone(),
        );
        Watch {
            keeper: Keeper::new(kept(), levels.clone(), project(), bell, direct.clone()),
            discovery: Arc::new(Discovery::new(
                levels.clone(),
                project(),
                means.clone(),
                &current.get().file.state,
            )),
            prober: Arc::new(prober),
            heartbeats: Arc::new(heartbeats),
            objectives: Arc::new(objectives),
            means: means.clone(),
            metrics: counted(),
            store: kept(),
            deploys,
            direct,
            levels,
            budgets,
        }
    }

    /// Starts their tasks.
    pub(super) fn start(
        &self,
        supervisor: &Arc<Supervisor>,
        courier: Arc<Courier>,
        current: &Arc<Current>,
    ) -> Vec<JoinHandle<()>> {
        let kept = |name, make: Box<dyn Fn() -> Doing<'static, ()> + Send>| {
            tokio::spawn(supervisor.clone().keep(name, make))
        };
        let (ledger, keeper, prober) = (
            self.prober.ledger().clone(),
            self.keeper.clone(),
            self.prober.clone(),
        );
        let (direct, heartbeats, objectives) = (
            self.direct.clone(),
            self.heartbeats.clone(),
            self.objectives.clone(),
        );
        let discovery = self.discovery.clone();
        let (unreported, unpushed) = (Noted::default(), Noted::default());
        let reporting = self.reporting(supervisor, current, &unreported);
        let pushing = self.pushing(current, &unpushed);
        let at_work = self.at_work(current);
        let mut looks = own_looks(&self.prober, &self.keeper, &current.get().file.state);
        let report = "whoever watches Bellwether cannot be reported to";
        looks.push(("dead man", unreported.look(report)));
        looks.push(("metrics", unpushed.look("metrics cannot be pushed")));
        let looks = Arc::new(looks);
        let (levels, current) = (self.levels.clone(), current.clone());
        let own = move || own::watch(levels.clone(), current.clone(), looks.clone());
        let told = move || courier.clone().tell_directly(direct.clone());
        vec![
            kept("ledger", Box::new(move || Box::pin(ledger.clone().run()))),
            kept(
                "incidents",
                Box::new(move || Box::pin(keeper.clone().run())),
            ),
            kept("direct", Box::new(move || Box::pin(told()))),
            kept("prober", Box::new(move || Box::pin(prober.clone().tidy()))),
            kept(
                "targets",
                Box::new(move || Box::pin(discovery.clone().run())),
            ),
            kept(
                "heartbeats",
                Box::new(move || Box::pin(heartbeats.clone().run())),
            ),
            kept(
                "objectives",
                Box::new(move || Box::pin(objectives.clone().run())),
            ),
            kept("own", Box::new(move || Box::pin(own()))),
            kept("dead man", Box::new(move || reporting())),
            kept("pushing", Box::new(move || pushing())),
            kept("deploys", Box::new(move || at_work())),
        ]
    }

    /// Reports to whoever watches us, while what is seen can be kept and no task has died.
    fn reporting(
        &self,
        supervisor: &Arc<Supervisor>,
        current: &Arc<Current>,
        trouble: &Noted,
    ) -> impl Fn() -> Doing<'static, ()> + Send + use<> {
        let (keeper, ledger) = (self.keeper.clone(), self.prober.ledger().clone());
        let (supervisor, current) = (supervisor.clone(), current.clone());
        let (means, trouble) = (self.means.clone(), trouble.clone());
        let is_well: Arc<dyn Fn() -> bool + Send + Sync> = Arc::new(move || {
            keeper.is_well() && ledger.is_well() && supervisor.unwell().is_empty()
        });
        move || {
            let (current, means) = (current.clone(), means.clone());
            Box::pin(dead_man::report(
                current,
                means,
                is_well.clone(),
                trouble.clone(),
            ))
        }
    }

    /// Pushes metrics to whoever is configured.
    fn pushing(
        &self,
        current: &Arc<Current>,
        trouble: &Noted,
    ) -> impl Fn() -> Doing<'static, ()> + Send + use<> {
        let (means, metrics) = (self.means.clone(), self.metrics.clone());
        let (current, trouble) = (current.clone(), trouble.clone());
        move || {
            let (current, means) = (current.clone(), means.clone());
            let (metrics, trouble) = (metrics.clone(), trouble.clone());
            Box::pin(pushing::push(current, means, metrics, trouble))
        }
    }

    /// Notes on which services a gate is at work, where any probe wants to know.
    fn at_work(&self, current: &Arc<Current>) -> impl Fn() -> Doing<'static, ()> + Send + use<> {
        let (store, deploys) = (self.store.clone(), self.deploys.clone());
        let current = current.clone();
        move || {
            let (store, deploys) = (store.clone(), deploys.clone());
            let current = current.clone();
            Box::pin(async move {
                loop {
                    let project = current.get();
                    let is_wanted = project.probes.iter().any(|probe| probe.excludes_deploys);
                    // What cannot be read now is as it was.
                    if is_wanted && let Ok(open) = store.open_gates().await {
                        let at = open.iter().flat_map(|record| {
                            let named = record.services.iter().cloned().map(Some);
                            let whole = record.services.is_empty().then_some(None);
                            let places = named.chain(whole);
                            places.map(|service| (record.environment.clone(), service))
                        });
                        deploys.set(at.collect());
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            })
        }
    }
}

/// What of ourselves is looked at.
fn own_looks(
    prober: &Arc<Prober>,
    keeper: &Arc<Keeper>,
    state: &Path,
) -> Vec<(&'static str, Look)> {
    let (state, first) = (state.to_owned(), inode(state));
    let (kept, ledger) = (keeper.clone(), prober.ledger().clone());
    let is_kept: Look = Box::new(move || {
        let reason = if inode(&state) != first {
            "the state file is gone or is another one: restart Bellwether, or nothing is remembered"
        } else if !kept.is_well() || !ledger.is_well() {
            "the state cannot be written (a full disk?): probing goes on, and nothing is remembered"
        } else {
            return None;
        };
        Some(("unkept", Severity::Critical, reason.to_owned()))
    });
    let (clock, lack) = (prober.clone(), prober.clone());
    vec![
        ("state", is_kept),
        ("clock", Box::new(move || clock.clock_trouble())),
        ("descriptors", Box::new(move || lack.lack())),
    ]
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|found| found.ino())
}
