//! What fires: a condition of a subject, with labels to group, route and silence it by.
//!
//! A level, not an edge: whoever watches a subject says again and again what is so, and the book of
//! incidents finds out what is new. So nothing is lost that was said just before a kill.

pub use crate::severity::Severity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// One word: `down`, `unknown`, `degraded`, `flapping`, `undelivered`…
    pub word: String,
    /// How bad it is.
    pub severity: Severity,
    /// Why, in a sentence.
    pub reason: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// How trouble is grouped and told: what all alerts of one incident share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
pub struct Route {
    /// Channels that are told at once.
    pub tell: Vec<String>,
    /// Who is told when nobody has acknowledged it after so many milliseconds.
    #[serde(default)]
    pub escalate: Vec<Escalation>,
    /// Time in which more may join before anybody is told, in milliseconds.
    pub wait_ms: i64,
    /// Least time between two messages about more of the same, in milliseconds.
    pub interval_ms: i64,
    /// Time after which it is told again while it lasts, in milliseconds.
    pub repeat_ms: i64,
    /// Whether what is worse waits for the interval, too.
    #[serde(default)]
    pub is_digest: bool,
}

/// A rung of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Escalation {
    /// Milliseconds after the first message.
    pub after_ms: i64,
    /// Who is told then.
    pub tell: Vec<String>,
    /// Of trouble of which severity; of any where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<Severity>,
}

impl Escalation {
    /// Whether trouble of a severity climbs it.
    pub fn is_for(&self, severity: Severity) -> bool {
        self.severities.is_empty() || self.severities.contains(&severity)
    }
}

/// Milliseconds of a duration.
pub fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// What is so of a subject now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// Who: `probe/api-health`, `channel/ops`. Unique.
    pub subject: String,
    /// The labels by which it is silenced, grouped and shown.
    pub labels: BTreeMap<String, String>,
    /// What it is grouped by: alerts of one group and route are one incident.
    pub group: String,
    /// How it is told.
    pub route: Route,
    /// Subjects whose trouble explains this one.
    pub depends_on: Vec<String>,
    /// What is wrong, if anything is.
    pub condition: Option<Condition>,
    /// Whether its trouble explains that of what depends on it: it does not answer, or nobody knows.
    pub explains: bool,
    /// Whether it is about to be in trouble: what depends on it waits until that is known.
    pub is_suspect: bool,
    /// Whether nobody watches it any more: then its trouble is over, and not well.
    pub is_unwatched: bool,
    /// Whether nothing is to be told of it now, because of a window of maintenance.
    pub is_in_maintenance: bool,
    /// When it was measured last.
    pub seen_ms: Option<i64>,
    /// When all was well last.
    pub good_ms: Option<i64>,
    /// Where to read more: names and addresses, `Runbook` among them.
    pub facts: Vec<(String, String)>,
    /// The page of the subject.
    pub link: Option<String>,
}

impl Level {
    /// What is so of a subject that depends on nothing and explains nothing.
    pub fn new(
        subject: String,
        group: String,
        route: Route,
        condition: Option<Condition>,
    ) -> Level {
        Level {
            subject,
            labels: BTreeMap::new(),
            group,
            route,
            depends_on: Vec::new(),
            condition,
            explains: false,
            is_suspect: false,
            is_unwatched: false,
            is_in_maintenance: false,
            seen_ms: None,
            good_ms: None,
            facts: Vec::new(),
            link: None,
        }
    }
}
