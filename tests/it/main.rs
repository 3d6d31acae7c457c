//! Integration tests: one binary, one entry point for each feature, cases and snapshots on disk.
//!
//! Parts that need programs of the machine (nginx, Prometheus, an SMTP server, Python) say loudly
//! that they are left out where the program is missing; with `BELLWETHER_TEST_ALL=1`, which
//! `tests/run` sets, a missing program is a failure.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on panics"
)]

mod asked;
mod baselines;
mod before;
mod blind;
mod blips;
mod browser;
mod browser_deceit;
mod browser_network;
mod browser_worst;
mod channels;
mod check;
mod commands;
mod conformance;
mod counters;
mod dashboards;
mod databases;
mod datagrams;
mod dialogue;
mod doubt;
mod echoes;
mod endless;
mod engine;
mod events;
mod everywhere;
mod exchanges;
mod faults;
mod gate;
mod grading;
mod grpc;
mod guide_pages;
mod guides;
mod hostile;
mod house;
#[cfg(feature = "http3")]
mod http3;
mod imports;
mod k6_browser;
mod messages;
mod modules;
mod nginx;
mod omission;
mod packages;
mod pages;
mod pairs;
mod people;
mod pipes;
mod policy;
mod prometheus;
mod proxies;
mod quality;
mod receiver;
mod recording;
mod reference;
mod rollouts;
mod run;
mod scraped;
mod script_ends;
mod scripted;
mod scripts;
mod servers;
mod signatures;
mod slack;
mod smtp;
mod standin;
mod standing;
mod state;
mod stories;
mod strangers;
mod suites;
mod support;
mod target;
mod targets;
mod terminal;
mod tickets;
mod tokens;
mod vendors;
mod verdicts;
mod visitors;
mod waiting;
mod watching;
mod websocket;
mod widths;
mod wire;
mod witnesses;
