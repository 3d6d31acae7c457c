//! The way to a host: straight, or through a proxy.
//!
//! Knows which proxy stands on it. Does not know what is spoken there. Invariant: through a proxy nothing of the host is looked up
//! here; who is barred, by name or address, stays barred.

use super::address;
use super::connect::{Connector, micros};
use super::fault::{ErrorClass, Fault};
use super::phases::Phases;
use super::proxy::Entrance;
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
        match proxies.and_then(|proxies| proxies.on_the_way(is_plain, host, port)) {
            None => self.straight(host, port, deadline).await,
            // Boxed: few have one, and its state would be carried by every virtual user.
            Some(entrance) => Box::pin(self.through(entrance, (host, port), deadline)).await,
        }
    }

    /// A TCP connection through a proxy, which finds the address of the host.
    async fn through(
        &self,
        (proxy, who): &Entrance,
        (host, port): (&str, u16),
        deadline: Instant,
    ) -> Result<(TcpStream, Phases), (Fault, Phases)> {
        let nothing = Phases::default();
        let ascii =
            address::host(host).map_err(|why| (Fault::new(ErrorClass::Resolve, why), nothing))?;
        // A name that is said to lead elsewhere leads there by a proxy, too.
        let (there, at) = match self.hosts.find(&ascii, port) {
            Some(there) => (there.ip().to_string(), there.port()),
            None => (ascii.into_owned(), port),
        };
        if let Some(fault) = self.barred_by(host, &there) {
            return Err((fault, nothing));
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
        let asking = proxy.through(who.as_ref(), &mut stream, (&there, at));
        let asked = timeout_at(deadline.into(), asking).await;
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
