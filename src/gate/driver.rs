//! Runs gates: starts, calls off and resumes them, and drives each from effect to effect.
//!
//! The only writer of gates. After a stop or a kill in the middle, [`Driver::resume`] goes on
//! where the last commit stands.

use super::announce;
use super::event::{Effect, Event};
use super::policy::begun;
use super::world::{RealWorld, World};
use crate::load::Control;
use crate::load::live::Live;
use crate::project::current::Current;
use crate::project::file::Project;
use crate::record::accepted::superseded_by;
use crate::record::gate::{Facts, Record};
use crate::record::note::NoteKind;
use crate::record::state::{Order, Phase, Position, Verdict};
use crate::store::{Store, StoreFault, insist};
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use crate::vu::guard::Seen;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Pause after the task of a gate died, before it goes on.
const DEATH_PAUSE: Duration = Duration::from_secs(1);

/// A gate whose task dies more often than this is ended, and people are told.
const DEATHS_MAX: u32 = 5;

/// Why a gate could not be started, cancelled or found.
#[derive(Debug)]
pub enum GateFault {
    /// There is no gate of this name or number.
    Unknown(String),
    /// It cannot be done now.
    Conflict(String),
    /// The facts are not usable.
    Invalid(String),
    /// The state cannot be read or written.
    Store(StoreFault),
}

impl fmt::Display for GateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GateFault::Unknown(text) | GateFault::Conflict(text) | GateFault::Invalid(text) => {
                f.write_str(text)
            }
            GateFault::Store(fault) => write!(f, "{fault}"),
        }
    }
}

impl From<StoreFault> for GateFault {
    fn from(fault: StoreFault) -> GateFault {
        GateFault::Store(fault)
    }
}

/// What ends the measuring of a gate from outside.
#[derive(Debug, Clone)]
pub(super) enum Outside {
    /// Somebody called it off.
    Cancel(String),
    /// Somebody ordered the rollback.
    RollBack(Order),
}

/// A gate that is being driven.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    gate: String,
    pub(super) control: Control,
    /// Of the proof: whoever ends the measuring must not end that.
    pub(super) proof: Control,
    pub(super) outside: Arc<Mutex<Option<Outside>>>,
    /// Woken when somebody adds a note.
    pub(super) noted: Arc<Notify>,
    /// Nothing: after the verdict nothing is measured but by a proof, which looks for itself.
    pub(super) seen: Arc<Seen>,
}

impl Handle {
    pub(super) fn take_outside(&self) -> Option<Outside> {
        self.outside
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

/// Runs gates.
#[derive(Debug)]
pub struct Driver {
    pub(super) store: Store,
    pub(super) current: Arc<Current>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) world: Arc<dyn World>,
    /// Woken when effects are committed.
    pub(super) outbox: Arc<Notify>,
    /// Woken when effects are settled.
    pub(super) settled: Arc<Notify>,
    running: Mutex<BTreeMap<i64, Handle>>,
    pub(super) live: Arc<Live>,
    pub(super) stopping: AtomicBool,
    /// Gates are started one after another, so that the newer one always supersedes the older.
    starting: tokio::sync::Mutex<()>,
    pub(super) supervisor: Arc<Supervisor>,
}

pub(super) use crate::clock::now_ms;

impl Driver {
    /// A driver on a store.
    pub fn new(
        store: Store,
        current: Arc<Current>,
        metrics: Arc<Metrics>,
        outbox: Arc<Notify>,
        settled: Arc<Notify>,
        supervisor: Arc<Supervisor>,
    ) -> Driver {
        Driver {
            store,
            current,
            metrics,
            world: Arc::new(RealWorld),
            outbox,
            settled,
            running: Mutex::new(BTreeMap::new()),
            live: Arc::default(),
            stopping: AtomicBool::new(false),
            starting: tokio::sync::Mutex::new(()),
            supervisor,
        }
    }

    /// The same driver in another world.
    pub fn with_world(self, world: Arc<dyn World>) -> Driver {
        Driver { world, ..self }
    }

