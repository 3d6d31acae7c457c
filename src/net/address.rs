//! Addresses as people write them, and as they stand on the wire: names of hosts in their ASCII form (RFC 5891), and what
//! cannot stand in a URL percent-encoded (RFC 3986).
//!
//! Pure. Invariant: what is ASCII and stands in a URL as it should is not touched.

use super::redirect::{encoded, is_absolute};
use base64::Engine as _;
use http::Uri;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The name of a host as DNS and TLS have it: `bücher.example` is `xn--bcher-kva.example`.
///
/// # Errors
///
/// It has letters that no name can have.
pub fn host(name: &str) -> Result<Cow<'_, str>, String> {
    if name.is_ascii() {
        return Ok(Cow::Borrowed(name));
    }
    let ascii = idna::domain_to_ascii_cow(name.as_bytes(), idna::AsciiDenyList::EMPTY);
    match ascii {
        Ok(ascii) => Ok(Cow::Owned(ascii.into_owned())),
        Err(_) => Err(format!("`{name}` cannot be the name of a host")),
    }
}

/// A URL as it stands on the wire.
///
/// # Errors
///
/// It is none.
pub fn url(text: &str) -> Result<Uri, String> {
    let is_plain = |byte: &u8| matches!(byte, 0x21..=0x7e) && !b"\"<>\\^`{|}".contains(byte);
    if text.as_bytes().iter().all(is_plain) {
        return text
            .parse()
            .map_err(|error: http::uri::InvalidUri| error.to_string());
    }
    let (before, path) = match Parts::of(text) {
        Some(parts) => {
            let user = parts.user.map(|user| format!("{user}@"));
            let (user, name) = (user.unwrap_or_default(), host(parts.host)?);
            (format!("{}://{user}{name}", parts.scheme), parts.rest)
        }
        None => (String::new(), text),
    };
    let whole = format!("{before}{}", encoded(path.as_bytes()));
    whole
        .parse()
        .map_err(|error: http::uri::InvalidUri| error.to_string())
}

