//! Metric names, and what is counted under them.
//!
//! Prefix `bellwether_`, base units, counters end in `_total`; labels are names from the
//! configuration, phases and classes: bounded, never a URL. Beside them stand the `probe_*` names
//! of blackbox_exporter, so that existing dashboards work unchanged. Series of probes and gates
//! that are no longer configured are removed on reload.

use super::gate_metrics::GateMetrics;
use super::probe_metrics::ProbeMetrics;
use super::registry::{counters, exposition, keep};
use super::run_metrics::RunMetrics;
use crate::load::Tick;
use crate::net::ErrorClass;
use crate::net::phases::PHASES;
use crate::record::probe::Health;
use crate::run::Summary;
use prometheus::{Gauge, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// All metrics of the daemon.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    probes: ProbeMetrics,
    gates: GateMetrics,
    runs: RunMetrics,
    outbox_pending: IntGauge,
    deliveries: IntCounterVec,
    task_restarts: IntCounterVec,
    looks_failed: IntCounterVec,
    reload_success: IntGauge,
    reload_time: Gauge,
    /// Steps seen of each probe and environment: what must be removed with them.
    probes_known: Mutex<BTreeMap<(String, String), BTreeSet<String>>>,
}

impl Metrics {
    /// Metrics with nothing counted.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let build = IntGaugeVec::new(
            Opts::new(
                "bellwether_build_info",
                "Always 1; the version is in the label.",
            ),
            &["version"],
        );
        keep(&registry, build.expect("the names are constants"))
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        // Process metrics exist on Linux only; nothing depends on them.
        let _ = registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ));
        let metrics = Metrics {
            probes: ProbeMetrics::new(&registry),
            gates: GateMetrics::new(&registry),
            runs: RunMetrics::new(&registry),
            outbox_pending: keep(
                &registry,
                IntGauge::new(
                    "bellwether_outbox_pending",
                    "Committed effects that are not delivered yet.",
                )
                .expect("the names are constants"),
            ),
            deliveries: counters(
                &registry,
                "bellwether_deliveries_total",
                "Delivery attempts by kind and result.",
                &["kind", "result"],
            ),
            task_restarts: counters(
                &registry,
                "bellwether_task_restarts_total",
                "Tasks of Bellwether itself that died and were started again: a fault of its own.",
                &["task"],
            ),
            looks_failed: counters(
                &registry,
                "bellwether_looks_failed_total",
                "What could not be seen: a version that was to be sighted, a fact of a webhook.",
                &["gate", "kind"],
            ),
            reload_success: keep(
                &registry,
                IntGauge::new(
                    "bellwether_config_last_reload_successful",
                    "1 if the last reload of the configuration succeeded.",
                )
                .expect("the names are constants"),
            ),
            reload_time: keep(
                &registry,
                Gauge::new(
                    "bellwether_config_last_reload_success_timestamp_seconds",
                    "When the configuration was last loaded.",
                )
                .expect("the names are constants"),
            ),
            probes_known: Mutex::new(BTreeMap::new()),
            registry,
        };
        for task in [
            "courier", "delivery", "gate", "keeper", "partners", "probe", "sighting",
        ] {
            metrics.task_restarts.with_label_values(&[task]);
        }
        for kind in ["action", "channel", "github"] {
            for result in ["delivered", "failed"] {
                metrics.deliveries.with_label_values(&[kind, result]);
            }
        }
        metrics
    }

    /// The exposition in Prometheus's text format.
    pub fn render(&self) -> Vec<u8> {
        exposition(&self.registry)
    }

    /// Makes the series of configured probes and gates exist from the start, and removes those of others.
    pub fn configured(&self, probes: &[(String, String)], gates: &[(String, String)]) {
        let now: BTreeSet<(String, String)> = probes.iter().cloned().collect();
        let mut known = self
            .probes_known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        known.retain(|(probe, environment), steps| {
            let stays = now.contains(&(probe.clone(), environment.clone()));
            if !stays {
                self.forget_probe(probe, environment, steps);
            }
            stays
        });
        for (probe, environment) in &now {
            self.probes
                .probe_up
                .with_label_values(&[probe, environment]);
            self.probes
                .probe_skipped
                .with_label_values(&[probe, environment]);
            for outcome in ["pass", "fail", "inconclusive"] {
                self.probes.probe_runs.with_label_values(&[
                    probe,
                    environment,
                    &outcome.to_owned(),
                ]);
            }
        }
        for probe in now {
            known.entry(probe).or_default();
        }
        for (gate, environment) in gates {
            self.gates.gate_active.with_label_values(&[gate]);
            for verdict in ["promote", "rollback", "hold"] {
                self.gates
                    .gate_verdicts
                    .with_label_values(&[gate.as_str(), environment, verdict]);
            }
            for result in ["proven", "failed"] {
                self.gates
                    .rollback_proofs
                    .with_label_values(&[gate.as_str(), result]);
            }
        }
    }

    /// Removes every series of a probe. One that was never made cannot be removed; that is as good.
    fn forget_probe(&self, probe: &str, environment: &str, steps: &BTreeSet<String>) {
        let labels = [probe, environment];
        let _ = self.probes.probe_up.remove_label_values(&labels);
        let _ = self.probes.probe_skipped.remove_label_values(&labels);
        let _ = self.probes.probe_duration.remove_label_values(&labels);
        let _ = self.probes.legacy_success.remove_label_values(&labels);
        let _ = self.probes.legacy_duration.remove_label_values(&labels);
        let _ = self.probes.legacy_status.remove_label_values(&labels);
        for phase in PHASES {
            let labels = [probe, environment, phase];
            let _ = self.probes.legacy_phases.remove_label_values(&labels);
        }
        for outcome in ["pass", "fail", "inconclusive"] {
            let labels = [probe, environment, outcome];
            let _ = self.probes.probe_runs.remove_label_values(&labels);
        }
        for step in steps {
            let labels = [probe, environment, step.as_str()];
            let _ = self.probes.step_duration.remove_label_values(&labels);
            let _ = self.probes.check_failures.remove_label_values(&labels);
            for phase in PHASES {
                let labels = [probe, environment, step, phase];
                let _ = self.probes.step_phase.remove_label_values(&labels);
            }
            for class in ErrorClass::ALL {
                let labels = [probe, environment, step, class.word()];
                let _ = self.probes.step_errors.remove_label_values(&labels);
            }
        }
    }

    /// A run of a probe is over.
    pub fn probe_run(
        &self,
        probe: &str,
        environment: &str,
        seconds: f64,
        summary: &Summary,
        health: Health,
    ) {
        let steps = summary.steps.iter().map(|step| step.name.clone());
        self.probes_known
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .entry((probe.to_owned(), environment.to_owned()))
            .or_default()
            .extend(steps);
        let labels = [probe, environment];
        let outcome = summary.outcome.word();
        self.probes
            .probe_runs
            .with_label_values(&[probe, environment, outcome])
            .inc();
        self.probes
            .probe_duration
            .with_label_values(&labels)
            .observe(seconds);
        self.probes
            .probe_up
            .with_label_values(&labels)
            .set(i64::from(health == Health::Up));
        self.probes
            .legacy_success
            .with_label_values(&labels)
            .set(i64::from(outcome == "pass"));
        self.probes
            .legacy_duration
            .with_label_values(&labels)
            .set(seconds);
        let mut phases = [0.0; 6];
        for step in &summary.steps {
            let names = [probe, environment, step.name.as_str()];
            for (name, sum) in PHASES.iter().zip(&mut phases) {
                let micros = step.phases_us.get(*name).map_or(0, |phase| phase.p50) as f64;
                *sum += micros / 1e6;
                self.probes
                    .step_phase
                    .with_label_values(&[probe, environment, &step.name, name])
                    .inc_by(micros / 1e6);
            }
            if step.core.requests > step.core.errors {
                self.probes
                    .step_duration
                    .with_label_values(&names)
                    .observe(step.core.latency_us.max as f64 / 1e6);
            }
            for (class, count) in &step.errors_by_class {
                self.probes
                    .step_errors
                    .with_label_values(&[probe, environment, &step.name, class])
                    .inc_by(*count);
            }
            if let Some(status) = step
                .statuses
                .keys()
                .next_back()
                .and_then(|status| status.parse().ok())
            {
                self.probes
                    .legacy_status
                    .with_label_values(&labels)
                    .set(status);
            }
        }
        for (name, value) in PHASES.iter().zip(phases) {
            self.probes
                .legacy_phases
                .with_label_values(&[probe, environment, name])
                .set(value);
        }
        for check in summary.checks.iter().filter(|check| check.failed > 0) {
            self.probes
                .check_failures
                .with_label_values(&[probe, environment, &check.step])
                .inc_by(check.failed);
        }
    }

    /// A probe started this late.
    pub fn probe_lag(&self, seconds: f64) {
        self.probes.probe_lag.observe(seconds);
    }

    /// Due times passed while a probe was still running.
    pub fn probe_skipped(&self, probe: &str, environment: &str, count: u64) {
        self.probes
            .probe_skipped
            .with_label_values(&[probe, environment])
            .inc_by(count);
    }

    /// How many gates of a name are being driven.
    pub fn gates_active(&self, gate: &str, count: usize) {
        self.gates
            .gate_active
            .with_label_values(&[gate])
            .set(count as i64);
    }

    /// A phase of a gate ended.
    pub fn gate_phase(&self, gate: &str, phase: &str, outcome: &str, seconds: f64) {
        self.gates
            .gate_phase
            .with_label_values(&[gate, phase, outcome])
            .observe(seconds);
    }

    /// A gate reached its verdict.
    pub fn gate_verdict(&self, gate: &str, environment: &str, verdict: &str) {
        self.gates
            .gate_verdicts
            .with_label_values(&[gate, environment, verdict])
            .inc();
    }

    /// The proof of a rollback ended.
    pub fn rollback(
        &self,
        gate: &str,
        proven: bool,
        action_ms: Option<i64>,
        healthy_ms: Option<i64>,
    ) {
        self.gates
            .rollback_proofs
            .with_label_values(&[gate, if proven { "proven" } else { "failed" }])
            .inc();
        for (clock, ms) in [("action", action_ms), ("healthy", healthy_ms)] {
            if let Some(ms) = ms {
                self.gates
                    .rollback_seconds
                    .with_label_values(&[gate, clock])
                    .observe(ms as f64 / 1e3);
            }
        }
    }

    /// A second of a load is over.
    pub fn run_tick(&self, scenario: &str, tick: &Tick) {
        self.runs.tick(scenario, tick);
    }

    /// How many effects are pending.
    pub fn outbox_pending(&self, count: i64) {
        self.outbox_pending.set(count);
    }

    /// An attempt to deliver ended.
    pub fn delivery(&self, kind: &str, delivered: bool) {
        self.deliveries
            .with_label_values(&[kind, if delivered { "delivered" } else { "failed" }])
            .inc();
    }

    /// A task of our own died.
    pub fn task_died(&self, task: &str) {
        self.task_restarts.with_label_values(&[task]).inc();
    }

    /// Something that a gate was to see could not be seen.
    pub fn look_failed(&self, gate: &str, kind: &str) {
        self.looks_failed.with_label_values(&[gate, kind]).inc();
    }

    /// The configuration was loaded, or could not be.
    pub fn reloaded(&self, success: bool, now_s: f64) {
        self.reload_success.set(i64::from(success));
        if success {
            self.reload_time.set(now_s);
        }
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}
