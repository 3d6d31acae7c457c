//! Which proxy stands on the way to a host, if any does.
//!
//! Pure: takes variables as values. Invariant: a host that is excepted is reached straight, under every form of its name.

use super::barred::Barred;
use super::proxy::{Entrance, Proxy};
use std::net::IpAddr;

/// Proxies, and hosts that are reached without.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    secure: Option<Entrance>,
    plain: Option<Entrance>,
    except: Exceptions,
}

/// Hosts that are reached without a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Exceptions {
    everything: bool,
    /// Names, each with all names below it, and ports where they are said.
    names: Vec<(String, Option<u16>)>,
    networks: Barred,
}

impl Exceptions {
    /// Adds `example.com` (and all below it), an address, a network, or `*` for everything.
    ///
    /// # Errors
    ///
    /// It is none of them.
    pub fn add(&mut self, written: &str) -> Result<(), String> {
        let written = written.trim();
        if written == "*" {
            self.everything = true;
            return Ok(());
        }
        if self
            .networks
            .add_network(written.trim_matches(['[', ']']))
            .is_ok()
        {
            return Ok(());
        }
        let (name, port) = match written.rsplit_once(':') {
            Some((name, port)) => (
                name,
                Some(
                    port.parse()
                        .map_err(|_| format!("`{written}` has no port that could be"))?,
                ),
            ),
            None => (written, None),
        };
        let name = name.trim_start_matches('*').trim_start_matches('.');
        if name.is_empty() || name.contains(['/', ' ', '*', ':']) {
            return Err(format!(
                "`{written}` is neither a name, an address nor a network"
            ));
        }
        self.names.push((name.to_ascii_lowercase(), port));
        Ok(())
    }

    fn has(&self, host: &str, port: u16) -> bool {
        let host = host
            .trim_matches(['[', ']'])
            .trim_end_matches('.')
            .to_ascii_lowercase();
        if let Ok(address) = host.parse::<IpAddr>() {
            let named = self
                .names
                .iter()
                .any(|(name, at)| *name == host && at.is_none_or(|at| at == port));
            return self.everything || named || self.networks.address(address).is_some();
        }
        let below = |name: &str| {
            host == name
                || host
                    .strip_suffix(name)
                    .is_some_and(|rest| rest.ends_with('.'))
        };
        let mut names = self.names.iter();
        self.everything || names.any(|(name, at)| below(name) && at.is_none_or(|at| at == port))
    }
}

impl Proxies {
    /// One for everything.
    pub fn all(proxy: Entrance, except: Exceptions) -> Proxies {
        Proxies {
            secure: Some(proxy.clone()),
            plain: Some(proxy),
            except,
        }
    }

    /// Those of `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, of which the small ones count first. This machine itself is
    /// reached without.
    ///
    /// # Errors
    ///
    /// Which variable is wrong, and why.
    pub fn of_variables(variable: &dyn Fn(&str) -> Option<String>) -> Result<Proxies, String> {
        let read = |name: &str| {
            let small = name.to_ascii_lowercase();
            let found = variable(&small).or_else(|| variable(name));
            found.filter(|value| !value.trim().is_empty())
        };
        let proxy = |name: &str| {
            let written = read(name).or_else(|| read("ALL_PROXY"));
            let parsed = written.map(|written| Proxy::parse(written.trim()));
            parsed.transpose().map_err(|why| format!("`{name}`: {why}"))
        };
        let mut except = Exceptions::default();
        let listed = read("NO_PROXY").unwrap_or_default();
        let own = "localhost,127.0.0.0/8,::1";
        for one in listed
            .split([',', ' '])
            .chain(own.split(','))
            .filter(|one| !one.is_empty())
        {
            except
                .add(one)
                .map_err(|why| format!("`NO_PROXY`: {why}"))?;
        }
        Ok(Proxies {
            secure: proxy("HTTPS_PROXY")?,
            plain: proxy("HTTP_PROXY")?,
            except,
        })
    }

    /// The proxy on the way to a host, if there is one.
    pub fn on_the_way(&self, is_plain: bool, host: &str, port: u16) -> Option<&Entrance> {
        let proxy = if is_plain { &self.plain } else { &self.secure };
        proxy.as_ref().filter(|_| !self.except.has(host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: &[(&str, &str)]) -> Result<Proxies, String> {
        let of = |name: &str| {
            let found = all.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Proxies::of_variables(&of)
    }

    #[test]
    fn variables_say_which_hosts_are_reached_by_a_proxy() {
        let all = of(&[
            ("https_proxy", "http://ann:p%40ss@proxy:3128"),
            ("HTTPS_PROXY", "http://other:1"),
            ("ALL_PROXY", "socks5://socks"),
            ("NO_PROXY", ".internal, shop.example:8443 10.0.0.0/8"),
        ])
        .unwrap();
        for (host, port, is_plain, expected) in [
            ("api.example", 443, false, Some(3128)),
            ("api.example", 80, true, Some(1080)),
            ("db.internal", 443, false, None),
            ("internal", 443, false, None),
            ("not-internal", 443, false, Some(3128)),
            ("shop.example", 8443, false, None),
            ("shop.example", 443, false, Some(3128)),
            ("10.1.2.3", 443, false, None),
            ("[::1]", 443, false, None),
            ("localhost", 80, true, None),
        ] {
            let found = all.on_the_way(is_plain, host, port);
            assert_eq!(
                found.map(|(proxy, _)| proxy.port),
                expected,
                "{host}:{port}"
            );
        }
        let who = all
            .secure
            .as_ref()
            .and_then(|(_, who)| who.as_ref())
            .unwrap();
        assert_eq!((who.user.as_str(), who.password.expose()), ("ann", "p@ss"));
        assert!(of(&[]).unwrap().on_the_way(false, "a", 443).is_none());
        assert!(
            of(&[("HTTPS_PROXY", "ftp://a")])
                .unwrap_err()
                .contains("`HTTPS_PROXY`: proxies are reached")
        );
        let wrong = of(&[("HTTPS_PROXY", "http://ann:pass word@:x")]).unwrap_err();
        assert!(!wrong.contains("pass"), "{wrong}");
    }
}
