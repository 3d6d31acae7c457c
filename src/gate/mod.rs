//! The durable process that verifies one deploy.
//!
//! Rooms, in reading order: [`record`] (what is kept of a gate), [`state`] and [`machine`] (pure:
//! state × event → state + effects, with its invariants), [`windows`] (pure: when), [`version`]
//! (what a service serves; in served, what all of them do), [`watch`] (pure: the evidence of a load
//! while it comes in), arms (one load, on the candidate and beside it), [`load_phase`], bake, [`proof`] and [`phases`] (what each phase does to the
//! world), [`announce`] (pure: a verdict as effects of the outbox), [`sighting`] (a version that
//! changed starts a gate), [`hands`] (the phases behind an interface, so that a simulated world can
//! take their place), [`driver`] (runs gates; beside it advance, performing, acting; orders, which
//! people give, and partners, which gates give each other).
//! Commits before anything leaves.
//!
//! Nothing but the driver changes a gate.

mod acting;
pub(crate) mod advance;
pub mod announce;
mod arms;
mod bake;
pub mod driver;
pub mod ground;
pub mod hands;
pub mod load_phase;
pub mod machine;
mod orders;
mod partners;
mod performing;
pub mod phases;
mod prerequisites;
pub mod proof;
mod served;
pub mod sighting;
pub mod watch;
