//! A job that reports to us, as configured, with its form.

use super::alerts::{AlertSettings, LABELS, RUNBOOK, SEVERITY, TELL};
use super::schedule::Schedule;
use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::template::Template;
use std::time::Duration;

/// A job that reports.
#[derive(Debug)]
pub struct Heartbeat {
    /// Its name.
    pub name: String,
    /// How often, or when, it comes to a good end.
    pub schedule: Schedule,
    /// How late its report may be.
    pub grace: Duration,
    /// What reports need to bring, where that is another token than the server's.
    pub token: Option<Template>,
    /// How its trouble is told.
    pub alert: AlertSettings,
}

impl Heartbeat {
    /// When the report after a moment is due.
    pub fn due_ms(&self, from_ms: i64) -> Option<i64> {
        let from = chrono::DateTime::from_timestamp_millis(from_ms)?;
        let due = match &self.schedule {
            Schedule::Every(every) => from + chrono::Duration::from_std(*every).ok()?,
            Schedule::Cron(_) => self.schedule.next_after(from, from)?,
        };
        Some(due.timestamp_millis())
    }
}

/// The heartbeat that we send while all is well with us.
#[derive(Debug)]
pub struct DeadMan {
    /// Where to.
    pub url: Template,
    /// How often.
    pub every: Duration,
}

/// The form of it.
pub static DEAD_MAN: Object = Object {
    name: "dead_man",
    called: "the heartbeat that we send",
    fields: &[
        required(
            "url",
            Shape::Template,
            "where a report is posted while Bellwether is well, best as `${secrets.NAME}`; whoever is there alarms when none comes",
        ),
        field("every", Shape::Duration, "how often (1m)"),
    ],
};

/// The form of a job that reports.
pub static HEARTBEAT: Object = Object {
    name: "heartbeat",
    called: "a heartbeat",
    fields: &[
        field(
            "interval",
            Shape::Duration,
            "how often it reports a good end",
        ),
        field(
            "cron",
            Shape::Text,
            "when it runs, with five fields, instead of `interval`",
        ),
        field(
            "zone",
            Shape::Text,
            "the time zone of `cron`, an IANA name (UTC)",
        ),
        field("grace", Shape::Duration, "how late its report may be (5m)"),
        field(
            "token",
            Shape::Template,
            "the bearer token of its reports, best as `${secrets.NAME}`; else they need the server's",
        ),
        LABELS,
        SEVERITY,
        RUNBOOK,
        TELL,
    ],
};
