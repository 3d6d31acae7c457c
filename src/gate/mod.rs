//! The durable process that verifies one deploy.
//!
//! Rooms, in reading order: [`record`] (what is kept of a gate), [`state`] and [`machine`] (pure: state × event
//! → state + effects, with its invariants), [`windows`] (pure: when), [`version`] (what a service
//! serves), [`watch`] (pure: the evidence of a load while it comes in), [`load_phase`], [`phases`] (what each phase
//! does to the world), [`announce`] (pure: a verdict as effects of the outbox), [`sighting`] (a version
//! that changed starts a gate), [`hands`] (the phases behind an
//! interface, so that a simulated world can take their place), [`driver`] (runs gates; beside it one step, the phases and what
//! follows a verdict). Commits before anything leaves.
//!
//! Nothing but the driver changes a gate.

mod acting;
mod advance;
pub mod announce;
pub mod driver;
pub mod hands;
pub mod load_phase;
pub mod machine;
mod performing;
pub mod phases;
mod prerequisites;
pub mod record;
pub mod sighting;
pub mod state;
pub mod version;
pub mod watch;
pub mod windows;
