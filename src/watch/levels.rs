//! Where levels are handed in, and fetched by whoever keeps the book of incidents.
//!
//! Of each subject only the newest is kept: who hands in never waits, and what waits is bounded by the
//! number of subjects. Does not know what follows from a level.

use super::alert::Level;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Levels that wait to be fetched.
#[derive(Debug, Default)]
pub struct Levels {
    waiting: Mutex<Waiting>,
    came: Notify,
}

/// What waits.
#[derive(Debug, Default)]
pub struct Waiting {
    /// By kind: the only subjects of it that are still watched.
    pub only: BTreeMap<String, BTreeSet<String>>,
    /// By subject.
    pub levels: BTreeMap<String, Level>,
}

impl Levels {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is so of a subject now.
    pub fn put(&self, level: Level) {
        self.waiting().levels.insert(level.subject.clone(), level);
        self.came.notify_one();
    }

    /// What is so of many subjects, which are fetched together.
    pub fn put_all(&self, levels: Vec<Level>) {
        let named = levels
            .into_iter()
            .map(|level| (level.subject.clone(), level));
        self.waiting().levels.extend(named);
        self.came.notify_one();
    }

    /// Of a kind, `probe/` for example, only these subjects are watched from now on.
    pub fn only(&self, kind: &str, subjects: BTreeSet<String>) {
        let mut waiting = self.waiting();
        waiting
            .levels
            .retain(|subject, _| !subject.starts_with(kind) || subjects.contains(subject));
        waiting.only.insert(kind.to_owned(), subjects);
        drop(waiting);
        self.came.notify_one();
    }

    /// All that waits, once there is anything.
    pub async fn fetch(&self) -> Waiting {
        loop {
            let came = self.came.notified();
            let waiting = std::mem::take(&mut *self.waiting());
            if !waiting.levels.is_empty() || !waiting.only.is_empty() {
                return waiting;
            }
            came.await;
        }
    }
}
