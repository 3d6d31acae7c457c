//! What any store must do, as use cases and not as tables: SQLite stands behind it, and whatever else
//! passes `tests/it/conformance.rs`.
//!
//! Does not know how anything is kept. Policy is not the store's own: what is withdrawn, what may be
//! forgotten and which version is good are functions of [`crate::record`], which a store applies
//! inside its transaction. Invariant: each use case is one transaction; it is done whole or not at
//! all, and has survived a crash of the machine when its answer comes.

use super::fault::StoreFault;
use crate::record::accepted::Wanted;
use crate::record::audit::Audited;
use crate::record::effect::{Effect, EffectState, NewEffect};
use crate::record::gate::Record;
use crate::record::note::Note;
use crate::record::run::RunRow;
use crate::run::Summary;
use crate::watch::heartbeat::Heartbeat;
use crate::watch::incident::Incident;
use crate::watch::result::{ProbeCommit, Remembered};
use crate::watch::rollup::Bucket;
use crate::watch::silence::Silence;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A handle to a store; clones share it.
#[derive(Debug, Clone)]
pub struct Store(Arc<dyn Contract>);

impl Store {
    /// A handle to this one.
    pub fn new(store: impl Contract + 'static) -> Store {
        Store(Arc::new(store))
    }
}

impl Deref for Store {
    type Target = dyn Contract;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// All that a store does.
#[async_trait]
pub trait Contract:
    Gates
    + Locks
    + Notes
    + Effects
    + Probes
    + Heartbeats
    + Incidents
    + Runs
    + Audit
    + Retention
    + fmt::Debug
{
    /// A name that no other state has: part of every idempotency key.
    fn instance(&self) -> &str;

    /// Waits until all that was asked to be written before has been, or has failed: what is read
    /// next is not behind it.
    async fn caught_up(&self);
}

/// What one step of a gate changes, committed as one.
#[derive(Debug, Clone)]
pub struct GateCommit {
    /// The record after the step.
    pub record: Record,
    /// The event, as people read it.
    pub event: String,
    /// Effects of the step.
    pub effects: Vec<NewEffect>,
}

/// Gates, their timeline, and what is wanted of them.
#[async_trait]
pub trait Gates: Send + Sync {
    /// Makes a gate, and calls those of the same name off that are not done; its id is given by
    /// the store. One of the ids of a webhook that was seen before makes none, and gives the gate
    /// that it made then. Ids that start with `body/` are remembered for longer.
    async fn create_gate(
        &self,
        new: Record,
        webhooks: Vec<String>,
        now_ms: i64,
    ) -> Result<(Record, bool), StoreFault>;

    /// Notes that a gate is to be called off, so that a kill does not forget it. False if it has
    /// its verdict by now.
    async fn request_cancel(&self, id: i64, by: String) -> Result<bool, StoreFault>;

    /// Who called a gate off, if anybody did.
    async fn cancel_requested(&self, id: i64) -> Result<Option<String>, StoreFault>;

    /// Commits a step of a gate: record, event and effects in one transaction.
    /// A first verdict is not committed if somebody was told before that another one comes: what
    /// they wanted comes back. Nor is the order to promote, if other gates have spoken since.
    async fn commit_gate(
        &self,
        commit: GateCommit,
        now_ms: i64,
    ) -> Result<Option<Wanted>, StoreFault>;

    /// One gate.
    async fn gate(&self, id: i64) -> Result<Option<Record>, StoreFault>;

    /// The newest gates first.
    async fn gates(&self, limit: u32) -> Result<Vec<Record>, StoreFault>;

    /// The newest gate of each name.
    async fn newest_gates(&self) -> Result<Vec<Record>, StoreFault>;

    /// The newest gate of a name.
    async fn newest_gate(&self, gate: String) -> Result<Option<Record>, StoreFault>;

    /// Gates that are not done.
    async fn open_gates(&self) -> Result<Vec<Record>, StoreFault>;

    /// Gates that cannot be understood and are not done, and the newest of each name, if that is wanted: number, name, and
    /// why.
    async fn unreadable_gates(
        &self,
        newest_too: bool,
    ) -> Result<Vec<(i64, String, String)>, StoreFault>;

    /// Events of a gate: when, and what.
    async fn events_of(&self, id: i64) -> Result<Vec<(i64, String)>, StoreFault>;

    /// The last version that is good to go back to ([`crate::record::history::last_good`]), other than
    /// `not`.
    async fn last_good(
        &self,
        gate: String,
        environment: String,
        not: String,
    ) -> Result<Option<String>, StoreFault>;

