//! Functions of expressions beyond those of CEL, each with its form, an example and what that gives.
//!
//! Rooms: [`registry`] (all of them, by name), [`texts`], [`codecs`] (encodings and hashes), [`documents`] (JSON, tokens,
//! metrics, and values by chance), [`schemas`] (JSON Schema), [`pages`] (HTML), [`standard`] (those of CEL, explained).

mod codecs;
mod documents;
pub mod pages;
mod registry;
mod schemas;
pub mod standard;
mod texts;

pub use registry::{Function, add, all, named};
pub use schemas::{ASKING_NOTHING, breach};
