//! Triggers that come in and actions that go out, one file for each.
//!
//! Rooms: [`signature`] (pure: Standard Webhooks, in and out), [`webhook`], [`command`],
//! [`github`]. Nothing here is called but by the outbox and by the inbound route of the web.

pub mod command;
pub mod github;
pub mod signature;
pub mod webhook;
