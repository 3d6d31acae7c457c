//! What is counted of Bellwether's own work of watching.

use super::registry::{LAG_BUCKETS, counters, keep};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Registry};

#[derive(Debug)]
pub(super) struct OwnMetrics {
    pub(super) probe_lag: Histogram,
    pub(super) results_lost: IntCounter,
    pub(super) own_troubles: IntCounterVec,
    pub(super) incidents_open: IntGauge,
}

impl OwnMetrics {
    pub(super) fn new(registry: &Registry) -> OwnMetrics {
        let metrics = OwnMetrics {
            probe_lag: keep(
                registry,
                Histogram::with_opts(
                    HistogramOpts::new(
                        "bellwether_probe_schedule_lag_seconds",
                        "How late probes start.",
                    )
                    .buckets(LAG_BUCKETS.to_vec()),
                )
                .expect("the names are constants"),
            ),
            results_lost: keep(
                registry,
                IntCounter::new(
                    "bellwether_probe_results_lost_total",
                    "Results of probes that could not be kept.",
                )
                .expect("the names are constants"),
            ),
            own_troubles: counters(
                registry,
                "bellwether_own_troubles_total",
                "Troubles of Bellwether's own machine, by kind.",
                &["kind"],
            ),
            incidents_open: keep(
                registry,
                IntGauge::new("bellwether_incidents_open", "Incidents that are not over.")
                    .expect("the names are constants"),
            ),
        };
        for kind in ["clock", "descriptors"] {
            metrics.own_troubles.with_label_values(&[kind]);
        }
        metrics
    }
}
