//! Runs probes when they are due, each on its own.
//!
//! A probe has a task of its own, which waits for nobody: not for another's timeout, nor for a commit,
//! nor for a message. It keeps its grid over reloads and restarts; a run that is still going on when the
//! next one is due makes it skip, never pile up. A reload touches only what it changes, and lets a run
//! that is going on come to its end. Does not know who is told of anything: it hands in levels.

use super::ledger::Ledger;
use super::level;
use super::prepared::Outlets;
use super::print::Prints;
use super::steady::{Jumps, Steady};
use super::watched::{Memory, Ran, Watched};
use crate::objective::Outcome;
use crate::project::current::Current;
use crate::project::file::Project;
use crate::project::schedule::Schedule;
use crate::report::view::{Glimpse, View};
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::probe_metrics::ProbeSeries;
use crate::watch::deploys::Deploys;
use crate::watch::health::{Change, Health};
use crate::watch::levels::Levels;
use crate::watch::result::ProbeCommit;
use crate::watch::timetable::Grid;
use crate::{clock, descriptors, limits};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// Pause after the task of a probe died, before it goes on.
const DEATH_PAUSE: Duration = Duration::from_secs(5);
/// Time that a run waits for a descriptor before it is skipped.
const PLACE_WAIT: Duration = Duration::from_secs(1);
/// Time in which runs that go on come to their end when the daemon stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Runs probes.
#[derive(Debug)]
pub struct Prober {
    store: Store,
    pub(super) metrics: Arc<Metrics>,
    supervisor: Arc<Supervisor>,
    levels: Arc<Levels>,
    ledger: Arc<Ledger>,
    pub(super) outlets: Outlets,
    places: Semaphore,
    pub(super) steady: Steady,
    /// Probes whose level is wanted after each run, because others depend on them.
    causes: RwLock<BTreeSet<String>>,
    current: Arc<Current>,
    deploys: Arc<Deploys>,
    tasks: Mutex<BTreeMap<String, Task>>,
    pub(super) jumps: Jumps,
    /// When this machine had nothing to measure with last.
    pub(super) trouble: Mutex<Option<tokio::time::Instant>>,
}

/// A probe that is watched, and the task that does it.
#[derive(Debug)]
pub(super) struct Task {
    watched: Arc<Watched>,
    pub(super) series: ProbeSeries,
    stop: watch::Sender<bool>,
    handle: Option<JoinHandle<()>>,
}

impl Prober {
    /// A prober on a store.
    pub fn new(
        store: Store,
        metrics: Arc<Metrics>,
        supervisor: Arc<Supervisor>,
        levels: Arc<Levels>,
        (current, deploys): (Arc<Current>, Arc<Deploys>),
    ) -> Prober {
        Prober {
            ledger: Arc::new(Ledger::new(store.clone(), metrics.clone())),
            store,
            metrics,
            supervisor,
            levels,
            outlets: Outlets::default(),
            places: Semaphore::new(descriptors::for_probes()),
            steady: Steady::new(clock::now_ms()),
            causes: RwLock::default(),
            current,
            deploys,
            tasks: Mutex::new(BTreeMap::new()),
            jumps: Jumps::default(),
            trouble: Mutex::default(),
        }
    }

