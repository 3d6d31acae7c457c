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

/// Where a reply sends us, if it does.
pub fn target(from: &Uri, reply: &Reply) -> Option<Uri> {
    if !matches!(reply.status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let target = reply.headers.get(LOCATION)?.to_str().ok()?;
    let target = target.split('#').next()?;
    if is_absolute(target) {
        return target.parse().ok();
    }
    let scheme = from.scheme_str()?;
    let authority = from.authority()?;
    if let Some(rest) = target.strip_prefix("//") {
        return format!("{scheme}://{rest}").parse().ok();
    }
    let path = if target.starts_with('/') {
        target.to_owned()
    } else if target.starts_with('?') {
        format!("{}{target}", from.path())
    } else {
        let folder = from
            .path()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        format!("{folder}/{target}")
    };
    format!("{scheme}://{authority}{path}").parse().ok()
}
