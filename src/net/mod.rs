//! One exchange on the wire, timed by phase, with one name for everything that can go wrong.
//!
//! Rooms: [`fault`] (classes of failures), [`phases`], [`connect`] (names, sockets) with [`family`] (of addresses), [`lookup`] (names for many), [`hosts`] (names that lead elsewhere) and [`barred`] (where nothing may be sent), [`proxies`], [`proxy`] and [`way`] (who stands on the way), [`stream`] and
//! [`tls`] (and [`tls_facts`], [`tls_legacy`], [`tls_refused`], [`tls_terms`], [`starttls`]), [`address`] (URLs and names as people write them), [`form`] (names and values in them), [`message`] (a request before it goes out), [`http`] over [`http1`] with
//! [`http1_parser`] with [`http1_framing`] and [`http1_fold`] (pure, ours) and [`http2`] (hyper's) or [`http3`] (quinn's and h3's), [`gathered`] (their bodies), [`reply`] with [`headers`], [`body`]
//! (decompression), [`charset`] (its letters) and [`redirect`] (where it leads), [`digest`] (what answers a challenge), [`patience`] (deadlines that cost nothing), [`websocket`], [`events`] (a reply that does not end), [`dialogue`] (a conversation in lines), [`dns`], [`echo`] (ICMP), [`datagram`], [`ntp`] (clocks of others), [`program`] (an
//! exchange with a program), [`mod@postgres`] (a question to PostgreSQL), [`grpc`] (frames and statuses) with [`protobuf`] (what its messages look like) and [`reflection`] (what servers tell of them), [`client`] (a single exchange for our own errands).
//!
//! Does not know scenarios, what we keep, or vendors.

pub mod address;
pub mod barred;
pub mod body;
pub mod charset;
pub mod client;
pub mod connect;
pub mod datagram;
pub mod dialogue;
pub mod digest;
pub mod dns;
pub mod echo;
pub mod events;
pub mod family;
pub mod fault;
pub mod form;
mod gathered;
pub mod grpc;
pub mod headers;
pub mod hosts;
pub mod http;
pub mod http1;
mod http1_fold;
mod http1_framing;
pub mod http1_parser;
pub mod http2;
#[cfg(feature = "http3")]
mod http3;
pub mod lookup;
pub mod message;
pub mod ntp;
pub mod patience;
pub mod phases;
pub mod postgres;
pub mod program;
pub mod protobuf;
pub mod proxies;
pub mod proxy;
pub mod redirect;
pub mod reflection;
pub mod reply;
pub mod starttls;
pub mod stream;
pub mod tls;
pub mod tls_facts;
pub mod tls_legacy;
pub mod tls_refused;
pub mod tls_terms;
mod way;
pub mod websocket;

pub use fault::{ErrorClass, Fault};
pub use phases::Phases;
