//! One worker: a thread with its own runtime, virtual users, connections and recorder.
//!
//! A run is cut into equal parts, one for each worker: arrival or virtual user number i belongs
//! to worker i modulo the number of workers. Nothing is shared on the path of a request.

use super::arrival::Arrivals;
use super::ramp;
use super::recorder::{Inner, LocalRecorder, Recorded, Tick};
use super::run::Stop;
use super::timer::Timer;
use crate::scenario::plan::{Executor, Load, OpenModel};
use crate::vu::{Binding, IterationOutcome, VirtualUser};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// What a worker is told.
#[derive(Clone)]
pub struct Assignment {
    /// The scenario and its values.
    pub binding: Arc<Binding>,
    /// What setup captured.
    pub vars: Arc<BTreeMap<Arc<str>, Value>>,
    /// All executors.
    pub loads: Arc<Vec<Load>>,
    /// Counters of shared iterations, one for each executor.
    pub shared: Arc<Vec<AtomicU64>>,
    /// Its number.
    pub number: u64,
    /// How many there are.
    pub count: u64,
    /// When the run starts.
    pub origin: Instant,
    /// Whether samples are kept for a file.
    pub keep_lines: bool,
    /// Told to stop.
    pub stop: watch::Receiver<Stop>,
    /// Where ticks go.
    pub ticks: mpsc::UnboundedSender<Tick>,
}

/// State shared by the tasks of one worker.
struct Shop {
    assignment: Assignment,
    recorder: LocalRecorder,
    active: Cell<u64>,
    waiting: Cell<u64>,
    next_user: Cell<u64>,
    second: Cell<u64>,
}

/// Performs a worker's part; runs on a thread of its own.
pub fn work(assignment: Assignment) -> Recorded {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs only an epoll descriptor");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let plan = assignment.binding.plan.clone();
        let shop = Rc::new(Shop {
            recorder: LocalRecorder(RefCell::new(Inner::new(
                &plan,
                assignment.origin,
                assignment.keep_lines,
            ))),
            active: Cell::new(0),
            waiting: Cell::new(0),
            next_user: Cell::new(0),
            second: Cell::new(0),
            assignment,
        });
        let ticker = tokio::task::spawn_local(tick(shop.clone()));
        let mut executors = JoinSet::new();
        for (index, load) in shop.assignment.loads.iter().enumerate() {
            executors.spawn_local(execute(shop.clone(), index, load.clone()));
        }
        while executors.join_next().await.is_some() {}
        ticker.abort();
        let _ = ticker.await;
        let last = shop.take_tick();
        // The receiver outlives the workers; if it is gone, so is the interest in ticks.
        let _ = shop.assignment.ticks.send(last);
        let plan = shop.assignment.binding.plan.clone();
        let mut inner = shop.recorder.0.borrow_mut();
        inner.total.users = shop.next_user.get();
        std::mem::replace(&mut inner.total, Recorded::new(&plan))
    })
}

async fn tick(shop: Rc<Shop>) {
    let origin = shop.assignment.origin;
    for second in 1_u64.. {
        tokio::time::sleep_until((origin + Duration::from_secs(second)).into()).await;
        let tick = shop.take_tick();
        if shop.assignment.ticks.send(tick).is_err() {
            return;
        }
    }
}

impl Shop {
    /// The interval that is over. They are numbered by their turn, not by the clock, so that each
    /// second of each worker has one.
    fn take_tick(&self) -> Tick {
        let second = self.second.get();
        self.second.set(second + 1);
        let mut tick = self.recorder.0.borrow_mut().take_tick(second);
        tick.active = self.active.get();
        tick.waiting = self.waiting.get();
        tick
    }

    fn user(&self) -> VirtualUser {
        let local = self.next_user.get();
        self.next_user.set(local + 1);
        let id = local * self.assignment.count + self.assignment.number + 1;
        VirtualUser::new(
            self.assignment.binding.clone(),
            id,
            self.assignment.vars.clone(),
        )
    }

    /// This worker's share of a number.
    fn share(&self, total: u64) -> u64 {
        total / self.assignment.count
            + u64::from(self.assignment.number < total % self.assignment.count)
    }

    async fn iterate(&self, user: &mut VirtualUser, intended: Instant) {
        self.active.set(self.active.get() + 1);
        let running = Running(self);
        let outcome = user.iterate(intended, &self.recorder).await;
        running.done(outcome);
    }

