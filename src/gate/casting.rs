//! What a gate performs, with everything filled in: the steps of a scenario, or a script.
//!
//! Performs nothing. Invariant: what lacks a value or a secret is not performed at all, and says which.

use super::context::PhaseContext;
use crate::document::Diagnostics;
use crate::environment::needs::Supplied;
use crate::environment::secrets;
use crate::environment::settings::Environment;
use crate::record::gate::inputs;
use crate::scenario::Plan;
use crate::script::cast::Cast;
use crate::script::given;
use crate::vu::Binding;
use crate::vu::guard::Guard;
use std::collections::BTreeMap;
use std::path::PathBuf;
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
    let mut inputs: BTreeMap<String, String> = inputs(context.record);
    inputs.insert("version".to_owned(), version.to_owned());
    inputs.extend(context.gate.inputs.clone());
    // Beside it another version is served: which one, the baseline's phase looks at.
    let is_beside = !Arc::ptr_eq(environment, context.environment);
    let services = if is_beside {
        &[]
    } else {
        context.gate.services.as_slice()
    };
    let guard = Guard::new(environment, services, version, context.seen);
    secrets::resolving(plan, environment, || match &plan.script {
        Some(script) => {
            let ready = given::ready(&script.path, environment, inputs, Some(guard), DNS_TTL);
            ready.map(|ready| Cast::Script(Arc::new(ready)))
        }
        None => bound(plan, environment, inputs, guard),
    })
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
        _ => Err(found.errors()),
    }
}
