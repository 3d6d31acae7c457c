//! The store in a file of SQLite.
//!
//! Rooms: [`file`] (the file, its lock, and who does its jobs) with [`tables`] (and their versions),
//! [`writer`] and [`reader`] (its threads), [`simulated`] (in memory, for simulations), [`copy`] (all of it as a file); [`gates`],
//! [`notes`], [`audit`], [`effects`], [`probes`], [`incidents`], [`heartbeats`], [`runs`], [`locks`], [`retention`]: a part of the contract
//! each.
//!
//! Rows are JSON documents of boundary types, with the columns that are searched beside them. The
//! only room that knows SQL. Invariant: a job is one transaction.

mod audit;
pub mod copy;
mod effects;
pub mod file;
mod gates;
mod heartbeats;
mod incidents;
mod locks;
mod notes;
mod probes;
mod reader;
mod retention;
mod runs;
pub mod simulated;
mod tables;
mod writer;

pub use file::Sqlite;
pub use tables::SCHEMA_VERSION;
