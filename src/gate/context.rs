//! What a phase may look at, and what it comes to.
//!
//! Invariant: a phase that could not be performed is inconclusive; it never passes.

use crate::environment::settings::Environment;
use crate::load::Control;
use crate::load::live::Live;
use crate::net::connect::Connector;
use crate::objective::Outcome;
use crate::project::file::Project;
use crate::project::gate::Gate;
use crate::record::gate::Record;
use crate::record::note::{Note, NoteKind};
use crate::record::state::Waiver;
use crate::run::Summary;
use crate::store::Store;
use crate::vu::guard::Seen;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How a phase ended.
#[derive(Debug)]
pub struct Ended {
    /// Its outcome.
    pub outcome: Outcome,
    /// Why.
    pub reasons: Vec<String>,
    /// The runs that it made, as evidence.
    pub runs: Vec<Summary>,
    /// Runs before those, which the load generator spoiled: kept, but nothing follows from them.
    pub spoiled: Vec<Summary>,
    /// Who answers for what was skipped in it.
    pub skipped: Vec<Waiver>,
    /// When what failed was first seen, in milliseconds since 1970, if that was not at its start.
    pub failing_ms: Option<i64>,
    /// Why nothing is promoted, however well everything else is: the gate goes on, since what is broken is
    /// rolled back all the same.
    pub holds: Option<String>,
    /// Whether more of the same evidence would probably settle it.
    pub is_open: bool,
    /// Whether it was, or may have been, another version that was measured: nobody can waive that.
    pub is_foreign: bool,
}

impl Ended {
    /// Without runs.
    pub fn new(outcome: Outcome, reason: impl Into<String>) -> Ended {
        Ended::because(outcome, vec![reason.into()])
    }

    /// With reasons, without runs.
    pub fn because(outcome: Outcome, reasons: Vec<String>) -> Ended {
        Ended {
            outcome,
            reasons,
            runs: Vec::new(),
            spoiled: Vec::new(),
            skipped: Vec::new(),
            failing_ms: None,
            holds: None,
            is_open: false,
            is_foreign: false,
        }
    }
}

/// Everything that a phase may look at.
#[derive(Debug, Clone, Copy)]
pub struct PhaseContext<'a> {
    /// The configuration.
    pub project: &'a Project,
    /// The gate's part of it.
    pub gate: &'a Gate,
    /// Its environment.
    pub environment: &'a Arc<Environment>,
    /// The gate.
    pub record: &'a Record,
    /// Told to stop.
    pub control: &'a Control,
    /// When the time of the phase is over.
    pub deadline: Instant,
    /// Where loads are entered while they run.
    pub live: &'a Arc<Live>,
    /// The environment beside it that serves the version before.
    pub baseline: Option<&'a Arc<Environment>>,
    /// Evidence of the same loads before an extension, by their scenarios.
    pub earlier: &'a BTreeMap<String, crate::objective::evidence::Evidence>,
    /// Earlier gates, approvals and waivers.
    pub store: &'a Store,
    /// Versions that measured replies showed.
    pub seen: &'a Arc<Seen>,
    /// Woken when somebody adds a note.
    pub noted: &'a Notify,
}

pub(super) fn connector(context: &PhaseContext<'_>) -> Result<Connector, String> {
    context.environment.connector(Duration::ZERO)
}

impl PhaseContext<'_> {
    /// Whether somebody answers for a scenario that fails: then the others are performed all the
    /// same. What becomes of the phase is decided with its end.
    pub async fn waives(&self, scenario: &str) -> bool {
        // Who cannot be read answers for nothing.
        let notes = self.store.notes_of(self.record.id).await;
        valid_waivers(self.gate, notes.unwrap_or_default())
            .iter()
            .any(|waiver| waiver.is_for_scenario(scenario))
    }
}

/// Waivers of the configuration and of people that have not run out.
pub(super) fn valid_waivers(gate: &Gate, notes: Vec<Note>) -> Vec<Waiver> {
    let noted = notes
        .into_iter()
        .filter(|note| note.kind == NoteKind::Waiver)
        .map(|note| Waiver {
            check: note.check,
            by: note.by,
            reason: note.reason,
            until_ms: note.until_ms,
        });
    let now = crate::clock::now_ms();
    let all = gate.waivers.iter().cloned().chain(noted);
    all.filter(|waiver| waiver.until_ms >= now).collect()
}
