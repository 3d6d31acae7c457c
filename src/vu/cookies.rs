//! A cookie jar: what RFC 6265 asks of a client that visits a few hosts for a short while.
//!
//! Knows domain, path, secure, expiry by `max-age`, and deletion. Public suffixes are not known:
//! a scenario's hosts are its author's own.

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
}

impl Jar {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.cookies.clear();
    }

    /// Takes a `set-cookie` header of a reply.
    pub fn store(&mut self, header: &str, host: &str, path: &str) {
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
        };
        let mut dead = false;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
                    if !domain.is_empty() {
                        if !under(&host.to_ascii_lowercase(), &domain) {
                            return;
                        }
                        cookie.domain = domain;
                        cookie.host_only = false;
                    }
                }
                "path" if value.trim().starts_with('/') => {
                    value.trim().clone_into(&mut cookie.path);
                }
                "secure" => cookie.secure = true,
                "max-age" => dead = value.trim().parse::<i64>().is_ok_and(|age| age <= 0),
                "expires" => dead = dead || value.contains("1970"),
                _ => {}
            }
        }
        self.cookies.retain(|known| {
            !(known.name == cookie.name
                && known.domain == cookie.domain
                && known.path == cookie.path)
        });
        let size = cookie.name.len() + cookie.value.len();
        if !dead && !cookie.name.is_empty() && size <= crate::limits::COOKIE_BYTES_MAX {
            if self.cookies.len() >= crate::limits::COOKIES_MAX {
                // The one that was set first goes, as in browsers.
                self.cookies.remove(0);
            }
            self.cookies.push(cookie);
        }
    }

    /// The `cookie` header of a request, if any cookie fits.
    pub fn header(&self, host: &str, path: &str, tls: bool) -> Option<String> {
        if self.cookies.is_empty() {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let mut fitting: Vec<&Cookie> = self
            .cookies
            .iter()
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

    /// Names and values, for expressions.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.cookies
            .iter()
            .map(|cookie| (cookie.name.as_str(), cookie.value.as_str()))
    }
}

fn under(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.ends_with('.'))
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

    #[test]
    fn what_a_server_sets_without_end_does_not_fill_the_jar() {
        let mut jar = Jar::default();
        for number in 0..10_000 {
            jar.store(&format!("c{number}=v"), "a.test", "/");
        }
        jar.store(&format!("big={}", "x".repeat(1 << 20)), "a.test", "/");
        let sent = jar.header("a.test", "/", false).unwrap_or_default();
        assert_eq!(sent.split("; ").count(), crate::limits::COOKIES_MAX);
        assert!(sent.contains("c9999=v") && !sent.contains("big="));
    }

    #[test]
    fn cookies_go_back_where_they_belong() {
        let mut jar = Jar::default();
        jar.store("sid=1; Path=/; HttpOnly", "shop.test", "/login");
        jar.store("wide=2; Domain=test", "shop.test", "/");
        jar.store("deep=3; Path=/admin; Secure", "shop.test", "/");
        jar.store("evil=4; Domain=other.test", "shop.test", "/");
        assert_eq!(
            jar.header("shop.test", "/admin/x", true).unwrap(),
            "deep=3; sid=1; wide=2"
        );
        assert_eq!(
            jar.header("shop.test", "/administrator", false).unwrap(),
            "sid=1; wide=2"
        );
        assert_eq!(jar.header("api.test", "/", true).unwrap(), "wide=2");
        jar.store("sid=; Max-Age=0; Path=/", "shop.test", "/");
        assert_eq!(jar.header("shop.test", "/", true).unwrap(), "wide=2");
    }
}
