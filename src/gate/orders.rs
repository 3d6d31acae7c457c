//! What people and other gates want of a gate: to call it off, to approve, to waive, to roll back.
//!
//! It is committed before it is answered, so that a kill does not forget it.

use super::driver::{Driver, GateFault, Outside, find, now_ms};
use super::machine::{Order, Verdict};
use super::record::{Facts, Record};
use crate::store::notes::Note;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// How often a partner that is busy is asked to roll back, and the pause in between.
const PARTNER_ATTEMPTS: u32 = 120;
const PARTNER_PAUSE: Duration = Duration::from_secs(5);

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
        self.store.request_cancel(id, by.to_owned()).await?;
        self.tell(id, Outside::Cancel(by.to_owned()))
    }

    /// Adds an approval or a waiver to a gate that measures.
    pub async fn note(&self, id: i64, note: Note) -> Result<(), GateFault> {
        self.measuring(id).await?;
        if note.by.trim().is_empty() {
            return Err(GateFault::Invalid("`by` is empty: say who".to_owned()));
        }
        let line = match note.kind.as_str() {
            "waiver" if note.reason.trim().is_empty() || note.check.is_empty() => {
                return Err(GateFault::Invalid(
                    "a waiver names its `check` and its `reason`".to_owned(),
                ));
            }
            "waiver" => format!("{} waives `{}`: {}", note.by, note.check, note.reason),
            _ if note.reason.is_empty() => format!("{} approves", note.by),
            _ => format!("{} approves: {}", note.by, note.reason),
        };
        self.store.add_note(id, note, line, now_ms()).await?;
        if let Some(handle) = self.running().get(&id) {
            handle.noted.notify_one();
        }
        Ok(())
    }

    /// Rolls the newest deploy of a gate back, whatever is measured: a running gate concludes so,
    /// else one is made that does nothing else.
    pub async fn roll_back(
        self: &Arc<Self>,
        name: &str,
        order: Order,
    ) -> Result<Record, GateFault> {
        if order.by.trim().is_empty() || order.reason.trim().is_empty() {
            return Err(GateFault::Invalid(
                "a rollback by hand needs `by` and `reason`".to_owned(),
            ));
        }
        if let Some(open) = self.same_gate(name).await?.pop() {
            self.measuring(open.id).await?;
            let note = Note {
                kind: "rollback".to_owned(),
                by: order.by.clone(),
                reason: order.reason.clone(),
                check: String::new(),
                until_ms: 0,
            };
            let line = format!("{} orders the rollback: {}", order.by, order.reason);
            self.store.add_note(open.id, note, line, now_ms()).await?;
            self.tell(open.id, Outside::RollBack(order))?;
            return Ok(open);
        }
        let newest = self.store.gates(1000).await?;
        let Some(last) = newest.into_iter().find(|record| record.gate == name) else {
            return Err(GateFault::Conflict(format!(
                "`{name}` never verified a deploy, so there is nothing to roll back"
            )));
        };
        let proven = last.state.proof.as_ref().is_some_and(|proof| proof.proven);
        if last.state.verdict == Some(Verdict::Rollback) && proven {
            return Err(GateFault::Conflict(format!(
                "gate {} rolled it back already",
                last.id
            )));
        }
        let (record, _) = self.enter(name, last.facts, None, Some(order)).await?;
        Ok(record)
    }

    /// Gates that belong together are rolled back together, if they verified the same commit.
    pub(super) async fn roll_back_together(self: &Arc<Self>, record: &Record) {
        let project = self.current.get();
        let Some((gate, _)) = find(&project, record) else {
            return;
        };
        let by = format!("gate {} of `{}`", record.id, record.gate);
        if record
            .state
            .ordered
            .as_ref()
            .is_some_and(|order| order.by.starts_with("gate "))
        {
            // It was itself rolled back with another: that one has told all of them.
            return;
        }
        if record.state.dry_run {
            return;
        }
        for name in &gate.together {
            let order = Order {
                by: by.clone(),
                reason: "they are rolled back together".to_owned(),
            };
            let (driver, name, facts) = (self.clone(), name.clone(), record.facts.clone());
            // Beside this gate: what the partner still does must not hold up its own rollback.
            tokio::spawn(async move { driver.roll_back_partner(&name, &facts, order).await });
        }
    }

    /// Rolls a partner back if its newest deploy is the same one. While it acts on its own verdict
    /// it is waited for.
    async fn roll_back_partner(self: Arc<Self>, name: &str, facts: &Facts, order: Order) {
        for _ in 0..PARTNER_ATTEMPTS {
            let gates = match self.store.gates(1000).await {
                Ok(gates) => gates,
                Err(fault) => {
                    tracing::error!(gate = name, %fault, "Its partner cannot be read; trying again");
                    tokio::time::sleep(PARTNER_PAUSE).await;
                    continue;
                }
            };
            let newest = gates.into_iter().find(|record| record.gate == name);
            let same = |record: &Record| match facts.commit.as_str() {
                "" => record.facts.version == facts.version,
                commit => record.facts.commit == commit,
            };
            match newest {
                Some(partner)
                    if same(&partner) && partner.state.verdict != Some(Verdict::Rollback) => {}
                _ => return,
            }
            match Box::pin(self.roll_back(name, order.clone())).await {
                Ok(_) => return,
                Err(fault) => {
                    tracing::warn!(gate = name, %fault, "It could not be rolled back together with its partner yet");
                }
            }
            tokio::time::sleep(PARTNER_PAUSE).await;
        }
        tracing::error!(
            gate = name,
            "It was NOT rolled back together with its partner"
        );
    }
}
