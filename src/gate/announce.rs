//! A verdict, or the end of a proof, as effects of the outbox: pure.
//!
//! Keys come from the state file's name, the gate's number and the effect's number, so that a
//! repeated announcement adds nothing.

use super::machine::Verdict;
use super::record::Record;
use crate::alert::message::{Message, proof_message, verdict_message};
use crate::config::file::Gate;
use crate::store::outbox::NewEffect;
use serde::{Deserialize, Serialize};

/// What actions, webhooks and statuses are made from. Version 1 of a boundary type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Announcement {
    /// `verdict` or `proof`.
    pub event: String,
    /// The gate as it was.
    pub record: Record,
    /// The gate's page.
    pub page: Option<String>,
}

/// The effects of a verdict.
pub fn verdict(
    record: &Record,
    gate: Option<&Gate>,
    verdict: Verdict,
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let key = |what: &str| format!("bw_{instance}_{}_{}_{what}", record.id, verdict.word());
    let mut effects = Vec::new();
    let Some(gate) = gate else { return effects };
    let body = body(record, "verdict", page.clone());
    let actions = match verdict {
        Verdict::Promote => &gate.on_promote,
        Verdict::Rollback => &gate.on_rollback,
        Verdict::Hold => &gate.on_hold,
    };
    let mut after = None;
    for number in 0..actions.len() {
        let key = key(&format!("action{number}"));
        effects.push(NewEffect {
            key: key.clone(),
            gate_id: Some(record.id),
            after_key: after.replace(key),
            target: format!("action:{}:{}:{number}", gate.name, verdict.word()),
            body: body.clone(),
        });
    }
    if gate.github.is_some() {
        effects.extend(github(record, gate, &body, &key));
    }
    let message = verdict_message(record, page);
    effects.extend(tell(&gate.tell, &message, Some(record.id), &key));
    effects
}

/// The effects of the end of a proof.
pub fn proof(
    record: &Record,
    gate: Option<&Gate>,
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let key = |what: &str| format!("bw_{instance}_{}_proof_{what}", record.id);
    let Some(gate) = gate else { return Vec::new() };
    let mut effects = Vec::new();
    let body = body(record, "proof", page.clone());
    if gate.github.is_some() {
        effects.extend(github(record, gate, &body, &key));
    }
    effects.extend(tell(
        &gate.tell,
        &proof_message(record, page),
        Some(record.id),
        &key,
    ));
    effects
}

/// A message to channels.
pub fn tell(
    channels: &[String],
    message: &Message,
    gate_id: Option<i64>,
    key: &dyn Fn(&str) -> String,
) -> Vec<NewEffect> {
    let body = serde_json::to_string(message).unwrap_or_default();
    channels
        .iter()
        .map(|channel| NewEffect {
            key: key(&format!("tell_{}", key_part(channel))),
            gate_id,
            after_key: None,
            target: format!("channel:{channel}"),
            body: body.clone(),
        })
        .collect()
}

fn github(
    record: &Record,
    gate: &Gate,
    body: &str,
    key: &dyn Fn(&str) -> String,
) -> Vec<NewEffect> {
    let mut effects = Vec::new();
    for (kind, present) in [
        ("deployment", !record.facts.deployment.is_empty()),
        ("commit", !record.facts.commit.is_empty()),
    ] {
        if present {
            effects.push(NewEffect {
                key: key(&format!("github_{kind}")),
                gate_id: Some(record.id),
                after_key: None,
                target: format!("github:{}:{kind}", gate.name),
                body: body.to_owned(),
            });
        }
    }
    effects
}

fn body(record: &Record, event: &str, page: Option<String>) -> String {
    let announcement = Announcement {
        event: event.to_owned(),
        record: record.clone(),
        page,
    };
    serde_json::to_string(&announcement).unwrap_or_default()
}

/// A name as part of a key: a webhook id must not hold a dot, and different names stay different.
pub fn key_part(name: &str) -> String {
    let mut part = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '-' {
            part.push(c);
        } else {
            part.push_str(&format!("_{:x}_", u32::from(c)));
        }
    }
    part
}

#[cfg(test)]
mod tests {
    #[test]
    fn different_names_have_different_keys_without_dots() {
        let keys = ["api.eu", "api-eu", "api_eu", "api eu"].map(super::key_part);
        let mut different = keys.to_vec();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), 4);
        assert!(keys.iter().all(|key| !key.contains('.')));
    }
}
