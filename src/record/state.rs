//! What a gate is at a moment, and what must hold of it: pure values.

use super::note::Note;
use crate::objective::Outcome;
use serde::{Deserialize, Serialize};

/// What a gate does to measure a deploy, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Secrets, windows, prerequisites, reachability.
    Preflight,
    /// What must hold before anything of the deploy is measured.
    Preconditions,
    /// The expected version is served.
    Converge,
    /// The version beside it can be measured.
    Baseline,
    /// Scenarios once each.
    Smoke,
    /// Scenarios under load.
    Load,
    /// Keep checking.
    Bake,
    /// People agree.
    Approval,
    /// The other one of a pair would be promoted, too.
    Pair,
}

impl Phase {
    /// All of them, in the order of a gate.
    pub const ALL: [Phase; 9] = [
        Phase::Preflight,
        Phase::Preconditions,
        Phase::Converge,
        Phase::Baseline,
        Phase::Smoke,
        Phase::Load,
        Phase::Bake,
        Phase::Approval,
        Phase::Pair,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Preflight => "preflight",
            Phase::Preconditions => "preconditions",
            Phase::Converge => "converge",
            Phase::Baseline => "baseline",
            Phase::Smoke => "smoke",
            Phase::Load => "load",
            Phase::Bake => "bake",
            Phase::Approval => "approval",
            Phase::Pair => "pair",
        }
    }

    /// Whether it waits for others, and looks at nothing of the product itself.
    pub fn waits(self) -> bool {
        matches!(self, Phase::Approval | Phase::Pair)
    }

    /// Whether it measures the product: only such a phase can justify a promotion.
    pub fn measures(self) -> bool {
        matches!(self, Phase::Smoke | Phase::Load | Phase::Bake)
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
    /// A way to mend it without another version was ordered, before anything is concluded.
    Remedying,
    /// The verdict is to roll back, which is unsafe alone: somebody must consent.
    Consenting,
    /// The verdict is reached; another gate still acts on the same services.
    Locking,
    /// Its actions are on their way.
    Acting,
    /// The rollback was ordered; it is being proven.
    Proving,
    /// Nothing is left to do.
    Done,
}

/// Somebody who answers for a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// A phase, or the name of a scenario.
    pub check: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when, in milliseconds since 1970.
    pub until_ms: i64,
}

impl Waiver {
    /// The phase that a text names and that cannot be waived: only what is measured can.
    pub fn unwaivable(check: &str) -> Option<Phase> {
        let name = check.strip_prefix("phase/").unwrap_or(check);
        let mut phases = Phase::ALL.into_iter();
        phases.find(|phase| phase.word() == name && !phase.measures())
    }

    /// Whether it is for a phase: `phase/NAME`, or its name alone where none of the scenarios that are
    /// planned has it.
    pub fn is_for_phase(&self, phase: Phase, planned: &[String]) -> bool {
        match self.check.strip_prefix("phase/") {
            Some(name) => name == phase.word(),
            None => self.check == phase.word() && !planned.contains(&self.check),
        }
    }

    /// What a waiver names that is for a precondition.
    pub fn of_precondition(name: &str) -> String {
        format!("precondition/{name}")
    }

    /// Whether it is for a scenario: `scenario/NAME`, or its name alone.
    pub fn is_for_scenario(&self, name: &str) -> bool {
        self.check.strip_prefix("scenario/").unwrap_or(&self.check) == name
    }
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
    /// Whether something in it was measured and held, whatever became of the rest.
    #[serde(default)]
    pub held: bool,
    /// Who answers for it, if it did not pass and the gate went on all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waived: Vec<Waiver>,
}

impl PhaseRecord {
    /// Its outcome as people read it: a waived failure is never called passed.
    pub fn word(&self) -> &'static str {
        if self.waived.is_empty() {
            self.outcome.word()
        } else {
            "waived"
        }
    }
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
    /// From what triggered the rollback to healthy, in milliseconds.
    pub healthy_ms: Option<i64>,
    /// Targets that it missed, in sentences: it is proven, and it was slow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
}

/// What was tried to mend a deploy without another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// The phase that failed before.
    pub phase: Phase,
    /// Why, in sentences.
    pub reasons: Vec<String>,
    /// When what failed was first seen, in milliseconds since 1970.
    pub failing_ms: i64,
    /// Whether it was ordered.
    pub ordered: bool,
    /// When its actions were settled, in milliseconds since 1970: the time for measuring again runs from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_ms: Option<i64>,
}

/// A consent to roll the application back though the database was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Whether the database is changed back first, by the actions that the gate declares.
    pub with_down: bool,
}

impl From<Note> for Consent {
    fn from(note: Note) -> Consent {
        Consent {
            by: note.by,
            reason: note.reason,
            with_down: note.check == Consent::WITH_DOWN,
        }
    }
}

impl Consent {
    /// What a note of a consent says where the database is changed back first.
    pub const WITH_DOWN: &str = "down";
}

/// An order of a person or of another gate to roll back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The gate that gives it, if no person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<i64>,
    /// The version to go back to, if the order names one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub to: String,
}

