//! Secrets that are to be other ones at each release: compared by fingerprints, never by values.
//!
//! A fingerprint has its own salt and takes its time, so that whoever reads the state file can neither see
//! which secrets are alike nor try many. Invariant: what could not be compared with the release before is no
//! rotation, except where there is none.

use super::context::PhaseContext;
use super::driver::now_ms;
use super::prerequisites::read;
use crate::record::note::{Note, NoteKind};
use crate::secret::Secret;
use std::collections::BTreeMap;

/// Which secrets are still those of the release before; the others' fingerprints are kept for the next one.
pub async fn rotated(
    context: &PhaseContext<'_>,
    secrets: &BTreeMap<String, Secret>,
) -> Result<Vec<String>, Vec<String>> {
    let names = &context.gate.rotated;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let record = context.record;
    let look = || {
        let (gate, place) = (record.gate.clone(), record.environment.clone());
        let released = record.facts.version.clone();
        context.store.fingerprints(gate, place, released)
    };
    let before = read(context, "the fingerprints of the release before", look).await;
    let before = before.map_err(|problem| vec![problem])?;
    let (mut notes, mut problems) = (Vec::new(), Vec::new());
    for name in names {
        let Some(secret) = secrets.get(name) else {
            problems.push(format!(
                "the secret `{name}` is to be rotated, and has no value"
            ));
            continue;
        };
        let known = before.iter().rev().find(|note| note.check == *name);
        match known.map(|note| secret.has_fingerprint(&note.reason)) {
            Some(true) => problems.push(format!(
                "the secret `{name}` is still that of the release before: it was not rotated"
            )),
            Some(false) => notes.push(format!("`{name}` was rotated")),
            None => notes.push(format!("`{name}` is known from now on")),
        }
        let note = Note {
            kind: NoteKind::Fingerprint,
            by: String::new(),
            reason: secret.fingerprint(&crate::ids::random_uuid()),
            check: name.clone(),
            link: String::new(),
            until_ms: 0,
            gate: None,
        };
        let line = format!("the fingerprint of the secret `{name}` is kept");
        let kept = context.store.add_note(record.id, note, line, now_ms());
        if let Err(fault) = kept.await {
            problems.push(format!(
                "the fingerprint of `{name}` cannot be kept: {fault}"
            ));
        }
    }
    match problems.is_empty() {
        true => Ok(notes),
        false => Err(problems),
    }
}
