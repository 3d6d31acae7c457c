//! The gate as a pure, total function: state × event → state + effects.
//!
//! Knows no clock, no network and no database. An event that does not fit the state changes
//! nothing. Invariants, checked after every step and by the tests:
//! - promote only if every phase of the policy ended with pass;
//! - rollback only if a phase ended with fail;
//! - a verdict never changes once it is reached;
//! - a proof exists only after a rollback.

use crate::objective::Outcome;
use serde::{Deserialize, Serialize};

/// What a gate does to measure a deploy, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Secrets, windows, reachability.
    Preflight,
    /// The expected version is served.
    Converge,
    /// Scenarios once each.
    Smoke,
    /// Scenarios under load.
    Load,
    /// Keep checking.
    Bake,
}

impl Phase {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Preflight => "preflight",
            Phase::Converge => "converge",
            Phase::Smoke => "smoke",
            Phase::Load => "load",
            Phase::Bake => "bake",
        }
    }
}

/// What a gate concludes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The deploy is good.
    Promote,
    /// The deploy is bad.
    Rollback,
    /// It could not be told.
    Hold,
}

impl Verdict {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Promote => "promote",
            Verdict::Rollback => "rollback",
            Verdict::Hold => "hold",
        }
    }
}

/// Where a gate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "at", content = "phase")]
pub enum Position {
    /// In a phase.
    Measuring(Phase),
    /// The verdict is reached; its actions are on their way.
    Acting,
    /// The rollback was ordered; it is being proven.
    Proving,
    /// Nothing is left to do.
    Done,
}

/// One phase that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// The phase.
    pub phase: Phase,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: i64,
}

/// How a proof ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Whether the rollback is proven.
    pub proven: bool,
    /// What was seen, in sentences.
    pub reasons: Vec<String>,
    /// From the verdict to the end of the rollback action, in milliseconds.
    pub action_ms: Option<i64>,
    /// From the verdict to healthy, in milliseconds.
    pub healthy_ms: Option<i64>,
}

/// The state of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Where it stands.
    pub position: Position,
    /// When it started, in milliseconds since 1970.
    pub started_ms: i64,
    /// When it entered its position.
    pub entered_ms: i64,
    /// The verdict, once reached.
    pub verdict: Option<Verdict>,
    /// When.
    pub verdict_ms: Option<i64>,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// Phases that ended.
    pub phases: Vec<PhaseRecord>,
    /// When the actions of a rollback were settled.
    pub acted_ms: Option<i64>,
    /// The proof of a rollback.
    pub proof: Option<Proof>,
    /// How often it went on after the daemon had been stopped in the middle.
    pub restarts: u32,
}

/// What a gate is to do, from its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The phases, in order; never empty.
    pub phases: Vec<Phase>,
}

/// What happens to a gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A phase ended.
    PhaseEnded {
        /// The phase.
        phase: Phase,
        /// Its outcome.
        outcome: Outcome,
        /// Why.
        reasons: Vec<String>,
    },
    /// Somebody called it off.
    Cancelled {
        /// Who, or what.
        by: String,
    },
    /// The time for reaching a verdict is over.
    BudgetExceeded,
    /// The daemon was stopped in the middle and is back.
    Restarted,
    /// The actions of the verdict are settled.
    ActionsSettled {
        /// Those that were given up.
        failed: Vec<String>,
        /// How many there were.
        count: usize,
    },
    /// The proof ended.
    ProofEnded {
        /// Whether the rollback is proven.
        proven: bool,
        /// What was seen.
        reasons: Vec<String>,
    },
}

/// What a step makes us do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Perform a phase.
    Perform(Phase),
    /// Tell the verdict: actions, statuses, channels.
    Announce(Verdict),
    /// Wait until the actions are settled.
    AwaitActions,
    /// Prove the rollback.
    Prove,
    /// Tell how the proof ended.
    AnnounceProof {
        /// Whether it is proven.
        proven: bool,
    },
    /// The version is proven good: remember it.
    RememberGood,
}

