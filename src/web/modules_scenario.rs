//! What a scenario showed that `/probe` performed, as the page that Prometheus reads.
//!
//! Pure. The families that every look has are those of blackbox_exporter; what only a scenario knows stands beside them.
//! Invariant: only a pass is a success, and what says why is redacted already.

use crate::module::reach::LOOKED_UP;
use crate::module::seen::{Gauge, Seen};
use crate::objective::Outcome;
use crate::run::observation::Observation;
use crate::run::summary::StepSummary;
use std::time::Duration;

const OUTCOME: Gauge = Gauge(
    "probe_scenario_outcome",
    "What the scenario came to: 1 for the outcome that it has.",
);
const STATUS: Gauge = Gauge(
    "probe_http_status_code",
    "The status of the last reply of the scenario.",
);
const STEP_SUCCESS: Gauge = Gauge(
    "probe_step_success",
    "Whether the step was performed and nothing of it failed.",
);
const STEP_DURATION: Gauge = Gauge(
    "probe_step_duration_seconds",
    "How long the step took, by phase.",
);
const CHECK_SUCCESS: Gauge = Gauge("probe_check_success", "Whether the check held.");
const VALUE: Gauge = Gauge(
    "probe_step_value",
    "The newest number that the step measured.",
);

/// The page of a performance that could have taken so long.
pub fn seen(observed: &Observation, environment: &str, time: Duration) -> Seen {
    let mut seen = Seen::default();
    let samples = &observed.events.samples;
    let looked_up: u64 = samples.iter().map(|sample| sample.phases.resolve).sum();
    seen.set(LOOKED_UP, looked_up as f64 / 1e6);
    if let Some(facts) = &observed.events.tls {
        seen.tls(facts);
    }
    if let Some(last) = samples.iter().rev().find(|sample| sample.status >= 100) {
        seen.set(STATUS, f64::from(last.status));
    }
    for outcome in [Outcome::Pass, Outcome::Fail, Outcome::Inconclusive] {
        let is = f64::from(u8::from(observed.outcome == outcome));
        seen.put(OUTCOME, &[("outcome", outcome.word())], is);
    }
    let summary = observed.summary(environment);
    for step in &summary.steps {
        of_step(step, &mut seen);
    }
    for check in summary
        .checks
        .iter()
        .filter(|check| check.passed + check.failed > 0)
    {
        let labels = [
            ("step", check.step.as_str()),
            ("check", check.check.as_str()),
        ];
        let holds = f64::from(u8::from(check.failed == 0));
        seen.put(CHECK_SUCCESS, &labels, holds);
    }
    for reason in &summary.reasons {
        seen.note(reason);
    }
    let went_well = observed.outcome == Outcome::Pass;
    seen.ended(went_well, observed.duration, time);
    seen
}

fn of_step(step: &StepSummary, seen: &mut Seen) {
    for text in step.examples.iter().chain(&step.warnings) {
        seen.note(format!("{}: {text}", step.name));
    }
    for (name, value) in &step.values {
        let labels = [("step", step.name.as_str()), ("name", name.as_str())];
        seen.put(VALUE, &labels, value.last);
    }
    // What was left out, or not reached, has neither a time nor a success.
    if step.core.requests == 0 {
        return;
    }
    let is_well = step.core.errors == 0 && step.advisory_failures == 0;
    let labels = [("step", step.name.as_str())];
    seen.put(STEP_SUCCESS, &labels, f64::from(u8::from(is_well)));
    for (phase, times) in &step.phases_us {
        let labels = [("step", step.name.as_str()), ("phase", phase.as_str())];
        seen.put(STEP_DURATION, &labels, times.p50 as f64 / 1e6);
    }
}
