//! Who looks at certificates, and those of handshakes that did not come about: what was refused is still to be seen, above all when
//! it expires.
//!
//! A verifier is shared by all connections of one kind, so that it cannot hand anything to one of them. It
//! leaves the chain in a place of its thread, from where it is taken in the same poll: between the refusal
//! and the end of the handshake nothing else runs there. Decides nothing: what is believed is rustls's.

use super::fault::Fault;
use super::tls::{provider, trusts_nobody};
use super::tls_facts::TlsFacts;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

thread_local! {
    static REFUSED: RefCell<Vec<CertificateDer<'static>>> = const { RefCell::new(Vec::new()) };
}

/// Looks at certificates as always, notes what is wrong with them, and refuses them or lets them through.
#[derive(Debug)]
pub struct Watcher {
    inner: Option<Arc<WebPkiServerVerifier>>,
    is_strict: bool,
    problem: Mutex<Option<rustls::Error>>,
    believed: Believed,
}

/// Certificates that somebody named himself: one that is among them is believed as it stands.
pub type Believed = Arc<[CertificateDer<'static>]>;

impl Watcher {
    /// One that refuses what is wrong.
    pub fn strict(inner: Arc<WebPkiServerVerifier>) -> Watcher {
        Watcher {
            inner: Some(inner),
            is_strict: true,
            problem: Mutex::new(None),
            believed: Believed::default(),
        }
    }

    /// The same, which believes these too where a server shows one of them as its own: `openssl req -x509` makes
    /// authorities, and a path to one that is its own end is none for rustls.
    pub fn believing(self, believed: Believed) -> Watcher {
        Watcher { believed, ..self }
    }

    /// One that lets everything through; without a verifier nobody has looked at it.
    pub fn through(inner: Option<Arc<WebPkiServerVerifier>>) -> Watcher {
        Watcher {
            inner,
            is_strict: false,
            problem: Mutex::new(None),
            believed: Believed::default(),
        }
    }

    /// What was wrong with the certificate, if anything.
    pub fn problem(&self) -> Option<Fault> {
        if self.inner.is_none() {
            // Nobody has looked at it: no verifier is a problem of ours, never a pass.
            return Some(trusts_nobody());
        }
        let problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.as_ref().map(Fault::from_tls)
    }
}

/// What this thread refused last, if anything was since this was asked last; `fault` is what it came to.
pub fn taken(fault: &Fault) -> Option<Arc<TlsFacts>> {
    let chain = REFUSED.take();
    let problem = Some(fault.clone());
    (!chain.is_empty()).then(|| {
        Arc::new(TlsFacts {
            chain,
            problem,
            ..TlsFacts::default()
        })
    })
}

/// Whether a certificate that is believed is valid now, and for a name.
fn as_it_stands(
    certificate: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    use x509_parser::prelude::{FromDer, X509Certificate};
    let wrong = rustls::Error::InvalidCertificate;
    let (_, read) =
        X509Certificate::from_der(certificate).map_err(|_| wrong(CertificateError::BadEncoding))?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let validity = read.validity();
    if now < validity.not_before.timestamp() {
        return Err(wrong(CertificateError::NotValidYet));
    }
    if now > validity.not_after.timestamp() {
        return Err(wrong(CertificateError::Expired));
    }
    let parsed = ParsedCertificate::try_from(certificate)?;
    verify_server_name(&parsed, name)?;
    Ok(ServerCertVerified::assertion())
}

impl ServerCertVerifier for Watcher {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner.as_ref().map(|inner| {
            let verified = inner.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            );
            match verified {
                Err(_) if self.believed.contains(end_entity) => {
                    as_it_stands(end_entity, server_name, now)
                }
                verified => verified,
            }
        });
        match verified {
            Some(Err(error)) if self.is_strict => {
                let all = std::iter::once(end_entity).chain(intermediates);
                REFUSED.set(all.map(|one| one.clone().into_owned()).collect());
                Err(error)
            }
            Some(Err(error)) => {
                *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Ok(ServerCertVerified::assertion())
            }
            Some(Ok(verified)) => Ok(verified),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
