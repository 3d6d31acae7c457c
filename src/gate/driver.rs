//! Runs gates: performs what the machine asks for, commits every step before anything leaves.
//!
//! The only writer of gates. After a stop or a kill in the middle, [`Driver::resume`] goes on
//! where the last commit stands.

use super::announce;
use super::machine::{Effect, Event, Phase, Policy, Position, State, step};
use super::phases::{self, Ended, Ground};
use super::record::{Facts, LastGood, Record};
use crate::config::file::Gate;
use crate::config::load::Project;
use crate::load::live::Live;
use crate::load::{Control, Tick};
use crate::objective::Outcome;
use crate::scenario::Plan;
use crate::store::gates::{GateCommit, superseded_by};
use crate::store::{Store, StoreFault};
use crate::telemetry::metrics::Metrics;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The configuration that is in force.
#[derive(Debug)]
pub struct Current(RwLock<Arc<Project>>);

impl Current {
    /// Starts with a configuration.
    pub fn new(project: Project) -> Current {
        Current(RwLock::new(Arc::new(project)))
    }

    /// The one in force now.
    pub fn get(&self) -> Arc<Project> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts another one in force.
    pub fn set(&self, project: Project) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(project);
    }
}

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

/// A gate that is being driven.
#[derive(Debug, Clone)]
struct Handle {
    gate: String,
    control: Control,
    cancelled_by: Arc<Mutex<Option<String>>>,
}

/// Runs gates.
#[derive(Debug)]
pub struct Driver {
    store: Store,
    current: Arc<Current>,
    metrics: Arc<Metrics>,
    /// Woken when effects are committed.
    outbox: Arc<Notify>,
    /// Woken when effects are settled.
    settled: Arc<Notify>,
    running: Mutex<BTreeMap<i64, Handle>>,
    live: Arc<Live>,
    stopping: AtomicBool,
    /// Gates are started one after another, so that the newer one always supersedes the older.
    starting: tokio::sync::Mutex<()>,
}

/// Signals of a promote or a hold are waited for this long; the outbox goes on after that.
const SIGNALS_WAIT: Duration = Duration::from_secs(60);
/// Time for teardown once the budget of a gate is spent.
const CLEAN_UP_WITHIN: Duration = Duration::from_secs(30);
/// Pause after a commit that failed.
const COMMIT_PAUSE: Duration = Duration::from_secs(2);

/// The phases of a gate, from its configuration.
pub fn policy(gate: &Gate) -> Policy {
    let mut phases = vec![Phase::Preflight];
    for (phase, present) in [
        (Phase::Converge, !gate.services.is_empty()),
        (Phase::Smoke, !gate.smoke.is_empty()),
        (Phase::Load, !gate.load.is_empty()),
        (Phase::Bake, gate.bake.is_some()),
    ] {
        if present {
            phases.push(phase);
        }
    }
    Policy { phases }
}

fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

