//! What is kept of a gate: the facts that it was started with, and its state.

use super::state::{State, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Its number in this state file.
    #[serde(default)]
    pub id: i64,
    /// The gate's name in the configuration.
    pub gate: String,
    /// The environment.
    pub environment: String,
    /// Services that it verifies and acts on.
    #[serde(default)]
    pub services: Vec<String>,
    /// What it was started with.
    pub facts: Facts,
    /// The version to go back to: the last other one that this gate proved good.
    pub rollback_to: Option<String>,
    /// Its state.
    pub state: State,
}

impl Record {
    /// What the database was changed to since the version to go back to, this deploy's change last.
    pub fn migrations(&self) -> Vec<String> {
        let own = [self.facts.migrated.clone()];
        let mut all: Vec<String> = self.state.migrated.iter().cloned().chain(own).collect();
        all.retain(|one| !one.is_empty());
        let mut known = std::collections::BTreeSet::new();
        all.retain(|one| known.insert(one.clone()));
        all
    }

    /// Until when its promotion holds, if it has decided so: what was measured says nothing of what
    /// is served much later.
    pub fn holds_until_ms(&self) -> Option<i64> {
        let promotes = self.state.verdict == Some(Verdict::Promote);
        let fresh = crate::limits::VERDICT_FRESH.as_millis() as i64;
        self.state
            .verdict_ms
            .filter(|_| promotes)
            .map(|at| at + fresh)
    }
}

/// What a gate is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The version that was deployed.
    pub version: String,
    /// The version before, if the caller knows it.
    #[serde(default)]
    pub previous_version: String,
    /// The commit.
    #[serde(default)]
    pub commit: String,
    /// Who deployed it.
    #[serde(default)]
    pub actor: String,
    /// Whose token asked for the gate, if it has a name: never taken from what somebody sends.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked_by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The pipeline's page of it.
    #[serde(default)]
    pub link: String,
    /// GitHub's number of the deployment.
    #[serde(default)]
    pub deployment: String,
    /// The environment, as the pipeline calls it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// Why it is verified outside of the windows, if somebody broke the glass.
    #[serde(default)]
    pub break_glass: String,
    /// What the deploy changed the database to, if it did: then the application alone cannot be
    /// rolled back safely.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub migrated: String,
    /// The ticket of the change.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ticket: String,
    /// Pages that people want beside, as the gate names them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// Whether it only rehearses: measured for a short time, and whatever comes of it, nothing is done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// Preconditions that somebody goes on without, each with its reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skips: BTreeMap<String, String>,
    /// Who goes on without them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub skipped_by: String,
    /// Where the pipeline waits for an answer, such as GitHub's callback of a protection rule.
    #[serde(default)]
    pub callback: String,
}

/// What somebody sent, as people write it: no control characters, and no more than fits where it is
/// shown and handed on (a program's variables, a status, a message).
pub fn cleaned(text: &str) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let kept: String = shown.take(crate::limits::FACT_CHARACTERS_MAX).collect();
    kept.trim().to_owned()
}

impl Facts {
    /// The same, with each text cleaned.
    #[must_use]
    pub fn cleaned(mut self) -> Facts {
        for text in [
            &mut self.version,
            &mut self.previous_version,
            &mut self.commit,
            &mut self.actor,
            &mut self.reason,
            &mut self.link,
            &mut self.deployment,
            &mut self.target,
            &mut self.break_glass,
            &mut self.callback,
            &mut self.asked_by,
            &mut self.skipped_by,
            &mut self.migrated,
            &mut self.ticket,
        ] {
            *text = cleaned(text);
        }
        let skips = std::mem::take(&mut self.skips).into_iter();
        self.skips = skips
            .map(|(name, reason)| (cleaned(&name), cleaned(&reason)))
            .collect();
        self
    }
}

/// Names of the facts of a gate as inputs of scenarios and actions.
pub const INPUTS: [&str; 14] = [
    "version",
    "previous_version",
    "commit",
    "actor",
    "reason",
    "link",
    "deployment",
    "gate",
    "gate_id",
    "environment",
    "verdict",
    "migrated",
    "started",
    "ticket",
];

/// The facts of a gate as inputs, by the names of [`INPUTS`] and in their order.
pub fn inputs(record: &Record) -> BTreeMap<String, String> {
    let facts = &record.facts;
    let verdict = record
        .state
        .verdict
        .map(|verdict| verdict.word().to_owned());
    let values = [
        facts.version.clone(),
        record.rollback_to.clone().unwrap_or_default(),
        facts.commit.clone(),
        facts.actor.clone(),
        facts.reason.clone(),
        facts.link.clone(),
        facts.deployment.clone(),
        record.gate.clone(),
        record.id.to_string(),
        record.environment.clone(),
        verdict.unwrap_or_default(),
        record.migrations().pop().unwrap_or_default(),
        crate::clock::text_of(record.state.started_ms),
        facts.ticket.clone(),
    ];
    INPUTS.map(str::to_owned).into_iter().zip(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strangers_send_becomes_what_people_write() {
        assert_eq!(cleaned(" a\0b\nc\u{1b}[31m "), "a b c [31m");
        let long = "é".repeat(130_000);
        assert_eq!(
            cleaned(&long).chars().count(),
            crate::limits::FACT_CHARACTERS_MAX
        );
        let facts = Facts {
            version: "1.0\0".to_owned(),
            reason: long,
            ..Facts::default()
        };
        let facts = facts.cleaned();
        assert_eq!((facts.version.as_str(), facts.reason.len()), ("1.0", 4_000));
    }
}
