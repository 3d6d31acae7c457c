//! Text of the user with places: how it is read, checked against a form, and explained.
//!
//! Rooms, in reading order: [`source`] (text and places), [`diagnostic`] (mistakes and how they
//! are shown), [`node`] (YAML with places), [`shape`] (forms, their checks and their JSON Schema),
//! [`usage`] (which keys a document uses), [`kind`] (registries of which a form is made).
//!
//! Knows nothing of what a text means: no scenario, no configuration. Sends nothing.

pub mod diagnostic;
pub mod kind;
pub mod node;
pub mod shape;
pub mod source;
pub mod usage;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use node::Node;
pub use source::{Source, Span};
