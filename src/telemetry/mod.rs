//! What operators and Prometheus see: [`metrics`] (names and exposition), [`run_metrics`]
//! (of loads), [`logs`].

pub mod logs;
pub mod metrics;
pub mod registry;
pub mod run_metrics;
