//! The reference: pages that the binary carries, made of what it is made of.
//!
//! Rooms: [`page`] (what a page is, and how a terminal shows it), [`keys`] (scenarios and configuration, from their
//! forms), [`expressions`], [`metrics`], [`messages`] (what channels are sent), [`codes`] (of
//! diagnostics), [`exit_codes`], [`commands`] (from what parses them), [`all`] of those that need nothing else.
//!
//! `examples` holds files that pass `check`, from which the examples are taken. Does not know the API: it is told
//! by its routes. Invariant: nothing is explained that is not there, and nothing is there that is not explained.

mod all;
pub mod codes;
pub mod commands;
pub mod exit_codes;
pub mod expressions;
pub mod keys;
pub mod messages;
pub mod metrics;
pub mod page;

pub use all::pages;
pub use page::{Entry, Page, Section};
