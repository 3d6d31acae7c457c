//! What must outlive the process: gates, their events, the outbox, probe states, runs.
//!
//! Rooms: [`sqlite`] (the file, its lock and its versions), writer (the thread that commits), [`gates`], [`outbox`] (and withdraw), [`probes`],
//! [`runs`], locks, prune (what has been kept long enough), [`notes`], [`simulated`] (in memory, for simulations). Rows are JSON documents
//! of boundary types, with the columns that are searched beside them. Invariant: what belongs
//! together is committed together, in one transaction.

pub mod gates;
mod locks;
pub mod notes;
pub mod outbox;
pub mod probes;
mod prune;
pub mod runs;
pub mod simulated;
pub mod sqlite;
mod withdraw;
mod writer;

pub use sqlite::{Store, StoreFault};
