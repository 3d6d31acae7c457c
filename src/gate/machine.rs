//! The gate as a pure, total function: state × event → state + effects.
//!
//! Knows no clock, no network and no database. An event that does not fit the state changes
//! nothing. What must hold of every state stands in [`State::broken_invariant`]; beside it:
//! - a verdict never changes once it is reached, and is announced once;
//! - actions are ordered only with the lock of their services, and each way of rolling back once;
//! - nothing but a measurement that failed, or an order with a name, rolls back;
//! - a remedy is tried once, and what it mended is measured afresh; what a consent is needed for happens
//!   by nothing else.

use super::event::{Effect, Event, Policy};
use super::proof::late;
use crate::objective::Outcome;
use crate::record::state::{Order, Phase, PhaseRecord, Position, Proof, State, Verdict};

/// A gate that is restarted more often than this ends in hold.
const RESTARTS_MAX: u32 = 5;

/// One step. Total: every event is allowed in every state.
pub fn step(state: &State, event: &Event, policy: &Policy, now_ms: i64) -> (State, Vec<Effect>) {
    if let Event::Faulted { what } = event
        && !state.is_done()
    {
        return contained(state, what, now_ms);
    }
    let mut next = state.clone();
    let mut stepper = Stepper {
        state: &mut next,
        policy,
        now_ms,
    };
    let effects = match state.position {
        Position::Measuring(phase) => stepper.measuring(phase, event),
        Position::Remedying => stepper.remedying(event),
        Position::Consenting => stepper.consenting(event),
        Position::Locking => stepper.locking(event),
        Position::Acting => stepper.acting(event),
        Position::Proving => stepper.proving(event),
        Position::Done => Vec::new(),
    };
    match next.broken_invariant(&promised(state, policy)) {
        None => (next, effects),
        Some(what) => {
            debug_assert!(false, "{what}: {state:?} after {event:?}");
            contained(state, what, now_ms)
        }
    }
}

/// What becomes of a gate whose next step would break an invariant: a fault of our own is never a
/// promotion nor a rollback. It ends in hold, and people are told; one that has its verdict keeps
/// it, and a rollback that cannot go on is not proven.
fn contained(before: &State, what: &str, now_ms: i64) -> (State, Vec<Effect>) {
    let reason = format!("a fault of Bellwether itself: {what}");
    let mut state = State {
        position: Position::Done,
        entered_ms: now_ms,
        ..before.clone()
    };
    state.reasons.push(reason.clone());
    let effects = match state.verdict {
        None => {
            state.verdict = Some(Verdict::Hold);
            state.verdict_ms = Some(now_ms);
            vec![Effect::Announce(Verdict::Hold)]
        }
        Some(Verdict::Rollback) if !state.dry_run => {
            state.proof.get_or_insert(Proof {
                proven: false,
                reasons: vec![reason],
                action_ms: None,
                healthy_ms: None,
                late: Vec::new(),
            });
            vec![Effect::AnnounceProof { proven: false }]
        }
        Some(Verdict::Promote) if !state.dry_run && before.undone.is_none() => {
            state.undone = Some(reason);
            vec![Effect::AnnounceUndone]
        }
        Some(_) => Vec::new(),
    };
    (state, effects)
}

/// The phases that a promotion takes. A configuration that is changed after the verdict changes
/// nothing in what was promised then.
fn promised(before: &State, policy: &Policy) -> Vec<Phase> {
    if before.verdict.is_some() {
        Vec::new()
    } else {
        policy.phases.clone()
    }
}

pub(super) struct Stepper<'a> {
    pub(super) state: &'a mut State,
    pub(super) policy: &'a Policy,
    pub(super) now_ms: i64,
}

