//! Hosts and addresses that nothing may be sent to, whoever names them.
//!
//! Pure. The forms are those of k6's `blockHostnames` (a name, or `*.domain` for all names below it) and `blacklistIPs`
//! (addresses and networks, RFC 4632). Invariant: an address that is barred is barred under every name.

use std::net::IpAddr;

/// What is barred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Barred {
    names: Vec<String>,
    /// The first address of each network, and how many of its bits count.
    networks: Vec<(IpAddr, u8)>,
}

impl Barred {
    /// Bars a name.
    ///
    /// # Errors
    /// It is no name.
    pub fn add_name(&mut self, pattern: &str) -> Result<(), String> {
        let bare = pattern.strip_prefix('*').unwrap_or(pattern);
        let bare = bare.trim_start_matches('.');
        if bare.is_empty() && pattern != "*" || bare.contains(['*', '/', ' ', ':']) {
            return Err(format!(
                "`{pattern}` is no name of a host; expected something like `example.com` or `*.example.com`"
            ));
        }
        self.names.push(pattern.to_ascii_lowercase());
        Ok(())
    }

    /// Bars an address, or a network.
    ///
    /// # Errors
    /// It is neither.
    pub fn add_network(&mut self, written: &str) -> Result<(), String> {
        let wrong =
            || format!("`{written}` is neither an address nor a network, such as `10.0.0.0/8`");
        let (address, bits) = written
            .split_once('/')
            .map_or((written, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or_else(wrong)?,
            None => most,
        };
        self.networks.push((address, bits));
        Ok(())
    }

    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.networks.is_empty()
    }

    /// By what a name is barred, if it is.
    pub fn name(&self, host: &str) -> Option<&str> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let mut names = self.names.iter().map(String::as_str);
        names.find(|pattern| match pattern.strip_prefix('*') {
            Some(domain) => host.ends_with(domain) && host.len() > domain.len(),
            None => *pattern == host,
        })
    }

    /// By which network an address is barred, if it is.
    pub fn address(&self, address: IpAddr) -> Option<String> {
        // One of the older family may be written as one of the newer.
        let address = address.to_canonical();
        let within = self
            .networks
            .iter()
            .find(|(network, bits)| match (network, address) {
                (IpAddr::V4(network), IpAddr::V4(address)) => {
                    let shift = 32 - u32::from(*bits);
                    let of = |ip: &std::net::Ipv4Addr| u64::from(ip.to_bits()) >> shift;
                    of(network) == of(&address)
                }
                (IpAddr::V6(network), IpAddr::V6(address)) => {
                    let shift = 128 - u32::from(*bits);
                    let of = |ip: &std::net::Ipv6Addr| ip.to_bits().checked_shr(shift).unwrap_or(0);
                    of(network) == of(&address)
                }
                _ => false,
            });
        within.map(|(network, bits)| format!("{network}/{bits}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_networks_are_barred() {
        let mut barred = Barred::default();
        for name in ["a.test", "*.b.test"] {
            barred.add_name(name).unwrap();
        }
        for network in ["10.0.0.0/8", "192.0.2.7", "fd00::/8", "::/0"] {
            barred.add_network(network).unwrap();
        }
        for (host, expected) in [
            ("A.test.", Some("a.test")),
            ("x.a.test", None),
            ("x.b.test", Some("*.b.test")),
            ("b.test", None),
            ("xb.test", None),
        ] {
            assert_eq!(barred.name(host), expected, "{host}");
        }
        for (address, expected) in [
            ("10.255.0.1", Some("10.0.0.0/8")),
            ("11.0.0.1", None),
            ("192.0.2.7", Some("192.0.2.7/32")),
            ("192.0.2.8", None),
            ("fd12::1", Some("fd00::/8")),
            ("::ffff:10.0.0.1", Some("10.0.0.0/8")),
            ("2001:db8::1", Some("::/0")),
        ] {
            let found = barred.address(address.parse().unwrap());
            assert_eq!(found.as_deref(), expected, "{address}");
        }
        for wrong in ["10.0.0.0/33", "x", "10.0.0/8", "::/129", "/8", ""] {
            assert!(barred.add_network(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "*.", "a*b", "a b", "*a*", "http://x"] {
            assert!(barred.add_name(wrong).is_err(), "{wrong}");
        }
    }
}
