//! What a worker's virtual users share while a load runs: the plan, the clock, the recorder, the orders.
//!
//! Lives on one thread. Does not know in which order virtual users are driven.

use super::control::{self, Orders, Stop};
use super::recorder::LocalRecorder;
use super::tick::Tick;
use crate::objective::tally::Watched;
use crate::scenario::plan::Load;
use crate::vu::{Begin, Headings, IterationOutcome, Performer, Performers, Place};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// What a worker is told.
#[derive(Clone)]
pub struct Assignment<P: Performers> {
    /// Makes its virtual users.
    pub performers: P,
    /// What setup handed over.
    pub handed: Arc<P::Handed>,
    /// The steps of the run.
    pub headings: Headings,
    /// All executors.
    pub loads: Arc<Vec<Load>>,
    /// Counters of shared iterations, one for each executor.
    /// What its virtual users use together.
    pub shared: Arc<Vec<AtomicU64>>,
    /// Its number.
    pub number: u64,
    /// How many there are.
    pub count: u64,
    /// What planned times count from: earlier than the start by the pauses before it.
    pub origin: Instant,
    /// When the run starts.
    pub start: Instant,
    /// Of arrivals that come by chance.
    pub seed: u64,
    /// Whether samples are kept for a file.
    pub keep_lines: bool,
    /// What evidence is counted for.
    pub watched: Option<Arc<[Watched]>>,
    /// What it is told meanwhile.
    pub orders: watch::Receiver<Orders>,
    /// Where ticks go.
    pub ticks: mpsc::UnboundedSender<Tick>,
}

/// State shared by the tasks of one worker.
pub struct Shop<P: Performers> {
    pub(super) assignment: Assignment<P>,
    pub(super) recorder: LocalRecorder,
    pub(super) waiting: Cell<u64>,
    pub(super) orders: Cell<Orders>,
    pub(super) bell: Bell,
    /// What its virtual users use together.
    pub together: P::Together,
    /// Virtual users that perform now.
    pub active: Cell<u64>,
    /// The number of the next virtual user.
    pub next_user: Cell<u64>,
    /// The second that is being counted, from the start.
    pub second: Cell<u64>,
    /// Processor time of the thread up to the second before.
    pub busy: Cell<Duration>,
}

/// Time in which an open model makes its virtual users before the first arrival.
pub const EARLY: Duration = Duration::from_millis(15);

/// A task that broke down takes its worker with it: a part of a load that is missing without a
/// trace would be taken for one that passed.
pub fn pass_on(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Wakes the tasks of a worker when there are new orders. Listening costs next to nothing, since
/// the dispatcher does it for each arrival.
#[derive(Default)]
pub struct Bell {
    pub(super) rung: Cell<u64>,
    listening: RefCell<Vec<Waker>>,
}

impl Bell {
    /// Wakes all that wait.
    pub fn ring(&self) {
        self.rung.set(self.rung.get() + 1);
        for waker in self.listening.take() {
            waker.wake();
        }
    }

    /// Ready once it rang since it was heard so many times.
    pub(super) fn poll(&self, cx: &mut Context<'_>, known: u64) -> Poll<()> {
        if self.rung.get() != known {
            return Poll::Ready(());
        }
        let mut listening = self.listening.borrow_mut();
        if !listening.iter().any(|waker| waker.will_wake(cx.waker())) {
            listening.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

/// Time that this thread spent on a processor.
pub fn thread_time() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists on every Linux, and `time` outlives the call.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    if done == 0 {
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    } else {
        Duration::ZERO
    }
}

impl<P: Performers> Shop<P> {
    /// The interval that is over. They are numbered by their turn, not by the clock, so that each
    /// second of each worker has one.
    pub fn take_tick(&self) -> Tick {
        let second = self.second.get();
        self.second.set(second + 1);
        let mut tick = self.recorder.0.borrow_mut().take_tick(second);
        tick.active = self.active.get();
        tick.waiting = self.waiting.get();
        let busy = thread_time();
        tick.busiest = busy.saturating_sub(self.busy.replace(busy));
        tick
    }

    /// A new virtual user for a load.
    pub(super) fn user(&self, load: usize) -> P::User {
        let local = self.next_user.get();
        self.next_user.set(local + 1);
        let id = local * self.assignment.count + self.assignment.number + 1;
        let Assignment {
            performers, handed, ..
        } = &self.assignment;
        performers.user(&self.together, Place { id, load }, handed)
    }

    /// This worker's share of a number.
    pub(super) fn share(&self, total: u64) -> u64 {
        total / self.assignment.count
            + u64::from(self.assignment.number < total % self.assignment.count)
    }

    /// Performs one iteration.
    pub(super) async fn iterate(&self, user: &mut P::User, begin: Begin) {
        self.active.set(self.active.get() + 1);
        let running = Running(self);
        let outcome = user.iterate(begin, &self.recorder).await;
        running.done(outcome);
    }

    /// Whether nothing new is to be started.
    pub(super) fn stopping(&self) -> bool {
        self.orders.get().stop != Stop::No
    }

    /// When something that is planned so long after the start of the run is due.
    pub(super) fn due(&self, offset: Duration) -> Instant {
        self.assignment.origin + self.orders.get().shift + offset
    }

    /// Waits until something planned is due; whether it still is to happen.
    pub(super) async fn reach(&self, offset: Duration) -> bool {
        let mut orders = self.assignment.orders.clone();
        control::reached(&mut orders, self.assignment.origin + offset).await
    }

    /// Waits until the run is told something from now on.
    pub(super) async fn told(&self) {
        let known = self.bell.rung.get();
        std::future::poll_fn(|cx| self.bell.poll(cx, known)).await;
    }

    /// Lets work go on until the planned end, then for the grace time; a run that is to stop gets
    /// the grace time at once, and no time at all the second time.
    pub(super) async fn with_grace(
        &self,
        work: impl Future<Output = ()>,
        end: Duration,
        grace: Duration,
    ) {
        let orders = self.assignment.orders.clone();
        let limit = control::is_over(orders, self.assignment.origin + end, grace);
        tokio::select! {
            biased;
            () = work => {}
            () = limit => {}
        }
    }
}

/// Counts an iteration as interrupted unless it is done.
pub struct Running<'a, P: Performers>(&'a Shop<P>);

impl<P: Performers> Running<'_, P> {
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

impl<P: Performers> Drop for Running<'_, P> {
    fn drop(&mut self) {
        self.0.active.set(self.0.active.get() - 1);
        self.0.recorder.0.borrow_mut().total.interrupted += 1;
    }
}