/// A gate that is restarted more often than this ends in hold.
const RESTARTS_MAX: u32 = 5;

impl State {
    /// A new gate.
    pub fn new(policy: &Policy, now_ms: i64) -> State {
        State {
            position: policy
                .phases
                .first()
                .map_or(Position::Done, |phase| Position::Measuring(*phase)),
            started_ms: now_ms,
            entered_ms: now_ms,
            verdict: None,
            verdict_ms: None,
            reasons: Vec::new(),
            phases: Vec::new(),
            acted_ms: None,
            proof: None,
            restarts: 0,
        }
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.position == Position::Done
    }

    /// The invariants. `None` if they hold, else the one that does not.
    pub fn broken_invariant(&self, policy: &Policy) -> Option<&'static str> {
        let passed = |phase: &Phase| {
            self.phases
                .iter()
                .any(|record| record.phase == *phase && record.outcome == Outcome::Pass)
        };
        let any = |outcome| self.phases.iter().any(|record| record.outcome == outcome);
        match self.verdict {
            Some(Verdict::Promote) if !policy.phases.iter().all(passed) => {
                Some("promoted without every phase passed")
            }
            Some(Verdict::Promote) if any(Outcome::Fail) || any(Outcome::Inconclusive) => {
                Some("promoted after a phase that did not pass")
            }
            Some(Verdict::Rollback) if !any(Outcome::Fail) => Some("rolled back without a failure"),
            None if matches!(
                self.position,
                Position::Acting | Position::Proving | Position::Done
            ) =>
            {
                Some("past the measuring without a verdict")
            }
            Some(_) if matches!(self.position, Position::Measuring(_)) => {
                Some("measuring after the verdict")
            }
            Some(Verdict::Promote | Verdict::Hold) | None
                if self.proof.is_some() || self.position == Position::Proving =>
            {
                Some("a proof without a rollback")
            }
            _ => None,
        }
    }

    fn conclude(&mut self, verdict: Verdict, reasons: Vec<String>, now_ms: i64) -> Vec<Effect> {
        self.verdict = Some(verdict);
        self.verdict_ms = Some(now_ms);
        self.reasons = reasons;
        self.enter(Position::Acting, now_ms);
        let mut effects = vec![Effect::Announce(verdict)];
        if verdict == Verdict::Promote {
            effects.push(Effect::RememberGood);
        }
        effects.push(Effect::AwaitActions);
        effects
    }

    fn enter(&mut self, position: Position, now_ms: i64) {
        self.position = position;
        self.entered_ms = now_ms;
    }

    fn end_proof(&mut self, proven: bool, reasons: Vec<String>, now_ms: i64) -> Vec<Effect> {
        let since = |moment: i64| self.verdict_ms.map(|verdict| moment - verdict);
        self.proof = Some(Proof {
            proven,
            reasons,
            action_ms: self.acted_ms.and_then(since),
            healthy_ms: if proven { since(now_ms) } else { None },
        });
        self.enter(Position::Done, now_ms);
        vec![Effect::AnnounceProof { proven }]
    }
}

