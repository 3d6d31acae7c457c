//! TLS: what we trust, what we offer, and what a server's certificate says.
//!
//! Trusts what the machine trusts, and the further authorities of an environment.

use super::fault::{ErrorClass, Fault};
use super::tls_refused::{Believed, Watcher};
use super::tls_terms::{Own, Terms};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, SupportedProtocolVersion};
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
    /// HTTP/3 only, over QUIC.
    Three,
    /// None at all.
    Nothing,
}

/// Whether certificates are verified, what is offered, and which certificate of the terms is shown.
type Kind = (bool, Offer, Option<usize>);

/// TLS settings of an environment.
#[derive(Debug)]
pub struct Settings {
    roots: Arc<RootCertStore>,
    believed: Believed,
    own: Option<Own>,
    terms: Terms,
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
            own: None,
            terms: Terms::default(),
            resumption: true,
            made: Mutex::new(Vec::new()),
        })
    }

    /// The same, which shows a certificate of its own where a server asks for one.
    ///
    /// # Errors
    ///
    /// Which file cannot be used, and why.
    pub fn showing(self, certificate: &Path, key: &Path) -> Result<Settings, String> {
        let own = Some(Own::read(certificate, key)?);
        Ok(Settings { own, ..self })
    }

    /// Others like them, with no session yet, which are resumed or never are.
    pub fn anew(&self, resumption: bool) -> Settings {
        Settings {
            roots: self.roots.clone(),
            believed: self.believed.clone(),
            own: self.own.clone(),
            terms: self.terms.clone(),
            resumption,
            made: Mutex::new(Vec::new()),
        }
    }

    /// Speaks by terms from now on.
    pub fn speak(&mut self, terms: Terms) {
        self.terms = terms;
        self.made = Mutex::new(Vec::new());
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

    /// The client settings for one kind of connection to a host, made once.
    pub fn client(&self, host: &str, verify: bool, offer: Offer) -> Arc<ClientConfig> {
        let kind = (verify, offer, self.terms.place_for(host));
        let mut made = self
            .made
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, config)) = made.iter().find(|(key, _)| *key == kind) {
            return config.clone();
        }
        let builder = ClientConfig::builder_with_provider(self.terms.provider())
            .with_protocol_versions(self.terms.versions())
            .expect("terms leave something to speak");
        let verifier =
            WebPkiServerVerifier::builder_with_provider(self.roots.clone(), provider()).build();
        let builder = if verify {
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
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Watcher::through(None)))
        };
        let own = kind.2.and_then(|place| self.terms.own(place));
        let mut config = shown(builder, own.or(self.own.as_ref()));
        config.alpn_protocols = match offer {
            Offer::Both => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Offer::One => vec![b"http/1.1".to_vec()],
            Offer::Two => vec![b"h2".to_vec()],
            Offer::Three => vec![b"h3".to_vec()],
            Offer::Nothing => Vec::new(),
        };
        if !self.resumption {
            config.resumption = rustls::client::Resumption::disabled();
        }
        let config = Arc::new(config);
        made.push((kind, config.clone()));
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
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .expect("ring supports TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(watcher.clone());
        (shown(builder, self.own.as_ref()), watcher)
    }
}

#[cfg(feature = "http3")]
impl Settings {
    /// The same for QUIC, which speaks TLS 1.3 alone (RFC 9001, section 4.2).
    pub fn quic(&self) -> (ClientConfig, Arc<Watcher>) {
        let (mut config, watcher) = self.watching(&[&rustls::version::TLS13]);
        config.alpn_protocols = vec![b"h3".to_vec()];
        (config, watcher)
    }
}

/// Settings that show a certificate of our own, if there is one.
fn shown(builder: ConfigBuilder<ClientConfig, WantsClientCert>, own: Option<&Own>) -> ClientConfig {
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder.with_client_cert_resolver(own.0.clone()),
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
    let own = trust
        .own
        .map(|(certificate, key)| Own::read(certificate, key));
    let mut config = shown(builder, own.transpose()?.as_ref());
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

    #[test]
    fn where_nobody_is_trusted_no_certificate_is_to_blame_and_none_is_good() {
        let settings = Settings {
            roots: Arc::new(RootCertStore::empty()),
            believed: Believed::default(),
            own: None,
            terms: Terms::default(),
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
