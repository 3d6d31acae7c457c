//! What people and machines read of a run.
//!
//! Rooms: [`summary`] (the one model behind all forms), [`keeping_up`] (whether the generator was
//! the bottleneck), [`outcome`] (what it comes to), [`text`], [`json`], [`junit`], [`html`] with
//! [`chart`], [`samples`], [`hdr`], [`style`] (colour only on a terminal). Everything but
//! [`samples`] and [`hdr`] is a pure function of the summary.

pub mod chart;
pub mod explain;
pub mod hdr;
pub mod html;
pub mod incident;
pub mod json;
pub mod junit;
pub mod keeping_up;
pub mod outcome;
pub mod samples;
pub mod style;
pub mod summary;
pub mod text;

pub use summary::Summary;
