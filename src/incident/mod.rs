//! Incidents: from what fires to what people are told.
//!
//! Rooms: [`keeper`] (the shell around the book of incidents: levels in, commits and messages out), [`own`]
//! (our own health).
//!
//! Who measures, and who delivers, are others; they are met only through levels and the outbox.

pub mod keeper;
pub mod own;
