//! TODO essay

pub mod current;
pub mod file;
pub mod gate;
pub mod gate_form;
pub mod probe;
pub mod read_gate;
pub mod read_policy;
pub mod read_probe;
pub mod schedule;