/// One step. Total: every event is allowed in every state.
pub fn step(state: &State, event: &Event, policy: &Policy, now_ms: i64) -> (State, Vec<Effect>) {
    let mut next = state.clone();
    let effects = match (state.position, event) {
        (
            Position::Measuring(current),
            Event::PhaseEnded {
                phase,
                outcome,
                reasons,
            },
        ) if current == *phase => {
            next.phases.push(PhaseRecord {
                phase: *phase,
                outcome: *outcome,
                reasons: reasons.clone(),
                ended_ms: now_ms,
            });
            let at = policy.phases.iter().position(|known| known == phase);
            let following = at.and_then(|at| policy.phases.get(at + 1)).copied();
            let because = |reasons: &[String]| -> Vec<String> {
                let lead = format!(
                    "{} {}",
                    phase.word(),
                    if *outcome == Outcome::Fail {
                        "failed"
                    } else {
                        "was inconclusive"
                    }
                );
                if reasons.is_empty() {
                    vec![lead]
                } else {
                    reasons
                        .iter()
                        .map(|reason| format!("{lead}: {reason}"))
                        .collect()
                }
            };
            match (outcome, at, following) {
                (Outcome::Fail, ..) => next.conclude(Verdict::Rollback, because(reasons), now_ms),
                (Outcome::Inconclusive, ..) => {
                    next.conclude(Verdict::Hold, because(reasons), now_ms)
                }
                (Outcome::Pass, None, _) => next.conclude(
                    Verdict::Hold,
                    vec![format!(
                        "{} is no longer a phase of this gate",
                        phase.word()
                    )],
                    now_ms,
                ),
                (Outcome::Pass, Some(_), Some(following)) => {
                    next.enter(Position::Measuring(following), now_ms);
                    vec![Effect::Perform(following)]
                }
                (Outcome::Pass, Some(_), None) => conclude_passed(&mut next, policy, now_ms),
            }
        }
        (Position::Measuring(_), Event::Cancelled { by }) => {
            next.conclude(Verdict::Hold, vec![format!("cancelled by {by}")], now_ms)
        }
        (Position::Measuring(phase), Event::BudgetExceeded) => next.conclude(
            Verdict::Hold,
            vec![format!(
                "no verdict within the time budget; it ran out in {}",
                phase.word()
            )],
            now_ms,
        ),
        (Position::Measuring(phase), Event::Restarted) => {
            next.restarts += 1;
            if next.restarts > RESTARTS_MAX {
                next.conclude(
                    Verdict::Hold,
                    vec!["the daemon was restarted too often to measure anything".to_owned()],
                    now_ms,
                )
            } else {
                // A phase that was cut off has measured nothing: it starts again.
                next.entered_ms = now_ms;
                vec![Effect::Perform(phase)]
            }
        }
        (Position::Acting, Event::Restarted) => vec![Effect::AwaitActions],
        (Position::Proving, Event::Restarted) => vec![Effect::Prove],
        (Position::Acting, Event::ActionsSettled { failed, count }) => {
            next.acted_ms = Some(now_ms);
            if state.verdict != Some(Verdict::Rollback) {
                next.enter(Position::Done, now_ms);
                Vec::new()
            } else if *count > 0 && failed.len() == *count {
                let reasons = failed
                    .iter()
                    .map(|action| format!("the rollback action did not succeed: {action}"))
                    .collect();
                next.end_proof(false, reasons, now_ms)
            } else {
                next.enter(Position::Proving, now_ms);
                vec![Effect::Prove]
            }
        }
        (Position::Proving, Event::ProofEnded { proven, reasons }) => {
            next.end_proof(*proven, reasons.clone(), now_ms)
        }
        _ => Vec::new(),
    };
    debug_assert_eq!(next.broken_invariant(policy), None);
    (next, effects)
}

