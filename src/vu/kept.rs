//! Connections that outlive a virtual user: kept by where they go, and handed to the next one.
//!
//! Does not know who asks, nor why. Invariant: what is kept has nothing on its way, and is of the same
//! origin and settings as what is asked for; nothing is kept for ever, so that names and certificates
//! are looked at again.

use super::road::Held;
use crate::net::connect::Origin;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Connections kept for one origin: more are closed.
const EACH_MAX: usize = 16;
/// A connection that is older is closed.
const AGE_MAX: Duration = Duration::from_secs(600);

/// Connections that nobody uses now.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<Arc<Origin>, Vec<Held>>>);

impl Kept {
    /// The one that was used last, if there is any.
    pub(super) fn take(&self, origin: &Arc<Origin>) -> Option<Held> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.get_mut(origin)?;
        while let Some(held) = waiting.pop() {
            if held.connection.may_be_kept(AGE_MAX) {
                return Some(held);
            }
        }
        None
    }

    /// Keeps one, unless it cannot be used again.
    pub(super) fn give(&self, held: Held) {
        if held.lease.is_some() || !held.connection.may_be_kept(AGE_MAX) {
            return;
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all.entry(held.origin.clone()).or_default();
        if waiting.len() < EACH_MAX {
            waiting.push(held);
        }
    }

    /// Closes what is too old; to be called now and then.
    pub fn tidy(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| {
            waiting.retain(|held| held.connection.may_be_kept(AGE_MAX));
            !waiting.is_empty()
        });
    }
}
