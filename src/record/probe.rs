//! Whether a probe is up, down or unknown: pure, from one outcome to the next.
//!
//! A state changes only after so many outcomes in a row, so that one lost packet wakes nobody.
//! What could not be measured is unknown, not down.

use crate::objective::Outcome;
use serde::{Deserialize, Serialize};

/// The three states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It passes.
    Up,
    /// It fails.
    Down,
    /// It was never measured, or cannot be measured now.
    #[default]
    Unknown,
}

impl Health {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Health::Up => "up",
            Health::Down => "down",
            Health::Unknown => "unknown",
        }
    }
}

/// What is remembered of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ProbeState {
    /// Up, down or unknown.
    pub health: Health,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// The last outcome's health.
    pub last: Option<Health>,
    /// How many outcomes in a row were like the last one.
    pub streak: u64,
    /// How often the state changed: part of the keys of messages.
    pub changes: u64,
}

/// A change that people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Before.
    pub from: Health,
    /// After.
    pub to: Health,
}

impl ProbeState {
    /// The state after an outcome, and the change that it makes. The first time that a probe is seen up tells nobody.
    #[must_use]
    pub fn after(
        &self,
        outcome: Outcome,
        failures: u64,
        successes: u64,
        now_ms: i64,
    ) -> (ProbeState, Option<Change>) {
        let seen = match outcome {
            Outcome::Pass => Health::Up,
            Outcome::Fail => Health::Down,
            Outcome::Inconclusive => Health::Unknown,
        };
        let mut next = self.clone();
        next.streak = if self.last == Some(seen) {
            self.streak + 1
        } else {
            1
        };
        next.last = Some(seen);
        let fresh = self.last.is_none() || (self.health == Health::Unknown && self.changes == 0);
        let needed = match seen {
            Health::Up if fresh => 1,
            Health::Up => successes,
            Health::Down | Health::Unknown => failures,
        };
        if seen == self.health || next.streak < needed {
            return (next, None);
        }
        next.health = seen;
        next.since_ms = now_ms;
        next.changes += 1;
        let told = !(fresh && seen == Health::Up);
        (
            next,
            told.then_some(Change {
                from: self.health,
                to: seen,
            }),
        )
    }
}

/// One result of a probe.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ProbeResult {
    /// When it started.
    pub at_ms: i64,
    /// What it came to.
    pub outcome: Outcome,
    /// How long it took.
    pub duration_us: i64,
    /// Why it did not pass.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P pass, F fail, I inconclusive; the answer shows the health after each, with `!` where somebody is told.
    fn story(outcomes: &str, failures: u64, successes: u64) -> String {
        let mut state = ProbeState::default();
        let mut text = String::new();
        for (at, letter) in outcomes.chars().enumerate() {
            let outcome = match letter {
                'P' => Outcome::Pass,
                'F' => Outcome::Fail,
                _ => Outcome::Inconclusive,
            };
            let (next, change) = state.after(outcome, failures, successes, at as i64);
            text.push_str(&format!(
                "{}{} ",
                next.health.word(),
                if change.is_some() { "!" } else { "" }
            ));
            state = next;
        }
        text.trim_end().to_owned()
    }

    #[test]
    fn three_failures_in_a_row_are_told_once_and_so_is_the_recovery() {
        assert_eq!(story("PFFPFFFFP", 3, 1), "up up up up up up down! down up!");
        assert_eq!(story("PFFFPP", 3, 2), "up up up down! down up!");
    }

    #[test]
    fn what_cannot_be_measured_is_unknown_and_never_down() {
        assert_eq!(story("PIIIP", 3, 1), "up up up unknown! up!");
        assert_eq!(story("FFF", 3, 1), "unknown unknown down!");
    }
}