    /// What keeps results; to be kept alive.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    pub(super) fn tasks(&self) -> MutexGuard<'_, BTreeMap<String, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the probes of a configuration in force. What did not change is not touched.
    pub async fn configure(self: &Arc<Self>, project: &Arc<Project>) {
        let probes = &project.probes;
        let causes = probes.iter().flat_map(|probe| probe.depends_on.clone());
        *self.causes.write().unwrap_or_else(PoisonError::into_inner) = causes.collect();
        let memories = self.memories(project).await;
        let prints = Prints::new(project);
        let mut wanted = BTreeSet::new();
        for probe in probes {
            let (Some(plan), Some(environment)) = (
                project.plans.get(&probe.scenario),
                project.file.environments.get(&probe.environment),
            ) else {
                continue;
            };
            wanted.insert(probe.name.clone());
            let fingerprint = prints.of(probe);
            let mut tasks = self.tasks();
            let before = tasks.get(&probe.name);
            if before.is_some_and(|task| task.watched.fingerprint == fingerprint) {
                continue;
            }
            let memory = match before {
                Some(task) => task.watched.memory.clone(),
                None => memories.get(&probe.name).cloned().unwrap_or_default(),
            };
            let series = match probe.paused {
                true => ProbeSeries::apart(&probe.name, &probe.environment),
                false => self.metrics.probe(&probe.name, &probe.environment),
            };
            let mut watched = Watched::new(
                probe.clone(),
                plan.clone(),
                probe.placed(environment),
                memory,
                fingerprint,
            );
            if let Some(task) = before {
                watched.follows(&task.watched);
            }
            let watched = Arc::new(watched);
            series.measures(&watched.headings);
            series.health(watched.memory().state.health);
            let task = self.begin(watched, series);
            if let Some(before) = tasks.insert(probe.name.clone(), task) {
                // It comes to its end by itself, teardown and all.
                before.stop.send_replace(true);
            }
        }
        self.tasks().retain(|name, task| {
            let stays = wanted.contains(name);
            if !stays {
                task.stop.send_replace(true);
            }
            stays
        });
        let subjects = wanted.iter().map(|name| level::subject(name)).collect();
        self.levels.only(level::KIND, subjects);
        let all = self.all();
        // Of what nobody knows anything nothing is said: what was open before stays so.
        let known = all.iter().filter(|watched| watched.is_known());
        let levels = known.map(|watched| level::of(watched, project));
        self.levels.put_all(levels.collect());
    }

    /// What is remembered of probes that are new here.
    async fn memories(&self, project: &Project) -> BTreeMap<String, Arc<Mutex<Memory>>> {
        let new: Vec<_> = {
            let tasks = self.tasks();
            let probes = project.probes.iter();
            probes
                .filter(|probe| !tasks.contains_key(&probe.name))
                .collect()
        };
        let names = new.iter().map(|probe| probe.name.clone()).collect();
        let kept = match self.store.remembered(names, limits::PROBE_RECENT).await {
            Ok(kept) => kept,
            Err(fault) => {
                tracing::error!(%fault, "What is known of probes cannot be read; they are begun anew");
                BTreeMap::new()
            }
        };
        let mut memories = BTreeMap::new();
        for probe in new {
            let Some(found) = kept.get(&probe.name) else {
                continue;
            };
            if let Some(fault) = &found.unreadable {
                tracing::error!(probe = probe.name, fault, "A probe's state is begun anew");
            }
            let memory = Memory::of(found, &probe.rules);
            memories.insert(probe.name.clone(), Arc::new(Mutex::new(memory)));
        }
        memories
    }

    fn begin(self: &Arc<Self>, watched: Arc<Watched>, series: ProbeSeries) -> Task {
        let (stop, stopped) = watch::channel(false);
        let mut task = Task {
            watched: watched.clone(),
            series: series.clone(),
            stop,
            handle: None,
        };
        if watched.probe.paused {
            return task;
        }
        let prober = self.clone();
        task.handle = Some(tokio::spawn(async move {
            for death in 0_u32.. {
                let life = prober.keep_probing(&watched, &series, stopped.clone());
                if prober.supervisor.caught("probe", life).await.is_some() {
                    // It was told to end, or its schedule has no further time.
                    return;
                }
                tokio::time::sleep(DEATH_PAUSE * 2_u32.pow(death.min(6))).await;
            }
        }));
        task
    }

