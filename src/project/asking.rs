//! What whoever asks `/probe` may have looked at: modules of blackbox_exporter, and scenarios under a name.
//!
//! Pure. Does not know what a module says. Invariant: a scenario is asked for at its own service or at a target in its place,
//! and by nobody who may not operate.

use super::probe::{ENVIRONMENT, INPUTS, Probe, SCENARIO_FILE};
use super::targets::{Placed, url_of};
use crate::document::node::Node;
use crate::document::shape::{Object, Shape, field};
use crate::environment::settings::Environment;
use crate::scenario::reader::{Reader, entries, text, texts};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What can be asked for.
#[derive(Debug, Default)]
pub struct Asking {
    /// The file with modules.
    pub file: Option<PathBuf>,
    /// Targets that anybody may ask for.
    pub targets: Vec<String>,
    /// Scenarios by the names of their modules.
    pub scenarios: BTreeMap<String, ScenarioModule>,
}

/// A scenario as a module.
#[derive(Debug, Clone)]
pub struct ScenarioModule {
    /// How it is performed; it has no schedule that anybody keeps.
    pub probe: Probe,
    /// The service whose place a target takes, where one is said.
    pub service: Option<String>,
}

impl ScenarioModule {
    /// It, at a target in the place of its service, where one is given; within so long at the most.
    ///
    /// # Errors
    ///
    /// It has no service that a target could take the place of.
    pub fn at(&self, target: Option<&str>, within: Option<Duration>) -> Result<Probe, String> {
        let mut probe = self.probe.clone();
        probe.timeout = within.map_or(probe.timeout, |within| within.min(probe.timeout));
        if let Some(target) = target {
            let service = self.service.clone().ok_or_else(|| {
                let name = &probe.name;
                format!(
                    "`{name}` takes no target: neither its module nor its scenario says a `service`"
                )
            })?;
            let url = url_of(target, "http");
            probe.target = Some(Placed { service, url });
        }
        Ok(probe)
    }
}

static SCENARIO: Object = Object {
    name: "scenario_module",
    called: "a scenario as a module",
    fields: &[
        SCENARIO_FILE,
        ENVIRONMENT,
        field(
            "service",
            Shape::Text,
            "the service whose address the target of `/probe` takes (the scenario's); without a target it is its own",
        ),
        field(
            "timeout",
            Shape::Duration,
            "time for the whole scenario, and never longer than Prometheus waits (30s)",
        ),
        INPUTS,
    ],
};

/// The form of what can be asked for.
pub static MODULES: Object = Object {
    name: "modules_file",
    called: "the modules",
    fields: &[
        field(
            "file",
            Shape::Text,
            "a `blackbox.yml`, relative to this file",
        ),
        field(
            "targets",
            Shape::List(&Shape::Text),
            "targets that anybody may ask for, with `*` for letters of a name or the rest of a path; all others need a token with the role `operate`, or this machine",
        ),
        field(
            "scenarios",
            Shape::Named(&Shape::Object(&SCENARIO)),
            "scenarios by the names under which `/probe?module=…` performs them, for whoever has a token with the role `operate`; where the server has no token, from this machine",
        ),
    ],
};

impl Reader<'_> {
    /// What can be asked for.
    pub fn asking(
        &mut self,
        node: Option<&Node>,
        environments: &BTreeMap<String, Arc<Environment>>,
        root: &Node,
    ) -> Asking {
        let Some(node) = node else {
            return Asking::default();
        };
        let modules = entries(node, "scenarios").iter();
        let scenarios = modules.filter_map(|(name, node)| {
            let module = ScenarioModule {
                probe: self.asked_probe(name, node, environments, root)?,
                service: text(node, "service"),
            };
            Some((name.text.clone(), module))
        });
        let scenarios = scenarios.collect();
        if node.get("file").is_none() && node.get("scenarios").is_none() {
            let title = "the modules need a `file`, or `scenarios`";
            self.error("missing-field", title, node.span, "add one of them");
        }
        Asking {
            file: node.get("file").map(|file| self.existing(file)),
            targets: texts(node, "targets"),
            scenarios,
        }
    }
}
