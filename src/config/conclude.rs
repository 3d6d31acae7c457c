//! Whether a gate could ever conclude: objectives that its load can never prove, versions that could
//! never be seen everywhere.

use crate::document::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::duration::show;
use crate::environment::everywhere;
use crate::environment::settings::Environment;
use crate::objective::binomial;
use crate::objective::judge::PROMOTE_LEVEL;
use crate::project::gate::Gate;
use crate::project::probe::Probe;
use crate::scenario::lint::requests_planned;
use crate::scenario::plan::{Plan, end_of};
use crate::watch::trend::DURATION;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Reports a gate whose services may be asked so seldom that its convergence, or the proof of its
/// rollback, could never be believed in time.
pub fn convergeable(gate: &Gate, environment: &Environment, found: &mut Diagnostics) {
    let rates = gate
        .services
        .iter()
        .filter_map(|name| environment.rate_of(name));
    let Some(rate) = rates.reduce(f64::min) else {
        return;
    };
    let looks = everywhere::needed(1);
    let takes = Duration::from_secs_f64(looks as f64 / rate.max(1e-6));
    let converge = ("converge", &gate.converge);
    let proof = (!gate.on_rollback.is_empty()).then_some(("prove", &gate.prove.converge));
    for (key, wait) in [converge].into_iter().chain(proof) {
        if takes >= wait.timeout {
            found.push(
                Diagnostic::error(
                    "never-converges",
                    format!(
                        "the gate `{}` can never see its version everywhere: {looks} looks at {rate:.2} a second take {}, and `{key}` ends after {}",
                        gate.name,
                        show(takes),
                        show(wait.timeout)
                    ),
                )
                .hint(format!("`{key}: {{ timeout: {} }}`, or a higher `limit`", show(takes * 2))),
            );
        }
    }
}

/// Reports trends of a probe on values that its scenario does not measure: they would never be told.
pub fn followed(probe: &Probe, plan: &Plan, found: &mut Diagnostics) {
    let measures = plan.all_steps().flat_map(|step| &step.measures);
    let mut known: Vec<&str> = measures.map(|(name, _)| name.as_ref()).collect();
    known.push(DURATION);
    for trend in &probe.trends {
        let name = trend.value.as_str();
        if known.contains(&name) {
            continue;
        }
        let title = format!(
            "the probe `{}` follows `{name}`, which no step of `{}` measures",
            probe.name,
            probe.scenario.display()
        );
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("measured are {}", known.join(", ")),
        };
        found.push(Diagnostic::error("unknown-value", title).hint(hint));
    }
}

/// Reports secrets that are to be rotated and that no scenario of the gate has.
pub fn rotatable(gate: &Gate, plans: &BTreeMap<PathBuf, Arc<Plan>>, found: &mut Diagnostics) {
    let known = gate.scenarios().filter_map(|path| plans.get(path));
    let known = known.flat_map(|plan| plan.secrets.iter().map(|need| need.name.as_str()));
    let known: Vec<&str> = known.collect();
    for name in gate
        .rotated
        .iter()
        .filter(|name| !known.contains(&name.as_str()))
    {
        let title = format!(
            "the gate `{}` wants the secret `{name}` rotated, which none of its scenarios has",
            gate.name
        );
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name it under `secrets` of the scenario that uses it".to_owned(),
        };
        found.push(Diagnostic::error("unknown-secret", title).hint(hint));
    }
}

/// Reports objectives of a gate's load that its requests after the warm-up can never prove, the
/// extension included: such a phase could only ever hold.
pub fn concludable(gate: &Gate, plan: &Plan, found: &mut Diagnostics) {
    let length = end_of(&plan.load);
    let rule = gate.rule.within(length);
    let looks = if gate.extend { 2.0 } else { 1.0 };
    let used = looks - rule.warm_up.as_secs_f64() / length.as_secs_f64().max(1e-9);
    for objective in &gate.objectives_of(plan) {
        let Some(share) = objective.allowed_share().filter(|share| *share > 0.0) else {
            continue;
        };
        let Some(planned) = requests_planned(plan, objective.step.as_deref()) else {
            continue;
        };
        let needed = binomial::flawless_needed(share, PROMOTE_LEVEL)
            .max(binomial::flawless_needed(
                rule.bound(share),
                rule.promote_level / looks,
            ))
            .max(rule.requests_min);
        let counted = (planned as f64 * used) as u64;
        if counted < needed {
            found.push(
                Diagnostic::error(
                    "never-concludes",
                    format!(
                        "the load of the gate `{}` can never show `{}`: {counted} requests count after the warm-up, and at least {needed} are needed",
                        gate.name, objective.text
                    ),
                )
                .hint("a longer load, a higher rate, or a shorter warm-up (`rule: { warm-up: 2s }`)"),
            );
        }
    }
}
