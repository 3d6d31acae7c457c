//! Durable delivery: what was committed leaves at least once, with a key that makes repeats harmless.
//!
//! Rooms: [`retry`] (pure: when to try again), [`deliver`] (from a row to the one who delivers it),
//! [`bundle`] (what is attached to a ticket), [`lane`] (each channel's own places and pauses), [`courier`] (the loop over due rows). Nothing but this folder
//! has rows delivered; orders to gates that are rolled back together are rows that the driver takes.

mod bundle;
pub mod courier;
pub mod deliver;
pub mod lane;
pub mod retry;
