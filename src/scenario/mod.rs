//! The language: as written → checked → compiled.
//!
//! Rooms, in reading order: [`shape`] and [`step_shape`] (what may be written), [`scope`] (what an
//! expression can see), [`expression`] (CEL) with [`expression_text`], [`names`] (what they stand for), [`functions`] (beyond those of CEL), [`cost`] (what it may cost at most) and [`native`] (what needs no
//! interpreter), [`browsing`] (how pages are looked at), [`template`] (`${…}`), [`extract`] (parts of a body, in one pass), [`plan`] and
//! [`load_plan`] (the compiled form), [`steps`] (kinds of steps), [`executors`], [`data`]; [`compiler`]
//! (what every part of compiling needs), [`mod@compile`], [`compile_step`], [`compile_objectives`], [`compile_load`] (from the one to
//! the other, with every mistake), [`lint`] (mistakes that no single value shows), [`elsewhere`] (what other tools call things), [`reader`] (values of
//! a configuration).
//!
//! Sends nothing; only [`data`] and files of bodies are read from outside.

pub mod browsing;
pub mod compile;
mod compile_load;
mod compile_objectives;
pub mod compile_step;
pub mod compiler;
mod cost;
pub mod data;
pub mod elsewhere;
pub mod executors;
pub mod expression;

mod expression_text;
pub mod extract;
pub mod functions;
pub mod lint;
mod load_plan;
pub mod names;
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
