//! Where a reply sends us: the target of a redirect (RFC 9110, section 15.4; RFC 3986, section 5).
//!
//! Does not know whether anybody follows it.

use super::reply::Reply;
use http::Uri;
use http::header::LOCATION;

/// Whether an address carries its host.
pub fn is_absolute(text: &str) -> bool {
    let is = |scheme: &str| {
        text.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    is("http://") || is("https://")
}

/// Where a reply sends us, if it does. An address that nobody can follow is an error, in words: it is no
/// end of the journey.
pub fn target(from: &Uri, reply: &Reply) -> Option<Result<Uri, String>> {
    if !matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = reply.headers.get(LOCATION)?;
    // As browsers do: an empty one leads nowhere.
    if location.as_bytes().trim_ascii().is_empty() {
        return None;
    }
    Some(resolve(from, &encoded(location.as_bytes())))
}

/// An address with everything percent-encoded that cannot stand in one (RFC 3986, section 2.1): servers and
/// scripts write letters of UTF-8 and spaces as they are.
pub fn encoded(location: &[u8]) -> String {
    let mut text = String::with_capacity(location.len());
    for byte in location.trim_ascii() {
        match byte {
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => {
                text.push_str(&format!("%{byte:02X}"));
            }
            0x21..=0x7e => text.push(char::from(*byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// A reference, resolved (RFC 3986, section 5.2).
///
/// # Errors
/// Why nobody can go there, in words.
pub fn resolve(from: &Uri, location: &str) -> Result<Uri, String> {
    let target = location.split('#').next().unwrap_or_default();
    let wrong = || format!("it leads to `{location}`, which is no address");
    let whole = |scheme: &str, rest: &str| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (path, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
        let path = without_dots(if path.is_empty() { "/" } else { path });
        let uri = format!("{scheme}://{authority}{path}{query}");
        uri.parse::<Uri>().map_err(|_| wrong())
    };
    if let Some((scheme, rest)) = target.split_once(':')
        && is_scheme(scheme)
    {
        return match rest.strip_prefix("//") {
            Some(rest) if is_absolute(target) => whole(&scheme.to_ascii_lowercase(), rest),
            _ => Err(format!(
                "it leads to `{location}`, which is neither http nor https; `redirects: false` looks at it without going there"
            )),
        };
    }
    let (Some(scheme), Some(authority)) = (from.scheme_str(), from.authority()) else {
        return Err(wrong());
    };
    if let Some(rest) = target.strip_prefix("//") {
        return whole(scheme, rest);
    }
    let rest = match target.chars().next() {
        None => from
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned(),
        Some('/') => target.to_owned(),
        Some('?') => format!("{}{target}", from.path()),
        Some(_) => {
            let folder = from.path().rsplit_once('/');
            format!("{}/{target}", folder.map_or("", |(folder, _)| folder))
        }
    };
    whole(scheme, &format!("{authority}{rest}"))
}

/// A scheme as RFC 3986 writes one (section 3.1).
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

/// A path without its dots (RFC 3986, section 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_resolved_as_the_standard_says() {
        let from: Uri = "http://h.test:81/app/login/start?x=1".parse().unwrap();
        for (location, target) in [
            ("../home", "http://h.test:81/app/home"),
            ("./x", "http://h.test:81/app/login/x"),
            ("http://h/a/../b", "http://h/b"),
            ("HTTP://h", "http://h/"),
            ("//o.test?q", "http://o.test/?q"),
            (
                "/caf\u{e9} au lait",
                "http://h.test:81/caf%C3%A9%20au%20lait",
            ),
            ("?y=../2", "http://h.test:81/app/login/start?y=../2"),
            ("", "http://h.test:81/app/login/start?x=1"),
            ("#there", "http://h.test:81/app/login/start?x=1"),
            ("../../../..", "http://h.test:81/"),
            ("/a/./b/.", "http://h.test:81/a/b/"),
            ("/a//b/..", "http://h.test:81/a//"),
            (
                "next?to=http://x/",
                "http://h.test:81/app/login/next?to=http://x/",
            ),
        ] {
            let found = resolve(&from, &encoded(location.as_bytes()));
            assert_eq!(
                found.map(|uri| uri.to_string()).as_deref(),
                Ok(target),
                "{location}"
            );
        }
        for location in ["myapp://callback", "javascript:alert(1)", "mailto:a@b.test"] {
            let why = resolve(&from, location).unwrap_err();
            assert!(why.contains("neither http nor https"), "{location}: {why}");
        }
        for location in ["http://", "http://[", "//"] {
            assert!(resolve(&from, location).is_err(), "{location}");
        }
    }
}
