//! Tells whether a reload made a probe another one: by all that it is made from.
//!
//! Pure. A probe whose print is the same is not touched.

use crate::project::file::Project;
use crate::project::probe::Probe;
use crate::scenario::Plan;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

/// What makes a probe another one, worked out once for what many share.
#[derive(Debug)]
pub struct Prints<'a> {
    project: &'a Project,
    plans: BTreeMap<&'a PathBuf, u64>,
    environments: BTreeMap<&'a str, u64>,
}

fn print_of(value: &impl std::fmt::Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{value:?}").hash(&mut hasher);
    hasher.finish()
}

impl<'a> Prints<'a> {
    /// Of a configuration.
    pub fn new(project: &'a Project) -> Prints<'a> {
        let of_plan = |(path, plan): (&'a PathBuf, &'a Arc<Plan>)| {
            (
                path,
                print_of(&(&plan.source.text, &plan.data, &plan.folder, &plan.script)),
            )
        };
        let environments = project.file.environments.iter();
        Prints {
            project,
            plans: project.plans.iter().map(of_plan).collect(),
            environments: environments
                .map(|(name, environment)| (name.as_str(), print_of(environment)))
                .collect(),
        }
    }

    /// Of one of its probes.
    pub fn of(&self, probe: &Probe) -> u64 {
        let mut hasher = DefaultHasher::new();
        print_of(probe).hash(&mut hasher);
        self.plans.get(&probe.scenario).hash(&mut hasher);
        self.environments
            .get(probe.environment.as_str())
            .hash(&mut hasher);
        self.project.file.folder.hash(&mut hasher);
        hasher.finish()
    }
}
