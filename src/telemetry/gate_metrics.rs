//! What is counted of gates: verdicts, phases, rollbacks.

use super::registry::{LONG_BUCKETS, counters, gauges, histograms};
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry};

#[derive(Debug)]
pub(super) struct GateMetrics {
    pub(super) gate_active: IntGaugeVec,
    pub(super) gate_verdicts: IntCounterVec,
    pub(super) gate_phase: HistogramVec,
    pub(super) rollback_proofs: IntCounterVec,
    pub(super) rollback_seconds: HistogramVec,
}

impl GateMetrics {
    pub(super) fn new(registry: &Registry) -> GateMetrics {
        GateMetrics {
            gate_active: gauges(
                registry,
                "bellwether_gate_active",
                "Gates that are being driven.",
                &["gate"],
            ),
            gate_verdicts: counters(
                registry,
                "bellwether_gate_verdicts_total",
                "Verdicts.",
                &["gate", "environment", "verdict"],
            ),
            gate_phase: histograms(
                registry,
                "bellwether_gate_phase_duration_seconds",
                "How long phases of gates took.",
                &["gate", "phase", "outcome"],
                &LONG_BUCKETS,
            ),
            rollback_proofs: counters(
                registry,
                "bellwether_rollback_proofs_total",
                "Proofs of rollbacks by result.",
                &["gate", "result"],
            ),
            rollback_seconds: histograms(
                registry,
                "bellwether_rollback_duration_seconds",
                "The two clocks of a rollback: from the verdict to the end of the action, and to healthy.",
                &["gate", "clock"],
                &LONG_BUCKETS,
            ),
        }
    }
}
