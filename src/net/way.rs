//! The way to a host: straight, or through a proxy.
//!
//! Knows which proxy stands on it. Does not know what is spoken there. Invariant: through a proxy nothing of the host is looked up
//! here; who is barred by name stays barred.

use super::address;
use super::connect::{Connector, micros};
use super::fault::{ErrorClass, Fault};
use super::phases::Phases;
use super::proxy::Proxy;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

impl Connector {
    /// A TCP connection, with resolve and connect timed.
    pub async fn tcp(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<(TcpStream, Phases), (Fault, Phases)> {
        self.reach(false, (host, port), deadline).await
    }

    /// A TCP connection, straight or through a proxy.
    pub(super) async fn reach(
        &self,
        is_plain: bool,
        (host, port): (&str, u16),
        deadline: Instant,
    ) -> Result<(TcpStream, Phases), (Fault, Phases)> {
        let proxies = self.proxies.as_ref();
        let proxy = proxies.and_then(|proxies| proxies.on_the_way(is_plain, host, port));
        match proxy {
            None => self.straight(host, port, deadline).await,
            // Boxed: few have one, and its state would be carried by every virtual user.
            Some(proxy) => Box::pin(self.through(proxy, (host, port), deadline)).await,
        }
    }

    /// A TCP connection through a proxy, which finds the address of the host.
    async fn through(
        &self,
        proxy: &Proxy,
        (host, port): (&str, u16),
        deadline: Instant,
    ) -> Result<(TcpStream, Phases), (Fault, Phases)> {
        if let Some(fault) = self.barred_name(host) {
            return Err((fault, Phases::default()));
        }
        let straight = self.straight(&proxy.host, proxy.port, deadline).await;
        let (mut stream, mut phases) = straight.map_err(|(fault, phases)| {
            let fault = match fault.class {
                ErrorClass::OwnLimit => fault,
                _ => proxy.fault(&format!("was not reached: {fault}")),
            };
            (fault, phases)
        })?;
        let start = Instant::now();
        let ascii =
            address::host(host).map_err(|why| (Fault::new(ErrorClass::Resolve, why), phases))?;
        let asked = timeout_at(deadline.into(), proxy.through(&mut stream, &ascii, port)).await;
        phases.connect += micros(start);
        match asked {
            Ok(Ok(())) => Ok((stream, phases)),
            Ok(Err(fault)) => Err((fault, phases)),
            Err(_) => {
                let fault = proxy.fault(&format!("opened no way to {host}:{port} in time"));
                Err((fault, phases))
            }
        }
    }
}