    /// Ends all runs, teardown and all, and keeps what they showed.
    pub async fn stop(&self) {
        let tasks: Vec<Task> = std::mem::take(&mut *self.tasks()).into_values().collect();
        for task in &tasks {
            task.stop.send_replace(true);
            task.watched.control.stop();
        }
        let mut handles: Vec<_> = tasks.into_iter().filter_map(|task| task.handle).collect();
        let ended = async {
            for handle in &mut handles {
                // One that died is told by the supervisor.
                let _ = handle.await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
            for handle in &handles {
                handle.abort();
            }
        }
        self.ledger.settle().await;
    }

    async fn keep_probing(
        self: &Arc<Self>,
        watched: &Arc<Watched>,
        series: &ProbeSeries,
        mut stopped: watch::Receiver<bool>,
    ) {
        let probe = &watched.probe;
        match &probe.schedule {
            Schedule::Every(interval) => {
                let grid = Grid::new(&probe.name, *interval);
                let seen_ms = watched.memory().state.seen_ms;
                let last = seen_ms.map(|ms| ms.saturating_mul(1_000));
                let mut due = grid.first(&probe.name, last, self.steady.now());
                loop {
                    tokio::select! {
                        biased;
                        _ = stopped.wait_for(|stop| *stop) => return,
                        () = self.steady.sleep_until(due) => {}
                    }
                    let began = self.steady.now();
                    // Boxed: a probe that waits for its time holds nothing of a run.
                    Box::pin(self.due(watched, series, began - due)).await;
                    let now = self.steady.now();
                    let (next, missed) = grid.next(due, now);
                    if missed > 0 {
                        series.skipped(missed);
                    }
                    due = match probe.failing_interval {
                        Some(sooner) if watched.is_failing() => {
                            next.min((began + sooner.as_micros() as i64).max(now))
                        }
                        _ => next,
                    };
                }
            }
            Schedule::Cron(_) => {
                let mut due = probe.schedule.next_after(clock::now(), clock::now());
                while let Some(moment) = due {
                    tokio::select! {
                        biased;
                        _ = stopped.wait_for(|stop| *stop) => return,
                        () = super::steady::sleep_until_civil(moment) => {}
                        // A clock that was set back by far would have it wait until it is there again.
                        () = super::steady::set_back(moment, || probe.schedule.next_after(clock::now(), clock::now())) => {
                            due = probe.schedule.next_after(clock::now(), clock::now());
                            continue;
                        }
                    }
                    let late = (clock::now() - moment).num_microseconds().unwrap_or(0);
                    Box::pin(self.due(watched, series, late)).await;
                    // A time that has passed meanwhile is skipped, and one that a clock that was set back
                    // shows again is not taken twice.
                    let mut next = probe.schedule.next_after(moment, moment);
                    while let Some(missed) = next.filter(|next| *next <= clock::now()) {
                        series.skipped(1);
                        next = probe
                            .schedule
                            .next_after(missed, missed.max(clock::now() - PATIENCE));
                    }
                    due = next;
                }
            }
        }
    }

    /// One due time: a run, if this machine has anything left to make it with.
    async fn due(&self, watched: &Arc<Watched>, series: &ProbeSeries, late: i64) {
        if !watched.probe.is_active(clock::now()) {
            watched.memory().idle_ms = Some(clock::now_ms());
            return;
        }
        let place = tokio::time::timeout(PLACE_WAIT, self.places.acquire()).await;
        let Ok(Ok(place)) = place else {
            self.own_trouble(watched, series);
            return;
        };
        self.metrics.probe_lag(late.max(0) as f64 / 1e6);
        let ran = self.ran(watched).await;
        drop(place);
        self.take(watched, series, ran);
    }

    /// A run, and whether it counts: what a deploy may have done is left out where that is said.
    async fn ran(&self, watched: &Watched) -> Ran {
        let is_left_out = || {
            let (probe, service) = (&watched.probe, watched.service());
            probe.excludes_deploys && self.deploys.is_at(&probe.environment, service)
        };
        let before = is_left_out();
        let mut ran = watched.run(&self.outlets).await;
        ran.result.is_excluded |= before || is_left_out();
        ran
    }

    /// Runs a probe once, now, and keeps its result.
    pub async fn run(&self, name: &str) -> Option<crate::run::Summary> {
        let (watched, series) = {
            let tasks = self.tasks();
            let task = tasks.get(name)?;
            (task.watched.clone(), task.series.clone())
        };
        let ran = self.ran(&watched).await;
        let summary = ran.observed.summary(&watched.environment.name);
        self.take(&watched, &series, ran);
        Some(summary)
    }

    /// Takes what a run showed: state, series, what is kept, and what is so now.
    fn take(&self, watched: &Watched, series: &ProbeSeries, ran: Ran) {
        if ran.is_own_trouble {
            // It says nothing about the target, and is no probe's trouble.
            self.own_trouble(watched, series);
            return;
        }
        let probe = &watched.probe;
        let result = ran.result;
        let was_interrupted = result.outcome == Outcome::Inconclusive
            && watched.control.asked() != crate::load::Stop::No;
        if was_interrupted {
            // We were told to stop.
            return;
        }
        let mut memory = watched.memory();
        let now_ms = result.end_ms();
        let before = &memory.state;
        let (state, change) = before.after(result.seen(), &probe.rules, now_ms);
        let is_news = change.is_some() || state.flapping != before.flapping;
        self.metrics.slo_ran(&probe.name, || result.bucket());
        series.ran(&ran.observed, result.flaky, state.health, ran.expiry);
        self.ledger.keep(ProbeCommit {
            probe: watched.name.clone(),
            state: is_news.then(|| state.clone()),
            result: result.clone(),
            measured: ran.measured,
        });
        if let Some(change) = change {
            log_change(&probe.name, change, &result.reason);
        }
        memory.state = state;
        memory.starved = 0;
        let is_back = memory.unmeasured.take().is_some();
        let did_pass = result.outcome == Outcome::Pass;
        let observed = Arc::new(ran.observed);
        memory.results.push_back(result);
        if memory.results.len() > limits::PROBE_HISTORY_MAX {
            memory.results.pop_front();
        }
        if !did_pass {
            memory.failing = Some((now_ms, observed.clone()));
        }
        memory.last = Some(observed);
        let state = &memory.state;
        let is_quiet = state.health == Health::Up && !state.flapping && change.is_none();
        drop(memory);
        if !is_quiet || is_news || is_back || self.is_cause(&probe.name) {
            self.say(watched);
        }
    }

    fn is_cause(&self, name: &str) -> bool {
        self.causes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(name)
    }

    /// Hands in what is so of a probe now: as it is configured by now, and nothing if it is no more.
    pub(super) fn say(&self, watched: &Watched) {
        let current = {
            let tasks = self.tasks();
            tasks
                .get(&watched.probe.name)
                .map(|task| task.watched.clone())
        };
        if let Some(current) = current.filter(|current| current.is_known()) {
            self.levels.put(level::of(&current, &self.current.get()));
        }
    }

    pub(super) fn all(&self) -> Vec<Arc<Watched>> {
        let tasks = self.tasks();
        tasks.values().map(|task| task.watched.clone()).collect()
    }

    /// Something of each probe, by name.
    pub fn each<T>(&self, show: impl Fn(&View) -> T) -> Vec<T> {
        self.all()
            .iter()
            .map(|watched| show(&watched.view()))
            .collect()
    }

    /// What a list of all probes shows, by name.
    pub fn glimpses(&self) -> Vec<Glimpse> {
        self.all().iter().map(|watched| watched.glimpse()).collect()
    }

    /// What pages and API show of a probe.
    pub fn view(&self, name: &str) -> Option<View> {
        let watched = self.tasks().get(name)?.watched.clone();
        Some(watched.view())
    }

    /// What silences and routes find a probe by.
    pub fn labels(&self, name: &str) -> Option<BTreeMap<String, String>> {
        Some(level::labels(&self.tasks().get(name)?.watched))
    }
}

/// How far back a schedule is looked at for times that were missed.
const PATIENCE: chrono::Duration = chrono::Duration::milliseconds(1);

fn log_change(probe: &str, change: Change, reason: &str) {
    let (from, to) = (change.from.word(), change.to.word());
    if change.to == Health::Up {
        tracing::info!(probe, from, "Probe is up");
    } else {
        tracing::warn!(probe, from, to, reason, "Probe changed");
    }
}
