//! What happens to a gate, and what a step of it makes us do: the words between the machine and those
//! who act.
//!
//! Values only. Does not know which event fits which state: that is the machine's.

use crate::objective::Outcome;
use crate::record::state::{Consent, Order, Phase, Verdict, Waiver};

/// What a gate is to do, from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// The phases, in order; never empty.
    pub phases: Vec<Phase>,
    /// Whether a phase that needs more evidence is performed once more.
    pub extend: bool,
    /// Whether there are actions after promote.
    pub acts_on_promote: bool,
    /// Whether there are actions after hold.
    pub acts_on_hold: bool,
    /// Ways to roll back: the first one and its fallbacks. None where others do it.
    pub ways: usize,
    /// Whether there are actions that may mend a failure.
    pub has_remedy: bool,
    /// Whether somebody must consent to a rollback.
    pub asks_consent: bool,
    /// Whether there are actions that change the database back.
    pub has_down: bool,
    /// Targets in milliseconds: of the action, and from the trigger to healthy.
    pub targets: Option<(i64, i64)>,
    /// Whether there is a version to go back to.
    pub has_target: bool,
    /// Whether the environment lets us act.
    pub enforce: bool,
    /// Whether it is only rehearsed: then nothing is rolled back, with actions or without.
    pub rehearses: bool,
    /// Whether what it has to measure is not what it was at its start.
    pub changed: bool,
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
        /// Whether more of the same evidence would probably settle it.
        is_open: bool,
        /// Whether something in it was measured and held.
        held: bool,
        /// Who answers for it, if it did not pass.
        waived: Vec<Waiver>,
        /// When what failed was first seen, in milliseconds since 1970, if that was not at its start.
        failing_ms: Option<i64>,
        /// Why nothing is promoted, however well everything else is.
        holds: Option<String>,
    },
    /// Somebody called it off.
    Cancelled {
        /// Who, or what.
        by: String,
    },
    /// A person, or a gate that belongs with this one, orders the rollback.
    RollbackOrdered(Order),
    /// The time for reaching a verdict is over, or that of the phase.
    BudgetExceeded,
    /// The daemon was stopped in the middle and is back.
    Restarted,
    /// It cannot go on: a fault of our own, and which.
    Faulted {
        /// In words.
        what: String,
    },
    /// Somebody consents to a rollback that is unsafe alone.
    Consented(Consent),
    /// Nobody did in time.
    ConsentTimedOut,
    /// Nobody else acts on the services.
    Locked,
    /// Somebody else acted on them for too long.
    LockTimedOut {
        /// Who.
        holder: String,
    },
    /// Other gates have spoken since the verdict, or another version is served than it is about.
    Overtaken {
        /// By what.
        why: String,
    },
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
    /// Tell those who must agree that they are waited for.
    Ask,
    /// Tell the verdict: statuses, channels.
    Announce(Verdict),
    /// Wait until nobody else acts on the services.
    Lock,
    /// Order the actions of the verdict; for a rollback, those of one way.
    Order {
        /// The verdict.
        verdict: Verdict,
        /// The way, 0 for the first.
        way: usize,
    },
    /// Order what may mend it without another version.
    OrderRemedy,
    /// Wait for somebody's consent.
    AwaitConsent,
    /// Order that the database is changed back.
    OrderDown,
    /// Wait until the actions are settled.
    AwaitActions,
    /// Prove the rollback.
    Prove,
    /// Tell how the proof ended.
    AnnounceProof {
        /// Whether it is proven.
        proven: bool,
    },
    /// Tell that the verdict was not carried out.
    AnnounceUndone,
}
