//! The daemon: starts, wires, reloads and stops everything.
//!
//! Rooms: [`lifecycle`] (start, reload, stop), [`watch`] (who watches production), [`tasks`] (who else lives as long as it does), [`dead_man`] (the heartbeat that we send), [`pushing`] (metrics, to whoever is configured), [`service`] (what a service manager is told), [`housekeeping`]
//! (history is rolled up, and what is old is removed).

mod dead_man;
mod housekeeping;
pub mod lifecycle;
mod pushing;
mod service;
mod tasks;
mod watch;

pub use lifecycle::{Daemon, StartFault};
