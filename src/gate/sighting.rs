//! A version that changes by itself starts a gate: for platforms that deploy without telling anybody.
//!
//! The first version that is ever seen starts nothing: it was there before. A version that a gate
//! verifies or promoted last starts none either, nor does one that a rollback brought back. One that
//! was rolled back or held, and comes again, does.

use super::driver::{Driver, now_ms};
use crate::environment::settings::Environment;
use crate::environment::version;
use crate::project::current::Current;
use crate::project::gate::Gate;
use crate::record::gate::{Facts, Record};
use crate::record::state::Verdict;
use crate::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The loop looks at least this often which gates are due.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks at versions for ever; to be aborted at the end.
pub async fn watch(store: Store, current: Arc<Current>, driver: Arc<Driver>) {
    let mut due: BTreeMap<String, Instant> = BTreeMap::new();
    let mut blind: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let project = current.get();
        for gate in &project.file.gates {
            let Some(every) = gate.sighting else { continue };
            let at = due.entry(gate.name.clone()).or_insert_with(Instant::now);
            if Instant::now() < *at {
                continue;
            }
            *at = Instant::now() + every;
            let Some(environment) = project.file.environments.get(&gate.environment) else {
                continue;
            };
            let version = match served(gate, environment).await {
                Ok(version) => version,
                Err(reason) => {
                    driver.metrics.look_failed(&gate.name, "sighting");
                    // Once, and again when it is another reason.
                    if blind.insert(gate.name.clone(), reason.clone()).as_ref() != Some(&reason) {
                        tracing::warn!(
                            gate = gate.name,
                            reason,
                            "A changed version could not be seen"
                        );
                    }
                    continue;
                }
            };
            if blind.remove(&gate.name).is_some() {
                tracing::info!(gate = gate.name, "Changed versions are seen again");
            }
            if let Some(version) = version
                && let Err(fault) = seen(&store, &driver, gate, version).await
            {
                tracing::error!(
                    gate = gate.name,
                    fault,
                    "A version that changed could not be verified"
                );
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The version that all services serve; nothing while they differ.
///
/// # Errors
/// Where one of them does not show it: why.
async fn served(gate: &Gate, environment: &Arc<Environment>) -> Result<Option<String>, String> {
    let connector = environment.connector(Duration::ZERO)?;
    let mut found = None;
    for service in &gate.services {
        let version = version::read(&connector, environment, service).await;
        let version = version.map_err(|unseen| format!("`{service}`: {}", unseen.fault))?;
        if found.as_ref().is_some_and(|known| *known != version) {
            return Ok(None);
        }
        found = Some(version);
    }
    Ok(found)
}

/// Whether a version that is seen is none to be verified, given the newest gate: that one verifies
/// it now, has promoted it, or has brought it back. One that was rolled back and is served again is
/// a deploy like any other.
fn is_known(newest: &Record, version: &str) -> bool {
    let state = &newest.state;
    let verifies = !state.is_done() || state.verdict == Some(Verdict::Promote);
    let brought_back = state.verdict == Some(Verdict::Rollback);
    (verifies && newest.facts.version == version)
        || (brought_back && newest.rollback_to.as_deref() == Some(version))
}

async fn seen(
    store: &Store,
    driver: &Arc<Driver>,
    gate: &Gate,
    version: String,
) -> Result<(), String> {
    let text = |fault: &dyn std::fmt::Display| fault.to_string();
    let before = store
        .sighting(gate.name.clone())
        .await
        .map_err(|fault| text(&fault))?;
    if before.as_deref() == Some(version.as_str()) {
        return Ok(());
    }
    let gates = store.gates(200).await.map_err(|fault| text(&fault))?;
    let last = gates.iter().find(|record| record.gate == gate.name);
    let known = last.is_some_and(|record| is_known(record, &version));
    if before.is_some() && !known {
        let facts = Facts {
            version: version.clone(),
            previous_version: before.unwrap_or_default(),
            actor: "the platform".to_owned(),
            reason: "a new version was seen".to_owned(),
            ..Facts::default()
        };
        driver
            .start(&gate.name, facts, Vec::new())
            .await
            .map_err(|fault| text(&fault))?;
    }
    store
        .saw(gate.name.clone(), version, now_ms())
        .await
        .map_err(|fault| text(&fault))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::state::{Phase, Position, State};

    #[test]
    fn a_version_that_was_rolled_back_and_comes_again_is_verified_again() {
        let mut newest = Record {
            id: 1,
            gate: "shop".to_owned(),
            environment: "production".to_owned(),
            services: Vec::new(),
            facts: Facts {
                version: "2".to_owned(),
                ..Facts::default()
            },
            rollback_to: Some("1".to_owned()),
            state: State::new(Some(Phase::Smoke), 0),
        };
        assert!(is_known(&newest, "2"), "it is being verified");
        assert!(!is_known(&newest, "1"));
        newest.state.position = Position::Done;
        for (verdict, known) in [
            (Verdict::Promote, ["2"].as_slice()),
            (Verdict::Rollback, &["1"]),
            (Verdict::Hold, &[]),
        ] {
            newest.state.verdict = Some(verdict);
            for version in ["1", "2", "3"] {
                let said = is_known(&newest, version);
                assert_eq!(
                    said,
                    known.contains(&version),
                    "{verdict:?}, then {version}"
                );
            }
        }
    }
}
