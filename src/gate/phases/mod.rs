//! What a gate does to measure a deploy, one phase in a file each.
//!
//! Rooms, in the order of a gate: [`registry`] (all phases), [`preflight`], [`preconditions`], [`converge`],
//! [`baseline`], [`smoke`], [`load`], [`bake`], [`approval`] with [`attested`], [`mod@pair`].
//!
//! Invariant: a phase that could not be performed is inconclusive; it never passes.

mod approval;
mod attested;
mod bake;
mod baseline;
mod converge;
pub mod load;
mod pair;
mod preconditions;
mod preflight;
pub mod registry;
pub mod smoke;
