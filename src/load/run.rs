//! A whole run: setup, then one iteration or a load, then teardown whatever happened.
//!
//! Invariant: once setup has started, teardown is performed, after a failure and after an abort.

use super::breakpoint::{self, Next, Range, Search, Tried};
use super::control::{self, Control, Stop};
use super::histogram::{add, histogram};
use super::once::failed;
use super::recorder::{Inner, Recorded, SharedRecorder};
use super::series::{Point, Series};
use super::shop::Assignment;
use super::tick::Tick;
use super::worker::work;
use crate::net::ErrorClass;
use crate::objective::Outcome;
use crate::objective::tally::Watched;
use crate::scenario::plan::{Executor, Load, OpenModel, end_of, is_closed};
use crate::vu::{Headings, Performer, Performers, Place};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What a run left behind.
#[derive(Debug)]
pub struct Finished {
    /// Counters and histograms.
    pub recorded: Recorded,
    /// Seconds, merged over workers.
    pub series: Vec<Point>,
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
    /// Whether all of it were virtual users that loop: then nothing shows when an iteration should
    /// have begun.
    pub is_closed: bool,
    /// Workers that performed it.
    pub workers: u64,
    /// Workers that left nothing behind, because they could not start or broke down.
    pub lost_workers: u64,
    /// How long it was paused by hand.
    pub paused: Duration,
    /// The lowest and the highest factor that it was scaled with by hand.
    pub scaled: (f64, f64),
    /// The search for a breakpoint, if it was one.
    pub search: Option<Search>,
}

/// What a load may be told beside its plan.
#[derive(Clone, Default)]
pub struct Options<'a> {
    /// Worker threads; chosen by the size of the load where nothing is said.
    pub workers: Option<u64>,
    /// Whether samples are handed to the ticks.
    pub keep_lines: bool,
    /// What evidence is counted for.
    pub watched: Option<Arc<[Watched]>>,
    /// Judges a step of a search for a breakpoint.
    pub judge: Option<&'a (dyn Fn(&Finished) -> RateOutcome + Sync)>,
}

/// What a rate of a search came to.
#[derive(Debug, Default)]
pub struct RateOutcome {
    /// Whether the objectives held; nothing if they could not be judged.
    pub outcome: Option<Outcome>,
    /// Why not.
    pub reason: String,
    /// Whether the load generator could not keep up.
    pub own_limit: bool,
}

/// Performs a load. `on_tick` sees every second as soon as it is over.
pub async fn load<P: Performers>(
    performers: &P,
    loads: Vec<Load>,
    options: Options<'_>,
    control: &Control,
    mut on_tick: impl FnMut(&mut Tick),
) -> Finished {
    let origin = Instant::now();
    let paused_before = control.paused();
    control.set_scalable(loads.iter().any(|load| load.executor.is_scalable()));
    let together = performers.gather();
    let headings = performers.headings();
    let recorder = SharedRecorder(Mutex::new(Inner::new(headings.clone(), origin, false)));
    let mut user = performers.user(&together, Place::BESIDE, &Arc::default());
    let set_up = async { failed(user.set_up(&recorder).await) };
    let setup_failure = tokio::select! {
        biased;
        failure = set_up => failure,
        () = control.stopped() => None,
    };
    let handed = Arc::new(user.hand_over());
    let mut finished = Finished {
        setup_failure,
        is_load: true,
        is_closed: is_closed(&loads),
        ..Finished::nothing(&headings)
    };
    if setup_failure.is_none() && control.asked() == Stop::No {
        let crew = Crew {
            performers,
            handed: &handed,
            headings: &headings,
            options,
            control,
        };
        match loads.iter().find_map(searched) {
            Some(sought) => crew.search(sought, &mut finished, &mut on_tick).await,
            None => crew.perform(loads, &mut finished, &mut on_tick).await,
        }
    }
    let mut last = performers.user(&together, Place::BESIDE, &handed);
    let teardown = last.tear_down(&recorder).await;
    let inner = recorder
        .0
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    finished.recorded.merge(&inner.total);
    finished.teardown_failure = failed(teardown);
    finished.stopped = control.asked();
    finished.paused = control.paused().saturating_sub(paused_before);
    finished.scaled = control.orders().scaled;
    finished
}

