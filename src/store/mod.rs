//! What must outlive the process: gates, their events, the outbox, probe states, runs.
//!
//! Rooms: [`contract`] (what any store must do, as use cases, and the handle that the rest of the
//! program holds), [`sqlite`] (the one that does it in a file, or in memory for simulations),
//! [`fault`] (why it could not), [`history`] (of probes, as counts of an objective), [`mod@insist`] (until it succeeds).
//!
//! Knows what belongs together, not what it means: policy comes from [`crate::record`].
//! Invariant: what belongs together is committed together, in one transaction.

pub mod contract;
pub mod fault;
pub mod history;
mod insist;
pub mod sqlite;

pub use contract::Store;
pub use fault::StoreFault;
pub use insist::insist;