    fn stopping(&self) -> bool {
        *self.assignment.stop.borrow() != Stop::No
    }
}

/// Counts an iteration as interrupted unless it is done.
struct Running<'a>(&'a Shop);

impl Running<'_> {
    fn done(self, outcome: IterationOutcome) {
        let mut inner = self.0.recorder.0.borrow_mut();
        inner.total.iterations += 1;
        if outcome != IterationOutcome::Passed {
            inner.total.iterations_failed += 1;
        }
        drop(inner);
        self.0.active.set(self.0.active.get() - 1);
        std::mem::forget(self);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get() - 1);
        self.0.recorder.0.borrow_mut().total.interrupted += 1;
    }
}

/// Waits until a moment, or until the run is to stop.
async fn until_or_stop(moment: Instant, stop: &mut watch::Receiver<Stop>) -> bool {
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop != Stop::No) => false,
        () = tokio::time::sleep_until(moment.into()) => true,
    }
}

/// Lets work go on until `end`, then for the grace time; a run that is to stop gets the grace
/// time at once, and no time at all the second time.
async fn with_grace(
    work: impl Future<Output = ()>,
    end: Instant,
    grace: Duration,
    stop: &watch::Receiver<Stop>,
) {
    let mut stop = stop.clone();
    let limit = async {
        if until_or_stop(end, &mut stop).await {
            tokio::select! {
                () = tokio::time::sleep(grace) => {}
                _ = stop.wait_for(|stop| *stop == Stop::Now) => {}
            }
        } else {
            tokio::select! {
                () = tokio::time::sleep(grace) => {}
                _ = stop.wait_for(|stop| *stop == Stop::Now) => {}
            }
        }
    };
    tokio::select! {
        biased;
        () = work => {}
        () = limit => {}
    }
}

async fn execute(shop: Rc<Shop>, index: usize, load: Load) {
    let start = shop.assignment.origin + load.start;
    let mut stop = shop.assignment.stop.clone();
    if !until_or_stop(start, &mut stop).await {
        return;
    }
    match &load.executor {
        Executor::SharedIterations {
            vus,
            iterations,
            max_duration,
        } => {
            let counter = shop.assignment.shared.clone();
            let total = *iterations;
            let take = move || counter[index].fetch_add(1, Relaxed) < total;
            closed(
                &shop,
                &load,
                shop.share(*vus),
                start + *max_duration,
                Rc::new(move |_| take()),
            )
            .await;
            if shop.assignment.number == 0 {
                let made = shop.assignment.shared[index].load(Relaxed).min(total);
                shop.recorder.0.borrow_mut().total.dropped += total - made;
            }
        }
        Executor::PerVuIterations {
            vus,
            iterations,
            max_duration,
        } => {
            let each = *iterations;
            let users = shop.share(*vus);
            let made = Rc::new(Cell::new(0));
            let count = made.clone();
            let more = move |round: u64| {
                let more = round < each;
                count.set(count.get() + u64::from(more));
                more
            };
            closed(&shop, &load, users, start + *max_duration, Rc::new(more)).await;
            shop.recorder.0.borrow_mut().total.dropped += (users * each).saturating_sub(made.get());
        }
        Executor::ConstantVus { vus, duration } => {
            closed(
                &shop,
                &load,
                shop.share(*vus),
                start + *duration,
                Rc::new(|_| true),
            )
            .await;
        }
        Executor::RampingVus {
            start: first,
            stages,
            graceful_ramp_down,
        } => {
            let mut users = JoinSet::new();
            let end = start + load.executor.length();
            let grace_end = end + load.graceful_stop;
            for number in (0..load.executor.users_max())
                .filter(|number| number % shop.assignment.count == shop.assignment.number)
            {
                let windows = ramp::active(*first, stages, number);
                let (shop, grace) = (shop.clone(), *graceful_ramp_down);
                users.spawn_local(async move {
                    let mut user = shop.user();
                    for (from, to) in windows {
                        let mut stop = shop.assignment.stop.clone();
                        if !until_or_stop(start + from, &mut stop).await {
                            return;
                        }
                        let until = start + to;
                        let grace = grace.min(grace_end.saturating_duration_since(until));
                        let rounds = looping(&shop, &mut user, until, |_| true);
                        with_grace(rounds, until, grace, &shop.assignment.stop).await;
                    }
                });
            }
            while users.join_next().await.is_some() {}
        }
        Executor::ConstantArrivalRate { open, .. } | Executor::RampingArrivalRate { open, .. } => {
            if let Some(arrivals) = Arrivals::of(&load.executor) {
                let mine = arrivals
                    .skip(shop.assignment.number as usize)
                    .step_by(shop.assignment.count as usize);
                open_model(&shop, &load, mine, *open, start).await;
            }
        }
    }
}

