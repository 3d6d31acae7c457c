//! One worker: a thread with its own runtime, virtual users, connections and recorder.
//!
//! A run is cut into equal parts, one for each worker: arrival or virtual user number i belongs
//! to worker i modulo the number of workers. Nothing is shared on the path of a request: orders
//! are copied into the worker when they change.

use super::Stop;
use super::closed::closed_model;
use super::control::Orders;
use super::open::open_model;
use super::recorder::{Inner, LocalRecorder, Recorded};
use super::shop::{Assignment, Bell, EARLY, Shop, pass_on, thread_time};
use crate::scenario::plan::{Executor, Load, is_closed};
use crate::vu::Performers;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Pause between two looks at how late this thread is.
const PULSE: Duration = Duration::from_millis(20);

/// A look that is so late shows that the thread stood still.
const STANDSTILL: Duration = Duration::from_millis(50);

/// Performs a worker's part; runs on a thread of its own.
pub fn work<P: Performers>(assignment: Assignment<P>) -> Recorded {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs only an epoll descriptor");
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async move {
        let headings = assignment.headings.clone();
        let orders = *assignment.orders.borrow();
        let shop = Rc::new(Shop {
            recorder: LocalRecorder(RefCell::new(Inner {
                watched: assignment.watched.clone(),
                ..Inner::new(headings.clone(), assignment.start, assignment.keep_lines)
            })),
            waiting: Cell::new(0),
            orders: Cell::new(orders),
            bell: Bell::default(),
            together: assignment.performers.gather(),
            active: Cell::new(0),
            next_user: Cell::new(0),
            second: Cell::new(0),
            busy: Cell::new(thread_time()),
            assignment,
        });
        let mut background = JoinSet::new();
        background.spawn_local(tick(shop.clone()));
        background.spawn_local(obey(shop.clone()));
        if is_closed(&shop.assignment.loads) {
            background.spawn_local(pulse(shop.clone()));
        }
        let mut executors = JoinSet::new();
        for (index, load) in shop.assignment.loads.iter().enumerate() {
            executors.spawn_local(execute(shop.clone(), index, load.clone()));
        }
        while let Some(ended) = executors.join_next().await {
            pass_on(ended);
        }
        background.shutdown().await;
        let last = shop.take_tick();
        // The receiver outlives the workers; if it is gone, so is the interest in ticks.
        let _ = shop.assignment.ticks.send(last);
        let mut inner = shop.recorder.0.borrow_mut();
        inner.total.users = shop.next_user.get();
        std::mem::replace(&mut inner.total, Recorded::new(&headings))
    })
}

async fn tick<P: Performers>(shop: Rc<Shop<P>>) {
    let origin = shop.assignment.start;
    for second in 1_u64.. {
        tokio::time::sleep_until((origin + Duration::from_secs(second)).into()).await;
        let tick = shop.take_tick();
        if shop.assignment.ticks.send(tick).is_err() {
            return;
        }
    }
}

/// Notes how late this thread itself is, where no arrivals show it: a process that stands still
/// measures itself.
async fn pulse<P: Performers>(shop: Rc<Shop<P>>) {
    let mut next = shop.assignment.start;
    loop {
        next += PULSE;
        tokio::time::sleep_until(next.into()).await;
        let now = Instant::now();
        let late = now.saturating_duration_since(next);
        // A turn that comes late among many users that are ready is the load's own, not a standstill.
        let late = if late < STANDSTILL {
            Duration::ZERO
        } else {
            late
        };
        shop.recorder.0.borrow_mut().late(late);
        if late > PULSE {
            next = now;
        }
    }
}

/// Copies orders into the worker.
async fn obey<P: Performers>(shop: Rc<Shop<P>>) {
    let mut orders = shop.assignment.orders.clone();
    while orders.changed().await.is_ok() {
        shop.orders.set(*orders.borrow_and_update());
        shop.bell.ring();
    }
    // Nobody can give orders any more: whoever started this load is gone, and it must not go on
    // beside the one that is started instead.
    shop.orders.set(Orders {
        stop: Stop::Now,
        ..shop.orders.get()
    });
    shop.bell.ring();
}

async fn execute<P: Performers>(shop: Rc<Shop<P>>, index: usize, load: Load) {
    // Open models wait for their first arrival with a finer timer than this one.
    let open = load.executor.rate_max().is_some();
    let wait = if open {
        load.start.checked_sub(EARLY)
    } else {
        Some(load.start)
    };
    if let Some(wait) = wait
        && !shop.reach(wait).await
    {
        return;
    }
    match &load.executor {
        Executor::ConstantArrivalRate { open, .. } | Executor::RampingArrivalRate { open, .. } => {
            open_model(&shop, index, &load, *open).await;
        }
        // A search is performed as a row of constant rates.
        Executor::Breakpoint { .. } => {}
        _ => closed_model(&shop, index, &load).await,
    }
}