    pub(super) fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, Handle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a gate. A gate of the same name that is still measuring is superseded; one that is
    /// rolling back must end first. The flag says whether it is new: a webhook that comes twice
    /// makes one gate, and so does a job that asks twice with the same facts
    /// before anything was measured.
    pub async fn start(
        self: &Arc<Self>,
        name: &str,
        facts: Facts,
        webhooks: Vec<String>,
    ) -> Result<(Record, bool), GateFault> {
        if facts.version.trim().is_empty() {
            return Err(GateFault::Invalid(
                "`version` is empty: say which version was deployed".to_owned(),
            ));
        }
        if !facts.break_glass.is_empty() && facts.actor.is_empty() {
            return Err(GateFault::Invalid(
                "who breaks the glass says so: `actor` is empty".to_owned(),
            ));
        }
        if let Some(name) = facts
            .skips
            .keys()
            .find(|name| facts.skips[*name].trim().is_empty())
        {
            return Err(GateFault::Invalid(format!(
                "who goes on without `{name}` says why: its reason is empty"
            )));
        }
        if !facts.skips.is_empty() && facts.skipped_by.is_empty() {
            return Err(GateFault::Invalid(
                "who goes on without a precondition says so: `actor` is empty".to_owned(),
            ));
        }
        self.enter(name, facts, webhooks, None).await
    }

    /// Every entrance leads through here: what strangers send is cleaned.
    pub(super) async fn enter(
        self: &Arc<Self>,
        name: &str,
        facts: Facts,
        webhooks: Vec<String>,
        order: Option<Order>,
    ) -> Result<(Record, bool), GateFault> {
        let facts = facts.cleaned();
        let project = self.current.get();
        let Some(gate) = project.file.gate(name) else {
            return Err(unknown(&project, name));
        };
        let skippable = |name: &&String| {
            let mut all = gate.preconditions.iter();
            !all.any(|one| one.name == **name && one.can_be_skipped)
        };
        if let Some(name) = facts.skips.keys().find(skippable) {
            return Err(GateFault::Invalid(format!(
                "`{name}` is no precondition of this gate that can be skipped"
            )));
        }
        let _one_by_one = self.starting.lock().await;
        let before = self.same_gate(name).await?;
        for record in &before {
            // One that was ordered to roll back has its verdict soon.
            if record.state.verdict == Some(Verdict::Rollback) || record.state.ordered.is_some() {
                return Err(GateFault::Conflict(format!(
                    "gate {} of `{name}` is rolling back; wait until it is done",
                    record.id
                )));
            }
            // What is only rehearsed ends nothing that counts.
            if facts.rehearsal && !record.facts.rehearsal {
                return Err(GateFault::Conflict(format!(
                    "gate {} of `{name}` is verifying a deploy; rehearse when it is done",
                    record.id
                )));
            }
        }
        if webhooks.is_empty() && order.is_none() {
            let same = before.iter().find(|open| {
                let begins = [Phase::Preflight, Phase::Preconditions, Phase::Converge]
                    .map(Position::Measuring);
                // Once something was measured, what is served may be another deploy of the version.
                open.facts == facts
                    && begins.contains(&open.state.position)
                    && self.goes_on(open.id)
            });
            if let Some(same) = same {
                // The same job asks again: what runs is what it asks for.
                return Ok((same.clone(), false));
            }
        }
        // Never merely the version before: only one that was proven good is worth going back to.
        let good = self.store.last_good(
            name.to_owned(),
            gate.environment.clone(),
            facts.version.clone(),
        );
        let named = order.as_ref().map(|order| order.to.clone());
        let rollback_to = match named.filter(|to| !to.is_empty()) {
            // Whoever orders it names it, and answers for it.
            Some(to) => Some(to),
            None => good.await?,
        };
        let migrated = match rollback_to.clone() {
            Some(target) => {
                let (gate, environment) = (name.to_owned(), gate.environment.clone());
                let since = self.store.migrated_since(gate, environment, target);
                since.await?
            }
            None => Vec::new(),
        };
        let now = now_ms();
        let mut record = begun(&project, gate, facts, rollback_to, now);
        record.state.migrated = migrated;
        record.state.ordered.clone_from(&order);
        let (record, new) = self.store.create_gate(record, webhooks, now).await?;
        if new {
            for old in before {
                // It may have ended in the meantime; then there is nothing to supersede.
                let _ = self.cancel(old.id, &superseded_by(record.id)).await;
            }
            let (id, version) = (record.id, &record.facts.version);
            tracing::info!(gate = name, id, version, "Gate started");
            self.drive(record.clone(), order.map(Event::RollbackOrdered));
        }
        Ok((record, new))
    }

