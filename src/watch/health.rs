//! Whether a probe is up, degraded, down or unknown: pure, from one run to the next.
//!
//! A state changes only by a rule: so many failures in a row, so many of the last runs, or no run that
//! passed for too long, whatever was wrong with each. What could not be measured is unknown, not down.
//! A state that keeps changing is flapping, which is told once. Does not know who is told, nor when.

use crate::objective::Outcome;
use serde::{Deserialize, Serialize};

/// The states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It passes.
    Up,
    /// It passes, but slower than it should, or with advisory steps that fail.
    Degraded,
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
            Health::Degraded => "degraded",
            Health::Down => "down",
            Health::Unknown => "unknown",
        }
    }
}

/// What one run showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// It passed.
    Passed,
    /// It passed, and was too slow or had an advisory step that failed.
    Impaired,
    /// It failed.
    Failed,
    /// It could not be measured.
    Unmeasured,
}

impl Seen {
    /// By its outcome.
    pub fn of(outcome: Outcome, is_impaired: bool) -> Seen {
        match outcome {
            Outcome::Pass if is_impaired => Seen::Impaired,
            Outcome::Pass => Seen::Passed,
            Outcome::Fail => Seen::Failed,
            Outcome::Inconclusive => Seen::Unmeasured,
        }
    }

    fn health(self) -> Health {
        match self {
            Seen::Passed => Health::Up,
            Seen::Impaired => Health::Degraded,
            Seen::Failed => Health::Down,
            Seen::Unmeasured => Health::Unknown,
        }
    }
}

/// When a state changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// Failures before it is down: in a row, or among the last `within` runs.
    pub failures: u64,
    /// Runs among which failures are counted, at most 64; where there are none, they must be in a row.
    pub within: Option<u64>,
    /// Successes in a row before it is up again.
    pub successes: u64,
    /// Runs without a pass, whatever they came to, before it is no longer up: at most 64.
    pub without_pass: u64,
}

/// Runs that are remembered, and looked at for flapping.
const REMEMBERED: u32 = 64;
/// Runs of which the changes are counted.
const FLAP_RUNS: u32 = 20;
/// So many changes among them are flapping.
const FLAP_CHANGES: u32 = 4;

/// Runs without a change after which a state is steady, at least.
const STEADY_RUNS: u64 = 10;

/// The last runs, the newest in the lowest bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Recent {
    passed: u64,
    impaired: u64,
    failed: u64,
    unmeasured: u64,
    changed: u64,
}

fn newest(bits: u64, count: u64) -> u64 {
    match count {
        0 => 0,
        64.. => bits,
        _ => bits & ((1 << count) - 1),
    }
}

impl Recent {
    fn add(&mut self, seen: Seen) {
        for bits in [
            &mut self.passed,
            &mut self.impaired,
            &mut self.failed,
            &mut self.unmeasured,
            &mut self.changed,
        ] {
            *bits <<= 1;
        }
        *self.of(seen) |= 1;
    }

    fn of(&mut self, seen: Seen) -> &mut u64 {
        match seen {
            Seen::Passed => &mut self.passed,
            Seen::Impaired => &mut self.impaired,
            Seen::Failed => &mut self.failed,
            Seen::Unmeasured => &mut self.unmeasured,
        }
    }

    /// How many runs there were, up to 64.
    pub fn runs(&self) -> u64 {
        let all = self.passed | self.impaired | self.failed | self.unmeasured;
        u64::from(REMEMBERED - all.leading_zeros())
    }
}

/// What is remembered of a probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ProbeState {
    /// Its state.
    pub health: Health,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
    /// How often the state changed.
    pub changes: u64,
    /// The last run that passed.
    #[serde(default)]
    pub good_ms: Option<i64>,
    /// When it was measured first.
    #[serde(default)]
    pub first_ms: Option<i64>,
    /// When it was measured last.
    #[serde(default)]
    pub seen_ms: Option<i64>,
    /// The last runs.
    #[serde(default)]
    pub recent: Recent,
    /// Whether it keeps changing.
    #[serde(default)]
    pub flapping: bool,
}

