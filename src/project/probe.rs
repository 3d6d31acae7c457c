//! A probe as configured: a scenario on a schedule, with its form.

use super::alerts::{AlertSettings, LABELS, RUNBOOK, SEVERITY, TELL};
use super::maintenance::{MAINTENANCE, Maintenance};
use super::schedule::Schedule;
use super::targets::{Placed, TARGETS};
use crate::document::shape::{Field, Object, Shape, field, required};
use crate::environment::form::WINDOWS;
use crate::environment::settings::Environment;
use crate::environment::windows::Windows;
use crate::watch::health::Rules;
use crate::watch::trend::Trend;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a probe uses connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connecting {
    /// Each run connects anew, with a full handshake, so that names, connecting and certificates are
    /// measured.
    Fresh,
    /// Each run connects anew, and takes a TLS session up again where the server allows it.
    Resumed,
    /// Connections are kept and shared with other probes of the same host, for ten minutes at most.
    Kept,
}

/// A scenario on a schedule.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// The scenario's file.
    pub scenario: PathBuf,
    /// Where.
    pub environment: String,
    /// When.
    pub schedule: Schedule,
    /// How often while it fails, if that is another interval.
    pub failing_interval: Option<Duration>,
    /// Time for the whole scenario.
    pub timeout: Duration,
    /// When its state changes.
    pub rules: Rules,
    /// A pass that takes longer is degraded.
    pub degraded_above: Option<Duration>,
    /// Where its values must not go.
    pub trends: Vec<Trend>,
    /// Times that a run which fails is tried again at once.
    pub retries: u64,
    /// How it uses connections.
    pub connections: Connecting,
    /// Probes whose trouble explains this one's.
    pub depends_on: Vec<String>,
    /// What it is shown with.
    pub group: Option<String>,
    /// Whether runs while a gate is at work on its service are not counted.
    pub excludes_deploys: bool,
    /// A certificate that expires sooner is a trouble.
    pub certificate: Option<Duration>,
    /// When nothing is told and counted.
    pub maintenance: Vec<Maintenance>,
    /// Whether it is not run at all.
    pub paused: bool,
    /// When it is measured at all; always where nothing is said.
    pub active: Option<Windows>,
    /// Values of inputs.
    pub inputs: BTreeMap<String, String>,
    /// The template that it was made from.
    pub template: Option<String>,
    /// The target that it was made for.
    pub target: Option<Placed>,
    /// How its trouble is told.
    pub alert: AlertSettings,
}

/// Due times without a run after which a probe is not measured any more.
const MISSED_MAX: u32 = 3;
/// How late a run may be beside that.
const LATE_MAX: Duration = Duration::from_secs(60);

impl Probe {
    /// The longest time that a run may take, retries and all.
    pub fn longest_run(&self) -> Duration {
        self.timeout.saturating_mul(1 + self.retries as u32)
    }

    /// Where it is measured: its environment, with the target that it was made for.
    pub fn placed(&self, environment: &Arc<Environment>) -> Arc<Environment> {
        let Some(target) = &self.target else {
            return environment.clone();
        };
        let mut placed = Environment::clone(environment);
        if let Some(service) = placed.services.get_mut(&target.service) {
            service.url.clone_from(&target.url);
        }
        Arc::new(placed)
    }

    /// Whether it is measured at a moment.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        let windows = self.active.as_ref();
        windows.is_none_or(|windows| windows.objection(now).is_none())
    }

    /// The moment from which it is called unmeasured, when it was measured last at that one; never where
    /// it is not due any more, or paused.
    pub fn overdue_from(&self, seen: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.paused {
            return None;
        }
        let late = chrono::Duration::from_std(self.longest_run().saturating_add(LATE_MAX)).ok()?;
        let due = self.schedule.due_after(seen, MISSED_MAX)?;
        due.checked_add_signed(late)
    }

    /// Whether it should have been measured since a moment, and was not: never of one that is idle now, or was
    /// when it would have been late.
    pub fn is_missed(&self, seen: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let from = self.overdue_from(seen);
        let is_late = from.is_none_or(|from| from <= now);
        let was_active = from.is_none_or(|from| self.is_active(from));
        is_late && was_active && self.is_active(now)
    }
}

static TREND: Object = Object {
    name: "trend",
    called: "a trend",
    fields: &[
        required(
            "over",
            Shape::Duration,
            "the time that is looked at, 4d at the most",
        ),
        field(
            "rises",
            Shape::Text,
            "the most that it may rise in an hour, in its own unit or as a share of its median: `2`, `5%`",
        ),
        field(
            "drops",
            Shape::Count(0, 500),
            "how often it may become smaller: 0 for an uptime, which tells of every restart",
        ),
        field(
            "worse",
            Shape::Text,
            "how much higher the newest tenth of the time may be than what was before: `50%`",
        ),
    ],
};

/// What is performed.
pub(super) const SCENARIO_FILE: Field = required(
    "scenario",
    Shape::Text,
    "the scenario's file, relative to this one",
);
/// Where.
pub(super) const ENVIRONMENT: Field = required("environment", Shape::Text, "where");
/// With which values.
pub(super) const INPUTS: Field = field(
    "inputs",
    Shape::Named(&Shape::Text),
    "values of the scenario's inputs",
);

