//! From samples to slots of evidence: pure.
//!
//! A sample counts in the slot in which it was known, that is, when it ended.

use super::class::Class;
use super::slot::{ArmSlot, Count, SLOTS_A_SECOND, Slot};
use super::{Metric, Objective};
use crate::net::ErrorClass;

/// Length of a slot in microseconds.
pub const SLOT_MICROS: u64 = 1_000_000 / SLOTS_A_SECOND as u64;

/// Which version answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arm {
    /// The version that is judged.
    Candidate,
    /// The one beside it.
    Baseline,
}

/// What an objective counts as bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watched {
    /// On this step only; on all of them where nothing is said.
    pub step: Option<u32>,
    /// Over this latency in microseconds; only failures where nothing is said.
    pub limit_micros: Option<u64>,
    /// These failures only; all of them where nothing is said.
    pub class: Option<Class>,
}

impl Watched {
    /// Of an objective whose step has a number.
    pub fn of(objective: &Objective, step: Option<u32>) -> Watched {
        let limited = matches!(objective.metric, Metric::Quantile(_));
        Watched {
            step,
            limit_micros: limited.then_some(objective.limit as u64),
            class: objective.class,
        }
    }
}

/// What a request came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Came {
    /// Whether it succeeded.
    pub ok: bool,
    /// Its status, 0 where there was none, or none is known.
    pub status: u16,
    /// What it failed by, as far as that is known.
    pub error: Option<ErrorClass>,
}

impl Came {
    /// Of what only the success is known.
    pub fn known(ok: bool) -> Came {
        Came {
            ok,
            status: 0,
            error: None,
        }
    }
}

/// Whether an objective can be judged while evidence comes in: by a share of requests over zero.
pub fn is_sequential(objective: &Objective) -> bool {
    let share = objective.allowed_share();
    objective.value.is_none() && share.is_some_and(|share| share > 0.0)
}

/// Counts a sample in one arm of a slot.
pub fn count(arm: &mut ArmSlot, watched: &[Watched], step: u32, latency_micros: u64, came: Came) {
    let ok = came.ok;
    arm.all.add(Count {
        requests: 1,
        bad: u64::from(!ok),
    });
    if arm.objectives.len() < watched.len() {
        arm.objectives.resize(watched.len(), Count::default());
    }
    for (count, watched) in arm.objectives.iter_mut().zip(watched) {
        if watched.step.is_some_and(|only| only != step) {
            continue;
        }
        let slow = watched
            .limit_micros
            .is_some_and(|limit| latency_micros > limit);
        let is_bad = match watched.class {
            Some(class) => class.counts(came.status, came.error),
            None => !ok || slow,
        };
        count.add(Count {
            requests: 1,
            bad: u64::from(is_bad),
        });
    }
}

/// One recorded sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it was known, in microseconds.
    pub known_micros: u64,
    /// Its latency in microseconds.
    pub latency_micros: u64,
    /// Its step's number.
    pub step: u32,
    /// Which version answered.
    pub arm: Arm,
    /// Whether it succeeded.
    pub ok: bool,
}

/// Slots of samples, from `origin` on; empty ones included. Each arm is handed over in any order.
///
/// # Errors
/// Where they are spread over more than a week: to leave some out would be to choose the evidence.
pub fn slots(
    samples: &[Sample],
    watched: &[Watched],
    origin_micros: u64,
) -> Result<Vec<Slot>, String> {
    let place = |sample: &Sample| {
        (sample.known_micros.saturating_sub(origin_micros) / SLOT_MICROS) as usize
    };
    let count_of = samples.iter().map(place).max().map_or(0, |last| last + 1);
    if count_of > SLOTS_MAX {
        return Err("the samples of one gate are spread over more than a week; is `t_ms` right, or a column `gate` missing?".to_owned());
    }
    let mut slots = vec![Slot::new(watched.len()); count_of];
    for sample in samples {
        let slot = &mut slots[place(sample)];
        let arm = match sample.arm {
            Arm::Candidate => &mut slot.candidate,
            Arm::Baseline => &mut slot.baseline,
        };
        let came = Came::known(sample.ok);
        count(arm, watched, sample.step, sample.latency_micros, came);
    }
    Ok(slots)
}

/// A week: no recorded gate is longer.
pub const SLOTS_MAX: usize = 7 * 24 * 3600 * SLOTS_A_SECOND;
