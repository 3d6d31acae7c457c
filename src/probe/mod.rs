//! Scenarios on a schedule.
//!
//! Rooms: [`schedule`] (pure: when), [`state`] (pure: up, down or unknown), [`prober`] (the shell).

pub mod prober;