/// Virtual users that loop, each on its own.
async fn closed(
    shop: &Rc<Shop>,
    load: &Load,
    users: u64,
    end: Instant,
    more: Rc<dyn Fn(u64) -> bool>,
) {
    let mut tasks = JoinSet::new();
    for _ in 0..users {
        let (shop, more) = (shop.clone(), more.clone());
        tasks.spawn_local(async move {
            let mut user = shop.user();
            looping(&shop, &mut user, end, |round| more(round)).await;
        });
    }
    let all = async { while tasks.join_next().await.is_some() {} };
    with_grace(all, end, load.graceful_stop, &shop.assignment.stop).await;
}

async fn looping(shop: &Shop, user: &mut VirtualUser, end: Instant, more: impl Fn(u64) -> bool) {
    for round in 0_u64.. {
        let now = Instant::now();
        if now >= end || shop.stopping() || !more(round) {
            return;
        }
        shop.iterate(user, now).await;
        // An iteration that never waits for anything must not starve the others.
        if now.elapsed() < Duration::from_micros(10) {
            tokio::task::yield_now().await;
        }
    }
}

/// The virtual users of an open model, and the arrivals that wait for one.
struct Pool {
    idle: RefCell<Vec<VirtualUser>>,
    made: Cell<u64>,
    queue: RefCell<VecDeque<Instant>>,
    max_wait: Duration,
    first_step: usize,
}

async fn open_model(
    shop: &Rc<Shop>,
    load: &Load,
    arrivals: impl Iterator<Item = Duration>,
    open: OpenModel,
    start: Instant,
) {
    let plan = &shop.assignment.binding.plan;
    let first_step = plan
        .steps
        .iter()
        .find(|step| step.is_measured())
        .map_or(0, |step| step.index);
    let most = shop.share(open.max_users).max(1);
    let pool = Rc::new(Pool {
        idle: RefCell::new(
            (0..shop.share(open.users).max(1))
                .map(|_| shop.user())
                .collect(),
        ),
        made: Cell::new(shop.share(open.users).max(1)),
        queue: RefCell::new(VecDeque::new()),
        max_wait: open.max_wait,
        first_step,
    });
    let mut tasks = JoinSet::new();
    let end = start + load.executor.length();
    let dispatch = async {
        let timer = Timer::new();
        for offset in arrivals {
            let intended = start + offset;
            timer.until(intended).await;
            if shop.stopping() {
                break;
            }
            let user = pool.idle.borrow_mut().pop();
            let user = match user {
                Some(user) => user,
                None if pool.made.get() < most => {
                    pool.made.set(pool.made.get() + 1);
                    shop.user()
                }
                None => {
                    pool.queue.borrow_mut().push_back(intended);
                    shop.waiting.set(shop.waiting.get() + 1);
                    shop.recorder.0.borrow_mut().total.waited += 1;
                    continue;
                }
            };
            let late = Instant::now().saturating_duration_since(intended);
            shop.recorder.0.borrow_mut().late(late);
            tasks.spawn_local(serve(shop.clone(), pool.clone(), user, intended));
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    };
    with_grace(dispatch, end, load.graceful_stop, &shop.assignment.stop).await;
    let left: Vec<Instant> = pool.queue.borrow_mut().drain(..).collect();
    shop.waiting
        .set(shop.waiting.get().saturating_sub(left.len() as u64));
    for intended in left {
        shop.recorder
            .0
            .borrow_mut()
            .drop_arrival(first_step, intended);
    }
}

/// Performs an arrival, then those that waited, then goes back to the pool.
async fn serve(shop: Rc<Shop>, pool: Rc<Pool>, mut user: VirtualUser, intended: Instant) {
    shop.iterate(&mut user, intended).await;
    loop {
        let next = pool.queue.borrow_mut().pop_front();
        let Some(intended) = next else { break };
        shop.waiting.set(shop.waiting.get() - 1);
        if intended.elapsed() > pool.max_wait {
            shop.recorder
                .0
                .borrow_mut()
                .drop_arrival(pool.first_step, intended);
            continue;
        }
        shop.iterate(&mut user, intended).await;
    }
    pool.idle.borrow_mut().push(user);
}
