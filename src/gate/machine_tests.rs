//! Stories and random orders of events.

use super::*;
use crate::objective::Outcome;
use crate::record::state::{Consent, Order, Phase, Position, State, Verdict, Waiver};
use proptest::prelude::*;

fn waiver() -> Waiver {
    Waiver {
        check: "smoke".to_owned(),
        by: "a test".to_owned(),
        reason: "known".to_owned(),
        until_ms: 1,
    }
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        Just(Outcome::Pass),
        Just(Outcome::Pass),
        Just(Outcome::Fail),
        Just(Outcome::Inconclusive)
    ];
    prop_oneof![
        10 => (0usize..8, outcome, any::<bool>(), 0usize..6).prop_map(|(phase, outcome, is_open, waived)| Event::PhaseEnded {
            phase: Phase::ALL[phase], outcome, reasons: vec![], is_open, held: is_open, waived: if waived == 0 { vec![waiver()] } else { vec![] }, failing_ms: None, holds: None }),
        1 => Just(Event::Cancelled { by: "a test".to_owned() }),
        1 => Just(Event::RollbackOrdered(Order { by: "a test".to_owned(), reason: "why not".to_owned(), gate: None, to: String::new() })),
        1 => Just(Event::BudgetExceeded),
        2 => Just(Event::Restarted),
        3 => Just(Event::Locked),
        2 => any::<bool>().prop_map(|with_down| Event::Consented(Consent { by: "a test".to_owned(), reason: "seen".to_owned(), with_down })),
        1 => Just(Event::ConsentTimedOut),
        1 => Just(Event::LockTimedOut { holder: "gate 1".to_owned() }),
        3 => (0usize..3).prop_map(|failed| Event::ActionsSettled { failed: vec!["x".to_owned(); failed], count: 2 }),
        3 => any::<bool>().prop_map(|proven| Event::ProofEnded { proven, reasons: vec![] }),
    ]
}

prop_compose! {
    fn policy()(mask in 1usize..512, extend: bool, acts: bool, ways in 0usize..3, has_target: bool, enforce: bool, has_remedy: bool, asks_consent: bool) -> Policy {
        Policy {
            phases: Phase::ALL.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, phase)| *phase).collect(),
            extend, acts_on_promote: acts, acts_on_hold: acts, ways, has_target, enforce, has_remedy, asks_consent, has_down: acts, targets: None, changed: false, rehearses: false,
        }
    }
}

proptest! {
    /// Whatever happens, in whatever order: the invariants hold, a verdict stays what it is, and
    /// each way of rolling back is ordered once, with the lock, where the environment lets us act.
    #[test]
    fn no_order_of_events_breaks_the_invariants(policy in policy(), events in proptest::collection::vec(event(), 0..60)) {
        let mut state = State::new(policy.phases.first().copied(), 0);
        let mut ordered = Vec::new();
        let mut remedies = 0;
        for (at, event) in events.iter().enumerate() {
            let (next, effects) = step(&state, event, &policy, at as i64);
            let promised = if state.verdict.is_some() { Vec::new() } else { policy.phases.clone() };
            prop_assert_eq!(next.broken_invariant(&promised), None);
            if let Some(verdict) = state.verdict {
                prop_assert_eq!(next.verdict, Some(verdict));
                let announced = effects.iter().any(|effect| matches!(effect, Effect::Announce(_)));
                prop_assert!(!announced, "a verdict is announced once");
            }
            for effect in &effects {
                if let Effect::Order { way, .. } = effect {
                    prop_assert!(policy.enforce && !ordered.contains(way));
                    prop_assert!(!state.asks_consent || next.consent.is_some(), "nobody consented");
                    ordered.push(*way);
                }
                if *effect == Effect::OrderDown {
                    prop_assert!(next.consent.as_ref().is_some_and(|consent| consent.with_down));
                }
                remedies += usize::from(*effect == Effect::OrderRemedy);
            }
            if state.is_done() {
                prop_assert_eq!(&next, &state);
            }
            state = next;
        }
        prop_assert!(remedies <= 1);
    }
}

proptest! {
    /// A clock that jumps, forward or back, changes no verdict.
    #[test]
    fn a_clock_that_jumps_changes_no_verdict(policy in policy(), story in proptest::collection::vec((event(), -10_000_000_000_000i64..10_000_000_000_000), 0..40)) {
        let start = State::new(policy.phases.first().copied(), 0);
        let (mut steady, mut jumping) = (start.clone(), start);
        for (at, (event, jumped)) in story.iter().enumerate() {
            steady = step(&steady, event, &policy, at as i64).0;
            jumping = step(&jumping, event, &policy, *jumped).0;
        }
        prop_assert_eq!(steady.verdict, jumping.verdict);
        prop_assert_eq!(steady.position, jumping.position);
    }
}

