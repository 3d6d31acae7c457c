//! The durable process that verifies one deploy.
//!
//! Rooms, in reading order: [`record`] (what is kept of a gate), [`machine`] (pure: state × event
//! → state + effects, with its invariants), [`windows`] (pure: when), [`version`] (what a service
//! serves), [`early`] (pure: stopping a load that is lost already), [`phases`] (what each phase
//! does to the world), [`announce`] (pure: a verdict as effects of the outbox), [`driver`] (runs
//! gates, commits before anything leaves).
//!
//! Nothing but the driver changes a gate.

pub mod announce;
pub mod driver;
pub mod early;
pub mod machine;
pub mod phases;
pub mod record;
pub mod version;
pub mod windows;
