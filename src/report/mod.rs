//! What people and machines read: of runs, of gates, of probes.
//!
//! Rooms: [`text`] with [`columns`] (tables that fit) and [`exchange`], [`json`], [`junit`] and [`ctrf`] with [`cases`], [`markdown`], [`compare`] (with an earlier run), [`html`] with [`chart`] (and its [`axis`]) and [`histogram`], [`pictures`], [`tests`] (of suites), [`samples`], [`har`] and [`hdr`] (of a run),
//! [`explain`] (why a load was judged as it was), [`incident`] (the record of a gate), [`bundle`] (all of it, to be kept elsewhere), [`watching`] (incidents, silences, budgets), [`view`] (what
//! pages and API show alike), [`wrong`] (whether anything is), [`style`] (color only on a terminal), [`prose`] (sentences on pages).
//!
//! Renders, and decides nothing.

mod axis;
pub mod bundle;
pub mod cases;
pub mod chart;
pub mod columns;
pub mod compare;
pub mod ctrf;
pub mod exchange;
pub mod explain;
pub mod har;
pub mod hdr;
pub mod histogram;
pub mod html;
pub mod incident;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod pictures;
pub mod prose;
pub mod samples;
pub mod style;
pub mod tests;
pub mod text;
pub mod view;
pub mod watching;
pub mod wrong;
