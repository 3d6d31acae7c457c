//! One exchange on the wire, timed by phase.
//!
//! Rooms, in reading order: [`fault`] (what can go wrong, with one name each), [`phases`],
//! [`stream`] (plain or TLS), [`tls`] (settings, certificates, old versions), [`connect`] (names
//! to sockets), [`message`] (a request and its form on the wire), [`http1_parser`] (pure: bytes to
//! a reply), [`http1`], [`http2`], [`http`] (connections of either version), [`patience`]
//! (deadlines), [`body`] (limits and decompression), [`dns`], [`client`] (a single exchange for
//! our own errands).
//!
//! This folder knows no scenario, no database and no vendor.

pub mod body;
pub mod client;
pub mod connect;
pub mod dns;
pub mod fault;
pub mod http;
pub mod http1;
pub mod http1_parser;
pub mod http2;
pub mod message;
pub mod patience;
pub mod phases;
pub mod program;
pub mod reply;
pub mod stream;
pub mod tls;
pub mod tls_legacy;
pub mod websocket;

pub use fault::{ErrorClass, Fault};
pub use phases::Phases;
