//! A gate that is only rehearsed: it goes through all of its phases in seconds, and does nothing.
//!
//! Pure. Invariant: what was rehearsed is never a promotion, and nothing acts on it.

use super::context::Ended;
use crate::objective::Outcome;
use crate::project::gate::Bake;
use crate::record::gate::Facts;
use crate::record::state::Phase;
use crate::scenario::plan::{Load, end_of};
use std::time::Duration;

/// How long loads and bake last at the most.
const LENGTH: Duration = Duration::from_secs(10);
/// Pause between the rounds of a bake, at the most.
const PAUSE: Duration = Duration::from_secs(2);

/// Why nothing is promoted.
pub fn holds(facts: &Facts) -> Option<String> {
    let is_rehearsal = facts.rehearsal;
    is_rehearsal.then(|| {
        "it was a rehearsal: everything passed as far as some seconds can show, and nothing is promoted by that".to_owned()
    })
}

/// Loads as they are performed.
pub fn loads(facts: &Facts, loads: &[Load]) -> Vec<Load> {
    let length = end_of(loads);
    if !facts.rehearsal || length <= LENGTH {
        return loads.to_vec();
    }
    let factor = LENGTH.as_secs_f64() / length.as_secs_f64();
    let shortened = loads.iter().map(|load| load.clone().shortened(factor));
    shortened.collect()
}

/// How long a bake lasts, and the pause between its rounds.
pub fn bake(facts: &Facts, bake: &Bake) -> (Duration, Duration) {
    match facts.rehearsal {
        true => (bake.duration.min(LENGTH), bake.every.min(PAUSE)),
        false => (bake.duration, bake.every),
    }
}

/// A phase as it counts in a rehearsal: what held as far as it was measured, and was too short to tell, goes on
/// and says so. What could not be measured ends it, as it would end the gate.
pub fn rehearsed(facts: &Facts, phase: Phase, mut ended: Ended) -> Ended {
    let is_short = match phase {
        Phase::Load => ended.is_open,
        // The round that did not pass is kept.
        Phase::Bake => ended.runs.is_empty(),
        _ => false,
    };
    let is_doubtful = ended.outcome == Outcome::Inconclusive && !ended.is_foreign;
    if facts.rehearsal && is_short && is_doubtful {
        ended.outcome = Outcome::Pass;
        let said = "rehearsed for some seconds only, which is too short to tell";
        ended.reasons.insert(0, said.to_owned());
    }
    ended
}
