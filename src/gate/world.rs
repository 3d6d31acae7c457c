//! What a gate does to the world, behind one small interface: the real thing, or a simulated world.

use super::context::{Ended, PhaseContext};
use super::phases::registry;
use super::{diagnostics, proof, served};
use crate::doing::Doing;
use crate::load::Tick;
use crate::record::state::Phase;
use crate::run::Summary;
use std::fmt::Debug;
use std::time::Instant;

/// Told of every second of a load.
pub type OnTick<'a> = &'a mut (dyn FnMut(&str, &Tick) + Send);

/// Performs phases and proofs.
pub trait World: Debug + Send + Sync {
    /// Performs a phase.
    fn perform<'a>(
        &'a self,
        phase: Phase,
        context: &'a PhaseContext<'a>,
        on_tick: OnTick<'a>,
    ) -> Doing<'a, Ended>;

    /// Looks whether what was measured is still served.
    fn still<'a>(&'a self, context: &'a PhaseContext<'a>, ended: Ended) -> Doing<'a, Ended>;

    /// Performs the diagnostics of a gate whose phase did not pass, once and within a short time; the runs.
    fn diagnose<'a>(&'a self, context: &'a PhaseContext<'a>) -> Doing<'a, Vec<Summary>>;

    /// Proves a rollback until a deadline: whether it is proven, why, and the runs.
    fn prove<'a>(
        &'a self,
        context: &'a PhaseContext<'a>,
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
        context: &'a PhaseContext<'a>,
        on_tick: OnTick<'a>,
    ) -> Doing<'a, Ended> {
        registry::perform(phase, context, on_tick)
    }

    fn still<'a>(&'a self, context: &'a PhaseContext<'a>, ended: Ended) -> Doing<'a, Ended> {
        Box::pin(served::still(context, ended))
    }

    fn diagnose<'a>(&'a self, context: &'a PhaseContext<'a>) -> Doing<'a, Vec<Summary>> {
        Box::pin(diagnostics::diagnose(context))
    }

    fn prove<'a>(
        &'a self,
        context: &'a PhaseContext<'a>,
        deadline: Instant,
    ) -> Doing<'a, (bool, Vec<String>, Vec<Summary>)> {
        Box::pin(proof::prove(context, deadline))
    }
}