impl From<Note> for Order {
    fn from(note: Note) -> Order {
        Order {
            by: note.by,
            reason: note.reason,
            gate: note.gate,
            to: note.check,
        }
    }
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
    /// When it did so first, where it was cut off since and began again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_off_ms: Option<i64>,
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
    /// The phase that was performed once more, because it was inconclusive.
    #[serde(default)]
    pub extended: Option<Phase>,
    /// Who ordered the rollback, if not the measurements did.
    #[serde(default)]
    pub ordered: Option<Order>,
    /// Which way of rolling back is tried: 0 is the first, others are fallbacks.
    #[serde(default)]
    pub way: usize,
    /// What earlier ways came to.
    #[serde(default)]
    pub failed_ways: Vec<String>,
    /// Whether the environment does not let us act: what would have been done is only said.
    #[serde(default)]
    pub dry_run: bool,
    /// What stands for all that it has to measure, as it was when it started; empty if that is not
    /// known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub measures: String,
    /// Why the verdict was not carried out, if it was to be and was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<String>,
    /// Why nothing is promoted, however well everything else is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<String>,
    /// What was tried to mend it without another version, once at the most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
    /// What deploys between the version to go back to and this one changed the database to, where they
    /// said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub migrated: Vec<String>,
    /// Whether somebody has to consent before anything is rolled back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks_consent: bool,
    /// Who consented to a rollback that is unsafe alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
    /// Whether its actions now change the database back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undoing: bool,
    /// When what makes it roll back was first seen or ordered, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggered_ms: Option<i64>,
}

impl State {
    /// A new gate.
    pub fn new(first: Option<Phase>, now_ms: i64) -> State {
        State {
            position: first.map_or(Position::Done, Position::Measuring),
            started_ms: now_ms,
            entered_ms: now_ms,
            cut_off_ms: None,
            verdict: None,
            verdict_ms: None,
            reasons: Vec::new(),
            phases: Vec::new(),
            acted_ms: None,
            proof: None,
            restarts: 0,
            extended: None,
            ordered: None,
            way: 0,
            failed_ways: Vec::new(),
            dry_run: false,
            measures: String::new(),
            undone: None,
            remedy: None,
            migrated: Vec::new(),
            holds: Vec::new(),
            asks_consent: false,
            consent: None,
            undoing: false,
            triggered_ms: None,
        }
    }

    /// Whether nothing is left to do.
    pub fn is_done(&self) -> bool {
        self.position == Position::Done
    }

    /// Whether a phase let the gate go on.
    pub fn let_on(&self, phase: Phase) -> bool {
        self.phases.iter().any(|record| {
            record.phase == phase && (record.outcome == Outcome::Pass || !record.waived.is_empty())
        })
    }

    /// Whether the smoke passed on the version before in this very gate, so that its credentials are
    /// good: a deploy that refuses them then is to blame.
    pub fn proved_credentials(&self) -> bool {
        let mut records = self.phases.iter();
        records.any(|record| record.phase == Phase::Preflight && record.held)
    }

    /// Whether the product was measured and held.
    pub fn was_measured(&self) -> bool {
        self.phases.iter().any(|record| {
            record.phase.measures() && (record.outcome == Outcome::Pass || record.held)
        })
    }

    /// The invariants, given the phases that a promotion takes. `None` if they hold, else the one
    /// that does not.
    pub fn broken_invariant(&self, phases: &[Phase]) -> Option<&'static str> {
        let any = |outcome| {
            self.phases
                .iter()
                .any(|record| record.outcome == outcome && record.waived.is_empty())
        };
        match self.verdict {
            Some(Verdict::Promote) if !phases.iter().all(|phase| self.let_on(*phase)) => {
                Some("promoted without every phase passed or waived")
            }
            Some(Verdict::Promote) if any(Outcome::Fail) || any(Outcome::Inconclusive) => {
                Some("promoted after a phase that did not pass")
            }
            Some(Verdict::Promote) if !self.holds.is_empty() => {
                Some("promoted in spite of what holds it")
            }
            Some(Verdict::Promote) if !self.was_measured() => {
                Some("promoted though nothing was measured that held")
            }
            Some(Verdict::Rollback) if !any(Outcome::Fail) && self.ordered.is_none() => {
                Some("rolled back without a failure or an order")
            }
            None if !matches!(self.position, Position::Measuring(_) | Position::Remedying) => {
                Some("past the measuring without a verdict")
            }
            Some(_) if matches!(self.position, Position::Measuring(_) | Position::Remedying) => {
                Some("measuring after the verdict")
            }
            Some(Verdict::Promote | Verdict::Hold)
                if self.position == Position::Consenting || self.undoing =>
            {
                Some("a consent to what is no rollback")
            }
            Some(Verdict::Promote | Verdict::Hold) | None
                if self.proof.is_some() || self.position == Position::Proving =>
            {
                Some("a proof without a rollback")
            }
            Some(Verdict::Rollback) if self.is_done() && self.proof.is_none() && !self.dry_run => {
                Some("a rollback that ended without a proof, for or against")
            }
            _ => None,
        }
    }
}
