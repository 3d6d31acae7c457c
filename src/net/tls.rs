//! TLS: what we trust, what we offer, and what a server's certificate says.
//!
//! Trusts what the machine trusts, and the further authorities of an environment.

use super::fault::{ErrorClass, Fault};
use super::tls_refused::{Believed, Watcher};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// Which application protocols are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offer {
    /// HTTP/2 and HTTP/1.1.
    Both,
    /// HTTP/1.1 only.
    One,
    /// HTTP/2 only.
    Two,
    /// None at all.
    Nothing,
}

/// Whether certificates are verified, and what is offered.
type Kind = (bool, Offer);

/// TLS settings of an environment.
#[derive(Debug)]
pub struct Settings {
    roots: Arc<RootCertStore>,
    believed: Believed,
    resumption: bool,
    made: Mutex<Vec<(Kind, Arc<ClientConfig>)>>,
}

impl Settings {
    /// What the machine trusts, and the authorities of a PEM file.
    pub fn new(ca_file: Option<&Path>) -> Result<Settings, String> {
        let (roots, believed) = match ca_file {
            None => (machine_roots(), Believed::default()),
            Some(path) => {
                let mut roots = RootCertStore::clone(&machine_roots());
                let believed = add_file(&mut roots, path)?;
                (Arc::new(roots), believed)
            }
        };
        Ok(Settings {
            roots,
            believed,
            resumption: true,
            made: Mutex::new(Vec::new()),
        })
    }

    /// Others like them, with no session yet, which are resumed or never are.
    pub fn anew(&self, resumption: bool) -> Settings {
        Settings {
            roots: self.roots.clone(),
            believed: self.believed.clone(),
            resumption,
            made: Mutex::new(Vec::new()),
        }
    }

    /// The same, with every handshake a full one.
    pub fn without_resumption(self) -> Settings {
        Settings {
            resumption: false,
            ..self
        }
    }

    /// A failure of a handshake as it is to be understood: where this machine trusts nobody, no
    /// certificate is to blame.
    pub fn understood(&self, fault: Fault) -> Fault {
        match fault.class {
            ErrorClass::TlsUntrusted if self.roots.is_empty() => trusts_nobody(),
            _ => fault,
        }
    }

    /// The client settings for one kind of connection, made once.
    pub fn client(&self, verify: bool, offer: Offer) -> Arc<ClientConfig> {
        let mut made = self
            .made
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, config)) = made.iter().find(|(key, _)| *key == (verify, offer)) {
            return config.clone();
        }
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions");
        let verifier =
            WebPkiServerVerifier::builder_with_provider(self.roots.clone(), provider()).build();
        let mut config = if verify {
            match verifier {
                Ok(verifier) => {
                    let watcher = Watcher::strict(verifier).believing(self.believed.clone());
                    builder
                        .dangerous()
                        .with_custom_certificate_verifier(Arc::new(watcher))
                }
                // Where nobody is trusted, nobody is.
                Err(_) => builder.with_root_certificates(self.roots.clone()),
            }
            .with_no_client_auth()
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Watcher::through(None)))
                .with_no_client_auth()
        };
        config.alpn_protocols = match offer {
            Offer::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Offer::One => vec![b"http/1.1".to_vec()],
            Offer::Two => vec![b"h2".to_vec()],
            Offer::Nothing => Vec::new(),
        };
        if !self.resumption {
            config.resumption = rustls::client::Resumption::disabled();
        }
        let config = Arc::new(config);
        made.push(((verify, offer), config.clone()));
        config
    }

    /// Client settings that finish the handshake with any certificate and note what is wrong with it.
    pub fn watching(
        &self,
        versions: &[&'static SupportedProtocolVersion],
    ) -> (ClientConfig, Arc<Watcher>) {
        let inner = WebPkiServerVerifier::builder_with_provider(self.roots.clone(), provider())
            .build()
            .ok();
        let watcher = Arc::new(Watcher::through(inner).believing(self.believed.clone()));
        let config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .expect("ring supports TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(watcher.clone())
            .with_no_client_auth();
        (config, watcher)
    }
}

/// What one connection believes, shows and speaks.
#[derive(Debug)]
pub struct Trust<'a> {
    /// Whether any certificate will do.
    pub insecure: bool,
    /// Authorities that are believed, and no others.
    pub ca_file: Option<&'a Path>,
    /// Our own certificate and its key.
    pub own: Option<(&'a Path, &'a Path)>,
    /// Whether TLS 1.2 and TLS 1.3 are spoken.
    pub versions: (bool, bool),
    /// Application protocols that are offered.
    pub protocols: &'a [&'a [u8]],
}

