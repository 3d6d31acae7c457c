//! Series that `/metrics` shows, with their labels.
//!
//! Held against what a daemon really shows by a test. Does not know how they are counted.

use super::page::{Entry, Page, Section};

/// A family: its name, its type, its labels and what it says.
type Shown = (&'static str, &'static str, &'static str, &'static str);

/// All families, by what they are about.
pub const ALL: &[(&str, &[Shown])] = &[
    (
        "Probes",
        &[
            (
                "bellwether_probe_up",
                "gauge",
                "probe, environment",
                "1 while a probe is up or degraded, 0 while it is down or unknown.",
            ),
            (
                "bellwether_probe_health",
                "gauge",
                "probe, environment, health (up, degraded, down, unknown)",
                "1 for the state that a probe is in.",
            ),
            (
                "bellwether_probe_info",
                "gauge",
                "probe, environment, service, group",
                "Always 1; what a probe is found by is in the labels.",
            ),
            (
                "bellwether_probe_runs_total",
                "counter",
                "probe, environment, outcome (pass, fail, inconclusive)",
                "Runs of a probe by outcome.",
            ),
            (
                "bellwether_probe_duration_seconds",
                "histogram",
                "probe, environment",
                "How long a probe's scenario took.",
            ),
            (
                "bellwether_probe_flaky_total",
                "counter",
                "probe, environment",
                "Runs of a probe that passed only when they were tried once more.",
            ),
            (
                "bellwether_probe_schedule_skipped_total",
                "counter",
                "probe, environment",
                "Due times at which a probe was not measured.",
            ),
            (
                "bellwether_probe_value",
                "gauge",
                "probe, environment, step, value",
                "A number that the last reply told, by the name that `measure` gives it.",
            ),
            (
                "bellwether_step_duration_seconds",
                "histogram",
                "probe, environment, step",
                "Latency of a probe's step, of those that succeeded.",
            ),
            (
                "bellwether_step_errors_total",
                "counter",
                "probe, environment, step, class",
                "Failures of a probe's step by class.",
            ),
            (
                "bellwether_step_phase_seconds_total",
                "counter",
                "probe, environment, step, phase",
                "Time spent in each phase of a probe's step.",
            ),
            (
                "bellwether_check_failures_total",
                "counter",
                "probe, environment, step",
                "Checks of a probe's step that did not hold.",
            ),
        ],
    ),
    (
        "Probes, under the names of blackbox_exporter",
        &[
            (
                "probe_success",
                "gauge",
                "probe, environment",
                "1 if the last run of the probe passed.",
            ),
            (
                "probe_duration_seconds",
                "gauge",
                "probe, environment",
                "How long the last run of the probe took.",
            ),
            (
                "probe_http_duration_seconds",
                "gauge",
                "probe, environment, phase",
                "Phases of the last run of the probe, summed over its steps.",
            ),
            (
                "probe_http_status_code",
                "gauge",
                "probe, environment",
                "Status of the last HTTP reply of the probe, 0 where nothing answered.",
            ),
            (
                "probe_ssl_earliest_cert_expiry",
                "gauge",
                "probe, environment",
                "When the first certificate of the chain expires that the probe was shown last, in seconds since 1970.",
            ),
        ],
    ),
    (
        "Gates",
        &[
            (
                "bellwether_gate_active",
                "gauge",
                "gate",
                "Gates that are being driven.",
            ),
            (
                "bellwether_gate_verdicts_total",
                "counter",
                "gate, environment, verdict (promote, rollback, hold)",
                "Verdicts.",
            ),
            (
                "bellwether_gate_phase_duration_seconds",
                "histogram",
                "gate, phase, outcome (pass, fail, inconclusive)",
                "How long phases of gates took.",
            ),
            (
                "bellwether_rollback_proofs_total",
                "counter",
                "gate, result (proven, failed)",
                "Proofs of rollbacks by result.",
            ),
            (
                "bellwether_rollback_duration_seconds",
                "histogram",
                "gate, clock (action, healthy)",
                "The two clocks of a rollback: from the verdict to the end of the action, and to healthy.",
            ),
            (
                "bellwether_looks_failed_total",
                "counter",
                "gate, kind (sighting, fact)",
                "What could not be seen: a version that was to be sighted, a fact of a webhook.",
            ),
        ],
    ),
    (
        "Objectives over weeks",
        &[
            (
                "bellwether_slo_objective_ratio",
                "gauge",
                "slo",
                "The share of runs that are to be good.",
            ),
            (
                "bellwether_slo_good_ratio",
                "gauge",
                "slo",
                "The share of runs in the window that were good.",
            ),
            (
                "bellwether_slo_error_budget_remaining_ratio",
                "gauge",
                "slo",
                "What is left of the error budget: 1 is all of it, below 0 it is overdrawn.",
            ),
            (
                "bellwether_slo_burn_rate_ratio",
                "gauge",
                "slo, window",
                "How much faster the error budget is used up than it may be, by window.",
            ),
            (
                "bellwether_slo_window_runs",
                "gauge",
                "slo, result (good, bad)",
                "Runs in the window, by what they were.",
            ),
            (
                "bellwether_slo_runs_total",
                "counter",
                "slo, result (good, bad)",
                "Runs that an objective counted, by what they were.",
            ),
        ],
    ),
    (
        "Loads",
        &[
            (
                "bellwether_run_requests_total",
                "counter",
                "scenario, step, outcome (ok, failed)",
                "Requests of loads by outcome.",
            ),
            (
                "bellwether_run_latency_seconds",
                "histogram",
                "scenario, step, outcome (ok, failed)",
                "Latency of the requests of loads, from their intended start.",
            ),
            (
                "bellwether_run_own_lateness_seconds",
                "histogram",
                "scenario",
                "How late the load generator itself started iterations of open models.",
            ),
            (
                "bellwether_run_iterations_active",
                "gauge",
                "scenario",
                "Iterations of loads in progress.",
            ),
            (
                "bellwether_run_arrivals_waiting",
                "gauge",
                "scenario",
                "Arrivals of loads that wait for a free virtual user.",
            ),
        ],
    ),
    (
        "Bellwether itself",
        &[
            (
                "bellwether_build_info",
                "gauge",
                "version",
                "Always 1; the version is in the label.",
            ),
            (
                "bellwether_config_last_reload_successful",
                "gauge",
                "",
                "1 if the last reload of the configuration succeeded.",
            ),
            (
                "bellwether_config_last_reload_success_timestamp_seconds",
                "gauge",
                "",
                "When the configuration was last loaded.",
            ),
            (
                "bellwether_outbox_pending",
                "gauge",
                "",
                "Committed effects that are not delivered yet.",
            ),
            (
                "bellwether_deliveries_total",
                "counter",
                "kind, result (delivered, failed)",
                "Delivery attempts by kind and result.",
            ),
            (
                "bellwether_incidents_open",
                "gauge",
                "",
                "Incidents that are not over.",
            ),
            (
                "bellwether_probe_schedule_lag_seconds",
                "histogram",
                "",
                "How late probes start.",
            ),
            (
                "bellwether_probe_results_lost_total",
                "counter",
                "",
                "Results of probes that could not be kept.",
            ),
            (
                "bellwether_own_troubles_total",
                "counter",
                "kind",
                "Troubles of Bellwether's own machine, by kind.",
            ),
            (
                "bellwether_task_restarts_total",
                "counter",
                "task",
                "Tasks of Bellwether itself that died and were started again: a fault of its own.",
            ),
        ],
    ),
];

/// The page.
pub fn page() -> Page {
    let section = |(title, families): &(&str, &[Shown])| {
        let entries = families.iter().map(|(name, kind, labels, about)| Entry {
            name: (*name).to_owned(),
            form: match labels.is_empty() {
                true => (*kind).to_owned(),
                false => format!("{kind} by {labels}"),
            },
            about: (*about).to_owned(),
            ..Entry::default()
        });
        Section::new(*title, "").with(entries)
    };
    Page {
        name: "metrics",
        title: "Metrics",
        about: "What Prometheus reads at /metrics, as text, OpenMetrics or protocol buffers with native histograms; the same goes out by remote write and OTLP where `metrics` of the configuration says so.",
        sections: ALL.iter().map(section).collect(),
    }
}
