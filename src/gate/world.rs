//! What a gate does to the world, behind one small interface: the real thing, or a simulated world.

use super::ground::{Ended, Ground};
use super::phases::registry;
use super::{proof, served};
use crate::doing::Doing;
use crate::load::Tick;
use crate::record::state::Phase;
use crate::run::Summary;
use crate::scenario::Plan;
use std::fmt::Debug;
use std::time::Instant;

/// Told of every second of a load.
pub type OnTick<'a> = &'a mut (dyn FnMut(&Plan, &Tick) + Send);

/// Performs phases and proofs.
pub trait World: Debug + Send + Sync {
    /// Performs a phase.
    fn perform<'a>(
        &'a self,
        phase: Phase,
        ground: &'a Ground<'a>,
        on_tick: OnTick<'a>,
    ) -> Doing<'a, Ended>;

    /// Looks whether what was measured is still served.
    fn still<'a>(&'a self, ground: &'a Ground<'a>, ended: Ended) -> Doing<'a, Ended>;

    /// Proves a rollback until a deadline: whether it is proven, why, and the runs.
    fn prove<'a>(
        &'a self,
        ground: &'a Ground<'a>,
        deadline: Instant,
    ) -> Doing<'a, (bool, Vec<String>, Vec<Summary>)>;
}

/// The real thing.
#[derive(Debug, Default)]
pub struct RealWorld;

impl World for RealWorld {
    fn perform<'a>(
        &'a self,
        phase: Phase,
        ground: &'a Ground<'a>,
        on_tick: OnTick<'a>,
    ) -> Doing<'a, Ended> {
        registry::perform(phase, ground, on_tick)
    }

    fn still<'a>(&'a self, ground: &'a Ground<'a>, ended: Ended) -> Doing<'a, Ended> {
        Box::pin(served::still(ground, ended))
    }

    fn prove<'a>(
        &'a self,
        ground: &'a Ground<'a>,
        deadline: Instant,
    ) -> Doing<'a, (bool, Vec<String>, Vec<Summary>)> {
        Box::pin(proof::prove(ground, deadline))
    }
}
