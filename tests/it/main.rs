//! Integration tests: one binary, one entry point for each feature, cases and snapshots on disk.
//!
//! Parts that need programs of the machine (nginx, Prometheus, an SMTP server, Python) say loudly
//! that they are left out where the program is missing; with `BELLWETHER_TEST_ALL=1`, which
//! `tests/run` sets, a missing program is a failure.

mod check;
mod hostile;
mod run;
mod support;
