//! What is so of a probe, and of this machine, as levels for the book of incidents.
//!
//! Decides nothing about who is told when; only what is called trouble.

use super::watched::Watched;
use crate::project::alerts::AlertPolicy;
use crate::project::file::Project;
use crate::project::probe::Probe;
use crate::watch::alert::{Condition, Level, Severity};
use crate::watch::health::{Health, ProbeState};
use std::collections::BTreeMap;

/// How the subjects of probes begin.
pub const KIND: &str = "probe/";
/// Our own lack of descriptors.
pub const DESCRIPTORS: &str = "own/descriptors";

/// What all levels need to know.
#[derive(Debug, Default)]
pub struct Context {
    policy: AlertPolicy,
    /// Channels that are told of our own troubles.
    own: Vec<String>,
    /// How the addresses of probes' pages begin.
    pages: String,
}

impl Context {
    /// By a configuration.
    pub fn of(project: &Project) -> Context {
        Context {
            policy: project.file.alerts.clone(),
            own: project.file.own_channels(),
            pages: format!("{}/probes/", crate::project::current::base(project)),
        }
    }
}

/// What the subject of a probe is called.
pub fn subject(probe: &str) -> String {
    format!("{KIND}{probe}")
}

/// What is wrong with a probe by its state.
pub fn condition(probe: &Probe, state: &ProbeState, reason: &str) -> Option<Condition> {
    let (word, severity) = match state.health {
        _ if state.flapping => (
            "flapping",
            match state.health {
                Health::Down => probe.severity,
                _ => probe.severity.min(Severity::Warning),
            },
        ),
        Health::Down => ("down", probe.severity),
        Health::Degraded => ("degraded", probe.severity.min(Severity::Warning)),
        // One that was never measured is in trouble once it has tried often enough.
        Health::Unknown if state.runs_without_pass() >= probe.rules.failures => {
            ("unknown", probe.severity.min(Severity::Warning))
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
        severity: probe.severity.min(Severity::Warning),
        reason: "it was not measured any more when it was due".to_owned(),
        since_ms,
    }
}

fn labels(watched: &Watched) -> BTreeMap<String, String> {
    let probe = &watched.probe;
    let mut labels = probe.labels.clone();
    let mut put = |name: &str, value: &str| labels.insert(name.to_owned(), value.to_owned());
    put("probe", &probe.name);
    put("environment", &probe.environment);
    put("severity", probe.severity.word());
    if let Some(service) = watched.service() {
        put("service", service);
    }
    if let Some(group) = &probe.group {
        put("group", group);
    }
    labels
}

/// What is so of a probe now.
pub fn of(watched: &Watched, context: &Context) -> Level {
    let probe = &watched.probe;
    let labels = labels(watched);
    let shared = context.policy.group_by.iter();
    let shared: Vec<&str> = shared
        .filter_map(|name| labels.get(name))
        .map(String::as_str)
        .collect();
    let group = match shared.as_slice() {
        [] => probe.name.clone(),
        shared => shared.join("/"),
    };
    let memory = watched.memory();
    let state = &memory.state;
    let last = memory.results.back();
    let reason = last.map_or("", |result| &result.reason);
    let mut facts = Vec::new();
    if let Some(runbook) = &probe.runbook {
        facts.push(("Runbook".to_owned(), runbook.clone()));
    }
    let name =
        percent_encoding::utf8_percent_encode(&probe.name, percent_encoding::NON_ALPHANUMERIC);
    Level {
        subject: subject(&probe.name),
        group,
        route: context.policy.route(&probe.tell),
        depends_on: probe.depends_on.iter().map(|on| subject(on)).collect(),
        condition: match memory.unmeasured {
            _ if probe.paused => None,
            Some(since_ms) => Some(not_measured(probe, since_ms)),
            None => condition(probe, state, reason),
        },
        explains: memory.unmeasured.is_some()
            || matches!(state.health, Health::Down | Health::Unknown),
        is_suspect: state.is_suspect(),
        is_unwatched: probe.paused,
        is_in_maintenance: watched.is_in_maintenance(),
        seen_ms: state.seen_ms,
        good_ms: state.good_ms,
        facts,
        link: Some(format!("{}{name}", context.pages)),
        labels,
    }
}

fn own(context: &Context, subject: &str, condition: Option<Condition>) -> Level {
    let route = context.policy.route(&context.own);
    Level {
        labels: [("own".to_owned(), subject.to_owned())].into(),
        ..Level::new(
            subject.to_owned(),
            "Bellwether".to_owned(),
            route,
            condition,
        )
    }
}

/// This machine has no descriptor left.
pub fn descriptors(context: &Context, now_ms: i64) -> Level {
    let most = crate::descriptors::limit();
    let condition = Condition {
        word: "lacking".to_owned(),
        severity: Severity::Error,
        reason: format!(
            "this machine lets Bellwether have {most} descriptors, which are too few: probes are skipped; raise `ulimit -n`"
        ),
        since_ms: now_ms,
    };
    own(context, DESCRIPTORS, Some(condition))
}

/// A trouble of our own is over.
pub fn no_trouble(context: &Context, subject: &str) -> Level {
    own(context, subject, None)
}
