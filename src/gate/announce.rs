//! A verdict, or the end of a proof, as effects of the outbox: pure.
//!
//! Keys come from the state file's name, the gate's number and the effect's number, so that a
//! repeated announcement adds nothing.

use crate::alert::message::{
    Asked, Told, ask_message, proof_message, undone_message, unreadable_message, verdict_message,
};
use crate::pipeline::action::Action;
use crate::pipeline::github::Github;
use crate::project::gate::Gate;
use crate::record::announcement::{Announcement, PartnerOrder};
use crate::record::effect::{NewEffect, key_part};
use crate::record::gate::Record;
use crate::record::message::{Message, tell, written};
use crate::record::state::{Order, Verdict};
use crate::record::target::{Occasion, Target};

/// The orders of a rollback to the gates that belong with this one.
pub fn partners(record: &Record, gate: Option<&Gate>, instance: &str) -> Vec<NewEffect> {
    let together = gate
        .map(|gate| gate.together.as_slice())
        .unwrap_or_default();
    let by_gate = record.state.ordered.as_ref().and_then(|order| order.gate);
    if record.state.dry_run || by_gate.is_some() {
        // One that was itself rolled back with another: that one has told all of them.
        return Vec::new();
    }
    let order = PartnerOrder {
        gate: record.gate.clone(),
        facts: record.facts.clone(),
        order: Order {
            by: format!("gate {} of `{}`", record.id, record.gate),
            reason: "they are rolled back together".to_owned(),
            gate: Some(record.id),
            to: String::new(),
        },
    };
    let body = written(&order);
    together
        .iter()
        .map(|name| NewEffect {
            key: format!("bw_{instance}_{}_partner_{}", record.id, key_part(name)),
            gate_id: Some(record.id),
            after_key: None,
            chain: None,
            target: Target::Partner(name.clone()),
            body: body.clone(),
        })
        .collect()
}

fn by(instance: &str, page: &Option<String>) -> Told {
    Told {
        instance: instance.to_owned(),
        link: page.clone(),
        at_ms: None,
    }
}

/// The effects of a verdict: statuses and messages. Its actions are ordered with [`order`].
pub fn verdict(
    record: &Record,
    gate: Option<&Gate>,
    verdict: Verdict,
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let key = |what: &str| format!("bw_{instance}_{}_{}_{what}", record.id, verdict.word());
    let Some(gate) = gate else { return Vec::new() };
    let mut message = verdict_message(record, &by(instance, &page));
    if record.state.dry_run {
        message.subject = format!("{} (dry run)", message.subject);
        message.lines.push(format!(
            "DRY RUN, nothing is done: {}",
            would_do(record, Some(gate))
        ));
    }
    told(record, gate, "verdict", &message, page, &key)
}

/// The effects of a gate that waits for people: who is told that it does, and for how many.
pub fn ask(
    record: &Record,
    gate: Option<&Gate>,
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let key = |what: &str| format!("bw_{instance}_{}_ask_{what}", record.id);
    let Some(gate) = gate else { return Vec::new() };
    let attestations = gate.attestations.iter();
    let asked = Asked {
        approvals: gate.approval.map_or(0, |approval| approval.required),
        by_actor: gate.approval.is_some_and(|approval| approval.by_actor),
        attestations: attestations
            .map(|one| (one.name.clone(), one.text.clone()))
            .collect(),
        within: gate.people_within(),
    };
    let message = ask_message(record, &asked, &by(instance, &page));
    tell(&gate.tell, &message, Some(record.id), &key)
}

/// Statuses and messages of something that happened to a gate.
fn told(
    record: &Record,
    gate: &Gate,
    event: &str,
    message: &Message,
    page: Option<String>,
    key: &dyn Fn(&str) -> String,
) -> Vec<NewEffect> {
    let mut effects = Vec::new();
    // What was only rehearsed is no status of a deploy.
    let is_real = !record.facts.rehearsal;
    if gate.github.is_some() && is_real {
        effects.extend(github(
            record,
            gate,
            &body(record, event, page.clone()),
            key,
        ));
    }
    if gate.ticket.is_some() && is_real {
        effects.push(NewEffect {
            key: key("ticket"),
            gate_id: Some(record.id),
            after_key: None,
            chain: None,
            target: Target::Ticket(gate.name.clone()),
            body: body(record, event, page),
        });
    }
    effects.extend(tell(&gate.tell, message, Some(record.id), key));
    effects
}

/// The actions of a verdict; of a rollback, those of one way.
fn actions(gate: &Gate, verdict: Verdict, way: usize) -> (&[Action], Occasion, usize) {
    match way {
        0 => (gate.actions(verdict.into()), verdict.into(), 0),
        way => {
            let one = gate.on_fallback.get(way - 1..way).unwrap_or_default();
            (one, Occasion::Fallback, way - 1)
        }
    }
}

/// The actions of a verdict as effects, one after another.
pub fn order(
    record: &Record,
    gate: Option<&Gate>,
    verdict: Verdict,
    way: usize,
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let Some(gate) = gate else { return Vec::new() };
    let (actions, occasion, first) = actions(gate, verdict, way);
    in_order(record, gate, (actions, occasion, first), instance, page)
}

