//! The configuration that is in force, and what it says of a gate that was started.
//!
//! Invariant: what was started in one environment is never measured or acted on in another.

use super::file::Project;
use super::gate::Gate;
use crate::environment::settings::Environment;
use crate::record::gate::Record;
use std::sync::{Arc, PoisonError, RwLock};

/// The configuration that is in force.
#[derive(Debug)]
pub struct Current(RwLock<Arc<Project>>);

impl Current {
    /// Starts with a configuration.
    pub fn new(project: Project) -> Current {
        Current(RwLock::new(Arc::new(project)))
    }

    /// Starts with one that others use too.
    pub fn shared(project: Arc<Project>) -> Current {
        Current(RwLock::new(project))
    }

    /// The one in force now.
    pub fn get(&self) -> Arc<Project> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts another one in force.
    pub fn set(&self, project: Project) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(project);
    }
}

/// The gate and the environment of a record, as configured now.
pub fn find<'a>(project: &'a Project, record: &Record) -> Option<(&'a Gate, &'a Arc<Environment>)> {
    let gate = project.file.gate(&record.gate)?;
    // What was started in one environment is never measured or acted on in another.
    if gate.environment != record.environment {
        return None;
    }
    Some((gate, project.file.environments.get(&gate.environment)?))
}

/// How the addresses of all pages begin.
pub fn base(project: &Project) -> String {
    match &project.file.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", project.file.listen),
    }
}

/// How the addresses of the gates' pages begin.
pub fn pages(project: &Project) -> String {
    format!("{}/gates/", base(project))
}

/// The address of a gate's page.
pub fn page(project: &Project, id: i64) -> Option<String> {
    Some(format!("{}{id}", pages(project)))
}
