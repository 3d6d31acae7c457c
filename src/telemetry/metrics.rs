//! Metric names, and what is counted under them.
//!
//! Prefix `bellwether_`, base units, counters end in `_total`; labels are names from the
//! configuration, phases and classes: bounded, never a URL. Beside them stand the `probe_*` names
//! of blackbox_exporter, so that existing dashboards work unchanged. Series of probes and gates
//! that are no longer configured are removed on reload.

use super::format::Format;
use super::gate_metrics::GateMetrics;
use super::own_metrics::OwnMetrics;
use super::probe_metrics::{ProbeMetrics, ProbeSeries};
use super::registry::{counters, exposition, keep};
use super::run_metrics::RunMetrics;
use super::slo_metrics::SloMetrics;
use crate::load::Tick;
use crate::watch::budget::{Goal, Standing};
use crate::watch::rollup::Bucket;
use prometheus::{Gauge, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};
use std::collections::BTreeSet;

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
    own: OwnMetrics,
    slos: SloMetrics,
}

/// A probe, and what it is found by on dashboards.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Its name.
    pub probe: &'a str,
    /// Its environment.
    pub environment: &'a str,
    /// The service of its scenario; may be empty.
    pub service: &'a str,
    /// What it is shown with; may be empty.
    pub group: &'a str,
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
            probes: ProbeMetrics::default(),
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
            own: OwnMetrics::new(&registry),
            slos: SloMetrics::new(&registry),
            registry,
        };
        for task in [
            "courier",
            "dead man",
            "deploys",
            "direct",
            "heartbeats",
            "objectives",
            "own",
            "prober",
            "pushing",
            "delivery",
            "gate",
            "incidents",
            "keeper",
            "ledger",
            "partners",
            "probe",
            "sighting",
            "targets",
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

    /// The exposition, a part at a time.
    pub fn parts(&self, format: Format) -> impl Iterator<Item = Vec<u8>> + use<> {
        let own = std::iter::once(exposition(&self.registry, format));
        let end = std::iter::once(format.end().to_vec());
        own.chain(self.probes.parts(format)).chain(end)
    }

    /// Makes the series of configured probes and gates exist from the start, and removes those of others.
    pub fn configured(&self, probes: &[Shown<'_>], gates: &[(String, String)]) {
        let now = probes.iter().map(|shown| (shown.probe, shown.environment));
        let now: BTreeSet<(&str, &str)> = now.collect();
        self.probes
            .only(|probe, environment| now.contains(&(probe, environment)));
        for shown in probes {
            let series = self.probes.of(shown.probe, shown.environment);
            series.shown_with(shown.service, shown.group);
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

    /// The series of a probe, as whoever runs it holds them.
    pub fn probe(&self, probe: &str, environment: &str) -> ProbeSeries {
        self.probes.of(probe, environment)
    }

    /// Only these objectives are shown.
    pub fn slos(&self, names: &BTreeSet<String>) {
        self.slos.only(names);
    }

    /// Which objectives count the runs of which probes.
    pub fn slos_count<'a>(&self, slos: impl Iterator<Item = (&'a str, Goal, Vec<&'a str>)>) {
        self.slos.count(slos);
    }

    /// A run of a probe, for the objectives that count it.
    pub fn slo_ran(&self, probe: &str, run: impl FnOnce() -> Bucket) {
        self.slos.ran(probe, run);
    }

    /// How the budget of an objective stands.
    pub fn slo(&self, name: &str, goal: &Goal, seen: &Standing) {
        self.slos.put(name, goal, seen);
    }

    /// A probe started this late.
    pub fn probe_lag(&self, seconds: f64) {
        self.own.probe_lag.observe(seconds);
    }

    /// A result or a state of a probe could not be kept.
    pub fn results_lost(&self, count: u64) {
        self.own.results_lost.inc_by(count);
    }

    /// What a schedule had to go through: `clock` jumps, `descriptors` that were missing.
    pub fn own_trouble(&self, kind: &str) {
        self.own.own_troubles.with_label_values(&[kind]).inc();
    }

    /// How many incidents are open, and how many messages about them left.
    pub fn incidents_open(&self, count: usize) {
        self.own.incidents_open.set(count as i64);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::budget::{History, Window, standing};

    #[test]
    fn no_two_families_have_one_name_in_any_form() {
        let metrics = Metrics::new();
        let goal = Goal {
            share: 0.99,
            latency_us: None,
            unknown_is_bad: false,
            window: Window::Month,
        };
        metrics.slos_count(std::iter::once(("shop", goal, vec!["api"])));
        metrics.slo("shop", &goal, &standing(&goal, &History::default(), 0));
        metrics.probe("api", "production");
        for format in [Format::Text, Format::OpenMetrics] {
            let text: Vec<u8> = metrics.parts(format).flatten().collect();
            let text = String::from_utf8(text).unwrap();
            let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
            let mut names: Vec<&str> = names.filter_map(|rest| rest.split(' ').next()).collect();
            names.sort_unstable();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{names:?}");
            let slo = names
                .iter()
                .filter(|name| name.starts_with("bellwether_slo_"));
            assert!(slo.count() >= 6, "{names:?}");
        }
    }
}
