//! The one model behind every report of a run. A boundary type: it is kept as evidence.

use crate::load::breakpoint::Search;
use crate::load::kept::Kept;
use crate::load::series::Point;
use crate::objective::{Judgement, Outcome};
use crate::picture::kept::Picture;
use crate::suite::report::Test;
use crate::vu::exchange::Exchange;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole run.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Summary {
    /// The scenario's name.
    pub scenario: String,
    /// Where it ran.
    pub environment: String,
    /// What it was performed with and against: our version, the machine, the addresses of services.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub about: BTreeMap<String, String>,
    /// When it started, RFC 3339.
    pub started: String,
    /// `smoke` or `load`.
    pub kind: String,
    /// Pass, fail or inconclusive.
    pub outcome: Outcome,
    /// Of how many runs that passed the pictures are kept, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps_pictures: Option<u64>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// The stable core over all steps of the iterations.
    #[serde(flatten)]
    pub core: Core,
    /// The same for each step.
    pub steps: Vec<StepSummary>,
    /// Objectives.
    pub objectives: Vec<Judgement>,
    /// Objectives that should hold, and change no outcome.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Judgement>,
    /// Checks.
    pub checks: Vec<CheckSummary>,
    /// Iterations that ended.
    pub iterations: u64,
    /// Iterations in which a step failed.
    pub iterations_failed: u64,
    /// Iterations that were cut off.
    pub interrupted: u64,
    /// Arrivals that waited for a free virtual user.
    pub waited: u64,
    /// Requests that waited for the environment's cap.
    pub held_back: u64,
    /// Virtual users made.
    pub virtual_users: u64,
    /// Worker threads.
    pub workers: u64,
    /// How late we started iterations ourselves (open models).
    pub own_lateness_us: Option<Quantiles>,
    /// Seconds.
    pub series: Vec<Point>,
    /// The search for the highest rate that holds, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// Whether it was asked to stop.
    pub was_interrupted: bool,
    /// What a sequential verdict rests on, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub evidence: Option<crate::objective::evidence::Evidence>,
}

/// The numbers that others rely on.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Core {
    /// Requests, failed ones included.
    pub requests: u64,
    /// Seconds in which iterations were performed.
    pub duration_s: f64,
    /// Requests per second.
    pub rate: f64,
    /// Failed requests.
    pub errors: u64,
    /// Latency of successful requests from their intended start, in microseconds.
    pub latency_us: Quantiles,
    /// Planned arrivals or iterations that were never performed.
    pub dropped: u64,
}

/// Quantiles of a histogram, in microseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Quantiles {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile.
    pub p95: u64,
    /// 99th percentile.
    pub p99: u64,
    /// 99.9th percentile.
    pub p999: u64,
    /// Highest.
    pub max: u64,
}

impl Core {
    /// Whether anything succeeded, and so has a latency.
    pub fn has_latency(&self) -> bool {
        self.latency_us.max > 0
    }
}

impl Summary {
    /// Takes the last exchange of each step that failed.
    pub fn show_failing(&mut self, mut latest: BTreeMap<String, Exchange>) {
        let failed = |step: &&mut StepSummary| step.core.errors > 0 || step.advisory_failures > 0;
        for step in self.steps.iter_mut().filter(failed) {
            step.failing = latest.remove(&step.name).map(Box::new);
        }
    }

    /// Why nothing follows from the evidence of this run, if that is so: it was spoiled, or changed
    /// by hand.
    pub fn not_counted(&self) -> Option<&str> {
        let spoiled = self.evidence.as_ref().is_some_and(|seen| seen.is_spoiled);
        if !spoiled || self.outcome != Outcome::Inconclusive {
            return None;
        }
        let reason = self.reasons.first().map(String::as_str);
        Some(reason.unwrap_or("nothing can be concluded from it"))
    }
}

impl Quantiles {
    /// Of a histogram; zeros for an empty one.
    pub fn of(histogram: &Histogram<u64>) -> Quantiles {
        if histogram.is_empty() {
            return Quantiles::default();
        }
        let at = |quantile| histogram.value_at_quantile(quantile);
        Quantiles {
            mean: histogram.mean(),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max(),
        }
    }
}

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct StepSummary {
    /// Its name.
    pub name: String,
    /// `setup`, `step` or `teardown`.
    pub part: String,
    /// The stable core.
    #[serde(flatten)]
    pub core: Core,
    /// Latency from the actual start, in microseconds.
    pub service_us: Quantiles,
    /// Median and 95th percentile of each phase, in microseconds.
    pub phases_us: BTreeMap<String, PhaseSummary>,
    /// Failed requests by class.
    pub errors_by_class: BTreeMap<String, u64>,
    /// Failures that are shown but not counted.
    pub advisory_failures: u64,
    /// Replies by status.
    pub statuses: BTreeMap<String, u64>,
    /// Texts of some failures.
    pub examples: Vec<String>,
    /// How often something was warned of.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub warned: u64,
    /// What was warned of, the first of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Numbers that replies told, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, ValueSummary>,
    /// Successful requests by class of latency ([`crate::watch::rollup::class_of`]), where there were many.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bands: BTreeMap<u8, u64>,
    /// What was kept as evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Kept>,
    /// What the page looked like: pictures that it took, and why it failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pictures: Vec<Picture>,
    /// Tests of a suite that it performed, those that failed first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Test>,
    /// What was asked last and what came, of a step that failed where it is performed once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Box<Exchange>>,
    /// Bytes sent and received.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Times it was left out.
    pub skipped: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A number that replies told, in its own unit.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ValueSummary {
    /// How often it was told.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Lowest.
    pub min: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// Highest.
    pub max: f64,
    /// The newest.
    pub last: f64,
}

/// One phase of a step.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PhaseSummary {
    /// Median.
    pub p50: u64,
    /// 95th percentile.
    pub p95: u64,
}

/// One check of a step.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CheckSummary {
    /// The step's name.
    pub step: String,
    /// The check as written.
    pub check: String,
    /// How often it held.
    pub passed: u64,
    /// How often it did not.
    pub failed: u64,
    /// Whether a failure counts.
    pub advisory: bool,
}
