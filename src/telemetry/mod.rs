//! What operators and Prometheus see: [`metrics`] (names and exposition), [`logs`].

pub mod logs;
pub mod metrics;
