//! What is counted and logged, and how it is shown.
//!
//! Rooms: [`metrics`] (all of the daemon, with [`probe_metrics`] and [`gate_metrics`]),
//! [`run_metrics`] (of a running load), [`registry`] (names, help, labels, buckets), [`logs`].

mod gate_metrics;
pub mod logs;
pub mod metrics;
mod probe_metrics;
pub mod registry;
pub mod run_metrics;