impl Finished {
    /// A run in which nothing was performed.
    pub fn nothing(headings: &Headings) -> Finished {
        Finished {
            recorded: Recorded::new(headings),
            series: Vec::new(),
            duration: Duration::ZERO,
            setup_failure: None,
            teardown_failure: None,
            smoke_failure: None,
            stopped: Stop::No,
            is_load: false,
            is_closed: false,
            workers: 0,
            lost_workers: 0,
            paused: Duration::ZERO,
            scaled: (1.0, 1.0),
            search: None,
        }
    }
}

/// A search for a breakpoint: its range, how long a rate is held, and the virtual users for it.
type Sought = (Range, Duration, Load, OpenModel);

fn searched(load: &Load) -> Option<Sought> {
    let Executor::Breakpoint {
        start_per_second,
        max_per_second,
        step_duration,
        step_factor,
        precision,
        open,
    } = load.executor
    else {
        return None;
    };
    let range = Range {
        start: start_per_second,
        max: max_per_second,
        factor: step_factor,
        precision,
    };
    Some((range, step_duration, load.clone(), open))
}

/// What the parts of a load have in common.
struct Crew<'a, P: Performers> {
    performers: &'a P,
    handed: &'a Arc<P::Handed>,
    headings: &'a Headings,
    options: Options<'a>,
    control: &'a Control,
}

