//! A whole run: setup, then one iteration or a load, then teardown whatever happened.
//!
//! Invariant: once setup has started, teardown is performed, after a failure and after an abort.

use super::recorder::{Inner, Recorded, SharedRecorder, Tick};
use super::worker::{Assignment, work};
use crate::net::ErrorClass;
use crate::scenario::plan::Load;
use crate::vu::{Binding, IterationOutcome, VirtualUser};
use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// Whether a run is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Start nothing new; let running iterations finish.
    Drain,
    /// Stop at once.
    Now,
}

/// Tells a run to stop.
#[derive(Debug, Clone)]
pub struct Control(watch::Sender<Stop>);

impl Control {
    /// A control that says "go on".
    pub fn new() -> Control {
        Control(watch::Sender::new(Stop::No))
    }

    /// Asks to drain; asked again, to stop at once.
    pub fn stop(&self) {
        self.0.send_modify(|stop| {
            *stop = if *stop == Stop::No {
                Stop::Drain
            } else {
                Stop::Now
            }
        });
    }

    /// What was asked.
    pub fn asked(&self) -> Stop {
        *self.0.borrow()
    }

    /// Waits until it is asked to stop at all.
    pub async fn stopped(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = receiver.wait_for(|stop| *stop != Stop::No).await;
    }
}

impl Default for Control {
    fn default() -> Control {
        Control::new()
    }
}

/// What a run left behind.
#[derive(Debug)]
pub struct Finished {
    /// Counters and histograms.
    pub recorded: Recorded,
    /// Seconds, merged over workers.
    pub series: Vec<Tick>,
    /// How long iterations were performed.
    pub duration: Duration,
    /// Why setup failed, if it did.
    pub setup_failure: Option<ErrorClass>,
    /// Why teardown failed, if it did.
    pub teardown_failure: Option<ErrorClass>,
    /// Why the only iteration of a smoke check failed, if it did.
    pub smoke_failure: Option<ErrorClass>,
    /// What was asked of the run.
    pub stopped: Stop,
    /// Whether this was a load.
    pub is_load: bool,
    /// Workers that performed it.
    pub workers: u64,
    /// Workers that left nothing behind, because they could not start or broke down.
    pub lost_workers: u64,
}

/// What a load may be told beside its plan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Worker threads; chosen by the size of the load where nothing is said.
    pub workers: Option<u64>,
    /// Whether samples are handed to the ticks.
    pub keep_lines: bool,
}

/// Performs a scenario once.
pub async fn smoke(binding: &Arc<Binding>, control: &Control, keep_lines: bool) -> Finished {
    let origin = Instant::now();
    let recorder = SharedRecorder(Mutex::new(Inner::new(&binding.plan, origin, keep_lines)));
    let mut user = VirtualUser::new(binding.clone(), 1, Arc::new(BTreeMap::new()));
    let mut failure = None;
    let work = async {
        let setup = user.set_up(&recorder).await;
        if let IterationOutcome::Failed(class) = setup {
            return (Some(class), None);
        }
        let vars = Arc::new(user.vars.clone());
        let mut user = VirtualUser::new(binding.clone(), 1, vars);
        let outcome = user.iterate(Instant::now(), &recorder).await;
        (None, Some((outcome, user.vars)))
    };
    let mut setup_failure = None;
    let mut vars = None;
    tokio::select! {
        biased;
        (setup, performed) = work => {
            setup_failure = setup;
            if let Some((outcome, captured)) = performed {
                vars = Some(captured);
                if let IterationOutcome::Failed(class) = outcome {
                    failure = Some(class);
                }
            }
        }
        () = control.stopped() => {}
    }
    let done = vars.is_some();
    let vars = vars.unwrap_or_else(|| std::mem::take(&mut user.vars));
    let mut last = VirtualUser::new(binding.clone(), 1, Arc::new(vars));
    let teardown = last.tear_down(&recorder).await;
    let inner = recorder
        .0
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut recorded = inner.total;
    recorded.users = 1;
    recorded.iterations = u64::from(done);
    recorded.iterations_failed = u64::from(failure.is_some());
    recorded.interrupted = u64::from(!done && setup_failure.is_none());
    Finished {
        recorded,
        series: vec![inner.tick],
        duration: origin.elapsed(),
        setup_failure,
        teardown_failure: failed(teardown),
        smoke_failure: failure,
        stopped: control.asked(),
        is_load: false,
        workers: 1,
        lost_workers: 0,
    }
}

fn failed(outcome: IterationOutcome) -> Option<ErrorClass> {
    match outcome {
        IterationOutcome::Passed => None,
        IterationOutcome::Failed(class) => Some(class),
    }
}

