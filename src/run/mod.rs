//! What a run came to: counts become a summary, and a summary an outcome.
//!
//! Rooms: [`summary`] (the one model behind all reports), [`summarize`] (from what was recorded to it),
//! [`scripted`] (what a script asks for beside objectives), [`observation`] (one performance of a scenario, without histograms), [`decide`] (pass, fail or inconclusive, as pure rules), [`mod@remarks`] (what is said beside), [`keeping_up`] (whether the load generator was
//! the bottleneck).
//!
//! Pure. Does not know how a summary is shown, nor what follows from it.

pub mod decide;
pub mod keeping_up;
pub mod observation;
pub mod remarks;
pub mod scripted;
pub mod summarize;
pub mod summary;

pub use summary::Summary;
