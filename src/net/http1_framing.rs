//! What says where the body of a reply ends (RFC 9112, section 6).
//!
//! Pure.

use super::fault::{ErrorClass, Fault};

/// A reply that breaks the protocol.
pub(super) fn protocol(detail: &str) -> Fault {
    Fault::new(ErrorClass::Protocol, detail)
}

/// Whether a transfer coding is `chunked`; `identity` is none, and was one once. Others are asked for by nobody.
pub(super) fn is_chunked(value: &[u8]) -> Result<bool, Fault> {
    let mut chunked = false;
    for coding in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
        let is = |name: &[u8]| coding.eq_ignore_ascii_case(name);
        if is(b"chunked") {
            chunked = true;
        } else if !is(b"identity") && !coding.is_empty() {
            return Err(protocol(&format!(
                "the reply has the transfer coding `{}`, which nobody asked for",
                String::from_utf8_lossy(coding)
            )));
        }
    }
    Ok(chunked)
}

/// A length, which may be repeated as long as it stays the same.
pub(super) fn content_length_of(value: &[u8], known: Option<u64>) -> Result<u64, Fault> {
    let wrong = || {
        protocol(&format!(
            "the content-length `{}` is not one",
            String::from_utf8_lossy(value)
        ))
    };
    let mut length = known;
    for part in value.split(|byte| *byte == b',') {
        let part = part.trim_ascii();
        if part.is_empty() || !part.iter().all(u8::is_ascii_digit) {
            return Err(wrong());
        }
        let mut number = 0_u64;
        for digit in part {
            number = number
                .checked_mul(10)
                .and_then(|number| number.checked_add(u64::from(digit - b'0')))
                .ok_or_else(wrong)?;
        }
        if length.is_some_and(|known| known != number) {
            return Err(protocol("the reply has two different content-lengths"));
        }
        length = Some(number);
    }
    length.ok_or_else(wrong)
}

/// The size of a chunk, extensions left out (RFC 9112, section 7.1).
pub(super) fn chunk_size(line: &[u8]) -> Result<u64, Fault> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = digits.trim_ascii();
    let wrong = || {
        protocol(&format!(
            "`{}` is not the size of a chunk",
            String::from_utf8_lossy(digits)
        ))
    };
    if digits.is_empty() || digits.len() > 16 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    let text = std::str::from_utf8(digits).map_err(|_| wrong())?;
    u64::from_str_radix(text, 16).map_err(|_| wrong())
}