    /// Whether a gate is driven, and nobody wants anything else of it.
    fn goes_on(&self, id: i64) -> bool {
        self.running().get(&id).is_some_and(|handle| {
            let wanted = handle.outside.lock();
            wanted.unwrap_or_else(PoisonError::into_inner).is_none()
        })
    }

    pub(super) async fn same_gate(&self, name: &str) -> Result<Vec<Record>, StoreFault> {
        self.store.caught_up().await;
        let open = self.store.open_gates().await?;
        Ok(open
            .into_iter()
            .filter(|record| record.gate == name)
            .collect())
    }

    /// Goes on with every gate that is not done; to be called before anything is delivered.
    pub async fn resume(self: &Arc<Self>) -> Result<usize, StoreFault> {
        self.store.note_cut_off(now_ms()).await?;
        let open = self.store.open_gates().await?;
        let count = open.len();
        let project = self.current.get();
        for (id, gate, fault) in self.store.unreadable_gates(false).await? {
            let told =
                announce::unreadable(id, project.file.gate(&gate), self.store.instance(), &fault);
            self.store.enqueue(told, now_ms()).await?;
        }
        for mut record in open {
            if record.services.is_empty()
                && let Some(gate) = project.file.gate(&record.gate)
            {
                // Records of before do not name them: kept with the next step.
                record.services.clone_from(&gate.services);
            }
            let (gate, id) = (&record.gate, record.id);
            tracing::warn!(gate, id, "Gate goes on after a stop in the middle");
            self.drive(record, Some(Event::Restarted));
        }
        Ok(count)
    }

    /// Stops measuring; gates stay where their last commit stands.
    pub fn stop(&self) {
        self.stopping.store(true, Relaxed);
        for handle in self.running().values() {
            handle.control.stop();
            handle.proof.stop();
            handle.noted.notify_one();
        }
    }

    /// Loads of gates that run now.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// How many gates are being driven.
    pub fn active(&self) -> usize {
        self.running().len()
    }

    fn drive(self: &Arc<Self>, record: Record, first: Option<Event>) {
        let handle = Handle {
            gate: record.gate.clone(),
            control: Control::new(),
            proof: Control::new(),
            outside: Arc::default(),
            noted: Arc::default(),
            seen: Arc::default(),
        };
        self.running().insert(record.id, handle.clone());
        self.metrics
            .gates_active(&record.gate, self.count(&record.gate));
        let driver = self.clone();
        tokio::spawn(async move {
            let (id, name) = (record.id, record.gate.clone());
            driver.drive_through(record, first, &handle).await;
            driver.running().remove(&id);
            driver.metrics.gates_active(&name, driver.count(&name));
            driver.settled.notify_waiters();
        });
    }

    fn count(&self, gate: &str) -> usize {
        self.running()
            .values()
            .filter(|handle| handle.gate == gate)
            .count()
    }

