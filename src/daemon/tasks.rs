//! Tasks that live as long as the daemon, each kept alive by the supervisor.

use super::housekeeping;
use crate::doing::Doing;
use crate::gate::driver::Driver;
use crate::gate::sighting;
use crate::incident::keeper::Keeper;
use crate::incident::own::{self, Look};
use crate::outbox::courier::Courier;
use crate::probe::heartbeats::Heartbeats;
use crate::probe::prober::Prober;
use crate::project::current::Current;
use crate::record::effect::NewEffect;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::watch::alert::Severity;
use crate::watch::levels::Levels;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Tasks that live as long as the daemon, each kept alive by the supervisor.
#[derive(Debug)]
pub(super) struct Tasks(Vec<tokio::task::JoinHandle<()>>);

impl Tasks {
    pub(super) fn start(
        supervisor: &Arc<Supervisor>,
        courier: &Arc<Courier>,
        driver: &Arc<Driver>,
        store: &Store,
        current: &Arc<Current>,
    ) -> Tasks {
        let kept = |name, make: Box<dyn Fn() -> Doing<'static, ()> + Send>| {
            tokio::spawn(supervisor.clone().keep(name, make))
        };
        let (courier, partners) = (courier.clone(), driver.clone());
        let (seen, current, driver) = (store.clone(), current.clone(), driver.clone());
        let old = store.clone();
        let watch = move || sighting::watch(seen.clone(), current.clone(), driver.clone());
        Tasks(vec![
            kept("courier", Box::new(move || Box::pin(courier.clone().run()))),
            kept(
                "partners",
                Box::new(move || Box::pin(partners.clone().partners())),
            ),
            kept("sighting", Box::new(move || Box::pin(watch()))),
            kept(
                "keeper",
                Box::new(move || Box::pin(housekeeping::keep(old.clone()))),
            ),
        ])
    }

    /// What probes show, and what is told of it.
    pub(super) fn watch(
        &mut self,
        supervisor: &Arc<Supervisor>,
        prober: &Arc<Prober>,
        keeper: &Arc<Keeper>,
        courier: Arc<Courier>,
        directly: mpsc::UnboundedReceiver<NewEffect>,
    ) {
        let kept = |name, make: Box<dyn Fn() -> Doing<'static, ()> + Send>| {
            tokio::spawn(supervisor.clone().keep(name, make))
        };
        let (ledger, keeper, prober) = (prober.ledger().clone(), keeper.clone(), prober.clone());
        let directly = Arc::new(tokio::sync::Mutex::new(directly));
        let direct = move || courier.clone().tell_directly(directly.clone());
        self.0.extend([
            kept("ledger", Box::new(move || Box::pin(ledger.clone().run()))),
            kept(
                "incidents",
                Box::new(move || Box::pin(keeper.clone().run())),
            ),
            kept("direct", Box::new(move || Box::pin(direct()))),
            kept("prober", Box::new(move || Box::pin(prober.clone().tidy()))),
        ]);
    }

    /// Jobs that report to us.
    pub(super) fn hear(&mut self, supervisor: &Arc<Supervisor>, heartbeats: &Arc<Heartbeats>) {
        let heartbeats = heartbeats.clone();
        let make = move || heartbeats.clone().run();
        self.0
            .push(tokio::spawn(supervisor.clone().keep("heartbeats", make)));
    }

    /// Our own health.
    pub(super) fn own(
        &mut self,
        supervisor: &Arc<Supervisor>,
        levels: &Arc<Levels>,
        current: &Arc<Current>,
        looks: Vec<(&'static str, Look)>,
    ) {
        let (levels, current, looks) = (levels.clone(), current.clone(), Arc::new(looks));
        let make = move || own::watch(levels.clone(), current.clone(), looks.clone());
        self.0
            .push(tokio::spawn(supervisor.clone().keep("own", make)));
    }

    pub(super) fn stop(&self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// What of ourselves is looked at.
pub(super) fn own_looks(
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
    let prober = prober.clone();
    let clock: Look = Box::new(move || prober.clock_trouble());
    vec![("state", is_kept), ("clock", clock)]
}

fn inode(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|found| found.ino())
}
