//! Simulation of gates: the real driver, courier, machine and tables on paused time, in a world that
//! is made of chance: deploys that are good, bad or cannot be told, people who call off and order,
//! receivers that act and lose the answer, and a process that dies at any commit.
//!
//! Beside it [`months`] of incidents, on the pure rules of watching (`SIM_STORIES=2000 SIM_DAYS=7` lives so many, so
//! long), and a channel that is [`away`].
//!
//! A failure names its seed; `SIM_SEED=17 cargo test --test sim` repeats it alone, and
//! `SIM_SEEDS=20000` tries so many.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on panics"
)]

mod away;
mod months;
mod story;
mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use story::{Death, Story};

/// Seeds that are tried where nothing else is said.
const SEEDS: u64 = 10_000;

fn seeds() -> Vec<u64> {
    if let Ok(seed) = std::env::var("SIM_SEED") {
        return vec![seed.parse().unwrap()];
    }
    let count = std::env::var("SIM_SEEDS").map_or(SEEDS, |count| count.parse().unwrap());
    (0..count).collect()
}

/// Chance decides what happens, and when the process dies.
#[test]
fn whatever_happens_a_verdict_is_right_and_its_effects_come_once() {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (seeds, kinds) = (seeds(), Mutex::new(BTreeMap::new()));
    // Each story keeps its own clock, on its own thread.
    std::thread::scope(|scope| {
        for first in 0..threads {
            let (seeds, kinds) = (&seeds, &kinds);
            scope.spawn(move || {
                for seed in seeds.iter().skip(first).step_by(threads) {
                    let told = Story::of(*seed).play(Death::ByChance);
                    assert!(
                        told.violations.is_empty(),
                        "SIM_SEED={seed}: {:#?}",
                        told.violations
                    );
                    for verdict in told.verdicts {
                        *kinds.lock().unwrap().entry(verdict).or_insert(0_u64) += 1;
                    }
                }
            });
        }
    });
    let kinds = kinds.into_inner().unwrap();
    if std::env::var("SIM_SEED").is_err() {
        // A simulation that never rolls back would find nothing.
        for verdict in ["promote", "rollback", "hold"] {
            assert!(
                kinds.get(verdict).is_some_and(|count| *count > 100),
                "{kinds:?}"
            );
        }
    }
}

/// A state file that cannot be written lets nothing out; once it can, the gate goes on.
#[test]
fn nothing_leaves_while_the_database_is_read_only() {
    let mut busy = 0;
    let mut all = 0;
    for seed in seeds().into_iter().take(50) {
        let told = Story::of(seed).play(Death::ReadOnly);
        busy += u64::from(told.was_busy);
        all += 1;
        assert!(
            told.violations.is_empty(),
            "SIM_SEED={seed}: {:#?}",
            told.violations
        );
    }
    // Where nothing wants to leave, nothing is shown.
    assert!(busy * 2 > all || all == 1, "{busy} of {all}");
}

/// The same stories with a process that dies at each of their commits in turn, before it is carried
/// out and after.
#[test]
fn a_death_at_any_commit_changes_nothing() {
    for seed in seeds().into_iter().take(24) {
        let story = Story::of(seed);
        let commits = story.play(Death::Never).commits;
        assert!(!commits.is_empty());
        for at in commits {
            for carried_out in [false, true] {
                let told = story.play(Death::At { at, carried_out });
                assert!(
                    told.violations.is_empty(),
                    "SIM_SEED={seed}, death at commit {at} (carried out: {carried_out}): {:#?}",
                    told.violations
                );
            }
        }
    }
}
