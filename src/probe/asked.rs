//! A scenario performed once, because somebody asked for it: nothing of it is kept or counted, and nobody is told.

use super::prober::Prober;
use super::watched::{Memory, Watched};
use crate::environment::settings::Environment;
use crate::project::probe::Probe;
use crate::run::observation::Observation;
use crate::scenario::Plan;
use std::sync::{Arc, Mutex};

impl Prober {
    /// Performs a scenario once, as a probe would.
    pub async fn look(
        &self,
        probe: Probe,
        plan: &Arc<Plan>,
        environment: &Arc<Environment>,
    ) -> Observation {
        let placed = probe.placed(environment);
        let memory = Arc::new(Mutex::new(Memory::default()));
        let watched = Watched::new(probe, plan.clone(), placed, memory, 0);
        watched.run(&self.outlets).await.observed
    }
}
