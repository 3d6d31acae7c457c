//! Cookies of a page, as whoever shares them with it knows them.

use super::faults;
use super::page::Page;
use super::seen::text;
use crate::net::Fault;
use serde_json::{Value, json};
use std::time::Instant;

/// A cookie of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its host, or its domain.
    pub domain: String,
    /// Whether it is of that host alone.
    pub host_only: bool,
    /// Below which path.
    pub path: String,
    /// Whether it is only sent over TLS.
    pub secure: bool,
    /// In milliseconds since 1970; at the end of the session where nothing is said.
    pub expires_ms: Option<i64>,
}

impl Page {
    /// Cookies of its context.
    ///
    /// # Errors
    ///
    /// That the browser has gone.
    pub async fn cookies(&mut self, by: Instant) -> Result<Vec<PageCookie>, Fault> {
        let of = json!({"browserContextId": self.context()});
        let told = self.chromium.call(None, "Storage.getCookies", of, by).await;
        let told = told.map_err(|why| faults::of_call(&why, "its cookies are not told"))?;
        let all = told["cookies"].as_array().into_iter().flatten();
        Ok(all.map(read).collect())
    }

    /// Gives cookies to its context.
    ///
    /// # Errors
    ///
    /// That the browser has gone, or takes one of them not.
    pub async fn take_cookies(&mut self, cookies: &[PageCookie], by: Instant) -> Result<(), Fault> {
        let cookies: Vec<Value> = cookies.iter().map(written).collect();
        let given = json!({"browserContextId": self.context(), "cookies": cookies});
        let told = self
            .chromium
            .call(None, "Storage.setCookies", given, by)
            .await;
        told.map(drop)
            .map_err(|why| faults::of_call(&why, "the page takes no cookies"))
    }
}

fn read(cookie: &Value) -> PageCookie {
    let domain = text(cookie, "domain");
    let seconds = cookie["expires"].as_f64().filter(|seconds| *seconds > 0.0);
    PageCookie {
        name: text(cookie, "name"),
        value: text(cookie, "value"),
        host_only: !domain.starts_with('.'),
        domain: domain.trim_start_matches('.').to_owned(),
        path: text(cookie, "path"),
        secure: cookie["secure"] == true,
        expires_ms: seconds.map(|seconds| (seconds * 1_000.0) as i64),
    }
}

fn written(cookie: &PageCookie) -> Value {
    // A domain is told apart from a host by the dot before it; an address has no domain.
    let domain = match cookie.host_only {
        true => cookie.domain.clone(),
        false => format!(".{}", cookie.domain),
    };
    let mut written = json!({
        "name": cookie.name, "value": cookie.value, "domain": domain, "path": cookie.path, "secure": cookie.secure,
    });
    if let Some(expires) = cookie.expires_ms {
        written["expires"] = (expires as f64 / 1_000.0).into();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_the_same_on_both_sides() {
        for (host_only, expires_ms) in [(true, None), (false, Some(1_900_000_000_000))] {
            let cookie = PageCookie {
                name: "session".to_owned(),
                value: "a=b; c".to_owned(),
                domain: "shop.example.com".to_owned(),
                host_only,
                path: "/".to_owned(),
                secure: true,
                expires_ms,
            };
            assert_eq!(read(&written(&cookie)), cookie);
        }
    }
}
