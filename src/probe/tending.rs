//! What of probes follows from the time alone: our own troubles, windows that begin and end, and probes that
//! are not measured any more.

use super::level;
use super::prober::Prober;
use super::watched::Watched;
use crate::clock;
use crate::telemetry::probe_metrics::ProbeSeries;
use crate::watch::alert::Severity;
use crate::watch::health::Health;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// A lack of our own is over when it was not met for so long.
const TROUBLE_LASTS: Duration = Duration::from_secs(60);

impl Prober {
    /// This machine has nothing to measure with: that is our own trouble, and the probe is unknown.
    pub(super) fn own_trouble(&self, watched: &Watched, series: &ProbeSeries) {
        self.metrics.own_trouble("descriptors");
        let now = tokio::time::Instant::now();
        let before = self
            .trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(now);
        if before.is_none() {
            self.levels
                .put(level::descriptors(&self.context(), clock::now_ms()));
        }
        let mut memory = watched.memory();
        memory.starved += 1;
        if memory.starved >= watched.probe.rules.failures {
            series.health(Health::Unknown);
        }
    }

    /// Every two seconds: what follows from the time alone.
    pub async fn tidy(self: Arc<Self>) {
        // What was so before a stop is over, unless it is seen again.
        self.levels
            .put(level::no_trouble(&self.context(), level::DESCRIPTORS));
        let mut inside: BTreeSet<String> = BTreeSet::new();
        for round in 0_u64.. {
            tokio::time::sleep(EVERY).await;
            self.end_trouble();
            if round.is_multiple_of(5) {
                self.outlets.tidy();
            }
            let now_ms = clock::now_ms();
            for watched in self.all() {
                let name = &watched.probe.name;
                let is_inside = watched.is_in_maintenance();
                let has_turned = is_inside != inside.contains(name);
                if has_turned {
                    match is_inside {
                        true => inside.insert(name.clone()),
                        false => inside.remove(name),
                    };
                }
                if self.notice(&watched, now_ms) || has_turned {
                    self.say(&watched);
                }
            }
        }
    }

    /// Notices that a probe is not measured any more. Whether that is new.
    fn notice(&self, watched: &Watched, now_ms: i64) -> bool {
        if !watched.is_overdue(now_ms) {
            return false;
        }
        let mut memory = watched.memory();
        // Our own lack is said once, and not of each probe.
        if memory.unmeasured.is_some() || memory.starved > 0 {
            return false;
        }
        memory.unmeasured = Some(now_ms);
        drop(memory);
        if let Some(task) = self.tasks().get(&watched.probe.name) {
            task.series.health(Health::Unknown);
        }
        true
    }

    fn end_trouble(&self) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.is_some_and(|at| at.elapsed() >= TROUBLE_LASTS) {
            *trouble = None;
            self.levels
                .put(level::no_trouble(&self.context(), level::DESCRIPTORS));
        }
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