/// The form of a probe.
pub static PROBE: Object = Object {
    name: "probe",
    called: "a probe",
    fields: &[
        SCENARIO_FILE,
        ENVIRONMENT,
        field("interval", Shape::Duration, "how often"),
        field(
            "cron",
            Shape::Text,
            "when, with five fields (minute hour day month weekday) or six (second first)",
        ),
        field(
            "zone",
            Shape::Text,
            "the time zone of `cron`, an IANA name (UTC)",
        ),
        field(
            "failing_interval",
            Shape::Duration,
            "how often while the last run did not pass (as always)",
        ),
        field(
            "timeout",
            Shape::Duration,
            "time for the whole scenario (30s)",
        ),
        field(
            "failures",
            Shape::Count(1, 1000),
            "failures in a row before it counts as down (3)",
        ),
        field(
            "within",
            Shape::Count(1, 64),
            "count the failures among so many of the last runs, instead of in a row",
        ),
        field(
            "successes",
            Shape::Count(1, 64),
            "successes in a row before it counts as up again (1)",
        ),
        field(
            "without_pass",
            Shape::Count(1, 64),
            "runs without a pass, whatever they came to, before it is no longer up (twice the failures, at least 5)",
        ),
        field(
            "degraded_above",
            Shape::Duration,
            "a run that passes but takes longer is degraded",
        ),
        field(
            "trends",
            Shape::Named(&Shape::Object(&TREND)),
            "values that steps `measure` (or `duration`, in milliseconds) and where they must not go over hours; then it is degraded",
        ),
        field(
            "retries",
            Shape::Count(0, 5),
            "times that a run which fails is tried again at once; one that passes then is flaky (0)",
        ),
        field(
            "connections",
            Shape::Word(&["fresh", "resumed", "kept"]),
            "connect anew in each run, resume TLS sessions, or keep connections and share them with probes of the same host (fresh)",
        ),
        field(
            "depends_on",
            Shape::List(&Shape::Text),
            "probes whose trouble explains this one's: nobody is told of it meanwhile",
        ),
        field("group", Shape::Text, "what it is shown with"),
        field(
            "certificate",
            Shape::Duration,
            "a pass with a certificate that expires within this time is degraded, such as `14d`",
        ),
        field(
            "deploys",
            Shape::Word(&["counted", "excluded"]),
            "what runs are for objectives while a gate is at work on the service; people are told in any case (counted)",
        ),
        field(
            "maintenance",
            Shape::List(&Shape::Object(&MAINTENANCE)),
            "windows in which nothing is told and counted",
        ),
        field(
            "targets",
            Shape::Object(&TARGETS),
            "measure many: a probe for each target, whose URL its service takes",
        ),
        field(
            "active",
            Shape::Object(&WINDOWS),
            "hours in which it is measured; outside of them it is idle (always)",
        ),
        field("paused", Shape::Bool, "do not run it (false)"),
        INPUTS,
        LABELS,
        SEVERITY,
        RUNBOOK,
        TELL,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::windows::Window;

    fn probe(active: Option<Windows>) -> Probe {
        Probe {
            name: "shop".to_owned(),
            scenario: PathBuf::new(),
            environment: String::new(),
            schedule: Schedule::every(Duration::from_secs(60)),
            failing_interval: None,
            timeout: Duration::from_secs(5),
            rules: Rules {
                failures: 3,
                within: None,
                successes: 1,
                without_pass: 5,
            },
            degraded_above: None,
            trends: Vec::new(),
            retries: 0,
            connections: Connecting::Fresh,
            depends_on: Vec::new(),
            group: None,
            excludes_deploys: false,
            certificate: None,
            maintenance: Vec::new(),
            paused: false,
            active,
            inputs: BTreeMap::new(),
            template: None,
            target: None,
            alert: AlertSettings::default(),
        }
    }

    #[test]
    fn what_is_idle_is_not_missed_at_night_nor_first_thing_in_the_morning() {
        let office = Windows {
            zone: chrono_tz::UTC,
            allow: vec![Window {
                days: ["mon", "tue", "wed", "thu", "fri"]
                    .map(str::to_owned)
                    .to_vec(),
                from: 8 * 60,
                to: 18 * 60,
            }],
            freezes: Vec::new(),
            hard: true,
        };
        let (always, office) = (probe(None), probe(Some(office)));
        let missed = |probe: &Probe, seen: &str, now: &str| {
            let at = |time: &str| format!("2026-11-26T{time}:00Z").parse().unwrap();
            probe.is_missed(at(seen), at(now))
        };
        assert!(missed(&always, "17:59", "23:00"));
        assert!(!missed(&always, "17:59", "18:01"), "not late yet");
        assert!(!missed(&office, "17:59", "23:00"), "it is idle");
        assert!(!missed(&office, "07:30", "08:00"), "it was idle until now");
        assert!(missed(&office, "09:00", "10:00"), "by day it is missed");
    }
}