/// The last phase passed: promote, if all of them did. A configuration that was changed meanwhile
/// may have brought phases that were never performed.
fn conclude_passed(next: &mut State, policy: &Policy, now_ms: i64) -> Vec<Effect> {
    let missing: Vec<&str> = policy
        .phases
        .iter()
        .filter(|phase| {
            !next
                .phases
                .iter()
                .any(|record| record.phase == **phase && record.outcome == Outcome::Pass)
        })
        .map(|phase| phase.word())
        .collect();
    if !missing.is_empty() {
        return next.conclude(
            Verdict::Hold,
            vec![format!("never performed: {}", missing.join(", "))],
            now_ms,
        );
    }
    next.conclude(
        Verdict::Promote,
        vec!["every phase passed".to_owned()],
        now_ms,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Phase; 5] = [
        Phase::Preflight,
        Phase::Converge,
        Phase::Smoke,
        Phase::Load,
        Phase::Bake,
    ];

    fn event() -> impl Strategy<Value = Event> {
        let outcome = prop_oneof![
            Just(Outcome::Pass),
            Just(Outcome::Pass),
            Just(Outcome::Fail),
            Just(Outcome::Inconclusive)
        ];
        prop_oneof![
            8 => (0usize..5, outcome).prop_map(|(phase, outcome)| Event::PhaseEnded { phase: ALL[phase], outcome, reasons: vec![] }),
            1 => Just(Event::Cancelled { by: "a test".to_owned() }),
            1 => Just(Event::BudgetExceeded),
            2 => Just(Event::Restarted),
            2 => (0usize..3).prop_map(|failed| Event::ActionsSettled { failed: vec!["x".to_owned(); failed], count: 2 }),
            2 => any::<bool>().prop_map(|proven| Event::ProofEnded { proven, reasons: vec![] }),
        ]
    }

    proptest! {
        /// Whatever happens, in whatever order: the invariants hold and a verdict stays what it is.
        #[test]
        fn no_order_of_events_breaks_the_invariants(events in proptest::collection::vec(event(), 0..60), first in 1usize..32) {
            let policy = Policy { phases: ALL.iter().enumerate().filter(|(bit, _)| first & (1 << bit) != 0).map(|(_, phase)| *phase).collect() };
            let mut state = State::new(&policy, 0);
            for (at, event) in events.iter().enumerate() {
                let (next, effects) = step(&state, event, &policy, at as i64);
                prop_assert_eq!(next.broken_invariant(&policy), None);
                if let Some(verdict) = state.verdict {
                    prop_assert_eq!(next.verdict, Some(verdict));
                    let announced = effects.iter().any(|effect| matches!(effect, Effect::Announce(_)));
                    prop_assert!(!announced, "a verdict is announced once");
                }
                if state.is_done() {
                    prop_assert_eq!(&next, &state);
                }
                state = next;
            }
        }
    }

    fn told(story: &[Event]) -> State {
        let policy = Policy {
            phases: vec![Phase::Preflight, Phase::Smoke],
        };
        story.iter().fold(State::new(&policy, 0), |state, event| {
            step(&state, event, &policy, state.entered_ms + 10).0
        })
    }

    fn ended(phase: Phase, outcome: Outcome) -> Event {
        Event::PhaseEnded {
            phase,
            outcome,
            reasons: vec!["because".to_owned()],
        }
    }

    #[test]
    fn a_good_deploy_is_promoted_and_a_bad_one_rolled_back_and_proven() {
        let good = told(&[
            ended(Phase::Preflight, Outcome::Pass),
            ended(Phase::Smoke, Outcome::Pass),
            Event::ActionsSettled {
                failed: vec![],
                count: 0,
            },
        ]);
        assert_eq!(
            (good.verdict, good.position),
            (Some(Verdict::Promote), Position::Done)
        );
        let bad = told(&[
            ended(Phase::Preflight, Outcome::Pass),
            ended(Phase::Smoke, Outcome::Fail),
            Event::ActionsSettled {
                failed: vec![],
                count: 1,
            },
            Event::ProofEnded {
                proven: true,
                reasons: vec![],
            },
        ]);
        let proof = bad.proof.unwrap();
        assert_eq!(
            (proof.proven, proof.action_ms, proof.healthy_ms),
            (true, Some(10), Some(20))
        );
        assert_eq!(bad.reasons, ["smoke failed: because"]);
    }

    #[test]
    fn what_could_not_be_measured_holds() {
        assert_eq!(
            told(&[ended(Phase::Preflight, Outcome::Inconclusive)]).verdict,
            Some(Verdict::Hold)
        );
        assert_eq!(told(&[Event::BudgetExceeded]).verdict, Some(Verdict::Hold));
        assert_eq!(
            told(&vec![Event::Restarted; 6]).verdict,
            Some(Verdict::Hold)
        );
    }

    #[test]
    fn a_rollback_whose_every_action_failed_is_not_proven() {
        let state = told(&[
            ended(Phase::Preflight, Outcome::Pass),
            ended(Phase::Smoke, Outcome::Fail),
            Event::ActionsSettled {
                failed: vec!["exit 1".to_owned()],
                count: 1,
            },
        ]);
        assert!(state.proof.is_some_and(|proof| !proof.proven));
    }
}
