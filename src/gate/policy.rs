//! What a configuration makes of a gate: what it is to do, and what stands for all that it has to
//! measure. Pure.

use super::event::Policy;
use super::phases::registry;
use super::rehearsal;
use crate::environment::settings::Environment;
use crate::project::file::Project;
use crate::project::gate::Gate;
use crate::record::gate::{Facts, Record};
use crate::record::state::{Phase, State};
use crate::scenario::Plan;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A gate that begins: what it is about, and what it has to measure by its configuration.
pub(super) fn begun(
    project: &Project,
    gate: &Gate,
    facts: Facts,
    rollback_to: Option<String>,
    now_ms: i64,
) -> Record {
    let mut record = Record {
        id: 0,
        gate: gate.name.clone(),
        environment: gate.environment.clone(),
        services: gate.services.clone(),
        facts,
        rollback_to,
        state: State::new(Some(Phase::Preflight), now_ms),
    };
    if let Some(environment) = project.file.environments.get(&gate.environment) {
        record.state.measures = measures(gate, environment, &project.plans);
    }
    record.facts.links.clone_from(&gate.links);
    record.state.holds.extend(rehearsal::holds(&record.facts));
    record
}

/// What stands for all that a gate has to measure: its phases, its scenarios word for word, and how
/// they are judged.
pub(super) fn measures(
    gate: &Gate,
    environment: &Environment,
    plans: &BTreeMap<PathBuf, Arc<Plan>>,
) -> String {
    let mut text = format!(
        "{:?} {:?} {:?} {:?} {:?}",
        registry::wanted(gate),
        gate.rule,
        gate.baseline,
        gate.approval,
        gate.bake
    )
    .replace(", counters: []", "");
    text.push_str(&format!(" {:?} {:?}", gate.converge, environment.services));
    // Absent where there are none, so that what was kept before there were any stays what it is.
    for (what, count) in [
        (
            format!("{:?}", gate.preconditions),
            gate.preconditions.len(),
        ),
        (format!("{:?}", gate.attestations), gate.attestations.len()),
        (format!("{:?}", gate.rollout), gate.rollout.iter().count()),
        (format!("{:?}", gate.pair), gate.pair.len()),
        (format!("{:?}", gate.rotated), gate.rotated.len()),
    ] {
        text.push_str(if count == 0 { "" } else { &what });
    }
    let baked = gate.bake.iter().flat_map(|bake| &bake.scenarios);
    let before = gate.preconditions.iter().flat_map(|one| &one.scenarios);
    let rolling = gate.rollout.iter().flat_map(|rollout| &rollout.scenarios);
    for path in gate
        .smoke
        .iter()
        .chain(&gate.load)
        .chain(baked)
        .chain(before)
        .chain(rolling)
    {
        let plan = plans.get(path).map_or("", |plan| plan.source.text.as_str());
        text.push_str(&format!(" {}\n{plan}", path.display()));
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    crate::hexadecimal::digits(&digest.as_ref()[..16])
}

/// What a gate is to do, from its configuration.
pub fn policy(
    gate: &Gate,
    environment: &Environment,
    record: &Record,
    plans: &BTreeMap<PathBuf, Arc<Plan>>,
) -> Policy {
    let ways = match gate.on_rollback.is_empty() {
        true => 0,
        false => 1 + gate.on_fallback.len(),
    };
    Policy {
        phases: registry::wanted(gate),
        extend: gate.extend && !record.facts.rehearsal,
        acts_on_promote: !gate.on_promote.is_empty(),
        acts_on_hold: !gate.on_hold.is_empty(),
        ways,
        has_remedy: !gate.on_failure.is_empty(),
        asks_consent: !record.migrations().is_empty() && !gate.migrates_compatibly,
        has_down: !gate.down.is_empty(),
        targets: Some((
            gate.prove.action_target.as_millis() as i64,
            gate.prove.healthy_target.as_millis() as i64,
        )),
        has_target: record.rollback_to.is_some(),
        enforce: environment.enforce && !record.facts.rehearsal,
        rehearses: record.facts.rehearsal,
        // Asked only for a promotion that is still to be decided.
        changed: record.state.verdict.is_none()
            && !record.state.measures.is_empty()
            && record.state.measures != measures(gate, environment, plans),
    }
}