fn policy_of(ways: usize) -> Policy {
    Policy {
        phases: vec![Phase::Preflight, Phase::Smoke],
        extend: true,
        ways,
        has_target: true,
        enforce: true,
        rehearses: false,
        ..Policy::default()
    }
}

fn told(policy: &Policy, story: &[Event]) -> State {
    let start = State::new(policy.phases.first().copied(), 0);
    story.iter().fold(start, |state, event| {
        step(&state, event, policy, state.entered_ms + 10).0
    })
}

fn ended(phase: Phase, outcome: Outcome) -> Event {
    Event::PhaseEnded {
        phase,
        outcome,
        reasons: vec!["because".to_owned()],
        is_open: false,
        held: false,
        waived: vec![],
        failing_ms: None,
        holds: None,
    }
}

fn settled(failed: usize) -> Event {
    Event::ActionsSettled {
        failed: vec!["exit 1".to_owned(); failed],
        count: 1,
    }
}

fn proof(proven: bool) -> Event {
    Event::ProofEnded {
        proven,
        reasons: vec![],
    }
}

#[test]
fn a_good_deploy_is_promoted_and_a_bad_one_rolled_back_and_proven() {
    let good = told(
        &policy_of(0),
        &[
            ended(Phase::Preflight, Outcome::Pass),
            ended(Phase::Smoke, Outcome::Pass),
        ],
    );
    assert_eq!(
        (good.verdict, good.position),
        (Some(Verdict::Promote), Position::Done)
    );
    let bad = told(
        &policy_of(1),
        &[
            ended(Phase::Preflight, Outcome::Pass),
            ended(Phase::Smoke, Outcome::Fail),
            Event::Locked,
            settled(0),
            proof(true),
        ],
    );
    let proof = bad.proof.unwrap();
    assert_eq!(
        (proof.proven, proof.action_ms, proof.healthy_ms),
        (true, Some(20), Some(40))
    );
    assert_eq!(bad.reasons, ["smoke failed: because"]);
}

#[test]
fn what_could_not_be_measured_holds() {
    let verdict = |story: &[Event]| told(&policy_of(1), story).verdict;
    assert_eq!(
        verdict(&[ended(Phase::Preflight, Outcome::Inconclusive)]),
        Some(Verdict::Hold)
    );
    assert_eq!(verdict(&[Event::BudgetExceeded]), Some(Verdict::Hold));
    assert_eq!(verdict(&vec![Event::Restarted; 6]), Some(Verdict::Hold));
}

#[test]
fn fallbacks_are_tried_in_order_and_then_people_are_called() {
    let failed = [
        ended(Phase::Preflight, Outcome::Pass),
        ended(Phase::Smoke, Outcome::Fail),
        Event::Locked,
        settled(1),
    ];
    let alone = told(&policy_of(1), &failed);
    assert!(alone.proof.is_some_and(|proof| !proof.proven));
    let mut story = failed.to_vec();
    story.extend([settled(0), proof(true)]);
    let helped = told(&policy_of(2), &story);
    let seen = helped.proof.unwrap();
    assert!(
        seen.proven && seen.reasons[0].contains("fallback 1 succeeded"),
        "{seen:?}"
    );
    story.pop();
    story.push(proof(false));
    assert!(
        told(&policy_of(2), &story)
            .proof
            .is_some_and(|proof| !proof.proven)
    );
}

#[test]
fn an_environment_that_does_not_enforce_is_left_alone() {
    let policy = Policy {
        enforce: false,
        ..policy_of(1)
    };
    let state = told(
        &policy,
        &[
            ended(Phase::Preflight, Outcome::Pass),
            ended(Phase::Smoke, Outcome::Fail),
        ],
    );
    assert_eq!(
        (state.verdict, state.position),
        (Some(Verdict::Rollback), Position::Done)
    );
    assert!(state.dry_run && state.proof.is_none());
}