    /// The newest gate of a name with this commit (or version, where no commit is known) that was
    /// updated since a moment.
    async fn gate_of(
        &self,
        gate: String,
        commit: String,
        version: String,
        since_ms: i64,
    ) -> Result<Option<Record>, StoreFault>;
}

/// Who acts on which services: at most one gate at a time, over restarts too.
#[async_trait]
pub trait Locks: Send + Sync {
    /// Takes all locks of these names for a gate, or none. Gives the gate that holds one of them,
    /// if another does. Taking them again is harmless.
    async fn lock(
        &self,
        names: Vec<String>,
        gate_id: i64,
        now_ms: i64,
    ) -> Result<Option<i64>, StoreFault>;
}

/// What people add to a gate while it runs, and versions that were seen.
#[async_trait]
pub trait Notes: Send + Sync {
    /// Adds a note to a gate that has no verdict yet, and a line to its timeline; a consent to one that
    /// waits for it. False if it came too late.
    async fn add_note(
        &self,
        gate_id: i64,
        note: Note,
        line: String,
        now_ms: i64,
    ) -> Result<bool, StoreFault>;

    /// The notes of a gate, in order.
    async fn notes_of(&self, gate_id: i64) -> Result<Vec<Note>, StoreFault>;

    /// What people attested to gates of a name since a moment, in order: to which, and when.
    async fn attested(
        &self,
        gate: String,
        since_ms: i64,
    ) -> Result<Vec<(i64, i64, Note)>, StoreFault>;

    /// Fingerprints of secrets at the newest promotion of another version by gates of a name in an
    /// environment that kept any, in order.
    async fn fingerprints(
        &self,
        gate: String,
        environment: String,
        version: String,
    ) -> Result<Vec<Note>, StoreFault>;

    /// What gates of a name changed the database to since a version was promoted, in order.
    async fn migrated_since(
        &self,
        gate: String,
        environment: String,
        target: String,
    ) -> Result<Vec<String>, StoreFault>;

    /// Whether a gate answers the questions of this rollout: it answers the first that asks, and no
    /// other.
    async fn answers_rollout(&self, gate_id: i64, rollout: String) -> Result<bool, StoreFault>;

    /// The version that a gate's services were seen to serve last.
    async fn sighting(&self, gate: String) -> Result<Option<String>, StoreFault>;

    /// Notes a version that is served.
    async fn saw(&self, gate: String, version: String, now_ms: i64) -> Result<(), StoreFault>;
}

/// The outbox: committed effects that are not yet, or no longer, on their way.
#[async_trait]
pub trait Effects: Send + Sync {
    /// Adds effects on their own.
    async fn enqueue(&self, effects: Vec<NewEffect>, now_ms: i64) -> Result<(), StoreFault>;

    /// Pending effects for others that are due, whose predecessors are settled; actions first, and some for
    /// each target but those that are `away`. A moment that is further away than any pause was set by a
    /// clock that has jumped since: it is due.
    async fn due(&self, now_ms: i64, away: Vec<String>) -> Result<Vec<Effect>, StoreFault>;

    /// Pending orders to gates that are rolled back together with another.
    async fn partner_orders(&self) -> Result<Vec<Effect>, StoreFault>;

    /// When the next pending effect for others is due, and how many are pending.
    async fn pending(&self) -> Result<(Option<i64>, i64), StoreFault>;

    /// Claims an attempt, before it is made. Only one who knows the row as it is now gets it, so a
    /// row that was settled meanwhile is never carried out again.
    async fn claim_attempt(&self, id: i64, attempts: u32) -> Result<bool, StoreFault>;

    /// Settles an effect, or sets its next attempt.
    async fn attempt_ended(
        &self,
        id: i64,
        state: EffectState,
        next_ms: i64,
        now_ms: i64,
        result: String,
    ) -> Result<(), StoreFault>;

    /// Notes that attempts of a process before this one are on their way no more: to be called
    /// before anything is claimed or withdrawn.
    async fn note_cut_off(&self, now_ms: i64) -> Result<(), StoreFault>;

    /// The effects of a gate, in order.
    async fn effects_of(&self, gate_id: i64) -> Result<Vec<Effect>, StoreFault>;

    /// What was told of an incident, in order.
    async fn effects_of_incident(&self, id: i64) -> Result<Vec<Effect>, StoreFault>;

    /// An effect by its key.
    async fn effect(&self, key: String) -> Result<Option<Effect>, StoreFault>;
}

/// Lengths of the stretches of time that history is rolled up in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// Kept for days.
    Minute,
    /// Kept for years.
    Hour,
    /// A day of UTC, kept as long.
    Day,
}

impl Stretch {
    /// How long one is.
    pub fn seconds(self) -> i64 {
        match self {
            Stretch::Minute => 60,
            Stretch::Hour => 3_600,
            Stretch::Day => 86_400,
        }
    }
}

