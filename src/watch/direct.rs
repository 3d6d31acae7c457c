//! What must be told without the outbox, because nothing can be committed: handed over once, with an answer
//! for each that got there.
//!
//! Does not know who hands in, nor who tells. Invariant: what got there is not told by a row as well.

use crate::record::effect::NewEffect;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What waits to be told, and what was.
#[derive(Debug, Default)]
pub struct Direct {
    state: Mutex<State>,
    came: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<NewEffect>,
    /// Keys of what was handed in.
    handed: BTreeSet<String>,
    /// Keys of what got there.
    told: BTreeSet<String>,
}

impl Direct {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands in what was not handed in before.
    pub fn hand_in(&self, effects: &[NewEffect]) {
        let mut state = self.state();
        for effect in effects {
            if state.handed.insert(effect.key.clone()) {
                tracing::warn!(key = effect.key, "Told without being kept");
                state.waiting.push_back(effect.clone());
            }
        }
        drop(state);
        self.came.notify_one();
    }

    /// The next to be told, once there is one.
    pub async fn next(&self) -> NewEffect {
        loop {
            let came = self.came.notified();
            let next = self.state().waiting.pop_front();
            match next {
                Some(next) => return next,
                None => came.await,
            }
        }
    }

    /// It got there.
    pub fn told(&self, key: String) {
        self.state().told.insert(key);
    }

    /// Whether it got there; asked once.
    pub fn was_told(&self, key: &str) -> bool {
        self.state().told.remove(key)
    }

    /// All can be committed again.
    pub fn over(&self) {
        self.state().handed.clear();
    }
}
