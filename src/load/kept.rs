//! What came back of a step, as evidence: redacted, hashed, and no longer than it may be.

use crate::limits;
use serde::{Deserialize, Serialize};

/// What came back of a step, kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Kept {
    /// As much of it as is kept, redacted.
    pub text: String,
    /// SHA-256 of the whole of it, redacted.
    pub sha256: String,
    /// Bytes of the whole of it.
    pub bytes: u64,
}

impl Kept {
    /// Keeps a text, its beginning where it is long.
    pub fn new(mut text: String) -> Kept {
        let (sha256, bytes) = (crate::hexadecimal::sha256(&text), text.len() as u64);
        let mut end = limits::KEPT_BYTES_MAX.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        Kept {
            text,
            sha256,
            bytes,
        }
    }
}
