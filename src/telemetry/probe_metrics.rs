//! What is counted of probes: their runs, their steps, and blackbox_exporter's names beside them.

use super::registry::{LATENCY_BUCKETS, counters, float_gauges, gauges, histograms, keep};
use prometheus::{
    CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts,
    Registry,
};

#[derive(Debug)]
pub(super) struct ProbeMetrics {
    pub(super) probe_runs: IntCounterVec,
    pub(super) probe_duration: HistogramVec,
    pub(super) probe_up: IntGaugeVec,
    pub(super) probe_lag: Histogram,
    pub(super) probe_skipped: IntCounterVec,
    pub(super) step_duration: HistogramVec,
    pub(super) step_phase: CounterVec,
    pub(super) step_errors: IntCounterVec,
    pub(super) check_failures: IntCounterVec,
    pub(super) legacy_success: IntGaugeVec,
    pub(super) legacy_duration: GaugeVec,
    pub(super) legacy_status: IntGaugeVec,
    pub(super) legacy_phases: GaugeVec,
}

impl ProbeMetrics {
    pub(super) fn new(registry: &Registry) -> ProbeMetrics {
        let probe = &["probe", "environment"];
        ProbeMetrics {
            probe_runs: counters(
                registry,
                "bellwether_probe_runs_total",
                "Runs of a probe by outcome.",
                &["probe", "environment", "outcome"],
            ),
            probe_duration: histograms(
                registry,
                "bellwether_probe_duration_seconds",
                "How long a probe's scenario took.",
                probe,
                &LATENCY_BUCKETS,
            ),
            probe_up: gauges(
                registry,
                "bellwether_probe_up",
                "1 while a probe is up, 0 while it is down or unknown.",
                probe,
            ),
            probe_lag: keep(
                registry,
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
                registry,
                "bellwether_probe_schedule_skipped_total",
                "Due times that passed while the run before was still going on.",
                probe,
            ),
            step_duration: histograms(
                registry,
                "bellwether_step_duration_seconds",
                "Latency of a probe's step, successful or not.",
                &["probe", "environment", "step"],
                &LATENCY_BUCKETS,
            ),
            step_phase: keep(
                registry,
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
                registry,
                "bellwether_step_errors_total",
                "Failures of a probe's step by class.",
                &["probe", "environment", "step", "class"],
            ),
            check_failures: counters(
                registry,
                "bellwether_check_failures_total",
                "Checks of a probe's step that did not hold.",
                &["probe", "environment", "step"],
            ),
            legacy_success: gauges(
                registry,
                "probe_success",
                "1 if the last run of the probe passed.",
                probe,
            ),
            legacy_duration: float_gauges(
                registry,
                "probe_duration_seconds",
                "How long the last run of the probe took.",
                probe,
            ),
            legacy_status: gauges(
                registry,
                "probe_http_status_code",
                "Status of the last HTTP reply of the probe.",
                probe,
            ),
            legacy_phases: float_gauges(
                registry,
                "probe_http_duration_seconds",
                "Phases of the last run of the probe, summed over its steps.",
                &["probe", "environment", "phase"],
            ),
        }
    }
}
