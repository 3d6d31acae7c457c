//! Requests that come from this machine, and not from a page of another site that a browser on
//! this machine happens to show.

use http::HeaderMap;
use http::header::{HOST, HeaderName, ORIGIN};

/// Whether a request names this machine and comes from no other site.
pub fn is_local(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(HOST).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, _)| name)
        .trim_matches(['[', ']']);
    let local = name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    local && text(ORIGIN).is_none_or(|origin| origin.ends_with(&format!("//{host}")))
}
