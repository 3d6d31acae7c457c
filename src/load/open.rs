//! Open models: arrivals come when they are planned, whatever became of those before.
//!
//! Virtual users are tasks that wait for arrivals; the dispatcher hands each arrival to one that
//! is free. An arrival that finds none waits, is counted, and its waiting is latency.
//! Invariant: every planned arrival is performed, dropped and counted, or cut off by a stop.

use super::arrival::Arrivals;
use super::control::Stop;
use super::shop::{Shop, pass_on};
use super::timer::Timer;
use crate::scenario::plan::{Load, OpenModel};
use crate::vu::{Begin, Performers};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Where an arrival is handed to a virtual user.
#[derive(Default)]
struct Slot {
    arrival: Cell<Option<Instant>>,
    waker: RefCell<Option<Waker>>,
}

impl Slot {
    fn wake(&self) {
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

/// The virtual users of an open model, and the arrivals that wait for one.
struct Pool {
    /// Those that are free; the one that was busy last comes first, so that connections stay warm.
    idle: RefCell<Vec<Rc<Slot>>>,
    made: Cell<u64>,
    queue: RefCell<VecDeque<Instant>>,
    over: Cell<bool>,
    max_wait: Duration,
    first_step: usize,
    load: usize,
}

/// Performs an open executor.
pub(super) async fn open_model<P: Performers>(
    shop: &Rc<Shop<P>>,
    index: usize,
    load: &Load,
    open: OpenModel,
) {
    let assignment = &shop.assignment;
    let Some(arrivals) = Arrivals::of(&load.executor, assignment.seed) else {
        return;
    };
    let first_step = assignment.performers.first_step();
    let pool = Rc::new(Pool {
        idle: RefCell::new(Vec::new()),
        made: Cell::new(0),
        queue: RefCell::new(VecDeque::new()),
        over: Cell::new(false),
        max_wait: open.max_wait,
        first_step,
        load: index,
    });
    let work = dispatch(shop, load, open, &pool, arrivals);
    shop.with_grace(work, load.end(), load.graceful_stop).await;
    let left: Vec<Instant> = pool.queue.borrow_mut().drain(..).collect();
    let waiting = shop.waiting.get().saturating_sub(left.len() as u64);
    shop.waiting.set(waiting);
    for intended in left {
        let mut recorder = shop.recorder.0.borrow_mut();
        recorder.drop_arrival(first_step, intended);
    }
}

async fn dispatch<P: Performers>(
    shop: &Rc<Shop<P>>,
    load: &Load,
    open: OpenModel,
    pool: &Rc<Pool>,
    mut arrivals: Arrivals,
) {
    let (number, count) = (shop.assignment.number, shop.assignment.count);
    let most = shop.share(open.max_users).max(1);
    let mut users = JoinSet::new();
    for _ in 0..shop.share(open.users).max(1) {
        let slot = enlist(shop, pool, &mut users);
        pool.idle.borrow_mut().push(slot);
    }
    let mut timer = Timer::new();
    let mut scale = 1.0;
    // Every worker walks the same sequence and takes the arrivals that are its own.
    let mut next = arrivals.nth(number as usize);
    while let Some(offset) = next {
        match due(shop, &mut timer, load.start + offset, scale).await {
            Due::Now(intended) => {
                hand_over(shop, pool, most, intended, &mut users);
                while let Some(ended) = users.try_join_next() {
                    pass_on(ended);
                }
                next = arrivals.nth(count as usize - 1);
            }
            Due::Scaled(factor) => {
                scale = factor;
                let start = shop.due(load.start);
                arrivals.scale(Instant::now().saturating_duration_since(start), factor);
                next = arrivals.nth(number as usize);
            }
            Due::Never => break,
        }
    }
    pool.over.set(true);
    for slot in pool.idle.borrow_mut().drain(..) {
        slot.wake();
    }
    while let Some(ended) = users.join_next().await {
        pass_on(ended);
    }
}

/// What became of waiting for an arrival.
enum Due {
    /// It should start at this moment.
    Now(Instant),
    /// The plan is multiplied with another factor from now on.
    Scaled(f64),
    /// The run is to stop.
    Never,
}

/// Waits for an arrival.
async fn due<P: Performers>(
    shop: &Shop<P>,
    timer: &mut Timer,
    offset: Duration,
    scale: f64,
) -> Due {
    loop {
        let heard = shop.bell.rung.get();
        let orders = shop.orders.get();
        if orders.stop != Stop::No {
            return Due::Never;
        }
        if orders.paused.is_some() {
            shop.told().await;
            continue;
        }
        if (orders.scale - scale).abs() > f64::EPSILON {
            return Due::Scaled(orders.scale);
        }
        let intended = shop.due(offset);
        let came = std::future::poll_fn(|cx| match timer.poll(cx, intended) {
            Poll::Ready(()) => Poll::Ready(true),
            Poll::Pending => shop.bell.poll(cx, heard).map(|()| false),
        });
        // New orders may have moved it.
        if came.await {
            return Due::Now(intended);
        }
    }
}

fn hand_over<P: Performers>(
    shop: &Rc<Shop<P>>,
    pool: &Rc<Pool>,
    most: u64,
    intended: Instant,
    users: &mut JoinSet<()>,
) {
    let free = pool.idle.borrow_mut().pop();
    let slot = match free {
        Some(slot) => slot,
        None if pool.made.get() < most => enlist(shop, pool, users),
        None if pool.queue.borrow().len() >= crate::limits::WAITING_ARRIVALS_MAX => {
            // Whoever comes last waits longest, and would be dropped in the end.
            let mut recorder = shop.recorder.0.borrow_mut();
            recorder.total.waited += 1;
            recorder.drop_arrival(pool.first_step, intended);
            return;
        }
        None => {
            pool.queue.borrow_mut().push_back(intended);
            shop.waiting.set(shop.waiting.get() + 1);
            shop.recorder.0.borrow_mut().total.waited += 1;
            return;
        }
    };
    slot.arrival.set(Some(intended));
    slot.wake();
}

/// A new virtual user as a task that waits for arrivals.
fn enlist<P: Performers>(shop: &Rc<Shop<P>>, pool: &Rc<Pool>, users: &mut JoinSet<()>) -> Rc<Slot> {
    pool.made.set(pool.made.get() + 1);
    let slot = Rc::new(Slot::default());
    let user = shop.user(pool.load);
    users.spawn_local(serve(shop.clone(), pool.clone(), slot.clone(), user));
    slot
}

/// Performs arrivals as they are handed over, and after each one those that waited.
async fn serve<P: Performers>(
    shop: Rc<Shop<P>>,
    pool: Rc<Pool>,
    slot: Rc<Slot>,
    mut user: P::User,
) {
    while let Some(intended) = next_arrival(&pool, &slot).await {
        let start = Instant::now();
        let late = start.saturating_duration_since(intended);
        shop.recorder.0.borrow_mut().late(late);
        shop.iterate(&mut user, Begin { intended, start }).await;
        loop {
            if shop.stopping() {
                break;
            }
            if shop.orders.get().paused.is_some() && !pool.queue.borrow().is_empty() {
                shop.told().await;
                continue;
            }
            let next = pool.queue.borrow_mut().pop_front();
            let Some(intended) = next else { break };
            shop.waiting.set(shop.waiting.get() - 1);
            let start = Instant::now();
            if start.saturating_duration_since(intended) > pool.max_wait {
                let mut recorder = shop.recorder.0.borrow_mut();
                recorder.drop_arrival(pool.first_step, intended);
                continue;
            }
            shop.iterate(&mut user, Begin { intended, start }).await;
            tokio::task::coop::consume_budget().await;
        }
        if pool.over.get() {
            return;
        }
        pool.idle.borrow_mut().push(slot.clone());
    }
}

/// The next arrival for a virtual user; nothing once there will be no more.
async fn next_arrival(pool: &Pool, slot: &Slot) -> Option<Instant> {
    std::future::poll_fn(|cx| {
        if let Some(intended) = slot.arrival.take() {
            return Poll::Ready(Some(intended));
        }
        if pool.over.get() {
            return Poll::Ready(None);
        }
        *slot.waker.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    })
    .await
}
