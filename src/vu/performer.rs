//! What executors drive: a virtual user, whatever it performs, and who makes them.
//!
//! A compiled plan is performed by [`super::VirtualUser`]; whatever else can go through iterations
//! (a script, a browser) is driven by the same executors, recorder and objectives once it says how.
//! Bound at compile time, so that the path of a request costs nothing more. Does not know when an
//! iteration begins: that is the executor's. Invariant: a performer tells the sink each sample once,
//! under the number that its step was announced with.

use super::heading::Headings;
use super::sample::Sink;
use super::user::{Begin, IterationOutcome};
use std::future::Future;
use std::sync::Arc;

/// One virtual user.
pub trait Performer {
    /// What setup hands over to the iterations, and the last of them to teardown.
    type Handed;

    /// Performs what comes once before.
    fn set_up(&mut self, sink: &impl Sink) -> impl Future<Output = IterationOutcome>;

    /// Performs one iteration. The first latency counts from when it should have begun.
    fn iterate(&mut self, begin: Begin, sink: &impl Sink)
    -> impl Future<Output = IterationOutcome>;

    /// Performs what comes once after: all of it, whatever fails.
    fn tear_down(&mut self, sink: &impl Sink) -> impl Future<Output = IterationOutcome>;

    /// What is handed over now.
    fn hand_over(&self) -> Self::Handed;
}

/// Which virtual user it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number, from 1; 0 of one that performs no iterations.
    pub id: u64,
    /// The number of the load that it performs; the first one's for what is performed once.
    pub load: usize,
}

impl Place {
    /// Of the only one.
    pub const FIRST: Place = Place { id: 1, load: 0 };
    /// Of one that performs no iterations: what comes before them, and after.
    pub const BESIDE: Place = Place { id: 0, load: 0 };
}

/// Makes the virtual users of a run.
pub trait Performers: Clone + Send + Sync + 'static {
    /// What it makes.
    type User: Performer<Handed = Self::Handed> + 'static;
    /// What virtual users of one thread use together, such as connections.
    type Together: Clone + 'static;
    /// What setup hands over.
    type Handed: Default + Send + Sync + 'static;

    /// The steps that are known before anything is performed.
    fn headings(&self) -> Headings;

    /// The number of the step that an arrival counts for which nobody took: one that is announced.
    fn first_step(&self) -> usize;

    /// Tells that the time of a load is over, its grace included, or begins: what computes without ever waiting has to look at that
    /// by itself.
    fn set_over(&self, _load: usize, _is_over: bool) {}

    /// Virtual users that the environment allows.
    fn users_max(&self) -> Option<u64>;

    /// What the virtual users of a new thread use together.
    fn gather(&self) -> Self::Together;

    /// A virtual user.
    fn user(
        &self,
        together: &Self::Together,
        place: Place,
        handed: &Arc<Self::Handed>,
    ) -> Self::User;
}
