//! The durable process that verifies one deploy.
//!
//! Rooms, in reading order: [`machine`] (pure: state × event → state + effects) with its words ([`event`]), what it is to do ([`policy`]), its end ([`concluding`]), and its detours: a remedy ([`mending`]), a consent ([`consenting`]); [`driver`] (runs
//! gates: the only one that changes them) with [`advance`] (commits a step), [`performing`] (phases)
//! and [`acting`] (lock, actions, proof); [`orders`] (what people want of a gate), [`partners`] (what
//! gates order of each other), [`sighting`] (a version that changed starts a gate); [`context`] (what
//! a phase may look at), [`phases`] (one in a file each), [`prerequisites`] (what must have been
//! promoted before; whether actions could be performed), [`counting`] by [`counter_source`] (counters of a Prometheus while it bakes), [`rotation`] (secrets that are other ones at each release), [`rehearsal`] (pure: what only rehearses), [`served`] (which version is served
//! everywhere), [`rollout`] (pure: what a rollout does meanwhile), [`casting`] (what is performed, with everything
//! filled in), [`arms`] (one load,
//! on the candidate and beside it), [`watch`] (pure: its evidence while it comes in), [`diagnostics`] (of what failed), [`proof`] (of a
//! rollback), [`announce`] (pure: a verdict as effects of the outbox), [`forecast`]
//! (pure: what a gate promises before it runs), [`world`] (phases and proofs
//! behind an interface, so that a simulated world can take their place).
//!
//! Invariant: commits before anything leaves; nothing but the driver changes a gate.

mod acting;
pub(crate) mod advance;
pub mod announce;
mod arms;
mod casting;
mod concluding;
mod consenting;
pub mod context;
mod counter_source;
mod counting;
mod diagnostics;
pub mod driver;
pub mod event;
pub mod forecast;
mod machine;
mod mending;
mod orders;
mod partners;
mod performing;
pub mod phases;
pub mod policy;
mod prerequisites;
pub mod proof;
mod rehearsal;
mod rollout;
mod rotation;
mod served;
pub mod sighting;
pub mod watch;
pub mod world;
