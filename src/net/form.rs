//! Names and values as they stand in a query or a form.
//!
//! Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand in a query or form value unescaped.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as it stands in a query or a form.
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

/// A name and a value as they stand there.
pub fn pair(name: &str, value: &str) -> String {
    format!("{}={}", encoded(name), encoded(value))
}
