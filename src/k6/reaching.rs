//! Where requests of a script go: names that lead elsewhere, places that are barred, and how names are looked up.
//!
//! Pure: reads options of k6.

use super::options::Fields;
use crate::net::barred::Barred;
use crate::net::family::Family;
use crate::net::hosts::Hosts;
use std::time::Duration;

/// How names are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dns {
    /// For how long addresses are kept, if that is said.
    pub ttl: Option<Duration>,
    /// Whether each connection starts with another address.
    pub spread: bool,
    /// The only family that is used, if one is.
    pub family: Option<Family>,
}

/// Hosts and addresses that nothing is sent to.
pub(super) fn barred(fields: &mut Fields<'_>) -> Barred {
    let mut barred = Barred::default();
    for name in fields.strings("blockHostnames").unwrap_or_default() {
        if let Err(why) = barred.add_name(&name) {
            fields.wrong("blockHostnames", &why);
        }
    }
    for network in fields.strings("blacklistIPs").unwrap_or_default() {
        if let Err(why) = barred.add_network(&network) {
            fields.wrong("blacklistIPs", &why);
        }
    }
    barred
}

/// How names are looked up.
pub(super) fn dns(fields: &mut Fields<'_>) -> Dns {
    let mut dns = Dns::default();
    for (key, value) in fields.map("dns").into_iter().flatten() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let read = match (key.as_str(), text.as_str()) {
            ("ttl", text) => kept_for(text).map(|ttl| dns.ttl = Some(ttl)),
            ("select", select) => is_spread(select).map(|spread| dns.spread = spread),
            ("policy", policy) => family(policy).map(|family| dns.family = family),
            _ => Err("it is none of `ttl`, `select` and `policy`".to_owned()),
        };
        if let Err(why) = read {
            fields.wrong(&format!("dns.{key}"), &why);
        }
    }
    dns
}

/// For how long addresses are kept: milliseconds, or a length of time.
fn kept_for(text: &str) -> Result<Duration, String> {
    match (text, text.parse::<u64>()) {
        ("inf" | "-1", _) => Ok(Duration::from_secs(366 * 86_400)),
        (_, Ok(milliseconds)) => Ok(Duration::from_millis(milliseconds)),
        _ => crate::duration::parse(text),
    }
}

/// Whether each connection starts with another address: by chance, which over many is in turn, too.
fn is_spread(select: &str) -> Result<bool, String> {
    match select {
        "first" => Ok(false),
        "random" | "roundRobin" => Ok(true),
        _ => Err("expected `first`, `random` or `roundRobin`".to_owned()),
    }
}

/// The only family of a policy, if it has one.
fn family(policy: &str) -> Result<Option<Family>, String> {
    match policy {
        "preferIPv4" | "any" => Ok(None),
        "preferIPv6" => Err("`preferIPv6` is not supported".to_owned()),
        "onlyIPv4" => Ok(Some(Family::Four)),
        "onlyIPv6" => Ok(Some(Family::Six)),
        _ => Err("expected `preferIPv4`, `preferIPv6`, `onlyIPv4`, `onlyIPv6` or `any`".to_owned()),
    }
}

/// Names that lead elsewhere.
pub(super) fn hosts(fields: &mut Fields<'_>) -> Hosts {
    let mut hosts = Hosts::default();
    for (name, value) in fields.map("hosts").into_iter().flatten() {
        let added = match value.as_str() {
            Some(address) => hosts.add(name, address),
            None => Err("expected an address as a text".to_owned()),
        };
        if let Err(why) = added {
            fields.wrong(&format!("hosts[{name:?}]"), &why);
        }
    }
    hosts
}
