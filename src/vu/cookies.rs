//! A cookie jar: what RFC 6265 asks of a client that visits a few hosts for a short while.
//!
//! Knows domain, path, secure, and when a cookie expires; the time is given. Of public suffixes only those of one
//! label are known (`com`): nobody sets cookies for all of them.

use crate::browser::cookies::PageCookie;
use chrono::Datelike as _;
use http::HeaderMap;
use http::header::SET_COOKIE;

/// Cookies of one virtual user.
#[derive(Debug, Default, Clone)]
pub struct Jar {
    cookies: Vec<Cookie>,
}

#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
    /// In milliseconds since 1970; at the end of the session where nothing is said.
    expires_ms: Option<i64>,
}

impl Cookie {
    /// Whether it has what its name promises (RFC 6265bis, section 4.1.3): browsers keep no other.
    fn keeps_its_prefix(&self) -> bool {
        let starts = |prefix: &str| {
            let start = self.name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let is_of_host = self.secure && self.host_only && self.path == "/";
        (is_of_host || !starts("__Host-")) && (self.secure || !starts("__Secure-"))
    }

    fn is_alive(&self, now_ms: i64) -> bool {
        self.expires_ms.is_none_or(|expires| expires > now_ms)
    }
}

impl Jar {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cookies.clear();
    }

    /// Takes a `set-cookie` header of a reply that came at a time in milliseconds since 1970.
    pub fn store(&mut self, header: &str, host: &str, path: &str, now_ms: i64) {
        let mut parts = header.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: host.to_ascii_lowercase(),
            host_only: true,
            path: default_path(path).to_owned(),
            secure: false,
            expires_ms: None,
        };
        let (mut max_age, mut expires) = (None, None);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
                    if !domain.is_empty() {
                        if !under(&host.to_ascii_lowercase(), &domain) {
                            return;
                        }
                        cookie.host_only = domain == host.to_ascii_lowercase();
                        if !cookie.host_only && is_public(&domain) {
                            return;
                        }
                        cookie.host_only &= is_public(&domain);
                        cookie.domain = domain;
                    }
                }
                "path" if value.trim().starts_with('/') => {
                    value.trim().clone_into(&mut cookie.path);
                }
                "secure" => cookie.secure = true,
                "max-age" => max_age = age(value).or(max_age),
                "expires" => expires = date(value).or(expires),
                _ => {}
            }
        }
        if !cookie.keeps_its_prefix() {
            return;
        }
        // Of the two, `max-age` counts (RFC 6265, section 5.3).
        let of_age = max_age.map(|age| now_ms.saturating_add(age.saturating_mul(1_000)));
        cookie.expires_ms = of_age.or(expires);
        self.cookies.retain(|known| {
            !(known.name == cookie.name
                && known.domain == cookie.domain
                && known.path == cookie.path)
        });
        let size = cookie.name.len() + cookie.value.len();
        if cookie.is_alive(now_ms)
            && !cookie.name.is_empty()
            && size <= crate::limits::COOKIE_BYTES_MAX
        {
            if self.cookies.len() >= crate::limits::COOKIES_MAX {
                // The one that was set first goes, as in browsers.
                self.cookies.remove(0);
            }
            self.cookies.push(cookie);
        }
    }

    /// Takes all of a reply from a host, for a request of a path.
    pub fn store_all(&mut self, headers: &HeaderMap, host: &str, path: &str, now_ms: i64) {
        for header in headers.get_all(SET_COOKIE) {
            if let Ok(header) = header.to_str() {
                self.store(header, host, path, now_ms);
            }
        }
    }

    /// The `cookie` header of a request at a time in milliseconds since 1970, if any cookie fits.
    pub fn header(&self, host: &str, path: &str, tls: bool, now_ms: i64) -> Option<String> {
        let host = host.to_ascii_lowercase();
        let mut fitting: Vec<&Cookie> = self
            .cookies
            .iter()
            .filter(|cookie| cookie.is_alive(now_ms))
            .filter(|cookie| {
                if cookie.host_only {
                    cookie.domain == host
                } else {
                    under(&host, &cookie.domain)
                }
            })
            .filter(|cookie| tls || !cookie.secure || host == "localhost" || host == "127.0.0.1")
            .filter(|cookie| {
                path == cookie.path
                    || (path.starts_with(&cookie.path)
                        && (cookie.path.ends_with('/')
                            || path[cookie.path.len()..].starts_with('/')))
            })
            .collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = fitting
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// All that are alive, as a page of a browser has them.
    pub fn for_page(&self, now_ms: i64) -> Vec<PageCookie> {
        let alive = self.cookies.iter().filter(|cookie| cookie.is_alive(now_ms));
        let alive = alive.map(|cookie| PageCookie {
            name: cookie.name.clone(),
            value: cookie.value.clone(),
            domain: cookie.domain.clone(),
            host_only: cookie.host_only,
            path: cookie.path.clone(),
            secure: cookie.secure,
            expires_ms: cookie.expires_ms,
        });
        alive.collect()
    }

    /// Takes those of a page in place of all that there were.
    pub fn take_of_page(&mut self, cookies: Vec<PageCookie>) {
        let of_page = cookies.into_iter().map(|cookie| Cookie {
            name: cookie.name,
            value: cookie.value,
            domain: cookie.domain.to_ascii_lowercase(),
            host_only: cookie.host_only,
            path: cookie.path,
            secure: cookie.secure,
            expires_ms: cookie.expires_ms,
        });
        self.cookies = of_page.take(crate::limits::COOKIES_MAX).collect();
    }

    /// Names and values at a time in milliseconds since 1970, for expressions.
    pub fn entries(&self, now_ms: i64) -> impl Iterator<Item = (&str, &str)> {
        let alive = self.cookies.iter();
        alive
            .filter(move |cookie| cookie.is_alive(now_ms))
            .map(|cookie| (cookie.name.as_str(), cookie.value.as_str()))
    }
}

