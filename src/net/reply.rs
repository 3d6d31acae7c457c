//! What came back over HTTP, whichever version carried it.

use super::headers::Headers;
use super::phases::Phases;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use std::net::SocketAddr;
use std::time::Instant;

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// HTTP version.
    pub version: Version,
    /// Headers, as far as they were wanted.
    pub headers: Headers,
    /// The body as it came, if it was wanted; empty otherwise.
    pub body: Bytes,
    /// What came after the body (HTTP/2).
    pub trailers: Option<Box<HeaderMap>>,
    /// Bytes of the body on the wire.
    pub body_bytes: u64,
    /// Bytes sent and received on the socket for it (HTTP/1.1; 0 for HTTP/2, where exchanges share a socket).
    pub wire_bytes: (u64, u64),
    /// Whose socket it came from.
    pub remote: Option<SocketAddr>,
    /// Send, wait and receive.
    pub phases: Phases,
    /// When the last byte had come.
    pub end: Instant,
}
