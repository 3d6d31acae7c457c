//! One virtual user performing a compiled scenario.
//!
//! Rooms, in reading order: [`sample`] (what comes out), [`binding`] (a plan bound to an
//! environment and its values), [`reply`] (what expressions see), [`request`] (templates to
//! headers and bodies), [`compiled`] (what of a request never changes), [`guard`] (what a gate
//! asks of every exchange beside), [`shared`] (connections
//! that virtual users share), [`road`] (those of one), [`kept`] (those that outlive a virtual user), [`vantage`] (whether we are where we should be), [`tokens`] (what they share of others), [`signed`] (what a signature adds to a request), [`exchange`] (a request and what came, as it is shown), [`traced`] (exchanges for whoever wants to see them), [`cookies`], [`variables`], [`steps`] (one step on the wire,
//! one kind in a file each), [`tab`] (the page of an iteration), [`user`] (steps, repeats, retries, teardown),
//! [`judging`] (whether an attempt was good), [`standing_in`] (weaker evidence). [`performer`] is what executors see of all that, and
//! of whatever else can go through iterations; [`heading`] is what a run knows of its steps.
//!
//! Knows no executor, no report, and nothing of what is kept.

pub mod binding;
pub mod compiled;
pub mod cookies;
pub mod exchange;
pub mod guard;
pub mod heading;
pub mod judging;
pub mod kept;
pub mod performer;
pub mod reply;
pub mod request;
pub mod road;
pub mod sample;
pub mod shared;
pub mod signed;
mod standing_in;
pub mod steps;
mod tab;
pub mod tokens;
pub mod traced;
pub mod user;
pub mod vantage;
pub mod variables;

pub use binding::Binding;
pub use heading::{Heading, Headings, Part};
pub use performer::{Performer, Performers, Place};
pub use sample::{Sample, Sink};
pub use shared::Shared;
pub use user::{Begin, IterationOutcome, VirtualUser};
pub use variables::Variables;
