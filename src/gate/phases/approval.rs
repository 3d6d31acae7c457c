//! People agree, with their names, and attest what the gate asks for.

use super::attested::{AttestationNote, Attested, standing};
use crate::duration::show;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::prerequisites::{LOOK_EVERY, read};
use crate::load::Stop;
use crate::objective::Outcome;
use crate::project::access::folded;
use crate::project::gate::Approval;
use crate::record::gate::Facts;
use crate::record::note::{Note, NoteKind};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Waits until enough different people have agreed, and everything is attested.
pub async fn approval(context: &PhaseContext<'_>) -> Ended {
    let gate = context.gate;
    if gate.approval.is_none() && gate.attestations.is_empty() {
        let reason = "the gate asks for no approval and no attestation any more";
        return Ended::new(Outcome::Inconclusive, reason);
    }
    let within = gate.people_within();
    let deadline = Instant::now() + within;
    loop {
        let (given, missing) = match asked(context).await {
            Ok(found) => found,
            Err(reason) => return Ended::new(Outcome::Inconclusive, reason),
        };
        if missing.is_empty() {
            return Ended::because(Outcome::Pass, given);
        }
        if context.control.asked() != Stop::No {
            return Ended::new(Outcome::Inconclusive, "it was stopped");
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let late = missing
                .into_iter()
                .map(|what| format!("{what}, within {}", show(within)));
            return Ended::because(Outcome::Inconclusive, late.collect());
        }
        tokio::select! {
            () = context.noted.notified() => {}
            () = context.control.stopped() => {}
            () = tokio::time::sleep(left.min(LOOK_EVERY * 10)) => {}
        }
    }
}

/// What people have said by now, and what they have not.
async fn asked(context: &PhaseContext<'_>) -> Result<(Vec<String>, Vec<String>), String> {
    let (mut given, mut missing) = (Vec::new(), Vec::new());
    if let Some(approval) = context.gate.approval {
        let look = || context.store.notes_of(context.record.id);
        let notes = read(context, "who approved", look).await?;
        let agreed = agreed(notes, approval, &context.record.facts);
        if (agreed.len() as u64) < approval.required {
            let (came, wanted) = (agreed.len(), approval.required);
            missing.push(format!("{came} of {wanted} approvals came"));
        } else {
            let who = agreed
                .into_values()
                .map(|(by, reason)| match reason.as_str() {
                    "" => by,
                    reason => format!("{by} ({reason})"),
                });
            let who: Vec<String> = who.collect();
            given.push(format!("approved by {}", who.join(", ")));
        }
    }
    if context.gate.attestations.is_empty() {
        return Ok((given, missing));
    }
    let now_ms = crate::clock::now_ms();
    let valid = context
        .gate
        .attestations
        .iter()
        .filter_map(|one| one.valid_for);
    let longest = valid.max().unwrap_or(Duration::ZERO).as_millis() as i64;
    let since_ms = (now_ms - longest).min(context.record.state.started_ms);
    let look = || {
        let gate = context.record.gate.clone();
        context.store.attested(gate, since_ms)
    };
    let rows = read(context, "what was attested", look).await?;
    let said: Vec<AttestationNote> = rows
        .into_iter()
        .map(|(gate, at_ms, note)| AttestationNote {
            note,
            at_ms,
            is_own: gate == context.record.id,
        })
        .collect();
    for wanted in &context.gate.attestations {
        match standing(wanted, &said, now_ms) {
            Attested::Given(told) => given.push(format!("attested {told}")),
            Attested::Missing(told) => missing.push(format!("nobody attested {told}")),
        }
    }
    Ok((given, missing))
}

/// Those who agreed, by who they are: two spellings of a name are one person. Whoever deployed, and
/// whoever asked for the gate, is not among them where the gate says so.
fn agreed(
    notes: Vec<Note>,
    approval: Approval,
    facts: &Facts,
) -> BTreeMap<String, (String, String)> {
    let own = [folded(&facts.actor), folded(&facts.asked_by)];
    notes
        .into_iter()
        .filter(|note| note.kind == NoteKind::Approval)
        .map(|note| (folded(&note.by), (note.by, note.reason)))
        .filter(|(who, _)| approval.by_actor || !own.contains(who))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn two_spellings_are_one_person_and_who_deployed_is_none_of_two() {
        let approval = |required, by_actor| Approval {
            required,
            by_actor,
            timeout: Duration::ZERO,
        };
        let note = |by: &str| Note {
            kind: NoteKind::Approval,
            by: by.to_owned(),
            reason: String::new(),
            check: String::new(),
            link: String::new(),
            until_ms: 0,
            gate: None,
        };
        let count = |names: &[&str], approval| {
            let notes = names.iter().map(|name| note(name)).collect();
            let facts = Facts {
                actor: "Jane  Doe".to_owned(),
                asked_by: "Ann".to_owned(),
                ..Facts::default()
            };
            agreed(notes, approval, &facts).len()
        };
        let names = ["jane doe", "Jane Doe", "JANE DOE ", "john", "ann"];
        assert_eq!(count(&names, approval(2, false)), 1);
        assert_eq!(count(&names, approval(1, true)), 3);
    }
}