#[test]
fn a_first_deploy_has_nothing_to_go_back_to() {
    let policy = Policy {
        has_target: false,
        ..policy_of(1)
    };
    let state = told(
        &policy,
        &[
            ended(Phase::Preflight, Outcome::Pass),
            ended(Phase::Smoke, Outcome::Fail),
        ],
    );
    assert!(
        state.proof.is_some_and(
            |proof| !proof.proven && proof.reasons[0].contains("nothing to roll back to")
        )
    );
}

#[test]
fn an_open_phase_is_performed_once_more_and_no_oftener() {
    let open = Event::PhaseEnded {
        phase: Phase::Smoke,
        outcome: Outcome::Inconclusive,
        reasons: vec![],
        is_open: true,
        held: false,
        waived: vec![],
        failing_ms: None,
        holds: None,
    };
    let once = told(
        &policy_of(1),
        &[ended(Phase::Preflight, Outcome::Pass), open.clone()],
    );
    assert_eq!((once.verdict, once.extended), (None, Some(Phase::Smoke)));
    let twice = told(
        &policy_of(1),
        &[ended(Phase::Preflight, Outcome::Pass), open.clone(), open],
    );
    assert_eq!(twice.verdict, Some(Verdict::Hold));
}

#[test]
fn a_waived_failure_goes_on_and_is_never_called_passed() {
    let policy = Policy {
        phases: vec![Phase::Smoke, Phase::Load],
        ..policy_of(1)
    };
    let waived = |phase| Event::PhaseEnded {
        phase,
        outcome: Outcome::Fail,
        reasons: vec![],
        is_open: false,
        held: false,
        waived: vec![waiver()],
        failing_ms: None,
        holds: None,
    };
    let state = told(
        &policy,
        &[waived(Phase::Smoke), ended(Phase::Load, Outcome::Pass)],
    );
    assert_eq!(state.verdict, Some(Verdict::Promote));
    assert_eq!(state.phases[0].word(), "waived");
    assert!(
        state
            .reasons
            .iter()
            .any(|reason| reason.contains("waived by a test: known"))
    );
    let nothing = told(&policy, &[waived(Phase::Smoke), waived(Phase::Load)]);
    assert_eq!(
        nothing.verdict,
        Some(Verdict::Hold),
        "nothing was measured that held"
    );
}

/// A fault of our own is contained in release builds, too: nothing is promoted on it.
#[test]
fn a_broken_invariant_is_a_hold_with_a_page() {
    let measuring = State::new(Some(Phase::Smoke), 0);
    let (state, effects) = contained(&measuring, "promoted out of nothing", 7);
    assert_eq!(state.verdict, Some(Verdict::Hold));
    assert_eq!(effects, [Effect::Announce(Verdict::Hold)]);
    assert_eq!(state.broken_invariant(&[]), None);
    let mut rolling_back = State::new(Some(Phase::Smoke), 0);
    rolling_back.ordered = Some(Order {
        by: "a test".to_owned(),
        reason: "why not".to_owned(),
        gate: None,
        to: String::new(),
    });
    rolling_back.verdict = Some(Verdict::Rollback);
    rolling_back.position = Position::Proving;
    let (state, effects) = contained(&rolling_back, "a proof out of nothing", 7);
    assert_eq!(
        state.verdict,
        Some(Verdict::Rollback),
        "a verdict never changes"
    );
    assert_eq!(effects, [Effect::AnnounceProof { proven: false }]);
    assert_eq!(state.broken_invariant(&[]), None);
}

/// A reload took the actions away: nobody has carried the promotion out.
#[test]
fn a_promotion_whose_actions_are_gone_is_not_carried_out() {
    let mut state = State::new(None, 0);
    state.position = Position::Acting;
    state.verdict = Some(Verdict::Promote);
    state.phases.push(PhaseRecord {
        phase: Phase::Smoke,
        outcome: Outcome::Pass,
        reasons: Vec::new(),
        ended_ms: 0,
        held: true,
        waived: Vec::new(),
    });
    let settled = |count| Event::ActionsSettled {
        failed: Vec::new(),
        count,
    };
    for (count, undone) in [(0, true), (1, false)] {
        let (next, effects) = step(&state, &settled(count), &policy_of(0), 1);
        assert_eq!((next.is_done(), next.undone.is_some()), (true, undone));
        assert_eq!(effects.contains(&Effect::AnnounceUndone), undone);
    }
}

