//! How TLS is spoken where somebody says so: versions, ciphers, and which certificate of our own is shown to whom.
//!
//! Pure. Invariant: terms that leave nothing to speak are refused when they are made.

use super::tls::provider;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use std::path::Path;
use std::sync::Arc;

/// How TLS is spoken.
#[derive(Debug, Clone)]
pub struct Terms {
    versions: Vec<&'static SupportedProtocolVersion>,
    provider: Arc<CryptoProvider>,
    shown: Vec<(Vec<String>, Own)>,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            versions: rustls::DEFAULT_VERSIONS.to_vec(),
            provider: provider(),
            shown: Vec::new(),
        }
    }
}

impl Terms {
    /// The same with TLS 1.2, with TLS 1.3, or with both.
    ///
    /// # Errors
    ///
    /// It is neither.
    pub fn speaking(self, older: bool, newer: bool) -> Result<Terms, String> {
        let all = [
            (older, &rustls::version::TLS12),
            (newer, &rustls::version::TLS13),
        ];
        let versions = all.into_iter().filter(|(is_spoken, _)| *is_spoken);
        let versions = versions.map(|(_, version)| version).collect();
        Terms { versions, ..self }.checked()
    }

    /// The same with these ciphers alone for TLS 1.2, by their names (RFC 8446 leaves no choice that is worth one).
    ///
    /// # Errors
    ///
    /// Which of them is not spoken here.
    pub fn with_ciphers(self, names: &[String]) -> Result<Terms, String> {
        let named = |suite: &SupportedCipherSuite, name: &String| {
            suite.suite().as_str() == Some(name.as_str())
        };
        let is_newer = |suite: &SupportedCipherSuite| suite.tls13().is_some();
        let known = provider().cipher_suites.clone();
        let older = || known.iter().filter(|suite| !is_newer(suite));
        if let Some(name) = names
            .iter()
            .find(|name| !older().any(|suite| named(suite, name)))
        {
            let spoken = older().filter_map(|suite| suite.suite().as_str());
            let spoken: Vec<String> = spoken.map(|name| format!("`{name}`")).collect();
            return Err(format!(
                "`{name}` is not spoken here; those of TLS 1.2 are {}",
                spoken.join(", ")
            ));
        }
        let kept = |suite: &&SupportedCipherSuite| {
            is_newer(suite) || names.iter().any(|name| named(suite, name))
        };
        let provider = CryptoProvider {
            cipher_suites: known.iter().filter(kept).copied().collect(),
            ..CryptoProvider::clone(&self.provider)
        };
        let provider = Arc::new(provider);
        Terms { provider, ..self }.checked()
    }

    /// The same, which shows a certificate to these hosts where they ask for one; to all others where none are named.
    /// `*.example.com` is every host of one more label.
    pub fn showing(mut self, hosts: Vec<String>, own: Own) -> Terms {
        self.shown.push((hosts, own));
        self
    }

    /// Versions that are spoken.
    pub(super) fn versions(&self) -> &[&'static SupportedProtocolVersion] {
        &self.versions
    }

    /// What they are spoken with.
    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        self.provider.clone()
    }

    /// The place of the certificate that a host is shown, if there is one for it.
    pub(super) fn place_for(&self, host: &str) -> Option<usize> {
        let fits = |pattern: &String| match pattern.strip_prefix("*.") {
            Some(rest) => host
                .split_once('.')
                .is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(rest)),
            None => host.eq_ignore_ascii_case(pattern),
        };
        let named = |(hosts, _): &(Vec<String>, Own)| hosts.iter().any(fits);
        let place = self.shown.iter().position(named);
        place.or_else(|| self.shown.iter().position(|(hosts, _)| hosts.is_empty()))
    }

    /// The certificate of a place.
    pub(super) fn own(&self, place: usize) -> Option<&Own> {
        self.shown.get(place).map(|(_, own)| own)
    }

    /// Without the versions for which no cipher is left.
    fn checked(mut self) -> Result<Terms, String> {
        let suites = &self.provider.cipher_suites;
        self.versions
            .retain(|version| suites.iter().any(|suite| suite.version() == *version));
        match self.versions.is_empty() {
            true => Err("nothing is left to speak: TLS 1.2 and TLS 1.3 are spoken here".to_owned()),
            false => Ok(self),
        }
    }
}

/// Our own certificate with its key, which fit each other.
#[derive(Debug, Clone)]
pub struct Own(pub(super) Arc<dyn ResolvesClientCert>);

impl Own {
    /// That of two files.
    ///
    /// # Errors
    ///
    /// Which file cannot be used, and why.
    pub fn read(certificate: &Path, key: &Path) -> Result<Own, String> {
        let wrong =
            |path: &Path, error: String| format!("`{}` cannot be used: {error}", path.display());
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(certificate, error.to_string()))?;
        let read =
            PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
        Own::of(chain, read).map_err(|why| wrong(certificate, why))
    }

    /// That of two texts in PEM.
    ///
    /// # Errors
    ///
    /// Which text cannot be used, and why; nothing of the key is in it.
    pub fn parse(certificate: &str, key: &str) -> Result<Own, String> {
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the certificate is not PEM: {error}"))?;
        if key.contains("ENCRYPTED") {
            return Err("the key is encrypted: give it without a password, as a secret".to_owned());
        }
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| "the key is no private key in PEM".to_owned())?;
        Own::of(chain, key)
    }

    fn of(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Own, String> {
        if chain.is_empty() {
            return Err("it holds no certificate".to_owned());
        }
        let pair =
            CertifiedKey::from_der(chain, key, &provider()).map_err(|error| error.to_string())?;
        Ok(Own(Arc::new(SingleCertAndKey::from(pair))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Own {
        let made = rcgen::generate_simple_self_signed(["us".to_owned()]).unwrap();
        Own::parse(&made.cert.pem(), &made.signing_key.serialize_pem()).unwrap()
    }

    #[test]
    fn a_host_is_shown_the_certificate_that_is_meant_for_it() {
        let terms = Terms::default()
            .showing(
                vec!["*.shop.example".to_owned(), "one.example".to_owned()],
                own(),
            )
            .showing(Vec::new(), own());
        for (host, place) in [
            ("api.shop.example", 0),
            ("ONE.example", 0),
            ("a.api.shop.example", 1),
            ("shop.example", 1),
        ] {
            assert_eq!(terms.place_for(host), Some(place), "{host}");
        }
        assert_eq!(Terms::default().place_for("one.example"), None);
    }

    #[test]
    fn terms_that_leave_nothing_are_refused() {
        let gcm = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".to_owned()];
        let terms = Terms::default().with_ciphers(&gcm).unwrap();
        assert_eq!(terms.versions().len(), 2);
        assert_eq!(terms.speaking(true, false).unwrap().versions().len(), 1);
        assert!(Terms::default().speaking(false, false).is_err());
        // No cipher of TLS 1.2 is left: what remains is TLS 1.3.
        let terms = Terms::default().with_ciphers(&[]).unwrap();
        assert_eq!(terms.versions(), [&rustls::version::TLS13]);
        assert!(terms.speaking(true, false).is_err());
        let old = ["TLS_RSA_WITH_RC4_128_SHA".to_owned()];
        assert!(
            Terms::default()
                .with_ciphers(&old)
                .unwrap_err()
                .contains("RC4")
        );
    }
}
