//! Runs probes when they are due.
//!
//! Each probe has a task that sleeps until its next due time; a run that is still going on when
//! the next one is due makes it skip, never pile up. Results are committed with the messages
//! that they cause. Delivery is the outbox's business and never delays a probe.

use crate::alert::message::probe_message;
use crate::document::{Diagnostics, Severity};
use crate::environment::needs::Supplied;
use crate::environment::secrets;
use crate::environment::settings::Environment;
use crate::load::{self, Control};
use crate::net::ErrorClass;
use crate::objective::Outcome;
use crate::project::file::Project;
use crate::project::probe::Probe;
use crate::record::effect::key_part;
use crate::record::message::tell;
use crate::record::probe::{Health, ProbeResult, ProbeState};
use crate::report::view::View;
use crate::run::{Summary, summarize as summary};
use crate::scenario::Plan;
use crate::store::{Store, StoreFault};
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use crate::vu::{Binding, Headings};
use crate::{clock, limits};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;

/// Pause after the task of a probe died, before it goes on.
const DEATH_PAUSE: Duration = Duration::from_secs(5);

/// Runs probes.
#[derive(Debug)]
pub struct Prober {
    store: Store,
    metrics: Arc<Metrics>,
    committed: Arc<Notify>,
    supervisor: Arc<Supervisor>,
    places: Arc<Semaphore>,
    tasks: Mutex<BTreeMap<String, JoinHandle<()>>>,
    views: Mutex<BTreeMap<String, View>>,
}

impl Prober {
    /// A prober on a store.
    pub fn new(
        store: Store,
        metrics: Arc<Metrics>,
        committed: Arc<Notify>,
        supervisor: Arc<Supervisor>,
    ) -> Prober {
        Prober {
            store,
            metrics,
            committed,
            supervisor,
            places: Arc::new(Semaphore::new(limits::PROBES_AT_ONCE_MAX)),
            tasks: Mutex::new(BTreeMap::new()),
            views: Mutex::new(BTreeMap::new()),
        }
    }

    /// What is remembered of a probe. What cannot be understood is begun anew, and never as if nothing
    /// had been told before: keys of messages that were used up would silence the next ones.
    async fn remembered(&self, name: &str) -> Result<ProbeState, StoreFault> {
        match self.store.probe_state(name.to_owned()).await {
            Err(fault @ StoreFault::Unreadable(_)) => {
                tracing::error!(probe = name, %fault, "A probe's state is begun anew");
                Ok(ProbeState {
                    changes: clock::now_ms() as u64,
                    ..ProbeState::default()
                })
            }
            read => read,
        }
    }

    /// Puts the probes of a configuration in force. States and results are kept; every probe gets
    /// a place of its own on its grid, so that they do not all start at once.
    pub async fn configure(self: &Arc<Self>, project: &Arc<Project>) {
        for task in self.stop() {
            // It was told to end; what it had asked to be written is waited for below.
            let _ = task.await;
        }
        self.store.caught_up().await;
        let mut views = BTreeMap::new();
        for probe in &project.file.probes {
            let state = match self.remembered(&probe.name).await {
                Ok(state) => state,
                Err(fault) => {
                    tracing::error!(probe = probe.name, %fault, "A probe's state cannot be read");
                    continue;
                }
            };
            let results = self
                .store
                .probe_results(probe.name.clone(), limits::PROBE_HISTORY_MAX)
                .await
                .unwrap_or_default();
            let last = self
                .views()
                .get(&probe.name)
                .and_then(|view| view.last.clone());
            views.insert(
                probe.name.clone(),
                View {
                    name: probe.name.clone(),
                    environment: probe.environment.clone(),
                    schedule: probe.schedule.show(),
                    state,
                    results,
                    last,
                },
            );
        }
        *self.views() = views;
        let count = project.file.probes.len();
        for number in 0..count {
            let name = project.file.probes[number].name.clone();
            let (prober, project) = (self.clone(), project.clone());
            let probing = async move {
                for death in 0_u32.. {
                    let life = prober.clone().keep_probing(project.clone(), number);
                    if prober.supervisor.caught("probe", life).await.is_some() {
                        // Its schedule has no further time.
                        return;
                    }
                    tokio::time::sleep(DEATH_PAUSE * 2_u32.pow(death.min(6))).await;
                }
            };
            let task = tokio::spawn(probing);
            self.tasks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(name, task);
        }
    }