#[test]
fn a_remedy_is_tried_once_and_what_still_fails_is_rolled_back() {
    let policy = Policy {
        has_remedy: true,
        ..policy_of(1)
    };
    let (fails, tried) = (ended(Phase::Smoke, Outcome::Fail), settled(0));
    let begun = [
        ended(Phase::Preflight, Outcome::Pass),
        fails.clone(),
        Event::Locked,
        tried,
    ];
    let mended = [&begun[..], &[ended(Phase::Smoke, Outcome::Pass)]].concat();
    let held = Event::PhaseEnded {
        phase: Phase::Smoke,
        outcome: Outcome::Pass,
        reasons: Vec::new(),
        is_open: false,
        held: true,
        waived: Vec::new(),
        failing_ms: None,
        holds: None,
    };
    let state = told(&policy, &[&begun[..], &[held]].concat());
    assert_eq!(state.verdict, Some(Verdict::Promote));
    assert!(
        state
            .reasons
            .join(" ")
            .contains("it needed a remedy first: smoke failed")
    );
    assert_eq!(told(&policy, &mended).verdict, Some(Verdict::Promote));
    let still = told(
        &policy,
        &[&begun[..], std::slice::from_ref(&fails)].concat(),
    );
    assert_eq!(still.verdict, Some(Verdict::Rollback));
    assert!(still.reasons.join(" ").contains("a remedy was tried"));
    // What could not be tried mends nothing, and the clock runs from the first failure.
    let untried = told(
        &policy,
        &[
            &begun[..3],
            &[settled(1), Event::Locked, settled(0), proof(true)],
        ]
        .concat(),
    );
    assert_eq!(untried.verdict, Some(Verdict::Rollback));
    assert!(
        untried
            .reasons
            .join(" ")
            .contains("the remedy could not be tried")
    );
    let proof = untried.proof.unwrap();
    assert_eq!((proof.action_ms, proof.healthy_ms), (Some(20), Some(50)));
}

#[test]
fn what_a_database_was_changed_for_is_rolled_back_by_consent_alone() {
    let policy = Policy {
        asks_consent: true,
        targets: Some((5, 15)),
        ..policy_of(1)
    };
    let failed = [
        ended(Phase::Preflight, Outcome::Pass),
        ended(Phase::Smoke, Outcome::Fail),
    ];
    let waits = told(&policy, &failed);
    assert_eq!(waits.position, Position::Consenting);
    let unasked = [&failed[..], &[Event::Locked, settled(0), proof(true)]].concat();
    assert_eq!(told(&policy, &unasked).position, Position::Consenting);
    let late = told(&policy, &[&failed[..], &[Event::ConsentTimedOut]].concat());
    assert!(late.is_done() && !late.proof.unwrap().proven);
    let consent = |with_down| {
        Event::Consented(Consent {
            by: "jane".to_owned(),
            reason: "the column is unused".to_owned(),
            with_down,
        })
    };
    let rest = [Event::Locked, settled(0), proof(true)];
    let alone = told(&policy, &[&failed[..], &[consent(false)], &rest].concat());
    let proof_of_it = alone.proof.unwrap();
    assert!(proof_of_it.proven);
    assert_eq!(proof_of_it.late.len(), 2, "{:?}", proof_of_it.late);
    // The database first, and the application only if that succeeded.
    let down = [
        consent(true),
        Event::Locked,
        settled(0),
        settled(0),
        proof(true),
    ];
    assert!(
        told(&policy, &[&failed[..], &down].concat())
            .proof
            .unwrap()
            .proven
    );
    let broken = [consent(true), Event::Locked, settled(1)];
    let state = told(&policy, &[&failed[..], &broken].concat());
    let reasons = state.proof.unwrap().reasons.join(" ");
    assert!(
        reasons.contains("the application was not rolled back"),
        "{reasons}"
    );
}

#[test]
fn what_holds_a_gate_hides_no_failure_and_asks_nobody() {
    let policy = Policy {
        phases: vec![Phase::Converge, Phase::Smoke, Phase::Approval],
        ..policy_of(1)
    };
    let mut down = ended(Phase::Converge, Outcome::Pass);
    if let Event::PhaseEnded { holds, .. } = &mut down {
        *holds = Some("it was down".to_owned());
    }
    let state = told(&policy, &[down.clone(), ended(Phase::Smoke, Outcome::Pass)]);
    assert_eq!(state.verdict, Some(Verdict::Hold));
    assert_eq!(state.reasons, ["it was down"]);
    let state = told(&policy, &[down, ended(Phase::Smoke, Outcome::Fail)]);
    assert_eq!(state.verdict, Some(Verdict::Rollback));
}