/// Performs a load. `on_tick` sees every second as soon as it is over.
pub async fn load(
    binding: &Arc<Binding>,
    loads: Vec<Load>,
    options: Options,
    control: &Control,
    mut on_tick: impl FnMut(&mut Tick),
) -> Finished {
    let origin = Instant::now();
    let recorder = SharedRecorder(Mutex::new(Inner::new(&binding.plan, origin, false)));
    let mut user = VirtualUser::new(binding.clone(), 1, Arc::new(BTreeMap::new()));
    let set_up = async { failed(user.set_up(&recorder).await) };
    let setup_failure = tokio::select! {
        biased;
        failure = set_up => failure,
        () = control.stopped() => None,
    };
    let vars = Arc::new(std::mem::take(&mut user.vars));
    let mut recorded = Recorded::new(&binding.plan);
    let mut series = Vec::new();
    let loads = Arc::new(capped(loads, binding));
    let workers = options.workers.unwrap_or_else(|| workers_for(&loads));
    let mut duration = Duration::ZERO;
    let mut lost_workers = 0;
    if setup_failure.is_none() && control.asked() == Stop::No {
        // A moment for every worker to be ready, so that the first arrivals are not late.
        let origin = Instant::now() + Duration::from_millis(20);
        let (ticks, mut arriving) = mpsc::unbounded_channel();
        let shared: Arc<Vec<AtomicU64>> =
            Arc::new(loads.iter().map(|_| AtomicU64::new(0)).collect());
        let threads: Vec<_> = (0..workers)
            .map(|number| {
                let assignment = Assignment {
                    binding: binding.clone(),
                    vars: vars.clone(),
                    loads: loads.clone(),
                    shared: shared.clone(),
                    number,
                    count: workers,
                    origin,
                    keep_lines: options.keep_lines,
                    stop: control.0.subscribe(),
                    ticks: ticks.clone(),
                };
                let (done, finished) = tokio::sync::oneshot::channel();
                let thread = std::thread::Builder::new()
                    .name(format!("load-{number}"))
                    .spawn(move || {
                        // The receiver waits for every worker.
                        let _ = done.send(work(assignment));
                    });
                (thread, finished)
            })
            .collect();
        drop(ticks);
        let mut open: BTreeMap<u64, (u64, Tick)> = BTreeMap::new();
        while let Some(tick) = arriving.recv().await {
            let second = tick.second;
            match open.remove(&second) {
                Some((count, mut merged)) => {
                    merged.merge(tick);
                    open.insert(second, (count + 1, merged));
                }
                None => {
                    open.insert(second, (1, tick));
                }
            }
            while let Some(entry) = open.first_entry() {
                let (count, _) = entry.get();
                let behind = entry.key() + 2 < second;
                if *count < workers && !behind {
                    break;
                }
                let (_, mut merged) = entry.remove();
                on_tick(&mut merged);
                series.push(merged);
            }
        }
        for (_, (_, mut merged)) in open {
            on_tick(&mut merged);
            series.push(merged);
        }
        for (thread, finished) in threads {
            match finished.await {
                Ok(part) => recorded.merge(&part),
                Err(_) => lost_workers += 1,
            }
            if let Ok(thread) = thread {
                // A worker that broke down left nothing, and is counted as lost.
                let _ = thread.join();
            }
        }
        duration = origin.elapsed();
    }
    let mut last = VirtualUser::new(binding.clone(), 1, vars);
    let teardown = last.tear_down(&recorder).await;
    let inner = recorder
        .0
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    recorded.merge(&inner.total);
    Finished {
        recorded,
        series,
        duration,
        setup_failure,
        teardown_failure: failed(teardown),
        smoke_failure: None,
        stopped: control.asked(),
        is_load: true,
        workers,
        lost_workers,
    }
}

/// Keeps the number of virtual users under the environment's cap; the rate is kept by its pace.
fn capped(mut loads: Vec<Load>, binding: &Binding) -> Vec<Load> {
    use crate::scenario::plan::Executor;
    let Some(cap) = binding.caps.users else {
        return loads;
    };
    for load in &mut loads {
        match &mut load.executor {
            Executor::SharedIterations { vus, .. }
            | Executor::PerVuIterations { vus, .. }
            | Executor::ConstantVus { vus, .. } => *vus = (*vus).min(cap),
            Executor::RampingVus { start, stages, .. } => {
                *start = (*start).min(cap);
                for stage in stages {
                    stage.target = stage.target.min(cap as f64);
                }
            }
            Executor::ConstantArrivalRate { open, .. }
            | Executor::RampingArrivalRate { open, .. } => {
                open.users = open.users.min(cap);
                open.max_users = open.max_users.min(cap);
            }
        }
    }
    loads
}

/// One worker for each core where the load is large, one in all where it is small.
fn workers_for(loads: &[Load]) -> u64 {
    let users: u64 = loads.iter().map(|load| load.executor.users_max()).sum();
    let rate: f64 = loads
        .iter()
        .filter_map(|load| load.executor.rate_max())
        .sum();
    let open_only = loads.iter().all(|load| load.executor.rate_max().is_some());
    let small = if open_only { rate < 4000.0 } else { users < 32 };
    if small {
        return 1;
    }
    std::thread::available_parallelism()
        .map_or(1, |count| count.get() as u64)
        .min(users.max(1))
}