/// Puts a value to what stands before it in a URL, so that it stays where it is put: a captured `C#` ends no URL, and `a&b`
/// is one parameter. What begins a URL may be a whole one, and what follows `?` or `&` a whole query; escapes that are in a
/// value already are left.
pub fn put(url: &mut String, value: &str) {
    let rest = match url.find("://") {
        Some(at) => &url[at + 3..],
        None => url.as_str(),
    };
    let is_within_host = rest.len() < url.len() && !rest.contains(['/', '?']);
    if url.is_empty() || is_within_host {
        url.push_str(value);
        return;
    }
    let escaped: &[char] = match rest.rfind(['?', '&']).filter(|_| rest.contains('?')) {
        None => &['#', '?'],
        Some(at) if rest[at..].contains('=') => &['#', '&', '+'],
        Some(_) => &['#'],
    };
    for (at, letter) in value.char_indices() {
        let is_escape = || {
            let digits = value.as_bytes().get(at + 1..at + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        match letter {
            '%' if is_escape() => url.push('%'),
            '%' => url.push_str("%25"),
            letter if escaped.contains(&letter) => {
                url.push_str(&format!("%{:02X}", u32::from(letter)));
            }
            letter => url.push(letter),
        }
    }
}

/// Whether a name or a password stands before the host.
pub fn has_user(uri: &Uri) -> bool {
    uri.authority()
        .is_some_and(|authority| authority.as_str().contains('@'))
}

/// A URL without a name and a password in it, and these as a header has them (RFC 7617).
pub fn without_user(url: &str) -> Option<(String, String)> {
    let (url, [name, word]) = user_apart(url)?;
    let pair = [name, b":".to_vec(), word].concat();
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    Some((url, format!("Basic {encoded}")))
}

/// A URL without a name and a password in it, and these, without what escapes their letters.
pub fn user_apart(url: &str) -> Option<(String, [Vec<u8>; 2])> {
    let parts = Parts::of(url)?;
    let user = parts.user.filter(|_| is_absolute(url))?;
    let (name, word) = user.split_once(':').unwrap_or((user, ""));
    let plain = [name, word].map(|text| percent_decode_str(text).collect());
    Some((without_credentials(url), plain))
}

/// An address as it is shown: what stands before its host is for nobody to read.
pub fn without_credentials(url: &str) -> String {
    match Parts::of(url) {
        Some(parts) => format!("{}://{}{}", parts.scheme, parts.host, parts.rest),
        None => url.to_owned(),
    }
}

/// An address in its parts.
struct Parts<'a> {
    scheme: &'a str,
    /// What stands before the host.
    user: Option<&'a str>,
    /// The host, with a port if it has one.
    host: &'a str,
    /// All from the path on.
    rest: &'a str,
}

impl Parts<'_> {
    fn of(url: &str) -> Option<Parts<'_>> {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Some(Parts {
            scheme,
            user,
            host,
            rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_goes_on_the_wire_as_the_standards_say() {
        for (written, wire) in [
            ("http://h.test/a?b=c%20d", "http://h.test/a?b=c%20d"),
            ("HTTP://H.test/", "http://H.test/"),
            (
                "http://h.test/caf\u{e9} au lait?q=\u{fc}",
                "http://h.test/caf%C3%A9%20au%20lait?q=%C3%BC",
            ),
            (
                "https://b\u{fc}cher.example:8443/x",
                "https://xn--bcher-kva.example:8443/x",
            ),
            (
                "https://B\u{dc}CHER.example",
                "https://xn--bcher-kva.example/",
            ),
            (
                "http://\u{65e5}\u{672c}.example/",
                "http://xn--wgv71a.example/",
            ),
            ("http://h.test/{id}|x", "http://h.test/%7Bid%7D%7Cx"),
        ] {
            assert_eq!(url(written).unwrap().to_string(), wire, "{written}");
        }
        for none in ["http://", "http://h test/", "http://\u{fffd}x\u{202e}/", ""] {
            assert!(url(none).is_err(), "{none}: {:?}", url(none));
        }
        assert_eq!(host("_sip._tcp.h.test").unwrap(), "_sip._tcp.h.test");
        assert_eq!(
            host("_sip._tcp.b\u{fc}cher.example").unwrap(),
            "_sip._tcp.xn--bcher-kva.example"
        );
    }

    #[test]
    fn a_value_stays_where_it_is_put() {
        for (before, value, whole) in [
            ("/tags/", "C#", "/tags/C%23"),
            ("/tags/", "a/b?c", "/tags/a/b%3Fc"),
            ("/tags/", "100% a%20b", "/tags/100%25 a%20b"),
            ("/t?q=", "C# & a+b=", "/t?q=C%23 %26 a%2Bb="),
            ("/t?", "page=2&limit=5#x", "/t?page=2&limit=5%23x"),
            ("/t?a=1&", "b=2", "/t?a=1&b=2"),
            ("/t?a=1&b=", "2&c", "/t?a=1&b=2%26c"),
            ("", "https://h.test/a?b#c", "https://h.test/a?b#c"),
            ("https://", "h.test:81", "https://h.test:81"),
            ("https://h.test", ":81/x?y", "https://h.test:81/x?y"),
            ("https://h.test/", "C#", "https://h.test/C%23"),
        ] {
            let mut url = before.to_owned();
            put(&mut url, value);
            assert_eq!(url, whole);
        }
    }

    #[test]
    fn a_name_and_a_password_in_a_url_are_a_header() {
        let of = |text: &str| without_user(text);
        let (url, header) = of("http://joe:p%40ss@h.test:81/a@b").unwrap();
        assert_eq!(url, "http://h.test:81/a@b");
        assert_eq!(header, "Basic am9lOnBAc3M=");
        assert_eq!(of("http://h.test/a@b"), None);
        assert!(has_user(&"http://joe@h.test/".parse().unwrap()));
    }

    #[test]
    fn nobody_reads_what_stands_before_a_host() {
        for (url, shown) in [
            ("http://joe:p@ss@h.test:81/a@b?c", "http://h.test:81/a@b?c"),
            ("http://h.test/a@b", "http://h.test/a@b"),
            ("https://h.test", "https://h.test"),
            ("no address", "no address"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
