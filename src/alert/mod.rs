//! Where people are told, and what.
//!
//! Rooms: [`channel`] (the registry: one line a channel), one channel in a file each ([`email`],
//! [`slack`], [`discord`], [`webhook`]), [`message`] (pure: from records to sentences).
//!
//! Does not know when anybody is told, nor how often: that is the outbox.

pub mod channel;
mod discord;
mod email;
pub mod message;
mod slack;
mod webhook;