/// A change of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Before.
    pub from: Health,
    /// After.
    pub to: Health,
}

impl ProbeState {
    /// The state after a run, and whether it is another one.
    #[must_use]
    pub fn after(&self, seen: Seen, rules: &Rules, now_ms: i64) -> (ProbeState, Option<Change>) {
        let mut next = self.clone();
        next.recent.add(seen);
        next.first_ms = next.first_ms.or(Some(now_ms));
        next.seen_ms = Some(now_ms);
        if matches!(seen, Seen::Passed | Seen::Impaired) {
            next.good_ms = Some(now_ms);
        }
        let to = next.health_by(seen, rules);
        let change = (to != self.health).then_some(Change {
            from: self.health,
            to,
        });
        if change.is_some() {
            next.health = to;
            next.since_ms = now_ms;
            next.changes += 1;
            // The first sight of a probe is no turn.
            next.recent.changed |= u64::from(self.changes > 0);
        }
        let turns = newest(next.recent.changed, FLAP_RUNS.into()).count_ones();
        // One that has stayed what it is for long enough is that, whatever was before.
        let steady = next.recent.changed.trailing_zeros();
        let is_steady = u64::from(steady) >= STEADY_RUNS.max(2 * rules.failures);
        next.flapping = !is_steady && (turns >= FLAP_CHANGES || self.flapping && turns > 0);
        (next, change)
    }

    fn health_by(&self, seen: Seen, rules: &Rules) -> Health {
        let recent = &self.recent;
        let in_a_row = |bits: u64| u64::from(bits.trailing_ones());
        let passed = recent.passed | recent.impaired;
        let failures = match rules.within {
            Some(within) => u64::from(newest(recent.failed, within).count_ones()),
            None => in_a_row(recent.failed),
        };
        if failures >= rules.failures {
            return Health::Down;
        }
        let without_pass = in_a_row(!passed).min(recent.runs());
        if without_pass >= rules.without_pass {
            // Nothing passes any more. That one of them failed tells more than that others were in doubt.
            return match newest(recent.failed, without_pass) {
                0 => Health::Unknown,
                _ => Health::Down,
            };
        }
        if in_a_row(recent.unmeasured) >= rules.failures {
            return Health::Unknown;
        }
        let is_fresh = self.health == Health::Unknown && self.changes == 0;
        let needed = if is_fresh { 1 } else { rules.successes };
        if in_a_row(recent.impaired) >= rules.failures
            && (self.health == Health::Up || in_a_row(passed) >= needed)
        {
            return Health::Degraded;
        }
        let is_well = match self.health {
            // It has passed all along.
            Health::Degraded => in_a_row(recent.passed) >= rules.successes,
            _ => in_a_row(passed) >= needed,
        };
        match seen.health() {
            Health::Up | Health::Degraded if is_well => Health::Up,
            _ => self.health,
        }
    }

    /// Whether it is failing, but not for long enough to be called so.
    pub fn is_suspect(&self) -> bool {
        self.health != Health::Down && self.recent.failed & 1 == 1
    }

