//! What follows a verdict: the lock, the actions, the proof.

use super::context::{Ended, PhaseContext};
use super::driver::{Driver, Handle, now_ms};
use super::event::Event;
use crate::environment::settings::Environment;
use crate::objective::Outcome;
use crate::objective::evidence::Evidence;
use crate::project::current::find;
use crate::project::file::Project;
use crate::project::gate::Gate;
use crate::record::effect::{Effect, EffectState};
use crate::record::gate::Record;
use crate::record::note::NoteKind;
use crate::record::state::{Consent, Position, Verdict};
use crate::record::target::Occasion;
use crate::store::insist;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::Instant;

/// Webhooks of a promote or a hold are waited for this long; the outbox goes on after that.
const SIGNALS_WAIT: Duration = Duration::from_secs(60);
/// What else a promote or a hold does is waited for this long, attempts and pauses included. What
/// waits after that is withdrawn, so that nothing acts on services that nobody guards.
const ACTIONS_WAIT: Duration = Duration::from_secs(900);
/// How long a consent is waited for where the configuration says nothing any more.
const CONSENT_LEAST: Duration = Duration::from_secs(3600);
/// Pause between looks whether somebody consented.
const CONSENT_LOOK: Duration = Duration::from_secs(5);
/// Pause between looks at a lock.
const LOCK_PAUSE: Duration = Duration::from_millis(500);
/// Also a proof that starts late gets a fair look.
const PROOF_LEAST_MS: i64 = 5_000;

impl Driver {
    /// Waits until nobody else acts on the services. What may hold them is bounded itself.
    pub(super) async fn await_lock(&self, record: &Record, handle: &Handle) -> Option<Event> {
        let project = self.current.get();
        let Some((gate, _)) = find(&project, record) else {
            return Some(Event::LockTimedOut {
                holder: "a configuration without this gate for this environment".to_owned(),
            });
        };
        let mut names: Vec<String> = gate
            .services
            .iter()
            .map(|service| format!("{}/{service}", record.environment))
            .collect();
        if names.is_empty() {
            names.push(format!("{}/gate {}", record.environment, record.gate));
        }
        let deadline = Instant::now() + gate.prove.converge.timeout;
        loop {
            let holder = match self.store.lock(names.clone(), record.id, now_ms()).await {
                Ok(None) => return self.locked(record, handle).await,
                Ok(Some(holder)) => format!("gate {holder}"),
                Err(fault) => format!("the state file ({fault})"),
            };
            if self.stopping.load(Relaxed) {
                return None;
            }
            // What holds it is bounded itself; a rollback waits for it, a promotion need not.
            let waits = record.state.verdict == Some(Verdict::Rollback);
            if Instant::now() >= deadline && !waits {
                return Some(Event::LockTimedOut { holder });
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
    }

    /// Now nobody else acts on its services: a promotion looks once more whether what it is about is
    /// still there.
    async fn locked(&self, record: &Record, handle: &Handle) -> Option<Event> {
        let project = self.current.get();
        let promotes = record.state.verdict == Some(Verdict::Promote);
        let Some((gate, environment)) = find(&project, record).filter(|_| promotes) else {
            return Some(Event::Locked);
        };
        let deadline = Instant::now() + gate.prove.converge.timeout;
        let context = self.afterwards(&project, gate, environment, record, handle, deadline);
        let passed = Ended::new(Outcome::Pass, "it holds the lock");
        let seen = self.world.still(&context, passed).await;
        if self.stopping.load(Relaxed) {
            return None;
        }
        Some(match seen.outcome {
            Outcome::Pass => Event::Locked,
            _ => Event::Overtaken {
                why: seen.reasons.join("; "),
            },
        })
    }

    /// What a look after the verdict may look at: no baseline and no earlier evidence, and whoever ends
    /// the measuring does not end it.
    fn afterwards<'a>(
        &'a self,
        project: &'a Project,
        gate: &'a Gate,
        environment: &'a Arc<Environment>,
        record: &'a Record,
        handle: &'a Handle,
        deadline: Instant,
    ) -> PhaseContext<'a> {
        static NOTHING_EARLIER: BTreeMap<String, Evidence> = BTreeMap::new();
        PhaseContext {
            project,
            gate,
            environment,
            record,
            control: &handle.proof,
            deadline: deadline.into_std(),
            live: &self.live,
            baseline: None,
            earlier: &NOTHING_EARLIER,
            store: &self.store,
            seen: &handle.seen,
            noted: &handle.noted,
        }
    }

