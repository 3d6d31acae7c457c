//! What people and other gates (`partners`) want of a gate: to call it off, to approve, to waive, to roll back.
//!
//! It is committed before it is answered, so that a kill does not forget it.

use super::driver::{Driver, GateFault, Outside, now_ms, unknown};
use crate::record::gate::{Facts, Record, cleaned};
use crate::record::note::{Note, NoteKind};
use crate::record::state::{Consent, Order, Position, Verdict, Waiver};
use std::sync::{Arc, PoisonError};

fn has_its_verdict(id: i64) -> GateFault {
    GateFault::Conflict(format!("gate {id} reached its verdict in this moment"))
}

impl Driver {
    async fn measuring(&self, id: i64) -> Result<Record, GateFault> {
        let Some(record) = self.store.gate(id).await? else {
            return Err(GateFault::Unknown(format!("there is no gate {id}")));
        };
        match record.state.verdict {
            Some(verdict) => Err(GateFault::Conflict(format!(
                "gate {id} has its verdict already: {}",
                verdict.word()
            ))),
            None => Ok(record),
        }
    }

    fn tell(&self, id: i64, outside: Outside) -> Result<(), GateFault> {
        let handle = self.running().get(&id).cloned();
        let Some(handle) = handle else {
            return Err(GateFault::Conflict(format!(
                "gate {id} is not running here"
            )));
        };
        {
            let mut wanted = handle
                .outside
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            // An order to roll back is never replaced by a mere cancel.
            if !matches!(*wanted, Some(Outside::RollBack(_))) {
                *wanted = Some(outside);
            }
        }
        handle.control.stop();
        handle.noted.notify_one();
        Ok(())
    }

    /// Calls a gate off; it ends in hold. A gate with a verdict cannot be called off.
    pub async fn cancel(&self, id: i64, by: &str) -> Result<(), GateFault> {
        self.measuring(id).await?;
        if !self.store.request_cancel(id, by.to_owned()).await? {
            return Err(has_its_verdict(id));
        }
        self.tell(id, Outside::Cancel(by.to_owned()))
    }

    /// Adds an approval or a waiver to a gate that measures.
    pub async fn note(&self, id: i64, note: Note) -> Result<(), GateFault> {
        self.measuring(id).await?;
        // Two spellings of one name are one person.
        let note = Note {
            by: cleaned(&note.by),
            reason: cleaned(&note.reason),
            check: cleaned(&note.check),
            link: cleaned(&note.link),
            ..note
        };
        if note.by.is_empty() {
            return Err(GateFault::Invalid("`by` is empty: say who".to_owned()));
        }
        if note.kind == NoteKind::Waiver && note.until_ms <= now_ms() {
            return Err(GateFault::Invalid(
                "a waiver holds for some time: `until_ms`, in milliseconds since 1970, lies ahead"
                    .to_owned(),
            ));
        }
        if note.kind == NoteKind::Waiver
            && let Some(phase) = Waiver::unwaivable(&note.check)
        {
            return Err(GateFault::Invalid(format!(
                "{} cannot be waived: only what is measured can (smoke, load, bake, or a scenario of them)",
                phase.word()
            )));
        }
        let line = match note.kind {
            NoteKind::Waiver if note.reason.trim().is_empty() || note.check.is_empty() => {
                return Err(GateFault::Invalid(
                    "a waiver names its `check` and its `reason`".to_owned(),
                ));
            }
            NoteKind::Waiver => format!("{} waives `{}`: {}", note.by, note.check, note.reason),
            NoteKind::Attestation => {
                self.may_be_attested(id, &note.check).await?;
                format!(
                    "{} attests `{}` {} {}",
                    note.by, note.check, note.reason, note.link
                )
                .trim()
                .to_owned()
            }
            _ if note.reason.is_empty() => format!("{} approves", note.by),
            _ => format!("{} approves: {}", note.by, note.reason),
        };
        if !self.store.add_note(id, note, line, now_ms()).await? {
            return Err(has_its_verdict(id));
        }
        if let Some(handle) = self.running().get(&id) {
            handle.noted.notify_one();
        }
        Ok(())
    }

    /// Whether a gate asks for an attestation of this name.
    async fn may_be_attested(&self, id: i64, name: &str) -> Result<(), GateFault> {
        let record = self.measuring(id).await?;
        let project = self.current.get();
        let gate = project.file.gate(&record.gate);
        let known: Vec<&str> = gate
            .iter()
            .flat_map(|gate| &gate.attestations)
            .map(|wanted| wanted.name.as_str())
            .collect();
        if known.contains(&name) {
            return Ok(());
        }
        Err(GateFault::Invalid(format!(
            "`{}` asks for no attestation `{name}`; it asks for: {}",
            record.gate,
            known.join(", ")
        )))
    }

    /// Consents to a rollback that waits for it, since the database was changed.
    pub async fn consent(&self, id: i64, consent: Consent) -> Result<(), GateFault> {
        let by = cleaned(&consent.by);
        let reason = cleaned(&consent.reason);
        if by.is_empty() || reason.is_empty() {
            return Err(GateFault::Invalid(
                "a consent needs `by` and `reason`".to_owned(),
            ));
        }
        let Some(record) = self.store.gate(id).await? else {
            return Err(GateFault::Unknown(format!("there is no gate {id}")));
        };
        let waits_no_more =
            || GateFault::Conflict(format!("gate {id} does not wait for a consent"));
        if record.state.position != Position::Consenting {
            return Err(waits_no_more());
        }
        let project = self.current.get();
        let has_down = project
            .file
            .gate(&record.gate)
            .is_some_and(|gate| !gate.down.is_empty());
        if consent.with_down && !has_down {
            return Err(GateFault::Invalid(format!(
                "`{}` has no `actions: {{ down: [...] }}` that would change the database back",
                record.gate
            )));
        }
        let line = format!("{by} consents to the rollback: {reason}");
        let note = Note {
            kind: NoteKind::Consent,
            by,
            reason,
            check: match consent.with_down {
                true => Consent::WITH_DOWN.to_owned(),
                false => String::new(),
            },
            link: String::new(),
            until_ms: 0,
            gate: None,
        };
        if !self.store.add_note(id, note, line, now_ms()).await? {
            return Err(waits_no_more());
        }
        if let Some(handle) = self.running().get(&id) {
            handle.noted.notify_one();
        }
        Ok(())
    }

