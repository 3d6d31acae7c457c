//! Texts of replies in the letters that they are written in: what the `content-type` says, or a mark of the byte order
//! (WHATWG Encoding). Where neither says anything it is UTF-8.
//!
//! Pure. Invariant: every body is some text.

use super::headers::Headers;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use std::borrow::Cow;

/// A body as text.
pub fn text<'a>(body: &'a [u8], headers: &Headers) -> Cow<'a, str> {
    match of(body, headers.map()) {
        Some(encoding) => encoding.decode(body).0,
        None => String::from_utf8_lossy(body),
    }
}

/// A body as text, if every letter of it is one in what it is written in.
pub fn written(body: &[u8], headers: &HeaderMap) -> Option<String> {
    let (text, is_broken) = match of(body, headers) {
        Some(encoding) => {
            let (text, _, is_broken) = encoding.decode(body);
            (text, is_broken)
        }
        None => (Cow::Borrowed(std::str::from_utf8(body).ok()?), false),
    };
    (!is_broken && !text.contains('\0')).then(|| text.into_owned())
}

/// What a body is written in, where it is not simply UTF-8. A mark of the byte order outweighs what a header says.
fn of(body: &[u8], headers: &HeaderMap) -> Option<&'static encoding_rs::Encoding> {
    // What is ASCII is the same in nearly all of them, and where it is not there are zeroes or escapes.
    let is_plain = body.is_ascii() && !body.contains(&0) && !body.contains(&0x1b);
    let said = match is_plain {
        true => None,
        false => named(headers),
    };
    said.or_else(|| encoding_rs::Encoding::for_bom(body).map(|(encoding, _)| encoding))
}

/// Whether a body is written in something else than UTF-8.
pub fn is_foreign(body: &[u8], headers: &Headers) -> bool {
    let marked = encoding_rs::Encoding::for_bom(body).map(|(encoding, _)| encoding);
    let charset = marked.or_else(|| named(headers.map()));
    charset.is_some_and(|encoding| encoding != encoding_rs::UTF_8)
}

fn named(headers: &HeaderMap) -> Option<&'static encoding_rs::Encoding> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let label = kind.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches(['"', '\'']))
    })?;
    encoding_rs::Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_in_its_own_letters() {
        let of = |kind: &str, body: &[u8]| {
            let mut map = http::HeaderMap::new();
            map.insert(CONTENT_TYPE, kind.parse().unwrap());
            let headers = Headers::from_map(map);
            (
                text(body, &headers).into_owned(),
                is_foreign(body, &headers),
            )
        };
        for (kind, body, expected, is_foreign) in [
            (
                "text/html; charset=ISO-8859-1",
                &b"caf\xe9"[..],
                "caf\u{e9}",
                true,
            ),
            (
                "text/html; charset=\"gbk\"",
                b"\xc4\xe3\xba\xc3",
                "\u{4f60}\u{597d}",
                true,
            ),
            ("text/plain; Charset=UTF-16LE", b"o\0k\0", "ok", true),
            ("text/plain", b"\xff\xfeo\0k\0", "ok", true),
            (
                "text/plain; charset=utf-8",
                "caf\u{e9}".as_bytes(),
                "caf\u{e9}",
                false,
            ),
            (
                "text/plain; charset=nonsense",
                "caf\u{e9}".as_bytes(),
                "caf\u{e9}",
                false,
            ),
            ("text/plain", b"caf\xe9", "caf\u{fffd}", false),
            (
                "text/plain; charset=latin1",
                "\u{feff}caf\u{e9}".as_bytes(),
                "caf\u{e9}",
                false,
            ),
        ] {
            assert_eq!(of(kind, body), (expected.to_owned(), is_foreign), "{kind}");
        }
    }
}
