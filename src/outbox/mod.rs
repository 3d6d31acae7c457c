//! Durable delivery: what was committed leaves at least once, with a key that makes repeats harmless.
//!
//! Rooms: [`retry`] (pure: when to try again), [`deliver`] (from a row to the one who delivers it),
//! [`courier`] (the loop over due rows). Nothing but this folder has anything delivered.

pub mod courier;
pub mod deliver;
pub mod retry;