/// Settings for a single connection.
///
/// # Errors
///
/// Which file cannot be used, and why.
pub fn trusting(trust: &Trust<'_>) -> Result<ClientConfig, String> {
    let (roots, believed) = match trust.ca_file {
        None => (machine_roots(), Believed::default()),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            let believed = add_file(&mut roots, path)?;
            (Arc::new(roots), believed)
        }
    };
    let versions: Vec<&'static SupportedProtocolVersion> = [
        (trust.versions.0, &rustls::version::TLS12),
        (trust.versions.1, &rustls::version::TLS13),
    ]
    .into_iter()
    .filter_map(|(is_spoken, version)| is_spoken.then_some(version))
    .collect();
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&versions)
        .map_err(|error| format!("no version of TLS is left: {error}"))?
        .dangerous();
    let verifier: Arc<dyn ServerCertVerifier> = match trust.insecure {
        true => Arc::new(Watcher::through(None)),
        false => {
            let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider()).build();
            let verifier = verifier.map_err(|_| trusts_nobody().detail)?;
            Arc::new(Watcher::strict(verifier).believing(believed))
        }
    };
    let builder = builder.with_custom_certificate_verifier(verifier);
    let mut config = match trust.own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let wrong = |path: &Path, error: String| {
                format!("`{}` cannot be used: {error}", path.display())
            };
            let chain = CertificateDer::pem_file_iter(certificate)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| wrong(certificate, error.to_string()))?;
            let key =
                PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| wrong(certificate, error.to_string()))?
        }
    };
    config.alpn_protocols = trust.protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// Adds the authorities of a PEM file, and says which they are.
fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<Believed, String> {
    let certificates = CertificateDer::pem_file_iter(path).map_err(|error| {
        format!(
            "the certificates in `{}` cannot be read: {error}",
            path.display()
        )
    })?;
    let mut believed = Vec::new();
    for certificate in certificates {
        let certificate =
            certificate.map_err(|error| format!("`{}` is not PEM: {error}", path.display()))?;
        roots.add(certificate.clone()).map_err(|error| {
            format!(
                "a certificate in `{}` cannot be used: {error}",
                path.display()
            )
        })?;
        believed.push(certificate);
    }
    if believed.is_empty() {
        return Err(format!("`{}` holds no certificate", path.display()));
    }
    Ok(believed.into())
}

pub(super) fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    static PROVIDER: OnceLock<Arc<rustls::crypto::CryptoProvider>> = OnceLock::new();
    let make = || {
        let mut provider = rustls::crypto::ring::default_provider();
        // As browsers do: what they ask for first is what users get, and its hash is the cheaper one.
        let first = rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
        provider
            .cipher_suites
            .sort_by_key(|suite| suite.suite() != first);
        Arc::new(provider)
    };
    PROVIDER.get_or_init(make).clone()
}

fn machine_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    ROOTS
        .get_or_init(|| {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(roots)
        })
        .clone()
}

/// Without roots no certificate can be verified.
pub(super) fn trusts_nobody() -> Fault {
    Fault::new(
        ErrorClass::Template,
        "this machine trusts no certificate authority, so no certificate can be verified; install `ca-certificates`, or set `ca_file`",
    )
}

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

/// A name or address as TLS wants it.
pub fn server_name(host: &str) -> Result<ServerName<'static>, Fault> {
    ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(|_| {
        Fault::new(
            ErrorClass::TlsName,
            format!("`{host}` cannot be a server name"),
        )
    })
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

    #[test]
    fn where_nobody_is_trusted_no_certificate_is_to_blame_and_none_is_good() {
        let settings = Settings {
            roots: Arc::new(RootCertStore::empty()),
            believed: Believed::default(),
            resumption: true,
            made: Mutex::new(Vec::new()),
        };
        let (_, watcher) = settings.watching(&[&rustls::version::TLS13]);
        let problem = watcher.problem().unwrap();
        assert!(problem.class.is_inconclusive(), "{problem}");
        let untrusted = Fault::new(ErrorClass::TlsUntrusted, "unknown issuer");
        assert!(settings.understood(untrusted).class.is_inconclusive());
    }
}
