//! What is counted and logged, and how it is shown.
//!
//! Rooms: [`metrics`] (all of the daemon, with [`probe_metrics`], [`gate_metrics`], [`slo_metrics`] and [`own_metrics`]),
//! [`run_metrics`] (of a running load), [`registry`] (names, help, labels, buckets), [`exposition`] (the text
//! formats and messages that Prometheus reads) with [`mod@format`], [`protobuf`] and [`native`] (sparse histograms),
//! [`samples`] (the same for those who are pushed to) with [`remote_write`] and [`otlp`], [`logs`].

pub mod exposition;
pub mod format;
mod gate_metrics;
pub mod logs;
pub mod metrics;
mod native;
pub mod otlp;
mod own_metrics;
pub mod probe_metrics;
mod protobuf;
pub mod registry;
pub mod remote_write;
pub mod run_metrics;
pub mod samples;
mod slo_metrics;
