//! A probe as configured: a scenario on a schedule, with its form.

use super::schedule::Schedule;
use crate::document::shape::{Object, Shape, field, required};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A scenario on a schedule.
#[derive(Debug)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// The scenario's file.
    pub scenario: PathBuf,
    /// Where.
    pub environment: String,
    /// When.
    pub schedule: Schedule,
    /// Time for the whole scenario.
    pub timeout: Duration,
    /// Failures in a row before it is down.
    pub failures: u64,
    /// Successes in a row before it is up.
    pub successes: u64,
    /// Values of inputs.
    pub inputs: BTreeMap<String, String>,
    /// Channels.
    pub tell: Vec<String>,
}

/// The form of a probe.
pub static PROBE: Object = Object {
    name: "probe",
    called: "a probe",
    fields: &[
        required(
            "scenario",
            Shape::Text,
            "the scenario's file, relative to this one",
        ),
        required("environment", Shape::Text, "where"),
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
            "successes",
            Shape::Count(1, 1000),
            "successes in a row before it counts as up again (1)",
        ),
        field(
            "inputs",
            Shape::Named(&Shape::Text),
            "values of the scenario's inputs",
        ),
        field(
            "tell",
            Shape::List(&Shape::Text),
            "channels that are told when it goes down or up",
        ),
    ],
};