    /// What somebody wanted before the daemon was stopped, but what was not yet done.
    async fn left_over(&self, record: &Record) -> Result<Option<Event>, StoreFault> {
        if record.state.verdict.is_some() {
            return Ok(None);
        }
        if let Some(order) = &record.state.ordered {
            return Ok(Some(Event::RollbackOrdered(order.clone())));
        }
        let notes = self.store.notes_of(record.id).await?;
        if let Some(note) = notes
            .into_iter()
            .find(|note| note.kind == NoteKind::Rollback)
        {
            return Ok(Some(Event::RollbackOrdered(note.into())));
        }
        let by = self.store.cancel_requested(record.id).await?;
        Ok(by.map(|by| Event::Cancelled { by }))
    }

    /// Drives a gate to its end, whatever dies on the way: then it goes on from its last commit.
    async fn drive_through(
        self: &Arc<Self>,
        record: Record,
        first: Option<Event>,
        handle: &Handle,
    ) {
        let id = record.id;
        let (mut record, mut first) = (record, first);
        for death in 1_u32.. {
            let driving = self.drive_to_end(record, first, handle);
            if self.supervisor.caught("gate", driving).await.is_some() {
                return;
            }
            // So that what dies at once does not do so without a pause.
            tokio::time::sleep(DEATH_PAUSE * 2_u32.pow(death.min(5) - 1)).await;
            if self.stopping.load(Relaxed) {
                // It goes on from its last commit at the next start.
                return;
            }
            self.store.caught_up().await;
            match insist("a gate whose task died", || self.store.gate(id)).await {
                Ok(Some(committed)) => record = committed,
                Ok(None) => return,
                Err(fault) => {
                    tracing::error!(id, %fault, "A gate whose task died cannot be read");
                    return self.left_alone(id);
                }
            }
            first = Some(match death {
                ..=DEATHS_MAX => Event::Restarted,
                _ if death > 2 * DEATHS_MAX => return self.left_alone(id),
                // It would hold its services for ever.
                _ => Event::Faulted {
                    what: "its task died again and again".to_owned(),
                },
            });
        }
    }

    /// What dies even while it is ended is left until the next start.
    fn left_alone(&self, id: i64) {
        tracing::error!(
            id,
            "A gate whose task died does not go on before the next start"
        );
    }

    async fn drive_to_end(
        self: &Arc<Self>,
        mut record: Record,
        first: Option<Event>,
        handle: &Handle,
    ) {
        let mut effects: VecDeque<Effect> = VecDeque::new();
        let mut event = first;
        if event == Some(Event::Restarted) {
            let wanted = insist("what was wanted of a gate", || self.left_over(&record)).await;
            event = match wanted {
                Ok(wanted) => wanted.or(event),
                // It may have been an order to stop: nothing is promoted against one.
                Err(fault) => Some(Event::Cancelled {
                    by: format!("a restart, since it is not known what people wanted ({fault})"),
                }),
            };
        }
        if event.is_none()
            && let Position::Measuring(phase) = record.state.position
        {
            effects.push_back(Effect::Perform(phase));
        }
        loop {
            if let Some(event) = event.take() {
                effects.extend(self.advance(&mut record, &event).await);
            }
            let Some(effect) = effects.pop_front() else {
                return;
            };
            event = match effect {
                Effect::Perform(phase) => self.perform(&record, phase, handle).await,
                Effect::Lock => self.await_lock(&record, handle).await,
                Effect::AwaitConsent => self.await_consent(&record, handle).await,
                Effect::AwaitActions => self.await_actions(&record).await,
                Effect::Prove => self.prove(&record, handle).await,
                // Committed with the step that asked for them.
                Effect::Announce(_)
                | Effect::Order { .. }
                | Effect::OrderRemedy
                | Effect::OrderDown
                | Effect::AnnounceProof { .. }
                | Effect::AnnounceUndone
                | Effect::Ask => None,
            };
            if self.stopping.load(Relaxed) {
                return;
            }
        }
    }
}

/// There is no such gate.
pub(super) fn unknown(project: &Project, name: &str) -> GateFault {
    let gates = project.file.gates.iter();
    let known: Vec<&str> = gates.map(|gate| gate.name.as_str()).collect();
    let known = known.join(", ");
    GateFault::Unknown(format!("there is no gate `{name}`; known: {known}"))
}
