//! Where names lead, whatever DNS says: a connection goes to another address, and its TLS and its `Host` keep the name.
//!
//! Pure. The forms are those of k6's `hosts`: a name or `*.domain`, each with a port or for all; an address, with a port or
//! with the one that was asked for. Invariant: what is most exact counts.

use super::connect::host_port;
use std::net::{IpAddr, SocketAddr};

/// Names and the addresses that they lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Hosts {
    /// A name in small letters, a port if it is only for that one, and where it leads.
    all: Vec<(String, Option<u16>, IpAddr, Option<u16>)>,
}

impl Hosts {
    /// Adds a name.
    ///
    /// # Errors
    ///
    /// The name or the address cannot be read.
    pub fn add(&mut self, name: &str, address: &str) -> Result<(), String> {
        let (name, port) = split(name)?;
        let bare = name.strip_prefix("*.").unwrap_or(&name);
        if bare.is_empty() || bare.contains(['*', '/', ' ']) {
            return Err(format!("`{name}` is no name of a host"));
        }
        let (ip, to_port) = match address.parse::<IpAddr>() {
            Ok(ip) => (ip, None),
            Err(_) => match address.parse::<SocketAddr>() {
                Ok(address) => (address.ip(), Some(address.port())),
                Err(_) => {
                    return Err(format!(
                        "`{address}` is no IP address, with a port or without"
                    ));
                }
            },
        };
        let name = super::address::host(&name)?.to_ascii_lowercase();
        self.all.push((name, port, ip, to_port));
        Ok(())
    }

    /// Where a name leads, if it is one of them.
    pub fn find(&self, name: &str, port: u16) -> Option<SocketAddr> {
        if self.all.is_empty() {
            return None;
        }
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let fits = |(known, only, ..): &&(String, Option<u16>, IpAddr, Option<u16>)| {
            let is_name = match known.strip_prefix('*') {
                Some(domain) => name.len() > domain.len() && name.ends_with(domain),
                None => *known == name,
            };
            is_name && only.is_none_or(|only| only == port)
        };
        let best = self
            .all
            .iter()
            .filter(fits)
            .max_by_key(|(known, only, ..)| (!known.starts_with('*'), known.len(), only.is_some()));
        best.map(|(_, _, ip, to)| SocketAddr::new(*ip, to.unwrap_or(port)))
    }
}

fn split(name: &str) -> Result<(String, Option<u16>), String> {
    match host_port(name, 0)? {
        (host, 0) => Ok((host, None)),
        (host, port) => Ok((host, Some(port))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_name_counts() {
        let mut hosts = Hosts::default();
        for (name, address) in [
            ("shop.test", "10.0.0.1"),
            ("Shop.test:8443", "10.0.0.2:443"),
            ("*.shop.test", "::1"),
            ("*.eu.shop.test", "10.0.0.4"),
            ("b\u{fc}cher.example", "10.0.0.5"),
        ] {
            hosts.add(name, address).unwrap();
        }
        let of = |name: &str, port: u16| hosts.find(name, port).map(|found| found.to_string());
        for (name, port, expected) in [
            ("shop.test", 443, Some("10.0.0.1:443")),
            ("SHOP.test.", 8443, Some("10.0.0.2:443")),
            ("a.shop.test", 80, Some("[::1]:80")),
            ("a.eu.shop.test", 80, Some("10.0.0.4:80")),
            (".shop.test", 80, None),
            ("xshop.test", 80, None),
            ("xn--bcher-kva.example", 80, Some("10.0.0.5:80")),
        ] {
            assert_eq!(of(name, port).as_deref(), expected, "{name}:{port}");
        }
        for (name, address) in [
            ("", "10.0.0.1"),
            ("*", "10.0.0.1"),
            ("a", "b"),
            ("a:x", "10.0.0.1"),
            ("*.*.a", "10.0.0.1"),
        ] {
            assert!(
                Hosts::default().add(name, address).is_err(),
                "{name} {address}"
            );
        }
    }
}