/// The actions of an occasion as effects, one after another.
pub fn ordered(
    record: &Record,
    gate: Option<&Gate>,
    occasion: Occasion,
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let Some(gate) = gate else { return Vec::new() };
    let actions = (gate.actions(occasion), occasion, 0);
    in_order(record, gate, actions, instance, page)
}

fn in_order(
    record: &Record,
    gate: &Gate,
    (actions, occasion, first): (&[Action], Occasion, usize),
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let word = occasion.word();
    let mut after = None;
    actions
        .iter()
        .enumerate()
        .map(|(place, action)| {
            let number = first + place;
            let announcement = Announcement {
                action: action.identity.clone(),
                ..announcement(record, "verdict", page.clone())
            };
            let body = written(&announcement);
            let key = format!("bw_{instance}_{}_{word}_action{number}", record.id);
            NewEffect {
                key: key.clone(),
                gate_id: Some(record.id),
                after_key: after.replace(key),
                chain: None,
                target: Target::Action {
                    gate: gate.name.clone(),
                    occasion,
                    number,
                    kind: action.kind.word().to_owned(),
                },
                body,
            }
        })
        .collect()
}

/// What the actions of a verdict would do.
pub fn would_do(record: &Record, gate: Option<&Gate>) -> String {
    let (Some(gate), Some(verdict)) = (gate, record.state.verdict) else {
        return String::new();
    };
    let (actions, ..) = actions(gate, verdict, 0);
    let names: Vec<String> = actions
        .iter()
        .map(|action| format!("`{}`", action.name))
        .collect();
    let target = record
        .rollback_to
        .as_deref()
        .unwrap_or("nothing, since no other version was proven good");
    match verdict {
        Verdict::Rollback => format!("it would run {} to go back to {target}", names.join(", ")),
        _ => format!("it would run {}", names.join(", ")),
    }
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
    let message = proof_message(record, &by(instance, &page));
    told(record, gate, "proof", &message, page, &key)
}

/// The effects of a gate in the state file that cannot be understood: it stands still, and nothing of
/// it is measured, acted on or proven.
pub fn unreadable(id: i64, gate: Option<&Gate>, instance: &str, fault: &str) -> Vec<NewEffect> {
    let key = |what: &str| format!("bw_{instance}_{id}_unreadable_{what}");
    let Some(gate) = gate else { return Vec::new() };
    tell(
        &gate.tell,
        &unreadable_message(id, &gate.name, fault),
        Some(id),
        &key,
    )
}

/// The effects of a verdict that was not carried out.
pub fn undone(
    record: &Record,
    gate: Option<&Gate>,
    instance: &str,
    page: Option<String>,
) -> Vec<NewEffect> {
    let key = |what: &str| format!("bw_{instance}_{}_undone_{what}", record.id);
    let Some(gate) = gate else { return Vec::new() };
    let message = undone_message(record, &by(instance, &page));
    let mut effects = told(record, gate, "undone", &message, page, &key);
    // A protection rule was answered with the verdict, and issues are for rollbacks.
    effects.retain(|effect| {
        !matches!(&effect.target, Target::Github { kind, .. } if kind == "callback" || kind == "issue")
    });
    effects
}

fn github(
    record: &Record,
    gate: &Gate,
    body: &str,
    key: &dyn Fn(&str) -> String,
) -> Vec<NewEffect> {
    let mut effects = Vec::new();
    let wants = |what: fn(&Github) -> bool| gate.github.as_ref().is_some_and(what);
    for (kind, present) in [
        ("deployment", !record.facts.deployment.is_empty()),
        ("commit", !record.facts.commit.is_empty()),
        (
            "check",
            wants(|github| github.checks) && !record.facts.commit.is_empty(),
        ),
        (
            "issue",
            wants(|github| github.issues) && record.state.verdict == Some(Verdict::Rollback),
        ),
        ("callback", !record.facts.callback.is_empty()),
    ] {
        if present {
            effects.push(NewEffect {
                key: key(&format!("github_{kind}")),
                gate_id: Some(record.id),
                after_key: None,
                chain: None,
                target: Target::Github {
                    gate: gate.name.clone(),
                    kind: kind.to_owned(),
                },
                body: body.to_owned(),
            });
        }
    }
    effects
}

fn announcement(record: &Record, event: &str, page: Option<String>) -> Announcement {
    Announcement {
        event: event.to_owned(),
        record: record.clone(),
        page,
        action: String::new(),
        bundle: None,
    }
}

fn body(record: &Record, event: &str, page: Option<String>) -> String {
    written(&announcement(record, event, page))
}

#[cfg(test)]
mod tests {
    #[test]
    fn different_names_have_different_keys_without_dots() {
        let keys = ["api.eu", "api-eu", "api_eu", "api eu"].map(crate::record::effect::key_part);
        let mut different = keys.to_vec();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), 4);
        assert!(keys.iter().all(|key| !key.contains('.')));
    }
}
