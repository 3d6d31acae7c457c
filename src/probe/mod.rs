//! Scenarios on a schedule.
//!
//! Rooms: [`prober`] (runs them when they are due).
//!
//! When they are due is said by `project::schedule`, whether one is up by `record::probe`.

pub mod prober;
