//! Orders that must not come late: which of them a step of a gate takes back.
//!
//! Pure. A store asks for each action that is pending, inside the transaction that makes it late.
//! Invariant: no order outlives what it was given for.

use super::effect::Effect;
use super::gate::Record;
use super::state::Verdict;
use super::target::{Occasion, Target};

/// Why an order that is pending is taken back by this step, if it is.
///
/// Taken back are promotions of the same gate before this one, ways of rolling back that are over,
/// and of a gate that is done all but webhooks, which only tell: nobody guards its services any more.
pub fn withdrawn_by(record: &Record, order: &Effect) -> Option<&'static str> {
    let verdict = record.state.verdict?;
    let Target::Action { gate, .. } = &order.target else {
        return None;
    };
    let same_gate = *gate == record.gate;
    let promotion = same_gate && order.target.is_action_of(Occasion::Promote, None);
    let earlier = order.gate_id.is_some_and(|id| id < record.id);
    match verdict {
        Verdict::Promote if promotion && earlier => return Some("a newer deploy is promoted"),
        Verdict::Rollback if promotion => return Some("the deploy is rolled back"),
        _ => {}
    }
    if order.gate_id != Some(record.id) {
        return None;
    }
    if record.state.is_done() {
        let only_tells = verdict != Verdict::Rollback && order.target.is_webhook();
        return (!only_tells).then_some("the gate is done");
    }
    let way = record.state.way;
    let this = way
        .checked_sub(1)
        .filter(|_| verdict == Verdict::Rollback)?;
    let of_this_way = same_gate && order.target.is_action_of(Occasion::Fallback, Some(this));
    (!of_this_way).then_some("another way is tried")
}