    /// Runs since the last one that passed, up to 64.
    pub fn runs_without_pass(&self) -> u64 {
        let passed = self.recent.passed | self.recent.impaired;
        u64::from((!passed).trailing_ones()).min(self.recent.runs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(failures: u64, successes: u64) -> Rules {
        Rules {
            failures,
            within: None,
            successes,
            without_pass: (2 * failures).max(5),
        }
    }

    fn seen(letter: char) -> Seen {
        match letter {
            'P' => Seen::Passed,
            'S' => Seen::Impaired,
            'F' => Seen::Failed,
            _ => Seen::Unmeasured,
        }
    }

    /// P passed, S slow, F failed, I inconclusive; the answer shows the state after each, with `!` where it
    /// changed and `~` while it is flapping.
    fn story(outcomes: &str, rules: Rules) -> String {
        let mut state = ProbeState::default();
        let mut text = String::new();
        for (at, letter) in outcomes.chars().enumerate() {
            let (next, change) = state.after(seen(letter), &rules, at as i64);
            text.push_str(&format!(
                "{}{}{} ",
                next.health.word(),
                if change.is_some() { "!" } else { "" },
                if next.flapping { "~" } else { "" }
            ));
            state = next;
        }
        text.trim_end().to_owned()
    }

    #[test]
    fn failures_in_a_row_change_a_state_once_and_so_does_the_recovery() {
        assert_eq!(
            story("PFFPFFFFP", rules(3, 1)),
            "up! up up up up up down! down up!"
        );
        assert_eq!(story("PFFFPP", rules(3, 2)), "up! up up down! down up!");
    }

    #[test]
    fn what_cannot_be_measured_is_unknown_and_never_down() {
        assert_eq!(story("PIIIP", rules(3, 1)), "up! up up unknown! up!");
        assert_eq!(story("FFF", rules(3, 1)), "unknown unknown down!");
    }

    #[test]
    fn what_passes_no_more_is_not_up_whatever_is_wrong_with_each_run() {
        let mixed = story("PFIFIFIFI", rules(3, 1));
        assert_eq!(mixed, "up! up up up up up down! down down");
    }

    #[test]
    fn so_many_of_the_last_runs_are_enough_where_that_is_asked_for() {
        let of_five = Rules {
            within: Some(5),
            ..rules(3, 1)
        };
        assert_eq!(
            story("PFPFPFPPPP", of_five),
            "up! up up up up down! up! up up up",
        );
    }

    #[test]
    fn slow_is_degraded_and_well_again_when_it_is_fast() {
        assert_eq!(story("PSSPS", rules(2, 1)), "up! up degraded! up! up");
        assert_eq!(
            story("PSSFFPP", rules(2, 2)),
            "up! up degraded! degraded down! down up!"
        );
        assert_eq!(story("SSP", rules(2, 1)), "up! degraded! up!");
    }

    #[test]
    fn a_state_that_keeps_changing_is_flapping_until_it_is_steady() {
        let quiet = "P".repeat(STEADY_RUNS as usize);
        let text = story(&format!("PFPFPFP{quiet}"), rules(1, 1));
        assert!(
            text.starts_with("up! down! up! down! up!~ down!~ up!~ up~"),
            "{text}"
        );
        assert!(text.ends_with("up~ up"), "{text}");
    }

    proptest! {
        #[test]
        fn a_state_is_what_its_rules_say(letters in proptest::collection::vec(0_usize..4, 1..80), failures in 1_u64..5, successes in 1_u64..4) {
            let rules = rules(failures, successes);
            let mut state = ProbeState::default();
            let mut all: Vec<Seen> = Vec::new();
            for letter in letters {
                let run = [Seen::Passed, Seen::Impaired, Seen::Failed, Seen::Unmeasured][letter];
                all.push(run);
                let (next, _) = state.after(run, &rules, 7);
                let tail = |count: u64, what: &dyn Fn(&Seen) -> bool| {
                    all.len() as u64 >= count && all.iter().rev().take(count as usize).all(what)
                };
                if tail(failures, &|seen| *seen == Seen::Failed) {
                    prop_assert_eq!(next.health, Health::Down);
                }
                if tail(rules.without_pass, &|seen| matches!(seen, Seen::Failed | Seen::Unmeasured)) {
                    prop_assert!(matches!(next.health, Health::Down | Health::Unknown));
                }
                if tail(successes, &|seen| *seen == Seen::Passed) {
                    prop_assert_eq!(next.health, Health::Up);
                }
                if next.health == Health::Down && state.health != Health::Down {
                    prop_assert!(all.iter().rev().take(rules.without_pass as usize).any(|seen| *seen == Seen::Failed));
                }
                state = next;
            }
        }
    }
}
