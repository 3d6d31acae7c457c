//! Orders that must not come late: which of them a step of a gate takes back.
//!
//! Pure. A store asks for each action that is pending, inside the transaction that makes it late.
//! Invariant: no order outlives what it was given for.

use super::effect::Effect;
use super::gate::Record;
use super::standing::Standing;
use super::state::Verdict;
use super::target::{Occasion, Target};

/// Why an order that is pending is taken back by this step of a gate, if it is. `by` and `owner` say
/// where this gate and the one that gave the order stand.
///
/// Taken back are promotions that are not the newest word on their services any more, ways of
/// rolling back that are over, and of a gate that is done all but webhooks, which only tell: nobody
/// guards its services any more.
pub fn withdrawn_by(
    record: &Record,
    by: &Standing,
    order: &Effect,
    owner: &Standing,
) -> Option<String> {
    if order.target.is_action_of(Occasion::Promote, None)
        && let Some(why) = owner.overtaken_by(by)
    {
        return Some(why);
    }
    let own = order.gate_id == Some(record.id) && order.target.acts();
    match record.state.verdict {
        Some(verdict) if own => own_order(record, verdict, order).map(str::to_owned),
        _ => None,
    }
}

fn own_order(record: &Record, verdict: Verdict, order: &Effect) -> Option<&'static str> {
    if record.state.is_done() {
        let only_tells = verdict != Verdict::Rollback && order.target.is_webhook();
        return (!only_tells).then_some("the gate is done");
    }
    if order.target.is_action_of(Occasion::Remedy, None) {
        return Some("it is concluded without it");
    }
    let this = record.state.way.checked_sub(1)?;
    let Target::Action { gate, .. } = &order.target else {
        return None;
    };
    let of_this_way =
        *gate == record.gate && order.target.is_action_of(Occasion::Fallback, Some(this));
    (verdict == Verdict::Rollback && !of_this_way).then_some("another way is tried")
}
