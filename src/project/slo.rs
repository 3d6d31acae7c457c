//! An objective over weeks, as configured, with its form.

use super::alerts::{AlertSettings, LABELS, RUNBOOK, SEVERITY, TELL};
use super::file::Project;
use super::probe::Probe;
use crate::document::shape::{Object, Shape, field, required};
use crate::scenario::Plan;
use crate::watch::budget::Goal;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// An objective over weeks.
#[derive(Debug, Clone)]
pub struct Slo {
    /// Its name.
    pub name: String,
    /// Probes by name.
    pub probes: Vec<String>,
    /// All probes of a group.
    pub group: Option<String>,
    /// All probes of a service.
    pub service: Option<String>,
    /// Of these, only those of an environment.
    pub environment: Option<String>,
    /// What is asked of them.
    pub goal: Goal,
    /// How its trouble is told.
    pub alert: AlertSettings,
}

impl Slo {
    /// The probes whose runs it counts.
    pub fn probes_of<'a>(&'a self, project: &'a Project) -> impl Iterator<Item = &'a str> {
        self.probes_among(&project.probes, &project.plans)
    }

    /// The same, among probes with these scenarios.
    pub fn probes_among<'a>(
        &'a self,
        probes: &'a [Probe],
        plans: &'a BTreeMap<PathBuf, Arc<Plan>>,
    ) -> impl Iterator<Item = &'a str> {
        probes.iter().filter_map(|probe| {
            let plan = plans.get(&probe.scenario);
            let service = plan.and_then(|plan| plan.service.as_ref());
            let template = probe.template.as_ref();
            let is_named = self.probes.contains(&probe.name)
                || template.is_some_and(|name| self.probes.contains(name))
                || self.group.is_some() && probe.group == self.group
                || self.service.is_some() && service == self.service.as_ref();
            let is_there = self
                .environment
                .as_ref()
                .is_none_or(|it| *it == probe.environment);
            (is_named && is_there).then_some(probe.name.as_str())
        })
    }
}

/// The form of it.
pub static SLO: Object = Object {
    name: "slo",
    called: "an SLO",
    fields: &[
        required(
            "objective",
            Shape::Text,
            "the share of runs that are to be good, such as `99.9%`",
        ),
        field(
            "window",
            Shape::Text,
            "over which time: from `1h` to `90d`, or `month` (30d)",
        ),
        field(
            "latency",
            Shape::Duration,
            "a run that passes but takes longer is bad",
        ),
        field(
            "probes",
            Shape::List(&Shape::Text),
            "the probes whose runs count",
        ),
        field("group", Shape::Text, "or all probes of a group"),
        field("service", Shape::Text, "or all probes of a service"),
        field(
            "environment",
            Shape::Text,
            "of these, only those of this environment",
        ),
        field(
            "unknown",
            Shape::Word(&["ignored", "bad"]),
            "what a run is that could not be measured (ignored)",
        ),
        LABELS,
        SEVERITY,
        RUNBOOK,
        TELL,
    ],
};
