//! A target looked at once, at the word of whoever asks: modules as blackbox_exporter has them.
//!
//! Rooms: [`form`] (what `blackbox.yml` may say), [`read`] (from text to [`settings`]), [`perform`] (one look, in
//! its time) with [`http`], [`tcp`], [`dns`], [`icmp`] and [`grpc`], [`reach`] (from a target to a socket), [`seen`] (what a look showed,
//! as the page that Prometheus reads).
//!
//! The contract is that of blackbox_exporter 0.23 and later: the same keys, the same series, the same word on
//! whether it went well. It differs where that one fails open: a look always ends in its time, and certificates
//! that are refused are shown too. Keeps nothing, and counts nothing: two looks know nothing of each other.

pub mod dns;
pub mod form;
pub mod grpc;
pub mod http;
pub mod icmp;
pub mod perform;
pub mod reach;
pub mod read;
pub mod seen;
pub mod settings;
pub mod tcp;
