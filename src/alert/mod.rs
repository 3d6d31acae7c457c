//! Telling people.
//!
//! Rooms: [`message`] (pure: what is said), and a channel in each file: [`email`], [`slack`],
//! [`webhook`]. A channel delivers one message once; when and how often is the outbox's business.

pub mod channel;
pub mod email;
pub mod message;
pub mod read;
pub mod slack;
pub mod webhook;
