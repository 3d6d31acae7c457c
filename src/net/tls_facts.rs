//! What a TLS connection shows of the server: its version and its certificates.
//!
//! Believes nothing, and refuses nothing.

use super::fault::Fault;
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use std::net::IpAddr;

/// What a TLS connection shows of the server.
#[derive(Debug, Clone, Default)]
pub struct TlsFacts {
    /// `1.2` or `1.3`.
    pub version: String,
    /// The certificates as sent, the server's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// What was wrong with the certificate, where the handshake went on all the same.
    pub problem: Option<Fault>,
    /// Versions that were tried on their own, with whether the server accepted.
    pub tried: Vec<(String, bool)>,
}

impl TlsFacts {
    /// Facts of an established connection.
    pub fn of(connection: &rustls::ClientConnection) -> TlsFacts {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "1.2",
            Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
            _ => "",
        };
        let chain = connection.peer_certificates().unwrap_or_default();
        TlsFacts {
            version: version.to_owned(),
            chain: chain
                .iter()
                .map(|certificate| certificate.clone().into_owned())
                .collect(),
            problem: None,
            tried: Vec::new(),
        }
    }

    /// As expressions see it: version, valid, problem, accepted, refused, chain_length, of the server's certificate
    /// subject, issuer and names (addresses among them), `not_after` and `days_left` of whichever ends first, and the
    /// same of each in `chain`. `now_s` is the time in seconds since 1970.
    pub fn to_json(&self, now_s: i64) -> serde_json::Value {
        let versions = |accepted: bool| -> Vec<&str> {
            self.tried
                .iter()
                .filter(|(_, was)| *was == accepted)
                .map(|(version, _)| version.as_str())
                .collect()
        };
        let mut facts = serde_json::json!({
            "version": self.version,
            "valid": self.problem.is_none(),
            "problem": self.problem.as_ref().map(ToString::to_string),
            "chain_length": self.chain.len(),
            "accepted": versions(true),
            "refused": versions(false),
        });
        let chain = self.chain.iter();
        let chain: Vec<Value> = chain.filter_map(|der| certificate(der, now_s)).collect();
        if let Some(own) = chain.first() {
            for name in ["subject", "issuer", "names"] {
                facts[name] = own[name].clone();
            }
            // The root, if it was sent at all, is believed for other reasons than its date.
            let dated = chain
                .iter()
                .enumerate()
                .filter(|(number, one)| *number == 0 || one["subject"] != one["issuer"]);
            let first = dated
                .map(|(_, one)| one)
                .min_by_key(|one| one["not_after"].as_i64());
            for name in ["not_after", "days_left"] {
                facts[name] = first.map_or(Value::Null, |first| first[name].clone());
            }
        }
        facts["chain"] = chain.into();
        facts
    }
}

/// What one certificate says.
fn certificate(der: &CertificateDer<'_>, now_s: i64) -> Option<Value> {
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|four| IpAddr::from(four).to_string()),
            _ => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|six| IpAddr::from(six).to_string()),
        },
        _ => None,
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<String> = names
        .map(|extension| {
            extension
                .value
                .general_names
                .iter()
                .filter_map(name)
                .collect()
        })
        .unwrap_or_default();
    let not_after = certificate.validity().not_after.timestamp();
    Some(serde_json::json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "names": names,
        "not_after": not_after,
        "days_left": (not_after - now_s) as f64 / 86_400.0,
    }))
}

/// When the first certificate of a chain expires, in seconds since 1970.
pub fn earliest_expiry(chain: &[CertificateDer<'_>]) -> Option<i64> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let ends = chain.iter().filter_map(|der| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        Some(certificate.validity().not_after.timestamp())
    });
    ends.min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    #[test]
    fn the_certificate_that_ends_first_counts_and_addresses_are_names_too() {
        let authority = |name: &str, year: i32| {
            let mut params = CertificateParams::new(Vec::new()).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.distinguished_name.push(DnType::CommonName, name);
            params.not_after = rcgen::date_time_ymd(year, 1, 1);
            params
        };
        let key = || KeyPair::generate().unwrap();
        let root = CertifiedIssuer::self_signed(authority("root", 2010), key()).unwrap();
        let middle = CertifiedIssuer::signed_by(authority("middle", 2030), key(), &root).unwrap();
        let names = vec!["shop.test".to_owned(), "127.0.0.1".to_owned()];
        let mut leaf = CertificateParams::new(names).unwrap();
        leaf.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let leaf = leaf.signed_by(&key(), &middle).unwrap();
        let facts = TlsFacts {
            chain: [leaf.der(), middle.der(), root.der()]
                .map(Clone::clone)
                .into(),
            ..TlsFacts::default()
        };
        // Three days before the one in the middle ends; the root that was sent, too, is not looked at.
        let now = rcgen::date_time_ymd(2029, 12, 29).unix_timestamp();
        let shown = facts.to_json(now);
        assert_eq!(shown["days_left"], 3.0, "{shown}");
        assert_eq!(
            shown["names"],
            serde_json::json!(["shop.test", "127.0.0.1"])
        );
        assert_eq!(shown["chain_length"], 3);
        assert!(shown["chain"][0]["days_left"].as_f64().unwrap() > 3_000.0);
    }
}
