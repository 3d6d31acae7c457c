//! What others say of a deploy: logs, metrics, alerts; read, understood, and doubted. All pure.
//!
//! Rooms: [`mod@said`] (what a witness says, and what is doubtful of it), [`lines`] (a log, as it comes in) with
//! [`pattern`] (what is looked for) and [`moment`] (when a line was written), [`loki`] (pages of lines),
//! [`series`] (answers of Prometheus), [`samples`] (its raw samples), [`counters`] (counters as blocks of requests) by a [`selector`], [`exposition`] (metrics as text), [`alerts`] (of Alertmanager), [`rows`] (of a database), [`rdap`] (of a registry of domains), [`dotenv`] (files of variables) with [`mod@placeholder`], [`token`] (what a JSON
//! Web Token says).
//!
//! Does not ask anybody. Invariant: that something is absent is said only of what was read whole and
//! was there to be read; everything else is a doubt, and a doubt is never a pass.

pub mod alerts;
pub mod counters;
pub mod dotenv;
pub mod exposition;
pub mod lines;
pub mod loki;
pub mod moment;
pub mod pattern;
pub mod placeholder;
pub mod rdap;
pub mod rows;
pub mod said;
pub mod samples;
pub mod selector;
pub mod series;
pub mod token;
