//! One virtual user performing a compiled scenario.
//!
//! Rooms, in reading order: [`sample`] (what comes out), [`binding`] (a plan bound to an
//! environment and its values), [`reply`] (what expressions see), [`cookies`], [`command`],
//! [`exchange`] (one step on the wire), [`user`] (steps, repeats, retries, teardown).
//!
//! Knows no executor, no report and no database.

pub mod binding;
pub mod command;
pub mod cookies;
pub mod exchange;
pub mod reply;
pub mod request;
pub mod sample;
pub mod user;

pub use binding::Binding;
pub use sample::{Sample, Sink};
pub use user::{IterationOutcome, VirtualUser};
