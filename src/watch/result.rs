//! Results of probes, as they are kept.

use super::health::{ProbeState, Rules, Seen};
use super::rollup::Bucket;
use super::trend::Point;
use crate::objective::Outcome;
use crate::severity::Severity;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One result of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ProbeResult {
    /// When it started.
    pub at_ms: i64,
    /// What it came to.
    pub outcome: Outcome,
    /// Whether it passed, but too slowly, or with an advisory step that failed.
    pub impaired: bool,
    /// Whether it passed only when it was tried once more.
    pub flaky: bool,
    /// Whether it was in a window of maintenance, and is not counted.
    pub is_excluded: bool,
    /// How long it took.
    pub duration_us: i64,
    /// How bad it is, if what failed says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Why it did not pass.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "String")]
    pub reason: Arc<str>,
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl ProbeResult {
    /// When it was over.
    pub fn end_ms(&self) -> i64 {
        self.at_ms.saturating_add(self.duration_us / 1_000)
    }

    /// What it showed.
    pub fn seen(&self) -> Seen {
        Seen::of(self.outcome, self.impaired)
    }

    /// What it adds to the history.
    pub fn bucket(&self) -> Bucket {
        let mut bucket = Bucket::default();
        let micros = self.duration_us.unsigned_abs();
        bucket.add(self.seen(), micros, self.is_excluded, self.flaky);
        bucket
    }
}

/// What is to be kept of a probe after a run.
#[derive(Debug, Clone)]
pub struct ProbeCommit {
    /// Whose.
    pub probe: Arc<str>,
    /// The state after it, where it is another one: what else a state remembers follows from the results.
    pub state: Option<ProbeState>,
    /// The result.
    pub result: ProbeResult,
    /// Values whose way is followed, each with its moment.
    pub measured: Vec<(Arc<str>, Point)>,
}

/// What was kept of a probe.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// Its state; nothing if there is none, or it cannot be understood.
    pub state: Option<ProbeState>,
    /// Why it cannot be understood.
    pub unreadable: Option<String>,
    /// Its newest results, oldest first.
    pub results: Vec<ProbeResult>,
    /// Values whose way is followed, oldest first.
    pub measured: BTreeMap<String, Vec<Point>>,
}

impl Remembered {
    /// The state after all that was kept: that of the last change, and what was seen since. One that cannot
    /// be understood is begun anew.
    pub fn state(&self, rules: &Rules) -> ProbeState {
        let kept = self.state.clone().unwrap_or_default();
        let since_ms = kept.seen_ms.unwrap_or(i64::MIN);
        let later = self
            .results
            .iter()
            .filter(|result| result.end_ms() > since_ms);
        later.fold(kept, |state, result| {
            state.after(result.seen(), rules, result.end_ms()).0
        })
    }
}
