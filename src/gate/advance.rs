//! One step of a gate: computed, committed with everything it causes, and only then acted on.

use super::announce;
use super::driver::{Driver, now_ms};
use super::event::{Effect, Event, Policy};
use super::machine::step;
use super::policy::policy;
use crate::objective::Outcome;
use crate::project::current::{find, page};
use crate::project::gate::Gate;
use crate::record::accepted::Wanted;
use crate::record::effect::NewEffect;
use crate::record::gate::Record;
use crate::record::state::{Consent, Phase, Position, State, Verdict};
use crate::record::target::Occasion;
use crate::store::contract::GateCommit;
use std::time::Duration;

/// Events that come before a step of a gate, one after another, at most: a call-off, then an order.
const WANTED_MAX: usize = 4;
/// Pause after a commit that failed.
const COMMIT_PAUSE: Duration = Duration::from_secs(2);

impl Driver {
    /// A step, or what was accepted or said while it was on its way and comes before it.
    pub(super) async fn advance(&self, record: &mut Record, event: &Event) -> Vec<Effect> {
        let mut event = event.clone();
        for _ in 0..WANTED_MAX {
            match self.try_step(record, &event).await {
                Ok(effects) => return effects,
                Err(before) => event = before,
            }
        }
        // What is wanted is no event of this state: a fault of our own, and no reason to go on for ever.
        let what = "what was wanted of it does not fit its state".to_owned();
        let faulted = Event::Faulted { what };
        self.try_step(record, &faulted).await.unwrap_or_default()
    }

    async fn try_step(&self, record: &mut Record, event: &Event) -> Result<Vec<Effect>, Event> {
        let project = self.current.get();
        let found = find(&project, record);
        let target = record.rollback_to.clone();
        if let Event::RollbackOrdered(order) = event
            && !order.to.is_empty()
            && record.state.verdict.is_none()
        {
            record.rollback_to = Some(order.to.clone());
            let (gate, environment) = (record.gate.clone(), record.environment.clone());
            let since = self
                .store
                .migrated_since(gate, environment, order.to.clone());
            match since.await {
                Ok(migrated) => record.state.migrated = migrated,
                // What is not known may have changed anything.
                Err(fault) => record.state.migrated = vec![format!("not known ({fault})")],
            }
        }
        let policy = found.map_or_else(Policy::default, |(gate, environment)| {
            policy(gate, environment, record, &project.plans)
        });
        let now = now_ms();
        let (state, effects) = step(&record.state, event, &policy, now);
        self.measure(record, &state);
        let extended = state.extended != record.state.extended;
        let before = std::mem::replace(&mut record.state, state);
        let page = page(&project, record.id);
        let instance = self.store.instance();
        let gate = found.map(|(gate, _)| gate);
        let anywhere = project.file.gate(&record.gate);
        let told = Told {
            record,
            gate,
            anywhere,
            instance,
            page,
        };
        let mut outgoing = told.outgoing(&effects);
        let consent = record.state.consent.as_ref();
        let is_alone = consent.is_some_and(|consent| !consent.with_down);
        let consented = before.position == Position::Consenting && is_alone;
        // Partners go back only once the database is where they were.
        let undone = before.undoing && !record.state.undoing && record.state.proof.is_none();
        if consented || undone {
            outgoing.extend(announce::partners(record, gate, instance));
        }
        let mut text = describe(event);
        if extended {
            text.push_str("; it is performed once more");
        }
        if record.state.dry_run
            && effects
                .iter()
                .any(|effect| matches!(effect, Effect::Announce(_)))
        {
            let would = announce::would_do(record, gate);
            text.push_str(&format!("; DRY RUN, nothing is done: {would}"));
            tracing::warn!(
                gate = record.gate,
                id = record.id,
                would,
                "DRY RUN: the environment does not say `enforce: true`"
            );
        }
        let verdict = record.state.verdict.map(Verdict::word);
        tracing::info!(
            gate = record.gate,
            id = record.id,
            event = text,
            verdict,
            "Gate went on"
        );
        let commit = GateCommit {
            record: record.clone(),
            event: text,
            effects: outgoing,
        };
        if let Some(wanted) = self.commit(commit, now).await {
            // It was accepted while this step was on its way: nothing of the step has happened.
            record.state = before;
            record.rollback_to = target;
            return Err(match wanted {
                Wanted::RollBack(order) => Event::RollbackOrdered(order.into()),
                Wanted::Cancel(by) => Event::Cancelled { by },
                Wanted::Overtaken(why) => Event::Overtaken { why },
            });
        }
        self.outbox.notify_waiters();
        Ok(effects)
    }

    /// Commits, however long that takes: nothing leaves before its row is committed, so a full disk
    /// makes a gate wait.
    async fn commit(&self, commit: GateCommit, now: i64) -> Option<Wanted> {
        let record = &commit.record;
        loop {
            let fault = match self.store.commit_gate(commit.clone(), now).await {
                Ok(wanted) => return wanted,
                Err(fault) => fault,
            };
            tracing::error!(gate = record.gate, id = record.id, %fault, "A step of the gate cannot be committed; trying again in 2 s");
            tokio::time::sleep(COMMIT_PAUSE).await;
        }
    }

