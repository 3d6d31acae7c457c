//! Bellwether: synthetic monitoring and load verification that tells the deploy pipeline to
//! promote or roll back, and proves that the rollback worked.
//!
//! See `ARCHITECTURE.md` for the map of the house.

pub mod alert;
pub mod browser;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod delivery;
pub mod demo;
pub mod descriptors;
pub mod document;
pub mod doing;
pub mod duration;
pub mod environment;
pub mod figures;
pub mod gate;
pub mod hexadecimal;
pub mod ids;
pub mod import;
pub mod incident;
pub mod k6;
pub mod limits;
pub mod load;
pub mod module;
pub mod net;
pub mod objective;
pub mod outbox;
pub mod picture;
pub mod pipeline;
pub mod probe;
pub mod project;
pub mod quality;
pub mod record;
pub mod reference;
pub mod replay;
pub mod report;
pub mod run;
pub mod scenario;
pub mod script;
pub mod secret;
pub mod severity;
pub mod signing;
pub mod store;
pub mod suite;
pub mod supervisor;
pub mod telemetry;
pub mod vu;
pub mod watch;
pub mod web;
pub mod witness;