    /// Stops all probes, and gives their tasks, which end soon.
    pub fn stop(&self) -> Vec<JoinHandle<()>> {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let tasks: Vec<_> = tasks.into_values().collect();
        for task in &tasks {
            task.abort();
        }
        tasks
    }

    fn views(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, View>> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the pages show, by name.
    pub fn list(&self) -> Vec<View> {
        self.views().values().cloned().collect()
    }

    async fn keep_probing(self: Arc<Self>, project: Arc<Project>, number: usize) {
        let probe = &project.file.probes[number];
        let (Some(plan), Some(environment)) = (
            project.plans.get(&probe.scenario),
            project.file.environments.get(&probe.environment),
        ) else {
            return;
        };
        let phase = self.phase(probe);
        let start = clock::now() - phase;
        let mut due = probe.schedule.next_after(start, clock::now());
        while let Some(moment) = due {
            sleep_until(moment).await;
            // The semaphore is never closed.
            let Ok(place) = self.places.acquire().await else {
                return;
            };
            let lag = (clock::now() - moment).to_std().unwrap_or_default();
            self.metrics.probe_lag(lag.as_secs_f64());
            self.run(probe, plan, environment).await;
            drop(place);
            let now = clock::now();
            due = probe.schedule.next_after(start, moment);
            let mut skipped = 0;
            while let Some(next) = due.filter(|next| *next <= now) {
                skipped += 1;
                due = probe
                    .schedule
                    .next_after(start, next.max(now - chrono::Duration::milliseconds(1)));
            }
            if skipped > 0 {
                self.metrics
                    .probe_skipped(&probe.name, &probe.environment, skipped);
            }
        }
    }

    /// How far back the grid of an interval starts: the first run comes within ten seconds, at a
    /// moment that depends on the name alone.
    fn phase(&self, probe: &Probe) -> chrono::Duration {
        let crate::project::schedule::Schedule::Every(interval) = &probe.schedule else {
            return chrono::Duration::zero();
        };
        let hash = probe
            .name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let share = (hash >> 11) as f64 / (1_u64 << 53) as f64;
        let first = (*interval).min(Duration::from_secs(10)).mul_f64(share);
        chrono::Duration::from_std(interval.saturating_sub(first)).unwrap_or_default()
    }

    /// Runs a probe once, now, and keeps its result.
    pub async fn run(
        &self,
        probe: &Probe,
        plan: &Arc<Plan>,
        environment: &Arc<Environment>,
    ) -> Summary {
        let at = clock::now();
        let clock = Instant::now();
        let summary = perform(probe, plan, environment).await;
        let duration = clock.elapsed();
        let name = probe.name.clone();
        let before = self.views().get(&name).map(|view| view.state.clone());
        let before = match before {
            Some(state) => state,
            None => match self.remembered(&name).await {
                Ok(state) => state,
                Err(fault) => {
                    // A state that is made up could tell people nothing, or the wrong thing.
                    tracing::error!(probe = name, %fault, "A probe's state cannot be read; its result is not kept");
                    return summary;
                }
            },
        };
        let now_ms = clock::now().timestamp_millis();
        let (state, change) =
            before.after(summary.outcome, probe.failures, probe.successes, now_ms);
        self.metrics.probe_run(
            &name,
            &probe.environment,
            duration.as_secs_f64(),
            &summary,
            state.health,
        );
        let reason = if summary.outcome == Outcome::Pass {
            String::new()
        } else {
            summary.reasons.join("; ")
        };
        let mut effects = Vec::new();
        if let Some(change) = change {
            let message = probe_message(&name, &probe.environment, change, &reason, None);
            let changes = state.changes;
            let instance = self.store.instance().to_owned();
            let part = key_part(&name);
            effects = tell(&probe.tell, &message, None, &|what| {
                format!("bw_{instance}_probe_{part}_{changes}_{what}")
            });
            if change.to == Health::Up {
                tracing::info!(probe = name, from = change.from.word(), "Probe is up");
            } else {
                tracing::warn!(probe = name, to = change.to.word(), reason, "Probe changed");
            }
        }
        let told = !effects.is_empty();
        let result = ProbeResult {
            at_ms: at.timestamp_millis(),
            outcome: summary.outcome,
            duration_us: duration.as_micros() as i64,
            reason,
        };
        match self
            .store
            .commit_probe(name.clone(), state.clone(), result.clone(), effects, now_ms)
            .await
        {
            Ok(()) => {
                if told {
                    self.committed.notify_waiters();
                }
                let mut views = self.views();
                if let Some(view) = views.get_mut(&name) {
                    view.state = state;
                    view.results.push(result);
                    if view.results.len() > limits::PROBE_HISTORY_MAX {
                        view.results.remove(0);
                    }
                    view.last = Some(summary.clone());
                }
            }
            // The state stays as it was, so the change is told as soon as it can be committed.
            Err(fault) => tracing::error!(probe = name, %fault, "A probe's result cannot be kept"),
        }
        summary
    }
}

/// Sleeps until a moment on the wall clock, looking at it again now and then: a clock that jumps,
/// or a machine that slept, must not delay a probe by more than a few seconds.
async fn sleep_until(moment: DateTime<Utc>) {
    loop {
        let left = (moment - clock::now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(Duration::from_secs(5))).await;
    }
}

/// Performs a probe's scenario once.
pub async fn perform(probe: &Probe, plan: &Arc<Plan>, environment: &Arc<Environment>) -> Summary {
    let started = crate::clock::now_text();
    let mut found = Diagnostics::default();
    let binding = secrets::resolving(plan, environment, || {
        let supplied = Supplied {
            inputs: probe.inputs.clone(),
            environment_inputs: environment.inputs.clone(),
            secrets: secrets::environment_secrets(environment, &mut found),
        };
        Binding::new(
            plan.clone(),
            environment,
            &supplied,
            Duration::ZERO,
            &mut found,
        )
    });
    let binding = binding.filter(|_| !found.has_errors());
    let Some(binding) = binding else {
        let reasons = found
            .sorted()
            .into_iter()
            .filter(|item| item.severity == Severity::Error)
            .map(|item| item.title.clone())
            .collect();
        return unmeasured(plan, environment, started, reasons);
    };
    let control = Control::new();
    let binding = Arc::new(binding);
    let smoke = load::smoke(&binding, &control, false, |_| ());
    tokio::pin!(smoke);
    let mut late = false;
    let mut finished = tokio::select! {
        finished = &mut smoke => finished,
        () = tokio::time::sleep(probe.timeout) => {
            late = true;
            // Teardown is still performed.
            control.stop();
            smoke.await
        }
    };
    if late {
        finished.stopped = load::Stop::No;
        finished.smoke_failure = Some(ErrorClass::TimeoutWait);
    }
    let mut summary = summary::summarize(plan, &environment.name, started, &finished, &[]);
    if late {
        summary.outcome = Outcome::Fail;
        summary.reasons.insert(
            0,
            format!(
                "it did not end within {}",
                crate::duration::show(probe.timeout)
            ),
        );
    }
    summary
}

fn unmeasured(
    plan: &Plan,
    environment: &Environment,
    started: String,
    reasons: Vec<String>,
) -> Summary {
    let finished = load::run::Finished::nothing(&Headings::of(plan));
    let mut summary = summary::summarize(plan, &environment.name, started, &finished, &[]);
    summary.reasons = reasons;
    summary
}
