//! What of probes follows from the time alone: our own troubles, windows that begin and end, and probes that
//! are not measured any more.

use super::prober::Prober;
use super::watched::Watched;
use crate::telemetry::probe_metrics::ProbeSeries;
use crate::watch::alert::Severity;
use crate::watch::health::Health;
use crate::{clock, descriptors};
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// Looks between two that take in all that is rare.
const WHOLE_EVERY: u64 = 5;
/// A lack of our own is over when it was not met for so long.
const TROUBLE_LASTS: Duration = Duration::from_secs(60);

impl Prober {
    /// A run was due, and this machine has nothing to make it with: that is our own trouble, and the probe is
    /// unknown.
    pub(super) fn own_trouble(&self, watched: &Watched, series: &ProbeSeries) {
        self.metrics.own_trouble("descriptors");
        series.skipped(1);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = Some(Instant::now());
        drop(trouble);
        let mut memory = watched.memory();
        memory.starved += 1;
        if memory.starved >= watched.probe.rules.failures {
            series.health(Health::Unknown);
        }
    }

    /// What is wrong with this machine: it had nothing to measure with a short while ago.
    pub fn lack(&self) -> Option<(&'static str, Severity, String)> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.filter(|at| at.elapsed() < TROUBLE_LASTS)?;
        let most = descriptors::limit();
        let reason = format!(
            "this machine lets Bellwether have {most} descriptors, which are too few: probes are skipped; raise `ulimit -n`"
        );
        Some(("lacking", Severity::Error, reason))
    }

    /// Every two seconds: what follows from the time alone.
    pub async fn tidy(self: Arc<Self>) {
        let mut inside: BTreeSet<String> = BTreeSet::new();
        for round in 0_u64.. {
            tokio::time::sleep(EVERY).await;
            let is_whole = round.is_multiple_of(WHOLE_EVERY);
            if is_whole {
                self.outlets.tidy();
            }
            for watched in self.all() {
                let name = &watched.probe.name;
                let is_idle = !watched.probe.is_active(clock::now());
                let is_inside = is_idle || watched.is_in_maintenance();
                let has_turned = is_inside != inside.contains(name);
                if has_turned {
                    match is_inside {
                        true => inside.insert(name.clone()),
                        false => inside.remove(name),
                    };
                }
                if is_whole && self.notice(&watched) || has_turned {
                    self.say(&watched);
                }
            }
        }
    }

    /// Notices that a probe is not measured any more. Whether that is new.
    fn notice(&self, watched: &Watched) -> bool {
        if !watched.is_overdue() {
            return false;
        }
        let is_lacking = self.lack().is_some();
        let mut memory = watched.memory();
        // Our own lack is said once, and not of each probe.
        if memory.unmeasured.is_some() || is_lacking && memory.starved > 0 {
            return false;
        }
        memory.unmeasured = Some(clock::now_ms());
        drop(memory);
        if let Some(task) = self.tasks().get(&watched.probe.name) {
            task.series.health(Health::Unknown);
        }
        true
    }

    /// What is wrong with the clock of this machine: it jumped a short while ago.
    pub fn clock_trouble(&self) -> Option<(&'static str, Severity, String)> {
        let drift_ms = self.steady.drift_ms(clock::now_ms());
        let (is_new, text) = self.jumps.look(drift_ms)?;
        if is_new {
            self.metrics.own_trouble("clock");
            tracing::warn!("{text}; probes with an interval keep their times, `cron` follows it");
        }
        Some(("jumped", Severity::Warning, text))
    }
}
