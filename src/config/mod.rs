//! Files of the user: how they are read and checked as a whole.
//!
//! Rooms: [`file_shape`] and [`gate_shape`] (forms), [`read`] with [`read_environment`],
//! [`read_channel`], [`read_gate`] and [`read_policy`] (from there to [`file`], the configuration
//! as everybody else knows it), [`load`] (files from disk, scenarios included).
//!
//! This folder sends nothing and starts nothing.

pub mod conclude;
pub mod file_shape;
pub mod load;
pub mod read;
