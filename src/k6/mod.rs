//! What k6 means: its options, executors, metrics, thresholds, summaries and codes; all pure.
//!
//! Rooms: [`options`] with [`scenarios`], [`reaching`], [`speaking`] and [`secret_source`] (what a script asks for, and the loads it comes to), [`place`] (where
//! an option comes from, and what it wipes out), [`metric`] and [`tally`] with [`trend`] and [`tags`] (what was counted),
//! [`threshold`] (expressions and what they come to), [`summary`] and [`summary_text`] (what is handed to
//! `handleSummary`, and what people read), [`honest`] (what speaks against a pass),
//! [`objectives`] (thresholds that a gate judges while it measures), [`lines`] (every sample as a line), [`unit`] (how numbers are shown), [`error_code`] (numbers of
//! failures).
//!
//! Knows no script engine and sends nothing. Facts: the documentation of k6 2.2.

pub mod error_code;
pub mod honest;
pub mod lines;
pub mod metric;
pub mod objectives;
pub mod options;
pub mod place;
pub mod reaching;
pub mod scenarios;
pub mod secret_source;
pub mod speaking;
pub mod summary;
pub mod summary_text;
pub mod tags;
pub mod tally;
pub mod threshold;
pub mod trend;
pub mod unit;
