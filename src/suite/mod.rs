//! Suites of tests that users have: what their reports say, in whichever format, and what that comes to. All pure.
//!
//! Rooms: [`report`] (tests, and which format a file has), [`playwright`], [`junit`] and [`ctrf`] (the formats),
//! [`judging`] (what it comes to).
//!
//! Runs nothing and reads no file. Invariant: a suite of which no test passed is no pass.

mod ctrf;
pub mod judging;
mod junit;
mod playwright;
pub mod report;
