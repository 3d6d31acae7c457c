//! One exchange on the wire, timed by phase.
//!
//! Rooms, in reading order: [`fault`] (what can go wrong, with one name each), [`phases`],
//! [`stream`] (a socket that notes when bytes move), [`tls`] (settings, certificates, old
//! versions), [`connect`] (names to sockets), [`http`] (connections and exchanges), [`body`]
//! (limits and decompression), [`dns`], [`client`] (a single exchange for our own errands).
//!
//! This folder knows no scenario, no database and no vendor.

pub mod body;
pub mod client;
pub mod connect;
pub mod dns;
pub mod fault;
pub mod http;
pub mod phases;
pub mod stream;
pub mod tls;
pub mod tls_legacy;

pub use fault::{ErrorClass, Fault};
pub use phases::Phases;
