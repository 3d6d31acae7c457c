//! People agree, with their names.

use crate::duration::show;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::prerequisites::{LOOK_EVERY, read};
use crate::load::Stop;
use crate::objective::Outcome;
use crate::record::note::NoteKind;
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
        let agreed: BTreeMap<String, String> = notes
            .into_iter()
            .filter(|note| note.kind == NoteKind::Approval)
            .map(|note| (note.by, note.reason))
            .collect();
        if agreed.len() as u64 >= approval.required {
            let who: Vec<String> = agreed
                .into_iter()
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
