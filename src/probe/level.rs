//! What is so of a probe, as a level for the book of incidents.
//!
//! Decides nothing about who is told when; only what is called trouble.

use super::watched::Watched;
use crate::project::current::base;
use crate::project::file::Project;
use crate::project::probe::Probe;
use crate::report::wrong::page_of;
use crate::watch::alert::{Condition, Level, Severity};
use crate::watch::health::{Health, ProbeState, Seen};
use std::collections::BTreeMap;

/// How the subjects of probes begin.
pub const KIND: &str = "probe/";

/// What the subject of a probe is called.
pub fn subject(probe: &str) -> String {
    format!("{KIND}{probe}")
}

/// What is wrong with a probe by its state.
/// `said` is how bad what failed says that it is.
pub fn condition(
    probe: &Probe,
    state: &ProbeState,
    reason: &str,
    said: Option<Severity>,
) -> Option<Condition> {
    let bad = said.unwrap_or(probe.alert.severity);
    let not_so_bad = said.unwrap_or(probe.alert.severity.min(Severity::Warning));
    let (word, severity) = match state.health {
        _ if state.flapping => (
            "flapping",
            match state.health {
                Health::Down => bad,
                _ => not_so_bad,
            },
        ),
        Health::Down => ("down", bad),
        Health::Degraded => ("degraded", not_so_bad),
        // One that was never measured is in trouble once it has tried often enough.
        Health::Unknown if state.runs_without_pass() >= probe.rules.failures => {
            ("unknown", probe.alert.severity.min(Severity::Warning))
        }
        Health::Unknown | Health::Up => return None,
    };
    let since_ms = match state.since_ms {
        0 => state.first_ms.unwrap_or(0),
        since => since,
    };
    Some(Condition {
        word: word.to_owned(),
        severity,
        reason: reason.to_owned(),
        since_ms,
    })
}

/// It should have been measured, and was not.
fn not_measured(probe: &Probe, since_ms: i64) -> Condition {
    Condition {
        word: "unknown".to_owned(),
        severity: probe.alert.severity.min(Severity::Warning),
        reason: "it was not measured any more when it was due".to_owned(),
        since_ms,
    }
}

/// What silences and routes find a probe by.
pub(super) fn labels(watched: &Watched) -> BTreeMap<String, String> {
    let probe = &watched.probe;
    let mut labels = probe.alert.labels("probe", &probe.name);
    let mut put = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
    put("environment", &probe.environment);
    if let Some(service) = watched.service() {
        put("service", service);
    }
    if let Some(group) = &probe.group {
        put("group", group);
    }
    labels
}

/// What is so of a probe now.
pub fn of(watched: &Watched, project: &Project) -> Level {
    let policy = &project.file.alerts;
    let probe = &watched.probe;
    let mut labels = labels(watched);
    let shared = policy.group_by.iter();
    let shared: Vec<&str> = shared
        .filter_map(|name| labels.get(name))
        .map(String::as_str)
        .collect();
    let group = match shared.as_slice() {
        [] => probe.name.clone(),
        shared => shared.join("/"),
    };
    let is_idle = !probe.is_active(crate::clock::now());
    let memory = watched.memory();
    let state = &memory.state;
    let last = memory.results.back();
    let reason = last.map_or("", |result| &result.reason);
    let mut results = memory.results.iter().rev();
    // A run that passed meanwhile makes what is still called down no better.
    let not_well = results.find(|result| result.seen() != Seen::Passed);
    let said = not_well.and_then(|result| result.severity);
    let condition = match memory.unmeasured {
        _ if probe.paused => None,
        Some(since_ms) => Some(not_measured(probe, since_ms)),
        None => condition(probe, state, reason, said),
    };
    if let Some(condition) = &condition {
        let word = condition.severity.word().to_owned();
        labels.insert("severity".to_owned(), word);
    }
    let (route, group) = policy.told(&probe.alert, group);
    Level {
        subject: subject(&probe.name),
        group,
        route,
        depends_on: probe.depends_on.iter().map(|on| subject(on)).collect(),
        condition,
        // What nobody looks at explains nothing.
        explains: !is_idle
            && (memory.unmeasured.is_some()
                || matches!(state.health, Health::Down | Health::Unknown)),
        is_suspect: !is_idle && state.is_suspect(),
        is_unwatched: probe.paused,
        is_in_maintenance: is_idle || watched.is_in_maintenance(),
        seen_ms: state.seen_ms,
        good_ms: state.good_ms,
        facts: probe.alert.facts(),
        link: Some(format!(
            "{}{}",
            base(project),
            page_of("probes", &probe.name)
        )),
        labels,
    }
}
