//! Whoever must live as long as the process: caught when it panics or ends, counted, told, and
//! started again with back-off.
//!
//! Does not know what the tasks do, nor who is told: it is given a closure for that.
//! Invariant: a task that died is unwell until it has lived for a while again.

use futures_util::FutureExt as _;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The pause before the first new start, and what it doubles up to.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A task that has lived so long since its last start is well.
const WELL_AFTER: Duration = Duration::from_secs(10);

/// Told of every death by the name of the task.
type OnDeath = Box<dyn Fn(&'static str) + Send + Sync>;

/// Keeps tasks alive.
pub struct Supervisor {
    /// Tasks that died, each with the moment from which it is well again; none while it is not known.
    unwell: Mutex<BTreeMap<&'static str, Option<Instant>>>,
    on_death: OnDeath,
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("unwell", &self.unwell())
            .finish_non_exhaustive()
    }
}

impl Default for Supervisor {
    fn default() -> Supervisor {
        Supervisor::new(|_| ())
    }
}

impl Supervisor {
    /// One that tells every death.
    pub fn new(on_death: impl Fn(&'static str) + Send + Sync + 'static) -> Supervisor {
        Supervisor {
            unwell: Mutex::default(),
            on_death: Box::new(on_death),
        }
    }

    fn sick(&self) -> MutexGuard<'_, BTreeMap<&'static str, Option<Instant>>> {
        self.unwell.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tasks that died and have not lived for a while since.
    pub fn unwell(&self) -> Vec<&'static str> {
        let now = Instant::now();
        let mut sick = self.sick();
        sick.retain(|_, well| well.is_none_or(|well| now < well));
        sick.keys().copied().collect()
    }

    /// Lets a task live for ever; to be dropped at the end. `make` makes it anew for each start.
    pub async fn keep<F: Future<Output = ()>>(
        self: Arc<Self>,
        name: &'static str,
        mut make: impl FnMut() -> F,
    ) {
        let mut pause = PAUSE;
        loop {
            let task = self.caught(name, make());
            tokio::pin!(task);
            let died = tokio::select! {
                died = &mut task => died,
                () = tokio::time::sleep(WELL_AFTER) => {
                    self.sick().remove(name);
                    pause = PAUSE;
                    task.await
                }
            };
            if died.is_some() {
                self.died(name, "it ended, though it must not");
            }
            self.sick().insert(name, None);
            tracing::warn!(
                task = name,
                again_in_s = pause.as_secs(),
                "A task is started again"
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Awaits work that may panic. Nothing if it did: then it is counted and told.
    pub async fn caught<T>(&self, name: &'static str, work: impl Future<Output = T>) -> Option<T> {
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(done) => Some(done),
            // Its text may quote a value: only the place of it is told, by the hook.
            Err(_) => {
                self.died(name, "it panicked");
                None
            }
        }
    }

    fn died(&self, name: &'static str, why: &str) {
        (self.on_death)(name);
        self.sick().insert(name, Some(Instant::now() + WELL_AFTER));
        tracing::error!(
            task = name,
            why,
            "A task of Bellwether died: this is a fault of its own"
        );
    }
}

/// Has the place of every panic told in the log, beside what the supervisor tells of its task.
pub fn log_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "Panic");
        before(panic);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::Relaxed;

    fn supervisor() -> (Arc<Supervisor>, Arc<AtomicUsize>) {
        let deaths = Arc::new(AtomicUsize::new(0));
        let counted = deaths.clone();
        let supervisor = Supervisor::new(move |name| {
            assert_eq!(name, "task");
            counted.fetch_add(1, Relaxed);
        });
        (Arc::new(supervisor), deaths)
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_dies_is_counted_unwell_and_started_again() {
        let (supervisor, deaths) = supervisor();
        let starts = Arc::new(AtomicUsize::new(0));
        let counted = starts.clone();
        let keeping = supervisor.clone().keep("task", move || {
            let start = counted.fetch_add(1, Relaxed);
            async move {
                match start {
                    0 => panic!("at once"),
                    // Ends early, which is no better.
                    1 => (),
                    _ => std::future::pending().await,
                }
            }
        });
        let handle = tokio::spawn(keeping);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(
            (deaths.load(Relaxed), supervisor.unwell()),
            (1, vec!["task"])
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((starts.load(Relaxed), deaths.load(Relaxed)), (2, 2));
        // The pause doubles, and the third life is a long one.
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(
            (starts.load(Relaxed), supervisor.unwell()),
            (3, vec!["task"])
        );
        tokio::time::sleep(WELL_AFTER).await;
        assert!(supervisor.unwell().is_empty());
        assert_eq!(deaths.load(Relaxed), 2);
        handle.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_caught_gives_its_value_or_nothing() {
        let (supervisor, deaths) = supervisor();
        assert_eq!(supervisor.caught("task", async { 7 }).await, Some(7));
        let broken = supervisor.caught("task", async { panic!("broken {}", 1) });
        assert_eq!(broken.await, None::<()>);
        assert_eq!(
            (deaths.load(Relaxed), supervisor.unwell()),
            (1, vec!["task"])
        );
        tokio::time::sleep(WELL_AFTER).await;
        assert!(supervisor.unwell().is_empty());
    }
}
