//! Objectives: what must hold, and whether the evidence shows it.
//!
//! Rooms: [`parse`] (as written), [`binomial`] (exact tails), [`judge`] (pass, fail or
//! inconclusive from counts). Everything here is pure: counts in, judgement out; no clock, no
//! sockets, no randomness.

pub mod binomial;
pub mod contest;
pub mod evidence;
pub mod judge;
pub mod memory;
pub mod mixture;
pub mod parse;
pub mod rule;
pub mod slot;
pub mod spread;
pub mod tally;
pub mod trial;
pub mod verdict;
pub mod wealth;

pub use judge::{Evidence, Judgement, Outcome};
pub use parse::{Metric, Objective};