impl Driver {
    /// A driver on a store.
    pub fn new(
        store: Store,
        current: Arc<Current>,
        metrics: Arc<Metrics>,
        outbox: Arc<Notify>,
        settled: Arc<Notify>,
    ) -> Driver {
        Driver {
            store,
            current,
            metrics,
            outbox,
            settled,
            running: Mutex::new(BTreeMap::new()),
            live: Arc::default(),
            stopping: AtomicBool::new(false),
            starting: tokio::sync::Mutex::new(()),
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, BTreeMap<i64, Handle>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a gate. A gate of the same name that is still measuring is superseded; one that is
    /// rolling back must end first. The flag says whether it is new: a webhook that comes twice
    /// makes one gate.
    pub async fn start(
        self: &Arc<Self>,
        name: &str,
        facts: Facts,
        webhook: Option<String>,
    ) -> Result<(Record, bool), GateFault> {
        let project = self.current.get();
        let Some(gate) = project.file.gates.iter().find(|gate| gate.name == name) else {
            let known: Vec<&str> = project
                .file
                .gates
                .iter()
                .map(|gate| gate.name.as_str())
                .collect();
            return Err(GateFault::Unknown(format!(
                "there is no gate `{name}`; known: {}",
                known.join(", ")
            )));
        };
        if facts.version.trim().is_empty() {
            return Err(GateFault::Invalid(
                "`version` is empty: say which version was deployed".to_owned(),
            ));
        }
        let _one_by_one = self.starting.lock().await;
        let before = self.same_gate(name).await?;
        for record in &before {
            if matches!(record.state.position, Position::Proving)
                || record.state.verdict == Some(super::machine::Verdict::Rollback)
            {
                return Err(GateFault::Conflict(format!(
                    "gate {} of `{name}` is rolling back; wait until it is done",
                    record.id
                )));
            }
        }
        let good = self
            .store
            .last_good(name.to_owned(), gate.environment.clone())
            .await?;
        let rollback_to = good
            .map(|good| good.version)
            .filter(|version| *version != facts.version)
            .or_else(|| Some(facts.previous_version.clone()).filter(|version| !version.is_empty()));
        let now = now_ms();
        let record = Record {
            id: 0,
            gate: name.to_owned(),
            environment: gate.environment.clone(),
            facts,
            rollback_to,
            state: State::new(&policy(gate), now),
        };
        let (record, new) = self.store.create_gate(record, webhook, now).await?;
        if new {
            for old in before {
                // It may have ended in the meantime; then there is nothing to supersede.
                let _ = self.cancel(old.id, &superseded_by(record.id)).await;
            }
            tracing::info!(
                gate = name,
                id = record.id,
                version = record.facts.version,
                "Gate started"
            );
            self.drive(record.clone(), false);
        }
        Ok((record, new))
    }

    async fn same_gate(&self, name: &str) -> Result<Vec<Record>, StoreFault> {
        let open = self.store.open_gates().await?;
        Ok(open
            .into_iter()
            .filter(|record| record.gate == name)
            .collect())
    }

    /// Calls a gate off; it ends in hold. A gate with a verdict cannot be called off.
    pub async fn cancel(&self, id: i64, by: &str) -> Result<(), GateFault> {
        let Some(record) = self.store.gate(id).await? else {
            return Err(GateFault::Unknown(format!("there is no gate {id}")));
        };
        if let Some(verdict) = record.state.verdict {
            return Err(GateFault::Conflict(format!(
                "gate {id} has its verdict already: {}",
                verdict.word()
            )));
        }
        self.store.request_cancel(id, by.to_owned()).await?;
        let handle = self.running().get(&id).cloned();
        match handle {
            Some(handle) => {
                *handle
                    .cancelled_by
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner) = Some(by.to_owned());
                handle.control.stop();
                Ok(())
            }
            None => Err(GateFault::Conflict(format!(
                "gate {id} is not running here"
            ))),
        }
    }

    /// Goes on with every gate that is not done.
    pub async fn resume(self: &Arc<Self>) -> Result<usize, StoreFault> {
        let open = self.store.open_gates().await?;
        let count = open.len();
        for record in open {
            tracing::warn!(
                gate = record.gate,
                id = record.id,
                "Gate goes on after a stop in the middle"
            );
            self.drive(record, true);
        }
        Ok(count)
    }

    /// Stops measuring; gates stay where their last commit stands.
    pub fn stop(&self) {
        self.stopping.store(true, Relaxed);
        for handle in self.running().values() {
            handle.control.stop();
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

    fn drive(self: &Arc<Self>, record: Record, restarted: bool) {
        let handle = Handle {
            gate: record.gate.clone(),
            control: Control::new(),
            cancelled_by: Arc::new(Mutex::new(None)),
        };
        self.running().insert(record.id, handle.clone());
        self.metrics
            .gates_active(&record.gate, self.count(&record.gate));
        let driver = self.clone();
        tokio::spawn(async move {
            let (id, name) = (record.id, record.gate.clone());
            driver.drive_to_end(record, restarted, &handle).await;
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

    async fn drive_to_end(&self, mut record: Record, restarted: bool, handle: &Handle) {
        let mut effects: VecDeque<Effect> = VecDeque::new();
        let mut event = restarted.then_some(Event::Restarted);
        if restarted && record.state.verdict.is_none() {
            // Called off before the stop, but not yet ended.
            match self.store.cancel_requested(record.id).await {
                Ok(Some(by)) => event = Some(Event::Cancelled { by }),
                Ok(None) => {}
                Err(fault) => {
                    tracing::error!(id = record.id, %fault, "It cannot be read whether the gate was called off");
                }
            }
        }
        if !restarted && let Position::Measuring(phase) = record.state.position {
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
                Effect::AwaitActions => self.await_actions(&record).await,
                Effect::Prove => self.prove(&record, handle).await,
                // Committed with the step that asked for them.
                Effect::Announce(_) | Effect::AnnounceProof { .. } | Effect::RememberGood => None,
            };
            if self.stopping.load(Relaxed) {
                return;
            }
        }
    }

    /// One step: computed, committed with everything it causes, and only then acted on.
    async fn advance(&self, record: &mut Record, event: &Event) -> Vec<Effect> {
        let project = self.current.get();
        let gate = project
            .file
            .gates
            .iter()
            .find(|gate| gate.name == record.gate);
        let policy = gate.map_or(Policy { phases: Vec::new() }, policy);
        let now = now_ms();
        let (state, effects) = step(&record.state, event, &policy, now);
        self.measure(record, &state);
        record.state = state;
        let page = page(&project, record.id);
        let mut outgoing = Vec::new();
        let mut last_good = None;
        for effect in &effects {
            match effect {
                Effect::Announce(verdict) => outgoing.extend(announce::verdict(
                    record,
                    gate,
                    *verdict,
                    self.store.instance(),
                    page.clone(),
                )),
                Effect::AnnounceProof { .. } => outgoing.extend(announce::proof(
                    record,
                    gate,
                    self.store.instance(),
                    page.clone(),
                )),
                Effect::RememberGood => {
                    last_good = Some(LastGood {
                        version: record.facts.version.clone(),
                        commit: record.facts.commit.clone(),
                    });
                }
                _ => {}
            }
        }
        let text = describe(event);
        tracing::info!(
            gate = record.gate,
            id = record.id,
            event = text,
            verdict = record.state.verdict.map(super::machine::Verdict::word),
            "Gate went on"
        );
        loop {
            let commit = GateCommit {
                record: record.clone(),
                event: text.clone(),
                effects: outgoing.clone(),
                last_good: last_good.clone(),
            };
            match self.store.commit_gate(commit, now).await {
                Ok(()) => break,
                Err(fault) => {
                    // Nothing leaves before its row is committed, so we wait for the disk.
                    tracing::error!(gate = record.gate, id = record.id, %fault, "A step of the gate cannot be committed; trying again in 2 s");
                    tokio::time::sleep(COMMIT_PAUSE).await;
                }
            }
        }
        self.outbox.notify_waiters();
        effects
    }

    fn measure(&self, record: &Record, next: &State) {
        let before = &record.state;
        if next.phases.len() > before.phases.len()
            && let Some(phase) = next.phases.last()
        {
            let seconds = (phase.ended_ms - before.entered_ms).max(0) as f64 / 1e3;
            self.metrics.gate_phase(
                &record.gate,
                phase.phase.word(),
                phase.outcome.word(),
                seconds,
            );
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

    async fn perform(&self, record: &Record, phase: Phase, handle: &Handle) -> Option<Event> {
        let project = self.current.get();
        let Some((gate, environment)) = find(&project, record) else {
            let reasons = vec![format!(
                "the gate `{}` is no longer configured",
                record.gate
            )];
            return Some(Event::PhaseEnded {
                phase,
                outcome: Outcome::Inconclusive,
                reasons,
            });
        };
        let left = gate.budget.as_millis() as i64 - (now_ms() - record.state.started_ms);
        let ground = Ground {
            project: &project,
            gate,
            environment,
            record,
            control: &handle.control,
            live: &self.live,
        };
        let metrics = self.metrics.clone();
        let mut on_tick = move |plan: &Plan, tick: &Tick| metrics.run_tick(plan, tick);
        let work = phases::perform(phase, &ground, &mut on_tick);
        tokio::pin!(work);
        let ended = tokio::select! {
            ended = &mut work => Some(ended),
            () = tokio::time::sleep(Duration::from_millis(left.max(0) as u64)) => {
                // What it has begun is cleaned up, but not for ever.
                handle.control.stop();
                let _ = tokio::time::timeout(CLEAN_UP_WITHIN, work).await;
                None
            }
        };
        if self.stopping.load(Relaxed) {
            return None;
        }
        let cancelled = handle
            .cancelled_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match (cancelled, ended) {
            (Some(by), _) => Some(Event::Cancelled { by }),
            (None, None) => Some(Event::BudgetExceeded),
            (
                None,
                Some(Ended {
                    outcome,
                    reasons,
                    runs,
                }),
            ) => {
                self.keep_runs(record.id, phase.word(), runs).await;
                Some(Event::PhaseEnded {
                    phase,
                    outcome,
                    reasons,
                })
            }
        }
    }

    async fn keep_runs(&self, id: i64, phase: &str, runs: Vec<crate::report::Summary>) {
        for run in runs {
            if let Err(fault) = self
                .store
                .add_run(Some(id), phase.to_owned(), run, now_ms())
                .await
            {
                tracing::error!(id, phase, %fault, "The evidence of a run cannot be kept");
            }
        }
    }

    async fn await_actions(&self, record: &Record) -> Option<Event> {
        let project = self.current.get();
        let rollback = record.state.verdict == Some(super::machine::Verdict::Rollback);
        let longest = match find(&project, record) {
            Some((gate, _)) if rollback => gate.prove.converge.timeout,
            _ => SIGNALS_WAIT,
        };
        let deadline = Instant::now() + longest;
        loop {
            let settled = self.settled.notified();
            match self.store.effects_of(record.id).await {
                Ok(effects) => {
                    let actions: Vec<_> = effects
                        .iter()
                        .filter(|effect| effect.target.starts_with("action:"))
                        .collect();
                    let open = actions.iter().any(|effect| effect.state == "pending");
                    if !open || Instant::now() >= deadline {
                        let failed = actions
                            .iter()
                            .filter(|effect| effect.state == "given_up")
                            .map(|effect| {
                                format!(
                                    "{}: {}",
                                    effect.target.trim_start_matches("action:"),
                                    effect.result
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
                () = settled => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    async fn prove(&self, record: &Record, handle: &Handle) -> Option<Event> {
        let project = self.current.get();
        let Some((gate, environment)) = find(&project, record) else {
            return Some(Event::ProofEnded {
                proven: false,
                reasons: vec!["the gate is no longer configured".to_owned()],
            });
        };
        let passed = now_ms() - record.state.verdict_ms.unwrap_or_else(now_ms);
        let left = gate.prove.converge.timeout.as_millis() as i64 - passed;
        // Also a proof that starts late gets a fair look.
        let deadline = Instant::now() + Duration::from_millis(left.max(5_000) as u64);
        let ground = Ground {
            project: &project,
            gate,
            environment,
            record,
            control: &handle.control,
            live: &self.live,
        };
        let (proven, reasons, runs) = phases::prove(&ground, deadline).await;
        if self.stopping.load(Relaxed) {
            return None;
        }
        self.keep_runs(record.id, "proof", runs).await;
        Some(Event::ProofEnded { proven, reasons })
    }
}

fn find<'a>(
    project: &'a Project,
    record: &Record,
) -> Option<(&'a Gate, &'a Arc<crate::config::file::Environment>)> {
    let gate = project
        .file
        .gates
        .iter()
        .find(|gate| gate.name == record.gate)?;
    Some((gate, project.file.environments.get(&gate.environment)?))
}

/// The address of a gate's page.
fn page(project: &Project, id: i64) -> Option<String> {
    let base = match &project.file.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", project.file.listen),
    };
    Some(format!("{base}/gates/{id}"))
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
        } => {
            let word = match outcome {
                Outcome::Pass => "passed",
                Outcome::Fail => "failed",
                Outcome::Inconclusive => "was inconclusive",
            };
            with(format!("{} {word}", phase.word()), reasons)
        }
        Event::Cancelled { by } => format!("cancelled by {by}"),
        Event::BudgetExceeded => "the time budget ran out".to_owned(),
        Event::Restarted => "the daemon came back after a stop in the middle".to_owned(),
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
