//! Tasks that live as long as the daemon, each kept alive by the supervisor.

use super::housekeeping;
use crate::doing::Doing;
use crate::gate::driver::Driver;
use crate::gate::sighting;
use crate::outbox::courier::Courier;
use crate::project::current::Current;
use crate::store::Store;
use crate::supervisor::Supervisor;
use std::sync::Arc;

/// Tasks that live as long as the daemon, each kept alive by the supervisor.
#[derive(Debug)]
pub(super) struct Tasks(pub(super) Vec<tokio::task::JoinHandle<()>>);

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
        let (old, kept_for) = (store.clone(), current.clone());
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
                Box::new(move || Box::pin(housekeeping::keep(old.clone(), kept_for.clone()))),
            ),
        ])
    }

    pub(super) fn stop(&self) {
        for task in &self.0 {
            task.abort();
        }
    }
}
