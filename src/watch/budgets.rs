//! How all budgets stand now, for whoever asks: pages, the API, and gates that require some of it.
//!
//! Does not know how that was found out.

use super::budget::{Goal, Standing};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Budgets by the names of their objectives.
#[derive(Debug, Default)]
pub struct Budgets(Mutex<BTreeMap<String, (Goal, Standing)>>);

impl Budgets {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, (Goal, Standing)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How one stands now.
    pub fn put(&self, name: &str, goal: Goal, standing: Standing) {
        self.all().insert(name.to_owned(), (goal, standing));
    }

    /// Only these are kept.
    pub fn only(&self, names: &BTreeSet<String>) {
        self.all().retain(|name, _| names.contains(name));
    }

    /// How one stands, if that is known yet.
    pub fn of(&self, name: &str) -> Option<Standing> {
        self.all().get(name).map(|(_, standing)| standing.clone())
    }

    /// All of them.
    pub fn list(&self) -> Vec<(String, Goal, Standing)> {
        let all = self.all();
        let list = all.iter();
        list.map(|(name, (goal, standing))| (name.clone(), *goal, standing.clone()))
            .collect()
    }
}