/// States of probes, their results for some time, and their history in rolled-up form.
#[async_trait]
pub trait Probes: Send + Sync {
    /// Commits results with the states after them.
    async fn commit_probes(&self, commits: Vec<ProbeCommit>) -> Result<(), StoreFault>;

    /// What is known of probes, with so many of their newest results at the most.
    async fn remembered(
        &self,
        probes: Vec<String>,
        each: usize,
    ) -> Result<BTreeMap<String, Remembered>, StoreFault>;

    /// Adds results that came since the last time to the history, a bounded number at once, each exactly
    /// once whatever dies in between. How many there were.
    async fn roll_up(&self) -> Result<usize, StoreFault>;

    /// The history of a probe since a moment: when each stretch began, in seconds since 1970.
    async fn history(
        &self,
        probe: String,
        span: Stretch,
        from_s: i64,
    ) -> Result<Vec<(i64, Bucket)>, StoreFault>;
}

/// Jobs that report.
#[async_trait]
pub trait Heartbeats: Send + Sync {
    /// Commits what is known of a job.
    async fn commit_heartbeat(&self, name: String, job: Heartbeat) -> Result<(), StoreFault>;

    /// What is known of all jobs, by name.
    async fn heartbeats(&self) -> Result<BTreeMap<String, Heartbeat>, StoreFault>;
}

/// Incidents, and silences.
#[async_trait]
pub trait Incidents: Send + Sync {
    /// Commits incidents as they are now, with what is told of them.
    async fn commit_incidents(
        &self,
        incidents: Vec<Incident>,
        effects: Vec<NewEffect>,
        now_ms: i64,
    ) -> Result<(), StoreFault>;

    /// Incidents that are open, and the number of the next one.
    async fn open_incidents(&self) -> Result<(Vec<Incident>, i64), StoreFault>;

    /// The newest incidents first.
    async fn incidents(&self, limit: u32) -> Result<Vec<Incident>, StoreFault>;

    /// One incident.
    async fn incident(&self, id: i64) -> Result<Option<Incident>, StoreFault>;

    /// Adds a silence, which gets its number.
    async fn add_silence(&self, silence: Silence) -> Result<Silence, StoreFault>;

    /// Ends a silence now. False if there is none in force.
    async fn end_silence(&self, id: i64, now_ms: i64) -> Result<bool, StoreFault>;

    /// Silences that are in force or to come.
    async fn silences(&self, now_ms: i64) -> Result<Vec<Silence>, StoreFault>;
}

/// A line of a gate's timeline, among those of all gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The gate's number.
    pub gate_id: i64,
    /// Its name.
    pub gate: String,
    /// What.
    pub event: String,
}

/// Who asked for what, and what happened.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Keeps an order.
    async fn add_order(&self, order: Audited) -> Result<(), StoreFault>;

    /// The newest orders first.
    async fn orders(&self, limit: u32) -> Result<Vec<Audited>, StoreFault>;

    /// The newest lines of all gates' timelines first.
    async fn happened(&self, limit: u32) -> Result<Vec<Happened>, StoreFault>;
}

/// Removes what has been kept long enough, a little at a time.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Removes results of probes that are older and in the history by now.
    async fn prune_probe_results(&self, before_ms: i64) -> Result<usize, StoreFault>;

    /// Removes stretches of history that are older.
    async fn prune_history(&self, span: Stretch, before_s: i64) -> Result<usize, StoreFault>;

    /// Removes incidents that ended before, and silences.
    async fn prune_incidents(&self, before_ms: i64) -> Result<usize, StoreFault>;

    /// Removes evidence of runs and settled effects that are older.
    async fn prune_evidence(&self, before_ms: i64) -> Result<usize, StoreFault>;

    /// Removes orders that were given before.
    async fn prune_audit(&self, before_ms: i64) -> Result<usize, StoreFault>;

    /// Removes gates that ended before, with everything that is kept of them.
    async fn prune_gates(&self, before_ms: i64) -> Result<usize, StoreFault>;
}

/// The summary of each scenario that a gate performed, as evidence.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Keeps a run with its pictures. Of rounds (whatever is neither smoke nor proof) of the same scenario in the same
    /// environment that passed, those of the newest are kept, as many as the run says.
    async fn add_run(
        &self,
        gate_id: Option<i64>,
        phase: String,
        summary: Summary,
        now_ms: i64,
    ) -> Result<i64, StoreFault>;

    /// The newest runs first; of one gate, or of all.
    async fn runs(&self, gate_id: Option<i64>, limit: u32) -> Result<Vec<RunRow>, StoreFault>;

    /// The summary of a run, without the bytes of its pictures.
    async fn run(&self, id: i64) -> Result<Option<Summary>, StoreFault>;

    /// A picture of a run, by its digest.
    async fn picture(&self, sha256: String) -> Result<Option<Vec<u8>>, StoreFault>;
}
