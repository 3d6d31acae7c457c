//! Certificates of handshakes that did not come about: what was refused is still to be seen, above all when
//! it expires.
//!
//! A verifier is shared by all connections of one kind, so that it cannot hand anything to one of them. It
//! leaves the chain in a place of its thread, from where it is taken in the same poll: between the refusal
//! and the end of the handshake nothing else runs there. Decides nothing: what is believed is rustls's.

use super::fault::Fault;
use super::tls::TlsFacts;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::cell::RefCell;
use std::sync::Arc;

thread_local! {
    static REFUSED: RefCell<Vec<CertificateDer<'static>>> = const { RefCell::new(Vec::new()) };
}

/// Verifies as always, and leaves what it refuses to be taken.
#[derive(Debug)]
pub struct Noting(pub Arc<WebPkiServerVerifier>);

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

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.0
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if verified.is_err() {
            let all = std::iter::once(end_entity).chain(intermediates);
            REFUSED.set(all.map(|one| one.clone().into_owned()).collect());
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
