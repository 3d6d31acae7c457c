//! The daemon: starts, wires, reloads and stops everything.
//!
//! Rooms: [`lifecycle`] (start, reload, stop), [`tasks`] (who lives as long as it does), [`housekeeping`]
//! (history is rolled up, and what is old is removed).

mod housekeeping;
pub mod lifecycle;
mod tasks;

pub use lifecycle::{Daemon, StartFault};
