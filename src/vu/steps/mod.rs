//! Steps on the wire, one kind in a file each: what `scenario::steps` describes is done here,
//! but for a wait, which is none on the wire.
//!
//! Rooms: [`exchange`] (which kind does what, and what an attempt leaves behind), [`errand`] (what must be known before), [`http`], [`tcp`],
//! [`tls`], [`dns`], [`icmp`], [`udp`], [`ntp`], [`domain`], [`websocket`], [`events`], [`grpc`], [`command`] with [`tested`]; [`asked`] (asking others) with [`logs`] and [`prometheus`]
//! (and Alertmanager), [`sql`], [`dotenv`], [`browser`] with [`opened`] and [`pictured`], [`quality`].
//!
//! None of them judges a reply: that is the virtual user's.

mod asked;
mod browser;
mod command;
mod dns;
pub mod domain;
mod dotenv;
pub mod errand;
mod events;
pub mod exchange;
mod grpc;
pub mod http;
mod icmp;
mod logs;
mod ntp;
mod opened;
mod pictured;
mod prometheus;
mod quality;
mod sql;
mod tcp;
mod tested;
mod tls;
mod udp;
mod websocket;