    /// Rolls the newest deploy of a gate back, whatever is measured: a running gate concludes so,
    /// else one is made that does nothing else. What a rollback went back to is only rolled back
    /// itself if `version` names it: an order that comes twice must not go back twice.
    pub async fn roll_back(
        self: &Arc<Self>,
        name: &str,
        order: Order,
        version: &str,
    ) -> Result<Record, GateFault> {
        let order = Order {
            by: cleaned(&order.by),
            reason: cleaned(&order.reason),
            to: cleaned(&order.to),
            ..order
        };
        if order.by.trim().is_empty() || order.reason.trim().is_empty() {
            return Err(GateFault::Invalid(
                "a rollback by hand needs `by` and `reason`".to_owned(),
            ));
        }
        let open = self.same_gate(name).await?.pop();
        // One that promotes or holds has nothing to say any more: the rollback waits for its lock.
        let open = open.filter(|open| matches!(open.state.verdict, None | Some(Verdict::Rollback)));
        if let Some(open) = open {
            self.measuring(open.id).await?;
            if !version.is_empty() && version != open.facts.version {
                return Err(GateFault::Conflict(format!(
                    "`{version}` is not what gate {} verifies, which is `{}`",
                    open.id, open.facts.version
                )));
            }
            not_itself(&order, &open.facts.version)?;
            let note = Note {
                kind: NoteKind::Rollback,
                by: order.by.clone(),
                reason: order.reason.clone(),
                check: order.to.clone(),
                link: String::new(),
                until_ms: 0,
                gate: order.gate,
            };
            let line = format!("{} orders the rollback: {}", order.by, order.reason);
            if !self.store.add_note(open.id, note, line, now_ms()).await? {
                return Err(has_its_verdict(open.id));
            }
            self.tell(open.id, Outside::RollBack(order))?;
            return Ok(open);
        }
        let Some(last) = self.store.newest_gate(name.to_owned()).await? else {
            let project = self.current.get();
            if project.file.gate(name).is_none() {
                return Err(unknown(&project, name));
            }
            return Err(GateFault::Conflict(format!(
                "`{name}` never verified a deploy, so there is nothing to roll back"
            )));
        };
        let facts = to_roll_back(&last, version).map_err(GateFault::Conflict)?;
        not_itself(&order, &facts.version)?;
        let (record, _) = self.enter(name, facts, Vec::new(), Some(order)).await?;
        Ok(record)
    }
}

/// An order does not name the version that is served to go back to.
fn not_itself(order: &Order, served: &str) -> Result<(), GateFault> {
    if order.to == served {
        return Err(GateFault::Invalid(format!(
            "`{served}` cannot be rolled back to itself"
        )));
    }
    Ok(())
}

/// Pure: the deploy that an order is about, after the newest gate of its name.
fn to_roll_back(last: &Record, version: &str) -> Result<Facts, String> {
    let proven = last.state.proof.as_ref().is_some_and(|proof| proof.proven);
    let is_back = last.state.verdict == Some(Verdict::Rollback) && proven;
    let served = match &last.rollback_to {
        Some(good) if is_back => good,
        _ => &last.facts.version,
    };
    if version.is_empty() && is_back {
        return Err(format!(
            "gate {} rolled it back already; to go further back, say what is served now (`--served {served}`)",
            last.id
        ));
    }
    if !version.is_empty() && version != served {
        return Err(format!(
            "`{version}` is not what gate {} left behind, which is `{served}`",
            last.id
        ));
    }
    if is_back {
        return Ok(Facts {
            version: served.clone(),
            ..Facts::default()
        });
    }
    Ok(last.facts.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::state::{Proof, State};

    #[test]
    fn an_order_that_comes_twice_does_not_go_back_twice() {
        let mut last = Record {
            id: 7,
            gate: "shop".to_owned(),
            environment: "production".to_owned(),
            services: Vec::new(),
            facts: Facts {
                version: "3".to_owned(),
                ..Facts::default()
            },
            rollback_to: Some("2".to_owned()),
            state: State::new(None, 0),
        };
        let asked = |last: &Record, version| to_roll_back(last, version).map(|facts| facts.version);
        assert_eq!(asked(&last, ""), Ok("3".to_owned()));
        assert_eq!(asked(&last, "3"), Ok("3".to_owned()));
        assert!(asked(&last, "2").is_err());
        last.state.verdict = Some(Verdict::Rollback);
        last.state.proof = Some(Proof {
            proven: true,
            reasons: Vec::new(),
            action_ms: None,
            healthy_ms: None,
            late: Vec::new(),
        });
        assert!(asked(&last, "").unwrap_err().contains("--served 2"));
        assert!(asked(&last, "3").is_err(), "that is not served any more");
        assert_eq!(asked(&last, "2"), Ok("2".to_owned()));
    }
}
