//! Files of the user: how they are read, checked and explained.
//!
//! Rooms, in reading order: [`source`] (text and places), [`diagnostic`] (mistakes and how they
//! are shown), [`node`] (YAML with places), [`duration`], [`shape`] (forms and their JSON
//! Schema; those of `bellwether.yaml` in [`file_shape`] and beside it), [`read`]
//! (from there to [`file`], the configuration as everybody else knows it), [`load`] (files from
//! disk, scenarios included).
//!
//! This folder sends nothing and starts nothing.

pub mod diagnostic;
pub mod duration;
pub mod file;
pub mod file_shape;
mod gate_shape;
pub mod load;
pub mod node;
pub mod read;
mod read_channel;
mod read_environment;
mod read_gate;
mod read_policy;
pub mod shape;
pub mod source;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use node::Node;
pub use source::{Source, Span};
