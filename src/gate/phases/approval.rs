//! People agree, with their names.

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
use std::time::Instant;

/// Waits until enough different people have agreed.
pub async fn approval(context: &PhaseContext<'_>) -> Ended {
    let Some(approval) = context.gate.approval else {
        return Ended::new(
            Outcome::Inconclusive,
            "the gate asks for no approval any more",
        );
    };
    let deadline = Instant::now() + approval.timeout;
    loop {
        let look = || context.store.notes_of(context.record.id);
        let notes = match read(context, "who approved", look).await {
            Ok(notes) => notes,
            Err(reason) => return Ended::new(Outcome::Inconclusive, reason),
        };
        let agreed = agreed(notes, approval, &context.record.facts);
        if agreed.len() as u64 >= approval.required {
            let who: Vec<String> = agreed
                .into_values()
                .map(|(by, reason)| {
                    if reason.is_empty() {
                        by
                    } else {
                        format!("{by} ({reason})")
                    }
                })
                .collect();
            return Ended::new(Outcome::Pass, format!("approved by {}", who.join(", ")));
        }
        if context.control.asked() != Stop::No {
            return Ended::new(Outcome::Inconclusive, "it was stopped");
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ended::new(
                Outcome::Inconclusive,
                format!(
                    "{} of {} approvals came within {}",
                    agreed.len(),
                    approval.required,
                    show(approval.timeout)
                ),
            );
        }
        tokio::select! {
            () = context.noted.notified() => {}
            () = context.control.stopped() => {}
            () = tokio::time::sleep(left.min(LOOK_EVERY * 10)) => {}
        }
    }
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
