//! The contract between those who carry and those who deliver: below both, so that a channel or a
//! vendor never knows who sends it on its way.
//!
//! Rooms: [`attempt`] (what one attempt came to, and whether another makes sense), [`means`] (sockets,
//! and secrets filled into texts), [`webhook`] (a signed webhook that goes out), [`signature`] (pure:
//! Standard Webhooks, in and out).

pub mod attempt;
pub mod means;
pub mod signature;
pub mod webhook;
