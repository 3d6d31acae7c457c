//! Bytes as hexadecimal digits.

use std::fmt::Write as _;

/// Two small digits a byte.
pub fn digits(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // A text takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The SHA-256 of bytes (FIPS 180-4), in small digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    digits(ring::digest::digest(&ring::digest::SHA256, bytes.as_ref()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_byte_has_two_digits() {
        assert_eq!(super::digits([0, 10, 255]), "000aff");
        assert_eq!(super::digits([]), "");
        assert!(super::sha256("abc").starts_with("ba7816bf8f01cfea"));
    }
}
