//! A script before anything is known that it will be given: what of it can be told when a configuration is read.
//!
//! Sends nothing. What is given later may make it another; it is read anew then.

use super::host::Log;
use super::pointing::told;
use super::prepare::{planned, thresholds};
use super::program::Program;
use super::run;
use crate::document::{Diagnostic, Diagnostics};
use crate::k6::options::{self, Found};
use crate::scenario::Plan;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A script as a plan, with these values for `__ENV`.
pub fn plan(path: &Path, env: BTreeMap<String, String>, found: &mut Diagnostics) -> Option<Plan> {
    let program = opened(path, env, found)?;
    let mut read = Found::default();
    let plan = looked(&program, &mut read);
    let is_sound = read.errors.is_empty();
    found.append(told(&program, &read, &str::to_owned));
    plan.filter(|_| is_sound)
}

/// Looks at a script of which nobody says yet what it will be given: where it asks for that and does not load without, that is
/// a warning which says so.
pub fn check(path: &Path, env: BTreeMap<String, String>, found: &mut Diagnostics) {
    let Some(program) = opened(path, env, found) else {
        return;
    };
    let mut read = Found::default();
    let plan = looked(&program, &mut read);
    let asked = program.asked();
    let unknown = asked.iter().filter(|name| !program.env.contains_key(*name));
    let unknown: Vec<String> = unknown.map(|name| format!("`{name}`")).collect();
    if plan.is_none() && !unknown.is_empty() {
        read.warnings.append(&mut read.errors);
        read.warnings.push(format!(
            "what it is given in `__ENV` is not known here, and it asks for {}",
            unknown.join(", ")
        ));
    }
    found.append(told(&program, &read, &str::to_owned));
}

fn opened(
    path: &Path,
    env: BTreeMap<String, String>,
    found: &mut Diagnostics,
) -> Option<Arc<Program>> {
    match Program::new(path, env) {
        Ok(program) => Some(Arc::new(program)),
        Err(reason) => {
            found.push(Diagnostic::error("bad-script", reason));
            None
        }
    }
}

fn looked(program: &Arc<Program>, found: &mut Found) -> Option<Plan> {
    let quiet: Log = Arc::new(|_| ());
    let loaded = match run::look(program, &quiet) {
        Ok(loaded) => loaded,
        Err(thrown) => {
            found.errors.push(thrown.to_string());
            return None;
        }
    };
    let written = loaded.options.as_object().cloned().unwrap_or_default();
    let options = options::read(&written, found);
    let mut metrics = loaded.metrics;
    let known = thresholds(&options, &mut metrics, found);
    planned(program, &options, &known)
}
