//! What a gate performs, with everything filled in: the steps of a scenario, or a script.
//!
//! Performs nothing. Invariant: what lacks a value or a secret is not performed at all, and says which.

use super::context::PhaseContext;
use crate::document::{Diagnostics, Severity};
use crate::environment::needs::Supplied;
use crate::environment::secrets;
use crate::environment::settings::Environment;
use crate::k6::options::Found;
use crate::record::gate::inputs;
use crate::scenario::Plan;
use crate::script::cast::Cast;
use crate::script::host::{Log, Said};
use crate::script::prepare::{Around, prepare};
use crate::script::run;
use crate::secret::Redactor;
use crate::vu::Binding;
use crate::vu::guard::Guard;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long addresses are kept.
const DNS_TTL: Duration = Duration::from_secs(30);

/// A scenario in the gate's environment.
pub fn cast(
    context: &PhaseContext<'_>,
    path: &PathBuf,
    version: &str,
) -> Result<Cast, Vec<String>> {
    cast_in(context, context.environment, path, version)
}

/// A scenario in an environment.
pub fn cast_in(
    context: &PhaseContext<'_>,
    environment: &Arc<Environment>,
    path: &PathBuf,
    version: &str,
) -> Result<Cast, Vec<String>> {
    let Some(plan) = context.project.plans.get(path) else {
        let path = path.display();
        return Err(vec![format!("the scenario `{path}` is not loaded")]);
    };
    let mut given: BTreeMap<String, String> = inputs(context.record);
    given.insert("version".to_owned(), version.to_owned());
    given.extend(context.gate.inputs.clone());
    // Beside it another version is served: which one, the baseline's phase looks at.
    let is_beside = !Arc::ptr_eq(environment, context.environment);
    let services = if is_beside {
        &[]
    } else {
        context.gate.services.as_slice()
    };
    let guard = Guard::new(environment, services, version, context.seen);
    secrets::resolving(plan, environment, || match &plan.script {
        Some(script) => scripted(script, environment, given, guard),
        None => bound(plan, environment, given, guard),
    })
}

fn errors(found: Diagnostics) -> Vec<String> {
    let found = found.sorted().into_iter();
    let errors = found.filter(|item| item.severity == Severity::Error);
    errors.map(|item| item.title.clone()).collect()
}

fn bound(
    plan: &Arc<Plan>,
    environment: &Environment,
    mut inputs: BTreeMap<String, String>,
    guard: Guard,
) -> Result<Cast, Vec<String>> {
    let mut found = Diagnostics::default();
    // The gate's facts are there for those who want them; nobody has to.
    inputs.retain(|name, _| plan.inputs.iter().any(|need| need.name == *name));
    let supplied = Supplied {
        inputs,
        environment_inputs: environment.inputs.clone(),
        secrets: secrets::environment_secrets(environment, &mut found),
    };
    let binding = Binding::new(plan.clone(), environment, &supplied, DNS_TTL, &mut found);
    match binding {
        Some(binding) if !found.has_errors() => Ok(Cast::Steps(Arc::new(binding.guarded(guard)))),
        _ => Err(errors(found)),
    }
}

/// A script is read anew: what it is given may make it another.
fn scripted(
    path: &Path,
    environment: &Environment,
    inputs: BTreeMap<String, String>,
    guard: Guard,
) -> Result<Cast, Vec<String>> {
    let mut found = Diagnostics::default();
    let secrets = secrets::environment_secrets(environment, &mut found);
    if found.has_errors() {
        return Err(errors(found));
    }
    let redactor = Redactor::new(secrets.clone());
    let told = |text: &str| format!("`{}`: {}", path.display(), redactor.clean(text));
    let mut env = environment.inputs.clone();
    env.extend(inputs);
    for (name, secret) in &secrets {
        env.insert(name.clone(), secret.expose().to_owned());
    }
    let log = logged(redactor.clone());
    let read = run::read(path, env, &log);
    let (program, loaded) = read.map_err(|reason| vec![told(&reason)])?;
    let missing = environment.secrets.keys();
    let missing = missing.filter(|name| !secrets.contains_key(*name) && program.names(name));
    let missing: Vec<String> = missing
        .map(|name| told(&format!("the secret `{name}` is missing")))
        .collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let options = loaded.options.as_object().cloned().unwrap_or_default();
    let around = Around {
        environment,
        secrets,
        is_strict: true,
        guard: Some(guard),
        dns_ttl: DNS_TTL,
    };
    let mut read = Found::default();
    let ready = prepare(program, log, loaded, &options, around, &mut read);
    ready
        .map(|ready| Cast::Script(Arc::new(ready)))
        .ok_or_else(|| read.errors.iter().map(|text| told(text)).collect())
}

/// What a script says stands in the daemon's log, without secrets.
fn logged(redactor: Redactor) -> Log {
    Arc::new(move |said: &Said| {
        let text = redactor.clean(&said.text);
        match said.level {
            "error" => tracing::error!("A script says: {text}"),
            "warning" => tracing::warn!("A script says: {text}"),
            "debug" => tracing::debug!("A script says: {text}"),
            _ => tracing::info!("A script says: {text}"),
        }
    })
}