/// Seconds of a `max-age`: digits, with a sign before them; nothing counts that is something else. Zero and
/// less is the earliest time that there is.
fn age(value: &str) -> Option<i64> {
    let value = value.trim();
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let age = digits.parse::<i64>().unwrap_or(i64::MAX);
    let is_over = value.starts_with('-') || age == 0;
    Some(if is_over { -1 } else { age })
}

/// A date as browsers read one: a time, a day, a month and a year in any order, whatever stands between
/// (RFC 6265, section 5.1.1); in milliseconds since 1970.
fn date(value: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == ':';
    for token in value
        .split(|c| !is_part(c))
        .filter(|token| !token.is_empty())
    {
        let numbers: Vec<u32> = token.split(':').map_while(leading).collect();
        let name = token.get(..3).map(str::to_ascii_lowercase);
        let is_month = |known: &&str| name.as_deref() == Some(*known);
        match (token.contains(':'), numbers.as_slice()) {
            (true, [hour, minute, second]) if time.is_none() => {
                time = Some((*hour, *minute, *second));
            }
            (false, [number]) if day.is_none() && digits(token) <= 2 => day = Some(*number),
            (false, [number]) if year.is_none() && (2..=4).contains(&digits(token)) => {
                year = Some(match number {
                    70..=99 => number + 1_900,
                    0..=69 => number + 2_000,
                    number => *number,
                });
            }
            (false, []) if month.is_none() => {
                month = MONTHS.iter().position(is_month);
            }
            _ => {}
        }
    }
    let (hour, minute, second) = time?;
    let day = chrono::NaiveDate::from_ymd_opt(year? as i32, month? as u32 + 1, day?)?;
    let moment = day.and_hms_opt(hour, minute, second)?;
    (day.year() >= 1601).then(|| moment.and_utc().timestamp_millis())
}

fn digits(token: &str) -> usize {
    token.bytes().take_while(u8::is_ascii_digit).count()
}

/// The number that a text begins with.
fn leading(text: &str) -> Option<u32> {
    text[..digits(text)].parse().ok()
}

/// Whether a domain is one of the whole world (RFC 6265, section 5.3, step 5).
fn is_public(domain: &str) -> bool {
    !domain.trim_end_matches('.').contains('.')
}

fn under(host: &str, domain: &str) -> bool {
    let is_part = |host: &str| {
        let rest = host.strip_suffix(domain);
        rest.is_some_and(|rest| rest.ends_with('.'))
    };
    // Parts of an address are no domains.
    let is_address = host
        .trim_matches(['[', ']'])
        .parse::<std::net::IpAddr>()
        .is_ok();
    host == domain || !is_address && is_part(host)
}

fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27T01:00:00Z.
    const NOW: i64 = 1_795_741_200_000;

    #[test]
    fn what_a_server_sets_without_end_does_not_fill_the_jar() {
        let mut jar = Jar::default();
        for number in 0..10_000 {
            jar.store(&format!("c{number}=v"), "a.test", "/", NOW);
        }
        jar.store(&format!("big={}", "x".repeat(1 << 20)), "a.test", "/", NOW);
        let sent = jar.header("a.test", "/", false, NOW).unwrap_or_default();
        assert_eq!(sent.split("; ").count(), crate::limits::COOKIES_MAX);
        assert!(sent.contains("c9999=v") && !sent.contains("big="));
    }

    #[test]
    fn cookies_go_back_where_they_belong() {
        let mut jar = Jar::default();
        jar.store("sid=1; Path=/; HttpOnly", "shop.test", "/login", NOW);
        jar.store("wide=2; Domain=shop.test", "shop.test", "/", NOW);
        jar.store("world=5; Domain=test", "shop.test", "/", NOW);
        jar.store("part=6; Domain=0.0.1", "127.0.0.1", "/", NOW);
        jar.store("own=7; Domain=localhost", "localhost", "/", NOW);
        assert_eq!(jar.header("127.0.0.1", "/", true, NOW), None);
        assert_eq!(jar.header("10.0.0.1", "/", true, NOW), None);
        assert_eq!(jar.header("localhost", "/", true, NOW).unwrap(), "own=7");
        assert_eq!(jar.header("a.localhost", "/", true, NOW), None);
        jar.store("deep=3; Path=/admin; Secure", "shop.test", "/", NOW);
        jar.store("evil=4; Domain=other.test", "shop.test", "/", NOW);
        assert_eq!(
            jar.header("shop.test", "/admin/x", true, NOW).unwrap(),
            "deep=3; sid=1; wide=2"
        );
        assert_eq!(
            jar.header("shop.test", "/administrator", false, NOW)
                .unwrap(),
            "sid=1; wide=2"
        );
        assert_eq!(jar.header("api.test", "/", true, NOW), None);
        assert_eq!(
            jar.header("api.shop.test", "/", true, NOW).unwrap(),
            "wide=2"
        );
        jar.store("sid=; Max-Age=0; Path=/", "shop.test", "/", NOW);
        assert_eq!(jar.header("shop.test", "/", true, NOW).unwrap(), "wide=2");
    }

    #[test]
    fn a_cookie_has_what_its_name_promises() {
        let mut jar = Jar::default();
        for set in [
            "__Secure-a=1",
            "__secure-b=1; Path=/",
            "__Host-c=1; Secure; Path=/; Domain=a.test",
            "__Host-d=1; Secure; Path=/x",
            "__Host-e=1; Path=/",
            "__Host-f=1; Secure; Path=/",
            "__Secure-g=1; Secure; Domain=a.test",
        ] {
            jar.store(set, "a.test", "/", NOW);
        }
        let sent = jar.header("a.test", "/", true, NOW);
        assert_eq!(sent.as_deref(), Some("__Host-f=1; __Secure-g=1"));
    }

    #[test]
    fn a_cookie_lives_as_long_as_it_says() {
        let mut jar = Jar::default();
        let sent = |jar: &Jar, later_ms: i64| jar.header("a.test", "/", false, NOW + later_ms);
        jar.store("sid=1", "a.test", "/", NOW);
        jar.store(
            "a=1; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "a.test",
            "/",
            NOW,
        );
        jar.store("b=1; Max-Age=1", "a.test", "/", NOW);
        assert_eq!(sent(&jar, 0).as_deref(), Some("sid=1; a=1; b=1"));
        assert_eq!(sent(&jar, 1_500).as_deref(), Some("sid=1; a=1"));
        jar.store(
            "sid=; Expires=Mon, 01 Jan 2001 00:00:00 GMT",
            "a.test",
            "/",
            NOW,
        );
        assert_eq!(sent(&jar, 1_500).as_deref(), Some("a=1"));
        assert_eq!(sent(&jar, 3_600_000), None);
        assert_eq!(jar.entries(NOW + 3_600_000).count(), 0);
        for (written, later) in [
            ("Expires=Friday, 27-Nov-26 01:00:10 GMT", 10_000),
            ("expires=Fri Nov 27 01:00:10 2026", 10_000),
            ("Expires=27 nov 2026 1:00:10 GMT; Max-Age=soon", 10_000),
            ("Max-Age=99999999999999999999", i64::MAX / 2),
        ] {
            let mut jar = Jar::default();
            jar.store(&format!("c=1; {written}"), "a.test", "/", NOW);
            assert!(
                jar.header("a.test", "/", false, NOW + later - 1).is_some(),
                "{written}"
            );
            if later < i64::MAX / 2 {
                assert!(
                    jar.header("a.test", "/", false, NOW + later).is_none(),
                    "{written}"
                );
            }
        }
        // What is no date is none: a cookie of the session.
        for written in [
            "Expires=0",
            "Expires=never",
            "Expires=32 Nov 2026 00:00:00",
            "Max-Age=",
        ] {
            jar.store(&format!("s=1; {written}"), "a.test", "/", NOW);
            assert_eq!(sent(&jar, 1 << 50).as_deref(), Some("s=1"), "{written}");
        }
    }
}
