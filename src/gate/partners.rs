//! Orders of a gate to those that are rolled back together with it.
//!
//! They are rows of the outbox, committed with the verdict, so that a kill does not forget them. A
//! partner that is busy, or that has not begun yet, is waited for; the next deploy of the gate that
//! gave the order ends it.

use super::driver::{Driver, now_ms};
use crate::alert::message::{Told, partner_message};
use crate::project::current::page;
use crate::record::announcement::PartnerOrder;
use crate::record::effect::{DIED, Effect, EffectState};
use crate::record::gate::Record;
use crate::record::message;
use crate::record::state::Verdict;
use crate::record::target::Target;
use std::sync::Arc;
use std::time::Duration;

/// How long a partner is asked to roll back, and the pause in between.
const PARTNER_WITHIN: Duration = Duration::from_secs(1800);
const PARTNER_PAUSE: Duration = Duration::from_secs(5);

impl Driver {
    /// Gives the orders of gates to those that are rolled back together with them, for ever; to be
    /// aborted at the end.
    pub async fn partners(self: Arc<Self>) {
        loop {
            let committed = self.outbox.notified();
            tokio::pin!(committed);
            // Registered before the look, so that a commit in between is not missed.
            committed.as_mut().enable();
            match self.store.partner_orders().await {
                Ok(orders) => {
                    for effect in orders {
                        let wait = effect.next_ms - now_ms();
                        // Farther away than any pause was set by a clock that has jumped since.
                        if wait <= 0 || wait > PARTNER_PAUSE.as_millis() as i64 {
                            let asked = self.roll_back_partner(&effect);
                            if self.supervisor.caught("partners", asked).await.is_none() {
                                self.after_death(&effect).await;
                            }
                        }
                    }
                }
                Err(fault) => tracing::error!(%fault, "Orders to other gates cannot be read"),
            }
            tokio::select! {
                biased;
                () = committed => {}
                () = tokio::time::sleep(PARTNER_PAUSE) => {}
            }
        }
    }

    /// Rolls a partner back if its newest deploy is the same one. While it acts on its own verdict,
    /// and where its gate has not begun yet, it is waited for.
    async fn roll_back_partner(self: &Arc<Self>, effect: &Effect) {
        match self.store.claim_attempt(effect.id, effect.attempts).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(fault) => {
                tracing::error!(key = effect.key, %fault, "An order to another gate waits, since it cannot be noted");
                return;
            }
        }
        let Target::Partner(name) = &effect.target else {
            return;
        };
        let now = now_ms();
        let late = now >= effect.created_ms + PARTNER_WITHIN.as_millis() as i64;
        let (state, text) = match self.ask_partner(name, effect).await {
            Asked::Done(text) => (EffectState::Delivered, text),
            Asked::Other if late => (
                EffectState::Delivered,
                format!("`{name}` verified no deploy of the same commit"),
            ),
            Asked::Other => (
                EffectState::Pending,
                format!("`{name}` has verified no deploy of the same commit yet"),
            ),
            Asked::Busy(text) if late => (EffectState::GivenUp, text),
            Asked::Busy(text) => (EffectState::Pending, text),
        };
        if state == EffectState::GivenUp {
            tracing::error!(
                gate = name,
                reason = text,
                "It was NOT rolled back together with its partner"
            );
            self.tell_of_partner(effect, name, &text).await;
        }
        let next = now + PARTNER_PAUSE.as_millis() as i64;
        if let Err(fault) = self
            .store
            .attempt_ended(effect.id, state, next, now, text)
            .await
        {
            // It is asked again, and finds what it has done.
            tracing::error!(key = effect.key, %fault, "The end of an order cannot be noted");
        }
    }

    /// An order that dies must not keep those behind it from being given.
    async fn after_death(&self, effect: &Effect) {
        let (now, pause) = (now_ms(), PARTNER_PAUSE.as_millis() as i64);
        let late = now >= effect.created_ms + PARTNER_WITHIN.as_millis() as i64;
        let state = if late {
            EffectState::GivenUp
        } else {
            EffectState::Pending
        };
        let ended = self
            .store
            .attempt_ended(effect.id, state, now + pause, now, DIED.to_owned());
        if let Err(fault) = ended.await {
            tracing::error!(key = effect.key, %fault, "The end of an order cannot be noted");
        }
    }

    async fn ask_partner(self: &Arc<Self>, name: &str, effect: &Effect) -> Asked {
        let order: PartnerOrder = match serde_json::from_str(&effect.body) {
            Ok(order) => order,
            Err(error) => return Asked::Busy(format!("its row cannot be read: {error}")),
        };
        let newest = match self.store.newest_gate(name.to_owned()).await {
            Ok(newest) => newest,
            Err(fault) => return Asked::Busy(fault.to_string()),
        };
        // The next deploy of the gate that orders it is another attempt at the release.
        let own = match self.store.newest_gate(order.gate.clone()).await {
            Ok(own) => own,
            Err(fault) => return Asked::Busy(fault.to_string()),
        };
        if own.is_some_and(|own| Some(own.id) != effect.gate_id) {
            return Asked::Done(format!("`{}` verifies a newer deploy by now", order.gate));
        }
        let same = |record: &Record| match order.facts.commit.as_str() {
            "" => record.facts.version == order.facts.version,
            commit => record.facts.commit == commit,
        };
        let Some(partner) = newest.filter(same) else {
            return Asked::Other;
        };
        if partner.state.verdict == Some(Verdict::Rollback) {
            return Asked::Done(format!("gate {} rolls it back", partner.id));
        }
        match self.roll_back(name, order.order, "").await {
            Ok(record) => Asked::Done(format!("gate {} rolls it back", record.id)),
            Err(fault) => Asked::Busy(fault.to_string()),
        }
    }

    async fn tell_of_partner(&self, effect: &Effect, name: &str, why: &str) {
        let Some(id) = effect.gate_id else { return };
        let project = self.current.get();
        let told = match self.store.gate(id).await {
            Ok(Some(record)) => {
                let Some(gate) = project.file.gate(&record.gate) else {
                    return;
                };
                let told = Told {
                    instance: self.store.instance().to_owned(),
                    link: page(&project, id),
                    at_ms: Some(now_ms()),
                };
                let message = partner_message(&record, name, why, &told);
                let key = |what: &str| format!("{}_{what}", effect.key);
                let effects = message::tell(&gate.tell, &message, Some(id), &key);
                self.store.enqueue(effects, now_ms()).await
            }
            Ok(None) => return,
            Err(fault) => Err(fault),
        };
        match told {
            Ok(()) => self.outbox.notify_waiters(),
            Err(fault) => tracing::error!(id, %fault, "Nobody can be told of the partner"),
        }
    }
}

/// What a partner answered.
enum Asked {
    /// It is rolled back, now or before.
    Done(String),
    /// It verifies another deploy, or none.
    Other,
    /// Not now, and why.
    Busy(String),
}
