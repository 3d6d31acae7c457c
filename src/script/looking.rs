//! A script before anything is known that it will be given: what of it can be told when a configuration is read.
//!
//! Sends nothing. What is given later may make it another; it is read anew then.

use super::host::Log;
use super::prepare::{planned, thresholds};
use super::run;
use crate::document::{Diagnostic, Diagnostics};
use crate::k6::options::{self, Found};
use crate::scenario::Plan;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A script as a plan, with these values for `__ENV`.
pub fn plan(path: &Path, env: BTreeMap<String, String>, found: &mut Diagnostics) -> Option<Plan> {
    let mut read = Found::default();
    let plan = looked(path, env, &mut read);
    let told = |text: &String| format!("`{}`: {text}", path.display());
    let is_sound = read.errors.is_empty();
    for text in &read.errors {
        found.push(Diagnostic::error("bad-script", told(text)));
    }
    for text in &read.warnings {
        found.push(Diagnostic::warning("bad-script", told(text)));
    }
    plan.filter(|_| is_sound)
}

fn looked(path: &Path, env: BTreeMap<String, String>, found: &mut Found) -> Option<Plan> {
    let quiet: Log = Arc::new(|_| ());
    let (program, loaded) = match run::read(path, env, &quiet) {
        Ok(read) => read,
        Err(reason) => {
            found.errors.push(reason);
            return None;
        }
    };
    let written = loaded.options.as_object().cloned().unwrap_or_default();
    let options = options::read(&written, found);
    let mut metrics = loaded.metrics;
    let known = thresholds(&options, &mut metrics, found);
    planned(&program, &options, &known)
}
