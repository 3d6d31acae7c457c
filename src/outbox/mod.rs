//! Durable delivery: what was committed leaves at least once, with a key that makes repeats harmless.
//!
//! Rooms: [`retry`] (pure: when to try again), [`deliver`] (from a row to the one who delivers
//! it) and [`means`] (sockets and secrets for that), [`courier`] (the loop over due rows). Nothing but this folder talks to a vendor.

pub mod courier;
pub mod deliver;
pub mod retry;
