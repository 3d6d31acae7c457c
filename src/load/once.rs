//! A scenario performed once: setup, one iteration, teardown.
//!
//! Invariant: once setup has started, teardown is performed, after a failure and after an abort.

use super::control::{Control, Stop};
use super::recorder::{Inner, SharedRecorder};
use super::run::Finished;
use super::series::Point;
use super::tick::Tick;
use crate::net::ErrorClass;
use crate::vu::{Begin, IterationOutcome, Performer, Performers, Place, Sink};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Performs a scenario once.
pub async fn smoke<P: Performers>(
    performers: &P,
    control: &Control,
    keep_lines: bool,
    on_tick: impl FnOnce(&Tick),
) -> Finished {
    let origin = Instant::now();
    let headings = performers.headings();
    let recorder = SharedRecorder(Mutex::new(Inner::new(headings.clone(), origin, keep_lines)));
    let once = once(performers, &performers.gather(), control, &recorder).await;
    let inner = recorder
        .0
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    on_tick(&inner.tick);
    once.finished(inner, origin.elapsed(), control.asked())
}

/// What became of a scenario that was performed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// Why setup failed, if it did.
    pub setup_failure: Option<ErrorClass>,
    /// Why the iteration failed, if it did.
    pub failure: Option<ErrorClass>,
    /// Why teardown failed, if it did.
    pub teardown_failure: Option<ErrorClass>,
    /// Whether the iteration came to its end.
    pub is_done: bool,
}

/// Setup, one iteration and teardown, which is performed whatever happens before.
pub async fn once<P: Performers>(
    performers: &P,
    together: &P::Together,
    control: &Control,
    sink: &impl Sink,
) -> Once {
    let mut user = performers.user(together, Place::BESIDE, &Arc::default());
    let mut failure = None;
    let work = async {
        let setup = user.set_up(sink).await;
        if let IterationOutcome::Failed(class) = setup {
            return (Some(class), None);
        }
        let handed = Arc::new(user.hand_over());
        let mut user = performers.user(together, Place::FIRST, &handed);
        let outcome = user.iterate(Begin::now(), sink).await;
        (None, Some((outcome, user.hand_over())))
    };
    let mut setup_failure = None;
    let mut handed = None;
    tokio::select! {
        biased;
        (setup, performed) = work => {
            setup_failure = setup;
            if let Some((outcome, left)) = performed {
                handed = Some(left);
                if let IterationOutcome::Failed(class) = outcome {
                    failure = Some(class);
                }
            }
        }
        () = control.stopped() => {}
    }
    let is_done = handed.is_some();
    let handed = handed.unwrap_or_else(|| user.hand_over());
    let mut last = performers.user(together, Place::BESIDE, &Arc::new(handed));
    let teardown = last.tear_down(sink).await;
    Once {
        setup_failure,
        failure,
        teardown_failure: failed(teardown),
        is_done,
    }
}

impl Once {
    /// As a run, with what was recorded of it.
    pub fn finished(self, inner: Inner, duration: Duration, stopped: Stop) -> Finished {
        let headings = inner.headings.clone();
        let mut recorded = inner.total;
        recorded.users = 1;
        recorded.iterations = u64::from(self.is_done);
        recorded.iterations_failed = u64::from(self.failure.is_some());
        recorded.interrupted = u64::from(!self.is_done && self.setup_failure.is_none());
        Finished {
            recorded,
            series: vec![Point::of(&inner.tick, 1)],
            duration,
            setup_failure: self.setup_failure,
            teardown_failure: self.teardown_failure,
            smoke_failure: self.failure,
            stopped,
            workers: 1,
            ..Finished::nothing(&headings)
        }
    }
}

pub(super) fn failed(outcome: IterationOutcome) -> Option<ErrorClass> {
    match outcome {
        IterationOutcome::Passed => None,
        IterationOutcome::Failed(class) => Some(class),
    }
}
