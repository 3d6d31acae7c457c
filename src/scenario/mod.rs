//! The language: as written → checked → compiled.
//!
//! Rooms, in reading order: [`shape`] (what may be written), [`expression`] (CEL; beside it its
//! text, and native, what needs no interpreter) and [`template`] (`${…}`), [`extract`] (parts of a
//! body, in one pass), [`plan`] and load_plan (the compiled form), [`data`], [`compile`] (from the
//! one to the other, with every mistake), [`compile_step`], [`lint`] (mistakes that only show
//! against an environment), [`needs`] (inputs and secrets, resolved and failing closed).
//!
//! This folder sends nothing; only [`needs`] and [`data`] read anything from outside.

pub mod compile;
mod compile_load;
pub mod compile_step;
pub mod compiler;
pub mod data;
pub mod executors;
pub mod expression;
mod expression_text;
pub mod extract;
pub mod lint;
mod load_plan;
mod native;
pub mod plan;
pub mod reader;
pub mod scope;
pub mod shape;
pub mod step_shape;
pub mod steps;
pub mod template;

pub use compile::compile;
pub use plan::Plan;
