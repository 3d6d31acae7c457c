//! What people and machines read of a run.
//!
//! Rooms: [`summary`] (the one model behind all forms; judges objectives and the outcome),
//! [`text`], [`json`], [`junit`], [`html`] with [`chart`], [`samples`], [`style`] (colour only
//! on a terminal). Everything but [`samples`] is a pure function of the summary.

pub mod chart;
pub mod html;
pub mod json;
pub mod junit;
pub mod samples;
pub mod style;
pub mod summary;
pub mod text;

pub use summary::Summary;
