//! Requests that come from this machine, and not from a page of another site that a browser on
//! this machine happens to show.

use super::problem::Problem;
use http::header::{HOST, HeaderName, ORIGIN};
use http::{HeaderMap, StatusCode};

/// What proxies add to a request that they pass on.
const FORWARDED: [&str; 5] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
];

/// Whether a request names this machine, or the address that the daemon is known by: a page whose
/// name leads here only for the moment (DNS rebinding) does not.
pub fn is_named(headers: &HeaderMap, public_url: Option<&str>) -> bool {
    let Some(host) = headers.get(HOST).and_then(|value| value.to_str().ok()) else {
        // No browser leaves it out.
        return true;
    };
    let known = public_url.and_then(|url| url.split_once("://"));
    let known = known.map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    known.is_some_and(|known| known.eq_ignore_ascii_case(host)) || is_this_machine(host)
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Whether a browser says that a request comes from another site than the one that it goes to.
pub fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST).unwrap_or_default();
    let site = text(HeaderName::from_static("sec-fetch-site"));
    let is_away = site.is_some_and(|site| !matches!(site, "same-origin" | "none"));
    is_away || text(ORIGIN).is_some_and(|origin| !origin.ends_with(&format!("//{host}")))
}

/// A form of another site orders nothing, whatever a proxy adds to it.
///
/// # Errors
///
/// It comes from another site.
pub fn not_from_elsewhere(headers: &HeaderMap) -> Result<(), Problem> {
    match is_foreign(headers) {
        true => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this request comes from another site",
        )),
        false => Ok(()),
    }
}

/// Whether a request names this machine and comes from no other site.
pub fn is_local(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST).unwrap_or_default();
    let local = is_this_machine(host);
    // Who is behind a proxy on this machine may be anybody.
    let is_forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    local
        && !is_forwarded
        // A picture or a link on a page of another site brings no origin, but where it comes from.
        && !is_foreign(headers)
}