    fn measure(&self, record: &Record, next: &State) {
        let before = &record.state;
        if next.phases.len() > before.phases.len()
            && let Some(phase) = next.phases.last()
        {
            let seconds = (phase.ended_ms - before.entered_ms).max(0) as f64 / 1e3;
            self.metrics
                .gate_phase(&record.gate, phase.phase.word(), phase.word(), seconds);
        }
        if before.verdict.is_none()
            && let Some(verdict) = next.verdict
        {
            self.metrics
                .gate_verdict(&record.gate, &record.environment, verdict.word());
        }
        if before.proof.is_none()
            && let Some(proof) = &next.proof
        {
            self.metrics.rollback(
                &record.gate,
                proof.proven,
                proof.action_ms,
                proof.healthy_ms,
            );
        }
    }
}

/// What a step tells and orders.
struct Told<'a> {
    record: &'a Record,
    /// The gate, where it is configured as it was.
    gate: Option<&'a Gate>,
    /// The gate of this name: people are told also where a reload has moved it elsewhere.
    anywhere: Option<&'a Gate>,
    instance: &'a str,
    page: Option<String>,
}

impl Told<'_> {
    fn outgoing(&self, effects: &[Effect]) -> Vec<NewEffect> {
        let Told {
            record,
            gate,
            anywhere,
            instance,
            page,
        } = self;
        let (gate, anywhere) = (*gate, *anywhere);
        let mut outgoing = Vec::new();
        for effect in effects {
            outgoing.extend(match effect {
                Effect::Ask => announce::ask(record, anywhere, instance, page.clone()),
                Effect::Announce(verdict) => {
                    let mut told =
                        announce::verdict(record, anywhere, *verdict, instance, page.clone());
                    let waits = record.state.position == Position::Consenting;
                    if *verdict == Verdict::Rollback && !waits {
                        told.extend(announce::partners(record, gate, instance));
                    }
                    told
                }
                Effect::Order { verdict, way } => {
                    announce::order(record, gate, *verdict, *way, instance, page.clone())
                }
                Effect::OrderRemedy => {
                    announce::ordered(record, gate, Occasion::Remedy, instance, page.clone())
                }
                Effect::OrderDown => {
                    announce::ordered(record, gate, Occasion::Down, instance, page.clone())
                }
                Effect::AnnounceProof { .. } => {
                    announce::proof(record, anywhere, instance, page.clone())
                }
                Effect::AnnounceUndone => {
                    announce::undone(record, anywhere, instance, page.clone())
                }
                _ => Vec::new(),
            });
        }
        outgoing
    }
}

/// An event as a line of the timeline.
fn describe(event: &Event) -> String {
    let with = |head: String, reasons: &[String]| {
        if reasons.is_empty() {
            head
        } else {
            format!("{head}: {}", reasons.join("; "))
        }
    };
    match event {
        Event::PhaseEnded {
            phase,
            outcome,
            reasons,
            waived,
            ..
        } => {
            let word = match outcome {
                Outcome::Pass => "passed",
                _ if !waived.is_empty() => "did not pass and was waived",
                Outcome::Fail => "failed",
                Outcome::Inconclusive => "was inconclusive",
            };
            let verb = match (phase, *outcome) {
                (Phase::Preconditions, Outcome::Inconclusive) if waived.is_empty() => {
                    "were inconclusive"
                }
                _ => word,
            };
            with(format!("{} {verb}", phase.word()), reasons)
        }
        Event::Cancelled { by } => format!("cancelled by {by}"),
        Event::RollbackOrdered(order) => {
            format!("{} ordered the rollback: {}", order.by, order.reason)
        }
        Event::Consented(consent) => {
            let first = match consent.with_down {
                true => ", the database first",
                false => "",
            };
            let Consent { by, reason, .. } = consent;
            format!("{by} consented to the rollback{first}: {reason}")
        }
        Event::ConsentTimedOut => "nobody consented to the rollback in time".to_owned(),
        Event::Locked => "nobody else acts on its services".to_owned(),
        Event::Overtaken { why } => format!("it is overtaken, and not carried out: {why}"),
        Event::LockTimedOut { holder } => format!("{holder} still acts on its services"),
        Event::BudgetExceeded => "the time budget ran out".to_owned(),
        Event::Restarted => "it went on from its last commit after a stop or a fault".to_owned(),
        Event::Faulted { what } => format!("a fault of Bellwether itself: {what}"),
        Event::ActionsSettled { failed, count } if failed.is_empty() => match count {
            0 => "no action is configured for this verdict".to_owned(),
            _ => "every action was carried out".to_owned(),
        },
        Event::ActionsSettled { failed, .. } => with("actions were given up".to_owned(), failed),
        Event::ProofEnded { proven, reasons } => with(
            if *proven {
                "the rollback is proven"
            } else {
                "the rollback is not proven"
            }
            .to_owned(),
            reasons,
        ),
    }
}
