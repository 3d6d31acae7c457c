//! What people were told is accepted, and a verdict that comes after it.
//!
//! Pure. Does not know how it is kept. Invariant: who was told that an order is accepted is not
//! passed over by a verdict that was on its way at that moment.

use super::gate::Record;
use super::note::Note;
use super::state::Verdict;

/// What somebody wanted of a gate while a step of it was on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// To roll back.
    RollBack(Note),
    /// To call it off, and who.
    Cancel(String),
    /// Not to act any more: other gates have spoken since. Why.
    Overtaken(String),
}

/// What is kept beside a gate whose step is to be committed.
#[derive(Debug, Clone, Default)]
pub struct Accepted {
    /// Whether it has a verdict already.
    pub had_verdict: bool,
    /// The order to roll back that somebody gave first.
    pub order: Option<Note>,
    /// Who called it off.
    pub cancelled_by: Option<String>,
}

/// What was accepted before a first verdict is committed, and is not what the verdict says.
pub fn wanted(record: &Record, accepted: Accepted) -> Option<Wanted> {
    let verdict = record.state.verdict?;
    if accepted.had_verdict {
        return None;
    }
    match accepted.order {
        Some(order) if verdict != Verdict::Rollback => Some(Wanted::RollBack(order)),
        _ if verdict == Verdict::Hold || record.state.ordered.is_some() => None,
        _ => accepted.cancelled_by.map(Wanted::Cancel),
    }
}

/// Who supersedes the gates before.
pub fn superseded_by(id: i64) -> String {
    format!("gate {id}, which verifies a newer deploy")
}
