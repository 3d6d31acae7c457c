//! Metric names, and what is counted under them.
//!
//! Prefix `bellwether_`, base units, counters end in `_total`; labels are names from the
//! configuration, phases and classes: bounded, never a URL. Beside them stand the `probe_*` names
//! of blackbox_exporter, so that existing dashboards work unchanged. Series of probes and gates
//! that are no longer configured are removed on reload.

use super::registry::{
    LATENCY_BUCKETS, LONG_BUCKETS, counters, exposition, float_gauges, gauges, histograms, keep,
};
use super::run_metrics::RunMetrics;
use crate::load::Tick;
use crate::net::ErrorClass;
use crate::net::phases::PHASES;
use crate::record::probe::Health;
use crate::run::Summary;
use crate::scenario::Plan;
use prometheus::{
    CounterVec, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge,
    IntGaugeVec, Opts, Registry,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// All metrics of the daemon.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    probe_runs: IntCounterVec,
    probe_duration: HistogramVec,
    probe_up: IntGaugeVec,
    probe_lag: Histogram,
    probe_skipped: IntCounterVec,
    step_duration: HistogramVec,
    step_phase: CounterVec,
    step_errors: IntCounterVec,
    check_failures: IntCounterVec,
    legacy_success: IntGaugeVec,
    legacy_duration: GaugeVec,
    legacy_status: IntGaugeVec,
    legacy_phases: GaugeVec,
    gate_active: IntGaugeVec,
    gate_verdicts: IntCounterVec,
    gate_phase: HistogramVec,
    rollback_proofs: IntCounterVec,
    rollback_seconds: HistogramVec,
    runs: RunMetrics,
    outbox_pending: IntGauge,
    deliveries: IntCounterVec,
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
        let probe = &["probe", "environment"];
        let metrics = Metrics {
            probe_runs: counters(
                &registry,
                "bellwether_probe_runs_total",
                "Runs of a probe by outcome.",
                &["probe", "environment", "outcome"],
            ),
            probe_duration: histograms(
                &registry,
                "bellwether_probe_duration_seconds",
                "How long a probe's scenario took.",
                probe,
                &LATENCY_BUCKETS,
            ),
            probe_up: gauges(
                &registry,
                "bellwether_probe_up",
                "1 while a probe is up, 0 while it is down or unknown.",
                probe,
            ),
            probe_lag: keep(
                &registry,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "bellwether_probe_schedule_lag_seconds",
                        "How late probes start.",
                    )
                    .buckets(LATENCY_BUCKETS.to_vec()),
                )
                .expect("the names are constants"),
            ),
            probe_skipped: counters(
                &registry,
                "bellwether_probe_schedule_skipped_total",
                "Due times that passed while the run before was still going on.",
                probe,
            ),
            step_duration: histograms(
                &registry,
                "bellwether_step_duration_seconds",
                "Latency of a probe's step, successful or not.",
                &["probe", "environment", "step"],
                &LATENCY_BUCKETS,
            ),
            step_phase: keep(
                &registry,
                CounterVec::new(
                    Opts::new(
                        "bellwether_step_phase_seconds_total",
                        "Time spent in each phase of a probe's step.",
                    ),
                    &["probe", "environment", "step", "phase"],
                )
                .expect("the names are constants"),
            ),
            step_errors: counters(
                &registry,
                "bellwether_step_errors_total",
                "Failures of a probe's step by class.",
                &["probe", "environment", "step", "class"],
            ),
            check_failures: counters(
                &registry,
                "bellwether_check_failures_total",
                "Checks of a probe's step that did not hold.",
                &["probe", "environment", "step"],
            ),
            legacy_success: gauges(
                &registry,
                "probe_success",
                "1 if the last run of the probe passed.",
                probe,
            ),
            legacy_duration: float_gauges(
                &registry,
                "probe_duration_seconds",
                "How long the last run of the probe took.",
                probe,
            ),
            legacy_status: gauges(
                &registry,
                "probe_http_status_code",
                "Status of the last HTTP reply of the probe.",
                probe,
            ),
            legacy_phases: float_gauges(
                &registry,
                "probe_http_duration_seconds",
                "Phases of the last run of the probe, summed over its steps.",
                &["probe", "environment", "phase"],
            ),
            gate_active: gauges(
                &registry,
                "bellwether_gate_active",
                "Gates that are being driven.",
                &["gate"],
            ),
            gate_verdicts: counters(
                &registry,
                "bellwether_gate_verdicts_total",
                "Verdicts.",
                &["gate", "environment", "verdict"],
            ),
            gate_phase: histograms(
                &registry,
                "bellwether_gate_phase_duration_seconds",
                "How long phases of gates took.",
                &["gate", "phase", "outcome"],
                &LONG_BUCKETS,
            ),
            rollback_proofs: counters(
                &registry,
                "bellwether_rollback_proofs_total",
                "Proofs of rollbacks by result.",
                &["gate", "result"],
            ),
            rollback_seconds: histograms(
                &registry,
                "bellwether_rollback_duration_seconds",
                "The two clocks of a rollback: from the verdict to the end of the action, and to healthy.",
                &["gate", "clock"],
                &LONG_BUCKETS,
            ),
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
            self.probe_up.with_label_values(&[probe, environment]);
            self.probe_skipped.with_label_values(&[probe, environment]);
            for outcome in ["pass", "fail", "inconclusive"] {
                self.probe_runs
                    .with_label_values(&[probe, environment, &outcome.to_owned()]);
            }
        }
        for probe in now {
            known.entry(probe).or_default();
        }
        for (gate, environment) in gates {
            self.gate_active.with_label_values(&[gate]);
            for verdict in ["promote", "rollback", "hold"] {
                self.gate_verdicts
                    .with_label_values(&[gate.as_str(), environment, verdict]);
            }
            for result in ["proven", "failed"] {
                self.rollback_proofs
                    .with_label_values(&[gate.as_str(), result]);
            }
        }
    }

    /// Removes every series of a probe. One that was never made cannot be removed; that is as good.
    fn forget_probe(&self, probe: &str, environment: &str, steps: &BTreeSet<String>) {
        let labels = [probe, environment];
        let _ = self.probe_up.remove_label_values(&labels);
        let _ = self.probe_skipped.remove_label_values(&labels);
        let _ = self.probe_duration.remove_label_values(&labels);
        let _ = self.legacy_success.remove_label_values(&labels);
        let _ = self.legacy_duration.remove_label_values(&labels);
        let _ = self.legacy_status.remove_label_values(&labels);
        for phase in PHASES {
            let labels = [probe, environment, phase];
            let _ = self.legacy_phases.remove_label_values(&labels);
        }
        for outcome in ["pass", "fail", "inconclusive"] {
            let labels = [probe, environment, outcome];
            let _ = self.probe_runs.remove_label_values(&labels);
        }
        for step in steps {
            let labels = [probe, environment, step.as_str()];
            let _ = self.step_duration.remove_label_values(&labels);
            let _ = self.check_failures.remove_label_values(&labels);
            for phase in PHASES {
                let labels = [probe, environment, step, phase];
                let _ = self.step_phase.remove_label_values(&labels);
            }
            for class in ErrorClass::ALL {
                let labels = [probe, environment, step, class.word()];
                let _ = self.step_errors.remove_label_values(&labels);
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
        self.probe_runs
            .with_label_values(&[probe, environment, outcome])
            .inc();
        self.probe_duration
            .with_label_values(&labels)
            .observe(seconds);
        self.probe_up
            .with_label_values(&labels)
            .set(i64::from(health == Health::Up));
        self.legacy_success
            .with_label_values(&labels)
            .set(i64::from(outcome == "pass"));
        self.legacy_duration.with_label_values(&labels).set(seconds);
        let mut phases = [0.0; 6];
        for step in &summary.steps {
            let names = [probe, environment, step.name.as_str()];
            for (name, sum) in PHASES.iter().zip(&mut phases) {
                let micros = step.phases_us.get(*name).map_or(0, |phase| phase.p50) as f64;
                *sum += micros / 1e6;
                self.step_phase
                    .with_label_values(&[probe, environment, &step.name, name])
                    .inc_by(micros / 1e6);
            }
            if step.core.requests > step.core.errors {
                self.step_duration
                    .with_label_values(&names)
                    .observe(step.core.latency_us.max as f64 / 1e6);
            }
            for (class, count) in &step.errors_by_class {
                self.step_errors
                    .with_label_values(&[probe, environment, &step.name, class])
                    .inc_by(*count);
            }
            if let Some(status) = step
                .statuses
                .keys()
                .next_back()
                .and_then(|status| status.parse().ok())
            {
                self.legacy_status.with_label_values(&labels).set(status);
            }
        }
        for (name, value) in PHASES.iter().zip(phases) {
            self.legacy_phases
                .with_label_values(&[probe, environment, name])
                .set(value);
        }
        for check in summary.checks.iter().filter(|check| check.failed > 0) {
            self.check_failures
                .with_label_values(&[probe, environment, &check.step])
                .inc_by(check.failed);
        }
    }

    /// A probe started this late.
    pub fn probe_lag(&self, seconds: f64) {
        self.probe_lag.observe(seconds);
    }

    /// Due times passed while a probe was still running.
    pub fn probe_skipped(&self, probe: &str, environment: &str, count: u64) {
        self.probe_skipped
            .with_label_values(&[probe, environment])
            .inc_by(count);
    }

    /// How many gates of a name are being driven.
    pub fn gates_active(&self, gate: &str, count: usize) {
        self.gate_active
            .with_label_values(&[gate])
            .set(count as i64);
    }

    /// A phase of a gate ended.
    pub fn gate_phase(&self, gate: &str, phase: &str, outcome: &str, seconds: f64) {
        self.gate_phase
            .with_label_values(&[gate, phase, outcome])
            .observe(seconds);
    }

    /// A gate reached its verdict.
    pub fn gate_verdict(&self, gate: &str, environment: &str, verdict: &str) {
        self.gate_verdicts
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
        self.rollback_proofs
            .with_label_values(&[gate, if proven { "proven" } else { "failed" }])
            .inc();
        for (clock, ms) in [("action", action_ms), ("healthy", healthy_ms)] {
            if let Some(ms) = ms {
                self.rollback_seconds
                    .with_label_values(&[gate, clock])
                    .observe(ms as f64 / 1e3);
            }
        }
    }

    /// A second of a load is over.
    pub fn run_tick(&self, plan: &Plan, tick: &Tick) {
        self.runs.tick(plan, tick);
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
