//! The command line: one file for each command that does more than print, terminal output, exit codes.
//!
//! Rooms: [`commands`] (all of them, and where the program begins), [`usage`] (what is wrong with a command line), [`exit`] (the table of codes),
//! [`client`] (asks a daemon); [`init`], [`import`], [`check`] with [`foreign`] (files of others), [`run`] with [`run_arguments`], [`run_plan`], [`run_script`],
//! [`recording`], [`github`], [`pictures`], [`progress`] and [`keys`], [`k6`] with [`k6_arguments`], [`k6_run`], [`k6_log`], [`k6_out`], [`k6_end`] and [`k6_summary`], [`pipes`] (who reads no more), [`judge`], [`calibrate`], [`serve`], [`ready`], [`backup`], [`baseline`], [`gate`] with [`gate_list`], [`gate_people`], [`gate_wait`] and [`gate_load_line`], [`incident`], [`probe`],
//! [`alert`], [`load`], [`rules`], [`demo`], [`docs`] (the reference), [`explain`] (codes of diagnostics).
//!
//! Data goes to standard output, everything else to standard error.

pub mod alert;
mod backup;
pub mod baseline;
pub mod calibrate;
pub mod check;
pub mod client;
pub mod commands;
pub mod demo;
pub mod docs;
pub mod exit;
pub mod explain;
mod foreign;
pub mod gate;
mod gate_list;
mod gate_load_line;
pub mod gate_people;
mod gate_wait;
mod github;
pub mod import;
pub mod incident;
pub mod init;
pub mod judge;
pub mod k6;
pub mod k6_arguments;
pub mod k6_end;
pub mod k6_log;
pub mod k6_out;
pub mod k6_run;
mod k6_summary;
pub mod keys;
pub mod load;
mod pictures;
mod pipes;
pub mod probe;
pub mod progress;
pub mod ready;
mod recording;
pub mod rules;
pub mod run;
pub mod run_arguments;
pub mod run_plan;
pub mod run_script;
pub mod serve;
mod usage;