    /// Waits until somebody consents to a rollback that is unsafe alone, or time is up.
    pub(super) async fn await_consent(&self, record: &Record, handle: &Handle) -> Option<Event> {
        let project = self.current.get();
        let within = project
            .file
            .gate(&record.gate)
            .map_or(CONSENT_LEAST, Gate::people_within);
        let until_ms = record.state.entered_ms + within.as_millis() as i64;
        loop {
            let noted = handle.noted.notified();
            // What cannot be read is asked again: a consent that was given must not be lost.
            let notes = insist("who consented", || self.store.notes_of(record.id)).await;
            let mut notes = notes.unwrap_or_default().into_iter();
            if let Some(note) = notes.find(|note| note.kind == NoteKind::Consent) {
                return Some(Event::Consented(Consent::from(note)));
            }
            if self.stopping.load(Relaxed) {
                return None;
            }
            let left_ms = until_ms - now_ms();
            if left_ms <= 0 {
                return Some(Event::ConsentTimedOut);
            }
            let left = Duration::from_millis(left_ms as u64);
            tokio::select! {
                () = noted => {}
                () = tokio::time::sleep(left.min(CONSENT_LOOK)) => {}
            }
        }
    }

    pub(super) async fn await_actions(&self, record: &Record) -> Option<Event> {
        let project = self.current.get();
        let rollback = record.state.verdict == Some(Verdict::Rollback);
        let gate = find(&project, record).map(|(gate, _)| gate);
        let longest = |effect: &Effect| match gate {
            Some(gate) if rollback => gate.prove.converge.timeout,
            _ if effect.target.is_webhook() => SIGNALS_WAIT,
            _ => ACTIONS_WAIT,
        };
        let (occasion, place) = match (record.state.way, record.state.verdict) {
            _ if record.state.undoing => (Occasion::Down, None),
            _ if record.state.position == Position::Remedying => (Occasion::Remedy, None),
            (0, Some(verdict)) => (verdict.into(), None),
            (0, None) => {
                return Some(Event::ActionsSettled {
                    failed: Vec::new(),
                    count: 0,
                });
            }
            (way, _) => (Occasion::Fallback, Some(way - 1)),
        };
        let start = Instant::now();
        loop {
            let settled = self.settled.notified();
            self.store.caught_up().await;
            match self.store.effects_of(record.id).await {
                Ok(effects) => {
                    let actions: Vec<_> = effects
                        .iter()
                        .filter(|effect| effect.target.is_action_of(occasion, place))
                        .collect();
                    let open = actions.iter().any(|effect| {
                        let waits = effect.state == EffectState::Pending
                            && start.elapsed() < longest(effect);
                        // A change of the database that is on its way is never left alone.
                        let is_guarded = !rollback || record.state.undoing;
                        waits || is_guarded && effect.is_on_its_way()
                    });
                    if !open {
                        let given_up = actions
                            .iter()
                            .filter(|effect| effect.state != EffectState::Delivered);
                        let failed = given_up
                            .map(|effect| {
                                format!(
                                    "{}: {}",
                                    effect.target.to_string().trim_start_matches("action:"),
                                    effect.came_to()
                                )
                            })
                            .collect();
                        return Some(Event::ActionsSettled {
                            failed,
                            count: actions.len(),
                        });
                    }
                }
                Err(fault) => {
                    tracing::error!(id = record.id, %fault, "The outbox cannot be read; trying again");
                }
            }
            if self.stopping.load(Relaxed) {
                return None;
            }
            tokio::select! {
                biased;
                () = settled => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    pub(super) async fn prove(&self, record: &Record, handle: &Handle) -> Option<Event> {
        let project = self.current.get();
        let Some((gate, environment)) = find(&project, record) else {
            return Some(Event::ProofEnded {
                proven: false,
                reasons: vec![format!(
                    "the gate is no longer configured for {}",
                    record.environment
                )],
            });
        };
        // Every way of rolling back has its own time for the proof, from its actions on.
        let passed = now_ms() - record.state.entered_ms;
        let left = gate.prove.converge.timeout.as_millis() as i64 - passed;
        let deadline = Instant::now() + Duration::from_millis(left.max(PROOF_LEAST_MS) as u64);
        let context = self.afterwards(&project, gate, environment, record, handle, deadline);
        let (proven, reasons, runs) = self.world.prove(&context, deadline.into_std()).await;
        if self.stopping.load(Relaxed) {
            return None;
        }
        self.keep_runs(record.id, "proof", runs, false).await;
        Some(Event::ProofEnded { proven, reasons })
    }
}