impl<P: Performers> Crew<'_, P> {
    /// Holds one rate after another. What is left behind is of the step that the search rests on:
    /// the one that confirmed a rate, or the last one.
    async fn search(
        &self,
        (range, step, load, open): Sought,
        finished: &mut Finished,
        on_tick: &mut impl FnMut(&mut Tick),
    ) {
        let mut tried: Vec<Tried> = Vec::new();
        let begun = Instant::now();
        while self.control.asked() == Stop::No {
            let (rate, confirms) = match breakpoint::next(&range, &tried) {
                Next::Try(rate) => (rate, false),
                Next::Confirm(rate) => (rate, true),
                Next::End => break,
            };
            if !tried.is_empty() {
                // What the step before left in queues is not this one's.
                let rest = (step / 10).clamp(Duration::from_millis(200), Duration::from_secs(5));
                tokio::select! {
                    () = tokio::time::sleep(rest) => {}
                    () = self.control.stopped() => break,
                }
            }
            let held = Load {
                start: Duration::ZERO,
                executor: Executor::ConstantArrivalRate {
                    rate_per_second: rate,
                    duration: step,
                    open,
                },
                ..load.clone()
            };
            let mut part = Finished {
                is_load: true,
                ..Finished::nothing(self.headings)
            };
            // Seconds and samples count from the start of the whole search.
            let since = begun.elapsed();
            let mut on_part = |tick: &mut Tick| {
                tick.second += since.as_secs();
                for line in &mut tick.lines {
                    line.offset_micros += since.as_micros() as u64;
                }
                on_tick(tick);
            };
            self.perform(vec![held], &mut part, &mut on_part).await;
            part.scaled = self.control.orders().scaled;
            part.stopped = self.control.asked();
            if part.stopped != Stop::No {
                // A step that was cut off says nothing about its rate.
                *finished = part;
                break;
            }
            let judged = self.options.judge.map(|judge| judge(&part));
            tried.push(summed_up(rate, confirms, &part, judged.unwrap_or_default()));
            *finished = part;
        }
        finished.search = Some(breakpoint::found(tried));
    }

    /// Tells when the time of each load is over, its grace included: workers may be kept busy by what never waits, and
    /// would not notice.
    async fn tell_ends(&self, loads: &[Load], origin: Instant) -> Infallible {
        let ends = loads.iter().enumerate().map(|(number, load)| async move {
            let end = origin + load.end();
            control::is_over(self.control.listen(), end, load.graceful_stop).await;
            self.performers.set_over(number, true);
        });
        join_all(ends).await;
        std::future::pending().await
    }

    /// Performs executors on worker threads.
    async fn perform(
        &self,
        loads: Vec<Load>,
        finished: &mut Finished,
        on_tick: &mut impl FnMut(&mut Tick),
    ) {
        self.control.unpaused().await;
        let loads = Arc::new(capped(loads, self.performers.users_max()));
        let workers = self.options.workers.unwrap_or_else(|| workers_for(&loads));
        for load in 0..loads.len() {
            self.performers.set_over(load, false);
        }
        // A moment for every worker to be ready, so that the first arrivals are not late.
        let origin = Instant::now() + Duration::from_millis(20);
        let seed = fastrand::u64(..);
        let (ticks, mut arriving) = mpsc::unbounded_channel();
        let shared: Arc<Vec<AtomicU64>> =
            Arc::new(loads.iter().map(|_| AtomicU64::new(0)).collect());
        // Pauses of an earlier part are over: this one starts now.
        let earlier = self.control.orders().shift;
        let threads: Vec<_> = (0..workers)
            .map(|number| {
                let assignment = Assignment {
                    performers: self.performers.clone(),
                    handed: self.handed.clone(),
                    headings: self.headings.clone(),
                    loads: loads.clone(),
                    shared: shared.clone(),
                    number,
                    count: workers,
                    origin: origin - earlier,
                    start: origin,
                    keep_lines: self.options.keep_lines,
                    watched: self.options.watched.clone(),
                    orders: self.control.listen(),
                    seed,
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
        let series = Series::new(end_of(&loads));
        finished.series = tokio::select! {
            series = collected(&mut arriving, workers, series, on_tick) => series,
            never = self.tell_ends(&loads, origin - earlier) => match never {},
        };
        for (thread, ended) in threads {
            match ended.await {
                Ok(part) => finished.recorded.merge(&part),
                Err(_) => finished.lost_workers += 1,
            }
            if let Ok(thread) = thread {
                // A worker that broke down left nothing, and is counted as lost.
                let _ = thread.join();
            }
        }
        finished.workers = workers;
        let paused = self.control.paused().saturating_sub(earlier);
        finished.duration = origin.elapsed().saturating_sub(paused);
    }
}

/// Seconds, merged over workers, in their order.
async fn collected(
    arriving: &mut mpsc::UnboundedReceiver<Tick>,
    workers: u64,
    mut series: Series,
    on_tick: &mut impl FnMut(&mut Tick),
) -> Vec<Point> {
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
    series.finish()
}

fn summed_up(rate: f64, confirms: bool, part: &Finished, judged: RateOutcome) -> Tried {
    let mut latency = histogram();
    let (mut requests, mut errors) = (0, 0);
    for step in &part.recorded.steps {
        add(&mut latency, &step.latency);
        requests += step.requests;
        errors += step.failed();
    }
    Tried {
        rate,
        requests,
        errors,
        p50_us: latency.value_at_quantile(0.5),
        p95_us: latency.value_at_quantile(0.95),
        p99_us: latency.value_at_quantile(0.99),
        outcome: judged.outcome.unwrap_or(Outcome::Inconclusive),
        reason: judged.reason,
        confirms,
        own_limit: judged.own_limit,
    }
}

/// Keeps the number of virtual users under the environment's cap; the rate is kept by its pace.
fn capped(mut loads: Vec<Load>, users_max: Option<u64>) -> Vec<Load> {
    let Some(cap) = users_max else {
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
            | Executor::RampingArrivalRate { open, .. }
            | Executor::Breakpoint { open, .. } => {
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

#[cfg(test)]
#[path = "performer_tests.rs"]
mod tests;
