//! Headers of a reply, kept as they came and taken apart when somebody looks.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::mem::MaybeUninit;

/// Headers at the most, as hyper has it with room to spare.
pub const HEADERS_MAX: usize = 512;

/// Headers, taken apart when somebody looks.
#[derive(Debug, Default, Clone)]
pub struct Headers {
    pub(super) raw: Bytes,
    pub(super) map: OnceCell<HeaderMap>,
    /// Whether the body is encoded.
    pub encoded: bool,
    /// Whether cookies are set.
    pub sets_cookies: bool,
}

impl Headers {
    /// Headers that are taken apart already.
    pub fn from_map(map: HeaderMap) -> Headers {
        Headers {
            raw: Bytes::new(),
            encoded: map.contains_key(http::header::CONTENT_ENCODING),
            sets_cookies: map.contains_key(http::header::SET_COOKIE),
            map: OnceCell::from(map),
        }
    }

    /// As a mapping; empty where they were not kept.
    pub fn map(&self) -> &HeaderMap {
        self.map.get_or_init(|| {
            let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
            let mut response = httparse::Response::new(&mut []);
            let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
                &mut response,
                &self.raw,
                &mut headers,
            );
            let mut map = HeaderMap::new();
            if parsed.is_ok() {
                for header in response.headers.iter() {
                    if let (Ok(name), Ok(value)) = (
                        HeaderName::from_bytes(header.name.as_bytes()),
                        HeaderValue::from_bytes(header.value),
                    ) {
                        map.append(name, value);
                    }
                }
            }
            map
        })
    }

    /// A value as text: UTF-8, or else the letters of ISO 8859-1 that header lines began with (RFC 9110, section 5.5).
    pub fn letters(value: &HeaderValue) -> Cow<'_, str> {
        match std::str::from_utf8(value.as_bytes()) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
        }
    }

    /// One header.
    pub fn get(&self, name: impl http::header::AsHeaderName) -> Option<&HeaderValue> {
        self.map().get(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_no_utf_8_is_of_latin_letters() {
        for (bytes, text) in [
            (&b"caf\xe9"[..], "caf\u{e9}"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
        ] {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            assert_eq!(Headers::letters(&value), text);
        }
    }
}
