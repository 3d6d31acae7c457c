//! Whether we are where we should be: a target that does not answer from elsewhere says nothing of itself.
//!
//! Knows addresses that can be reached from where we should be, a private network for example. Invariant: it is
//! asked only after a connection timed out, and its answer stands for some seconds.

use crate::net::connect::Connector;
use crate::net::{ErrorClass, Fault};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time for one of the addresses to answer.
const WITHIN: Duration = Duration::from_secs(3);
/// How long an answer stands.
const STANDS: Duration = Duration::from_secs(10);

/// Addresses that can be reached from where we should be.
#[derive(Debug, Default)]
pub struct Vantage {
    addresses: Vec<(String, u16)>,
    known: Mutex<Option<(Instant, bool)>>,
}

impl Vantage {
    /// Of these addresses; of none where nothing is said.
    pub fn new(addresses: Vec<(String, u16)>) -> Vantage {
        Vantage {
            addresses,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .filter(|(at, _)| at.elapsed() < STANDS)
            .map(|(_, is)| is)
    }

    /// Whether none of them can be reached. Whoever refuses a connection was reached.
    async fn is_elsewhere(&self, connector: &Connector) -> bool {
        if let Some(known) = self.known() {
            return known;
        }
        let mut is_elsewhere = true;
        for (host, port) in &self.addresses {
            let opened = connector.tcp(host, *port, Instant::now() + WITHIN).await;
            let is_there = match opened {
                Ok(_) => true,
                Err((fault, _)) => matches!(fault.class, ErrorClass::Refused | ErrorClass::Reset),
            };
            if is_there {
                is_elsewhere = false;
                break;
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), is_elsewhere));
        is_elsewhere
    }

    /// A fault as it is to be understood from here: no answer to a connection is the way's where we are not
    /// where we should be.
    pub(super) async fn understood(&self, connector: &Connector, fault: Fault) -> Fault {
        let is_silence = fault.class == ErrorClass::TimeoutConnect;
        if !is_silence || self.addresses.is_empty() || !self.is_elsewhere(connector).await {
            return fault;
        }
        let names = self
            .addresses
            .iter()
            .map(|(host, port)| format!("{host}:{port}"));
        let names: Vec<String> = names.collect();
        let detail = format!(
            "{}; {} cannot be reached either, so that this machine is not where it should be (a private network?)",
            fault.detail,
            names.join(", ")
        );
        Fault::new(ErrorClass::Unreachable, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::Settings;

    async fn class(addresses: &[(&str, u16)], class: ErrorClass) -> ErrorClass {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let connector = Connector::new(Settings::new(None).unwrap(), Duration::ZERO);
        let addresses = addresses
            .iter()
            .map(|(host, port)| ((*host).to_owned(), *port));
        let vantage = Vantage::new(addresses.collect());
        let fault = Fault::new(class, "connecting took too long");
        vantage.understood(&connector, fault).await.class
    }

    #[tokio::test]
    async fn silence_is_the_ways_only_where_we_are_not_where_we_should_be() {
        let (silence, away) = (ErrorClass::TimeoutConnect, ErrorClass::Unreachable);
        // Nobody listens there, and somebody says so: the way is good.
        assert_eq!(class(&[("127.0.0.1", 9)], silence).await, silence);
        assert_eq!(class(&[("vpn.invalid", 443)], silence).await, away);
        assert_eq!(
            class(&[("vpn.invalid", 443), ("127.0.0.1", 9)], silence).await,
            silence
        );
        assert_eq!(class(&[], silence).await, silence, "nothing is said of it");
        let refused = ErrorClass::Refused;
        assert_eq!(class(&[("vpn.invalid", 443)], refused).await, refused);
    }
}
