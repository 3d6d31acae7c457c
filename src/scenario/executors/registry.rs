//! All executors, and what their files share.
//!
//! To add one: its file here, its line in [`EXECUTORS`], its variant of `load_plan::Executor` with
//! what it plans, and the arms in `load::closed` (or, of an open model, `load::arrival`) and
//! `load::run` that drive it, for most of which the compiler asks.

use super::{
    breakpoint, constant_arrival_rate, constant_vus, per_vu_iterations, ramping_arrival_rate,
    ramping_vus, shared_iterations,
};
use crate::document::node::Node;
use crate::scenario::compiler::{Compiler, time};
use crate::scenario::load_plan::{Executor, OpenModel, Spacing, Stage};
use std::time::Duration;

/// Virtual users of an open model at the most, where nothing is said.
const OPEN_USERS_MAX: u64 = 10_000;

/// One executor, as the language has it.
#[derive(Debug, Clone, Copy)]
pub struct ExecutorKind {
    /// Its name.
    pub name: &'static str,
    /// Fields that it must have.
    pub needs: &'static [&'static str],
    /// Fields that it may have beside what all have.
    pub takes: &'static [&'static str],
    /// Reads it, reporting what is wrong.
    pub read: fn(&mut Compiler<'_>, Fields<'_>) -> Option<Executor>,
}

/// All executors.
pub const EXECUTORS: &[ExecutorKind] = &[
    shared_iterations::KIND,
    per_vu_iterations::KIND,
    constant_vus::KIND,
    ramping_vus::KIND,
    constant_arrival_rate::KIND,
    ramping_arrival_rate::KIND,
    breakpoint::KIND,
];

/// Their names, for the form.
pub static NAMES: [&str; EXECUTORS.len()] = {
    let mut names = [""; EXECUTORS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = EXECUTORS[at].name;
        at += 1;
    }
    names
};

/// The executor of a name.
pub fn named(name: &str) -> Option<&'static ExecutorKind> {
    EXECUTORS.iter().find(|kind| kind.name == name)
}

/// What open models may have beside their rate.
pub(super) const OPEN: [&str; 5] = [
    "timeUnit",
    "arrivals",
    "preAllocatedVUs",
    "maxVUs",
    "maxWait",
];

/// The fields of a load.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(pub &'a Node);

impl Fields<'_> {
    pub(super) fn node(&self, key: &str) -> Option<&Node> {
        self.0.get(key)
    }

    pub(super) fn count(&self, key: &str, default: u64) -> u64 {
        self.0.get(key).and_then(Node::as_count).unwrap_or(default)
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.0.get(key).and_then(Node::as_number)
    }

    pub(super) fn time(&self, key: &str) -> Option<Duration> {
        time(self.0, key)
    }

    /// Rates are per so many seconds.
    pub(super) fn unit(&self) -> f64 {
        let unit = self.time("timeUnit").unwrap_or(Duration::from_secs(1));
        unit.as_secs_f64().max(1e-6)
    }

    /// Stages whose targets are per so many seconds; 1 where they are virtual users.
    pub(super) fn stages(&self, per: f64) -> Vec<Stage> {
        let items = self.0.get("stages").map(Node::items).unwrap_or_default();
        items
            .into_iter()
            .map(|stage| Stage {
                duration: time(stage, "duration").unwrap_or_default(),
                target: stage
                    .get("target")
                    .and_then(Node::as_number)
                    .unwrap_or_default()
                    / per,
            })
            .collect()
    }

    /// What an open model with this highest rate has.
    pub(super) fn open(&self, rate: f64) -> OpenModel {
        let wanted = ((rate * 0.1).ceil() as u64).clamp(10, 500);
        let slow = ((rate * 2.0).ceil() as u64).min(OPEN_USERS_MAX);
        let most = self.count("maxVUs", wanted);
        let users = self.count("preAllocatedVUs", wanted.min(most));
        OpenModel {
            users,
            // Enough for a service that takes two seconds; more are made as they are wanted.
            max_users: self.count("maxVUs", users.max(wanted).max(slow)).max(users),
            max_wait: self.time("maxWait").unwrap_or(Duration::from_secs(60)),
            spacing: match self.0.get("arrivals").and_then(Node::as_text) {
                Some("poisson") => Spacing::Poisson,
                _ => Spacing::Even,
            },
        }
    }
}
