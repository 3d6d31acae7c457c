//! Families of addresses, and the order in which those of a name are tried (RFC 8305, section 4).
//!
//! Pure.

use std::net::SocketAddr;

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    Four,
    /// IPv6.
    Six,
}

impl Family {
    /// That of an address.
    pub fn of(address: &SocketAddr) -> Family {
        match address.is_ipv4() {
            true => Family::Four,
            false => Family::Six,
        }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Family::Four => "IPv4",
            Family::Six => "IPv6",
        })
    }
}

/// Addresses of both families in turn, each in its order.
pub fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first = addresses.first().map(Family::of);
    let (one, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| Some(Family::of(address)) == first);
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut all = Vec::new();
    loop {
        match (one.next(), other.next()) {
            (None, None) => return all,
            (one, other) => all.extend(one.into_iter().chain(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_tried_in_turn() {
        let of = |all: &[&str]| {
            let all = all.iter().map(|one| one.parse().unwrap()).collect();
            let all: Vec<String> = in_turn(all).iter().map(ToString::to_string).collect();
            all.join(" ")
        };
        assert_eq!(
            of(&[
                "10.0.0.1:1",
                "10.0.0.2:1",
                "10.0.0.3:1",
                "[::1]:1",
                "[::2]:1"
            ]),
            "10.0.0.1:1 [::1]:1 10.0.0.2:1 [::2]:1 10.0.0.3:1"
        );
        assert_eq!(of(&[]), "");
    }
}