impl Stepper<'_> {
    pub(super) fn enter(&mut self, position: Position) {
        self.state.position = position;
        self.state.entered_ms = self.now_ms;
        self.state.cut_off_ms = None;
    }

    fn measuring(&mut self, current: Phase, event: &Event) -> Vec<Effect> {
        match event {
            Event::PhaseEnded { phase, .. } if *phase == current => self.phase_ended(event),
            Event::Cancelled { by } => {
                self.conclude(Verdict::Hold, vec![format!("cancelled by {by}")])
            }
            Event::RollbackOrdered(order) => self.ordered(order),
            Event::BudgetExceeded if self.state.remedy.is_some() => {
                let word = current.word();
                self.not_mended(format!(
                    "measured again after the remedy, it did not come to an end within its time; it ran out in {word}"
                ))
            }
            Event::BudgetExceeded => {
                let reason = format!(
                    "no verdict within the time budget; it ran out in {}",
                    current.word()
                );
                self.conclude(Verdict::Hold, vec![reason])
            }
            Event::Restarted => {
                self.state.restarts += 1;
                if self.state.restarts > RESTARTS_MAX {
                    let reason =
                        "the daemon was restarted too often to measure anything".to_owned();
                    return self.conclude(Verdict::Hold, vec![reason]);
                }
                // A phase that was cut off has measured nothing: it starts again. What others counted meanwhile
                // was counted.
                let first = self.state.entered_ms;
                self.state.cut_off_ms.get_or_insert(first);
                self.state.entered_ms = self.now_ms;
                vec![Effect::Perform(current)]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn ordered(&mut self, order: &Order) -> Vec<Effect> {
        self.state.ordered = Some(order.clone());
        self.state.triggered_ms = Some(self.now_ms);
        let to = match order.to.as_str() {
            "" => String::new(),
            to => format!(" (back to `{to}`, which the order names)"),
        };
        let reason = format!("{} ordered it{to}: {}", order.by, order.reason);
        self.conclude(Verdict::Rollback, vec![reason])
    }

    fn phase_ended(&mut self, event: &Event) -> Vec<Effect> {
        let Event::PhaseEnded {
            phase,
            outcome,
            reasons,
            is_open,
            held,
            waived,
            failing_ms,
            holds,
        } = event
        else {
            return Vec::new();
        };
        if *outcome == Outcome::Inconclusive
            && *is_open
            && self.policy.extend
            && self.state.extended.is_none()
            && waived.is_empty()
        {
            self.state.extended = Some(*phase);
            self.state.entered_ms = self.now_ms;
            return vec![Effect::Perform(*phase)];
        }
        let waived = if *outcome == Outcome::Pass {
            Vec::new()
        } else {
            waived.clone()
        };
        let goes_on = *outcome == Outcome::Pass || !waived.is_empty();
        if *outcome == Outcome::Fail && !goes_on {
            let failing_ms = failing_ms.unwrap_or(self.state.entered_ms);
            if self.policy.has_remedy && self.policy.enforce && self.state.remedy.is_none() {
                return self.remedy(*phase, reasons, failing_ms);
            }
            let first = self.state.remedy.as_ref().map(|remedy| remedy.failing_ms);
            self.state.triggered_ms = Some(first.unwrap_or(failing_ms));
        }
        self.state.holds.extend(holds.clone());
        self.state.phases.push(PhaseRecord {
            phase: *phase,
            outcome: *outcome,
            reasons: reasons.clone(),
            ended_ms: self.now_ms,
            held: *held,
            waived,
        });
        if !goes_on {
            let (verdict, word) = match outcome {
                Outcome::Fail => (Verdict::Rollback, "failed"),
                _ => (Verdict::Hold, "was inconclusive"),
            };
            let mut all = because(*phase, word, reasons);
            if let Some(remedy) = &self.state.remedy {
                let before = because(remedy.phase, "failed", &remedy.reasons);
                all.push(format!(
                    "a remedy was tried after it failed before: {}",
                    before.join("; ")
                ));
            }
            return self.conclude(verdict, all);
        }
        let place = self.policy.phases.iter().position(|known| known == phase);
        match place.map(|place| self.policy.phases.get(place + 1)) {
            None => {
                let reason = format!("{} is no longer a phase of this gate", phase.word());
                self.conclude(Verdict::Hold, vec![reason])
            }
            // Nobody is asked for what will not be promoted.
            Some(Some(following)) if following.waits() && !self.state.holds.is_empty() => {
                self.conclude(Verdict::Hold, self.state.holds.clone())
            }
            Some(Some(following)) => {
                self.enter(Position::Measuring(*following));
                let asks = (*following == Phase::Approval).then_some(Effect::Ask);
                asks.into_iter()
                    .chain([Effect::Perform(*following)])
                    .collect()
            }
            Some(None) => self.conclude_passed(),
        }
    }

    pub(super) fn conclude(&mut self, verdict: Verdict, reasons: Vec<String>) -> Vec<Effect> {
        self.state.verdict = Some(verdict);
        self.state.verdict_ms = Some(self.now_ms);
        self.state.reasons = reasons;
        let mut effects = vec![Effect::Announce(verdict)];
        let acts = match verdict {
            Verdict::Promote => self.policy.acts_on_promote,
            Verdict::Hold => self.policy.acts_on_hold,
            Verdict::Rollback => {
                let changes_back = self.policy.asks_consent && self.policy.has_down;
                self.policy.ways > 0 || changes_back
            }
        };
        let is_rehearsed = self.policy.rehearses && verdict == Verdict::Rollback;
        if acts && !self.policy.enforce || is_rehearsed {
            self.state.dry_run = true;
            self.enter(Position::Done);
        } else if verdict == Verdict::Rollback && !self.policy.has_target {
            let reason =
                "there is nothing to roll back to: no other version was ever proven good here"
                    .to_owned();
            effects.extend(self.end_proof(false, vec![reason]));
        } else if verdict == Verdict::Rollback && self.policy.asks_consent {
            self.state.asks_consent = true;
            self.enter(Position::Consenting);
            effects.push(Effect::AwaitConsent);
        } else if acts {
            self.enter(Position::Locking);
            effects.push(Effect::Lock);
        } else if verdict == Verdict::Rollback {
            // Others roll back; we prove it.
            self.enter(Position::Proving);
            effects.push(Effect::Prove);
        } else {
            self.enter(Position::Done);
        }
        effects
    }

    fn locking(&mut self, event: &Event) -> Vec<Effect> {
        match (event, self.state.verdict) {
            (Event::Locked, Some(Verdict::Rollback)) if self.wants_down() => {
                self.state.undoing = true;
                self.enter(Position::Acting);
                vec![Effect::OrderDown, Effect::AwaitActions]
            }
            (Event::Locked, Some(verdict)) => {
                self.enter(Position::Acting);
                vec![
                    Effect::Order {
                        verdict,
                        way: self.state.way,
                    },
                    Effect::AwaitActions,
                ]
            }
            (Event::LockTimedOut { holder }, Some(Verdict::Rollback)) => {
                let reason =
                    format!("{holder} acts on the same services and did not come to an end");
                self.end_proof(false, vec![reason])
            }
            (Event::LockTimedOut { holder }, _) => self.end_undone(format!(
                "{holder} acts on the same services and did not come to an end"
            )),
            (Event::Overtaken { why }, Some(Verdict::Promote)) => self.end_undone(why.clone()),
            (Event::Restarted, _) => vec![Effect::Lock],
            _ => Vec::new(),
        }
    }

    fn acting(&mut self, event: &Event) -> Vec<Effect> {
        match event {
            Event::Restarted => vec![Effect::AwaitActions],
            Event::ActionsSettled { failed, count } if self.state.undoing => {
                self.state.undoing = false;
                if *count == 0 || !failed.is_empty() {
                    // The application before may not work on what is there now.
                    let mut reasons = vec![
                        "the database was not changed back, so the application was not rolled back"
                            .to_owned(),
                    ];
                    reasons.extend(failed.iter().cloned());
                    return self.end_proof(false, reasons);
                }
                if self.policy.ways == 0 {
                    self.enter(Position::Proving);
                    return vec![Effect::Prove];
                }
                self.enter(Position::Acting);
                let order = Effect::Order {
                    verdict: Verdict::Rollback,
                    way: self.state.way,
                };
                vec![order, Effect::AwaitActions]
            }
            Event::ActionsSettled { failed, count }
                if self.state.verdict != Some(Verdict::Rollback) =>
            {
                self.state.acted_ms = Some(self.now_ms);
                if *count == 0 {
                    // It was to act: a reload took its actions away.
                    let why = "its actions are no longer configured".to_owned();
                    return self.end_undone(why);
                }
                if failed.is_empty() {
                    self.enter(Position::Done);
                    return Vec::new();
                }
                self.end_undone(failed.join("; "))
            }
            Event::ActionsSettled { failed, count } => {
                self.state.acted_ms = Some(self.now_ms);
                if *count > 0 && failed.len() == *count {
                    let reasons = failed
                        .iter()
                        .map(|action| format!("the rollback action did not succeed: {action}"))
                        .collect();
                    return self.next_way(reasons);
                }
                self.enter(Position::Proving);
                vec![Effect::Prove]
            }
            _ => Vec::new(),
        }
    }

    fn proving(&mut self, event: &Event) -> Vec<Effect> {
        match event {
            Event::Restarted => {
                self.state.entered_ms = self.now_ms;
                vec![Effect::Prove]
            }
            Event::ProofEnded {
                proven: true,
                reasons,
            } => self.end_proof(true, reasons.clone()),
            Event::ProofEnded {
                proven: false,
                reasons,
            } => self.next_way(reasons.clone()),
            _ => Vec::new(),
        }
    }

    /// One way did not bring the old version back: the next one, each of them once.
    fn next_way(&mut self, reasons: Vec<String>) -> Vec<Effect> {
        if self.state.way + 1 >= self.policy.ways {
            return self.end_proof(false, reasons);
        }
        self.state.failed_ways.extend(reasons);
        self.state.way += 1;
        self.enter(Position::Acting);
        let order = Effect::Order {
            verdict: Verdict::Rollback,
            way: self.state.way,
        };
        vec![order, Effect::AwaitActions]
    }

    /// The verdict stands, and was not carried out: whoever relies on it is told.
    fn end_undone(&mut self, why: String) -> Vec<Effect> {
        self.state.undone = Some(why);
        self.enter(Position::Done);
        vec![Effect::AnnounceUndone]
    }

    pub(super) fn end_proof(&mut self, proven: bool, reasons: Vec<String>) -> Vec<Effect> {
        let since = |start: Option<i64>, moment: i64| start.map(|start| moment - start);
        let acted_ms = self.state.acted_ms;
        let action_ms = acted_ms.and_then(|acted| since(self.state.verdict_ms, acted));
        let triggered = self.state.triggered_ms.or(self.state.verdict_ms);
        let healthy_ms = since(triggered, self.now_ms).filter(|_| proven);
        let late = late(self.policy.targets, action_ms, healthy_ms);
        let mut all = Vec::new();
        if self.state.way > 0 {
            let word = if proven {
                "succeeded"
            } else {
                "did not succeed either"
            };
            all.push(format!(
                "fallback {} {word}, after: {}",
                self.state.way,
                self.state.failed_ways.join("; ")
            ));
        }
        all.extend(reasons);
        self.state.proof = Some(Proof {
            proven,
            reasons: all,
            action_ms,
            healthy_ms,
            late,
        });
        self.enter(Position::Done);
        vec![Effect::AnnounceProof { proven }]
    }
}

pub(super) fn because(phase: Phase, word: &str, reasons: &[String]) -> Vec<String> {
    let lead = match phase {
        // They are many, and each says itself what became of it.
        Phase::Preconditions => phase.word().to_owned(),
        phase => format!("{} {word}", phase.word()),
    };
    if reasons.is_empty() {
        return vec![lead];
    }
    reasons
        .iter()
        .map(|reason| format!("{lead}: {reason}"))
        .collect()
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
