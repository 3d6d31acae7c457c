//! Objectives and how they are judged: all pure.
//!
//! Rooms: [`parse`] (as written) with [`class`] (kinds of failures), [`judge`] (a fixed sample, once) with [`binomial`] (exact tests, also of a trial at its end);
//! a load while it runs: [`slot`] and [`tally`] (counts of a quarter of a second), [`trial`] (the test
//! that may be looked at any time) of [`wealth`] (bets), [`contest`] (beside a baseline),
//! [`spread`] (design effect) and [`memory`] (tempering), by a [`rule`], with [`mixture`] beside it, which
//! is only shown; [`verdict`] (a trial in words),
//! [`blocks`] (counts that come by the block, such as those of a scrape), [`evidence`] (kept so that it can be judged again); a whole gate: [`levels`] (shared out among its
//! phases), [`confirmation`] (of a smoke that failed), [`rounds`] (of a bake).
//!
//! Does not know clocks, sockets, or where samples come from.

pub mod binomial;
pub mod blocks;
pub mod class;
pub mod confirmation;
pub mod contest;
pub mod evidence;
pub mod judge;
pub mod levels;
pub mod memory;
pub mod mixture;
pub mod parse;
pub mod rounds;
pub mod rule;
pub mod slot;
pub mod spread;
pub mod tally;
pub mod trial;
pub mod verdict;
pub mod wealth;

pub use judge::{Evidence, Judgement, Outcome};
pub use parse::{Metric, Objective};
