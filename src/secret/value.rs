//! A value that can be used but not printed, and what it can be known again by.

use std::fmt;
use std::sync::Arc;

/// Rounds of a fingerprint: some tens of milliseconds.
const FINGERPRINT_ROUNDS: std::num::NonZeroU32 = std::num::NonZeroU32::new(100_000).unwrap();

/// A value that can be used but not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Takes a value into keeping.
    pub fn new(value: impl Into<Arc<str>>) -> Secret {
        Secret(value.into())
    }

    /// Whether somebody shows this very value, told in a time that says nothing of how much of it is
    /// right. An empty secret is known to everybody: nothing is it.
    pub fn is(&self, given: &str) -> bool {
        let digest = |text: &str| ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        !self.0.is_empty() && digest(given).as_ref() == digest(&self.0).as_ref()
    }

    /// What it can be known again by, and not be found out from: PBKDF2 (RFC 8018) with a salt of its own.
    pub fn fingerprint(&self, salt: &str) -> String {
        let derived = self.derived(salt);
        format!("{salt}:{derived}")
    }

    /// Whether a fingerprint is that of this very value.
    pub fn has_fingerprint(&self, fingerprint: &str) -> bool {
        let parts = fingerprint.split_once(':');
        parts.is_some_and(|(salt, derived)| self.derived(salt) == derived)
    }

    fn derived(&self, salt: &str) -> String {
        let mut bytes = [0; 32];
        ring::pbkdf2::derive(
            ring::pbkdf2::PBKDF2_HMAC_SHA256,
            FINGERPRINT_ROUNDS,
            salt.as_bytes(),
            self.0.as_bytes(),
            &mut bytes,
        );
        crate::hexadecimal::digits(bytes)
    }

    /// The value itself, for the wire only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
