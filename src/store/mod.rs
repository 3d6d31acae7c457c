//! What must outlive the process: gates, their events, the outbox, probe states, runs.
//!
//! Rooms: [`sqlite`] (the file and its lock) with [`tables`] (and their versions), [`writer`] and [`reader`]
//! (its threads), [`fault`]; [`gates`], [`notes`], [`outbox`] with [`withdraw`], [`probes`], [`runs`],
//! [`locks`], [`prune`] (what has been kept long enough); [`mod@insist`] (until it succeeds), [`simulated`]
//! (in memory, for simulations).
//!
//! Rows are JSON documents of boundary types, with the columns that are searched beside them.
//! Invariant: what belongs together is committed together, in one transaction.

pub mod fault;
pub mod gates;
mod insist;
mod locks;
pub mod notes;
pub mod outbox;
pub mod probes;
mod prune;
mod reader;
pub mod runs;
pub mod simulated;
pub mod sqlite;
mod tables;
mod withdraw;
mod writer;

pub use fault::StoreFault;
pub use insist::insist;
pub use sqlite::Store;
