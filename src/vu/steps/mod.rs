//! Steps on the wire, one kind in a file each: what `scenario::steps` describes is done here,
//! but for a wait, which is none on the wire.
//!
//! Rooms: [`exchange`] (which kind does what, and what an attempt leaves behind), [`http`], [`tcp`],
//! [`tls`], [`dns`], [`websocket`], [`command`].
//!
//! None of them judges a reply: that is the virtual user's.

mod command;
mod dns;
pub mod exchange;
pub mod http;
mod tcp;
mod tls;
mod websocket;
