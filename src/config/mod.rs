//! Files of the user as a whole: read, checked, and put together. Only the daemon and the command line
//! import it; everybody else knows what it says from `project`.
//!
//! Rooms: [`file_shape`] (the form of the file), [`read`] (from text to values), [`load`] (files from
//! disk, scenarios included), [`given`] (what the command line says instead), [`conclude`] (whether a gate could ever conclude), [`openslo`] (objectives as OpenSLO has them), [`rules`]
//! (objectives written for others).
//!
//! This folder sends nothing and starts nothing.

pub mod conclude;
pub mod file_shape;
pub mod given;
pub mod load;
pub mod openslo;
pub mod read;
pub mod rules;
