//! What must hold before anything of the deploy is measured: checks of others, backups, versions of
//! tools, configuration.
//!
//! Does not know what they look at: they are scenarios. Invariant: what does not hold here never rolls
//! back, since it says nothing about the product; and what was skipped is never passed.

use super::smoke::smoke_all;
use crate::gate::context::{Ended, PhaseContext, valid_waivers};
use crate::gate::prerequisites::read;
use crate::objective::Outcome;
use crate::project::before::Precondition;
use crate::record::gate::Record;
use crate::record::state::Waiver;
use std::sync::Arc;

/// Performs the preconditions one after another; all of them, so that all that is missing is said.
pub async fn preconditions(context: &PhaseContext<'_>) -> Ended {
    let look = || context.store.notes_of(context.record.id);
    let notes = match read(context, "who goes on without a precondition", look).await {
        Ok(notes) => notes,
        Err(reason) => return Ended::new(Outcome::Inconclusive, reason),
    };
    let valid = valid_waivers(context.gate, notes);
    let version = &context.record.facts.version;
    let mut ended = Ended::because(Outcome::Pass, Vec::new());
    let mut outcomes = Vec::new();
    for wanted in &context.gate.preconditions {
        if let Some(waiver) = skipped(wanted, context.record, &valid) {
            let said = format!(
                "`{}` was skipped by {}: {}",
                wanted.name, waiver.by, waiver.reason
            );
            ended.reasons.push(said);
            ended.skipped.push(waiver);
            continue;
        }
        // The version before is still served here: what replies show says nothing.
        let seen = Arc::default();
        let apart = PhaseContext {
            seen: &seen,
            ..*context
        };
        let performed = smoke_all(&apart, &wanted.scenarios, version).await;
        outcomes.push(performed.outcome);
        if performed.outcome == Outcome::Pass {
            ended.reasons.push(format!("`{}` holds", wanted.name));
        } else {
            let said = performed.reasons.iter();
            let lead = match performed.outcome {
                Outcome::Fail => "does not hold",
                _ => "could not be told",
            };
            let told = said.map(|reason| format!("`{}` {lead}: {reason}", wanted.name));
            ended.reasons.extend(told);
        }
        ended.runs.extend(performed.runs);
    }
    if !outcomes.iter().all(|outcome| *outcome == Outcome::Pass) {
        ended.outcome = Outcome::Inconclusive;
        // Nobody goes on for what was skipped where something else does not hold.
        ended.skipped.clear();
        ended.reasons.retain(|reason| !reason.ends_with("` holds"));
    } else if !ended.skipped.is_empty() {
        ended.outcome = Outcome::Inconclusive;
    }
    ended
}

/// Pure: who answers for going on without a precondition, if anybody may and does.
fn skipped(wanted: &Precondition, record: &Record, valid: &[Waiver]) -> Option<Waiver> {
    if !wanted.can_be_skipped {
        return None;
    }
    let check = Waiver::of_precondition(&wanted.name);
    let facts = &record.facts;
    let at_start = facts.skips.get(&wanted.name).map(|reason| Waiver {
        check: check.clone(),
        by: facts.skipped_by.clone(),
        reason: reason.clone(),
        until_ms: i64::MAX,
    });
    let noted = valid.iter().find(|waiver| waiver.check == check);
    at_start
        .filter(|waiver| !waiver.by.is_empty() && !waiver.reason.is_empty())
        .or_else(|| noted.cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::gate::Facts;
    use crate::record::state::State;

    #[test]
    fn a_skip_has_a_name_and_a_reason_and_may_be_forbidden() {
        let wanted = |can_be_skipped| Precondition {
            name: "ci".to_owned(),
            scenarios: Vec::new(),
            can_be_skipped,
        };
        let of = |by: &str, reason: &str| Record {
            id: 1,
            gate: "api".to_owned(),
            environment: "production".to_owned(),
            services: Vec::new(),
            facts: Facts {
                skips: [("ci".to_owned(), reason.to_owned())].into(),
                skipped_by: by.to_owned(),
                ..Facts::default()
            },
            rollback_to: None,
            state: State::new(None, 0),
        };
        let by = |record: &Record, can_be| skipped(&wanted(can_be), record, &[]).map(|it| it.by);
        assert_eq!(by(&of("jane", "CI is down"), true).as_deref(), Some("jane"));
        assert_eq!(by(&of("jane", "CI is down"), false), None);
        assert_eq!(by(&of("", "CI is down"), true), None);
        assert_eq!(by(&of("jane", ""), true), None);
        let noted = Waiver {
            check: "precondition/ci".to_owned(),
            by: "john".to_owned(),
            reason: "seen by hand".to_owned(),
            until_ms: 1,
        };
        let found = skipped(&wanted(true), &of("", ""), &[noted]);
        assert_eq!(found.map(|it| it.by).as_deref(), Some("john"));
    }
}
