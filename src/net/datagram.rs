//! Datagrams to one address, and those that come back from it.

use super::fault::{ErrorClass, Fault};
use std::net::SocketAddr;
use std::time::Instant;
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

/// A socket that talks with one address alone.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    /// What is waited for, for people.
    doing: String,
}

impl Datagrams {
    /// Sends the first datagram to an address; `doing` is what is waited for, for people.
    ///
    /// # Errors
    /// No socket, or no way there.
    pub async fn start(
        address: SocketAddr,
        first: &[u8],
        doing: String,
    ) -> Result<Datagrams, Fault> {
        let failed = |error: std::io::Error| Fault::from_io(&doing, &error);
        let any = if address.is_ipv4() {
            "0.0.0.0:0"
        } else {
            "[::]:0"
        };
        let socket = UdpSocket::bind(any).await.map_err(failed)?;
        socket.connect(address).await.map_err(failed)?;
        socket.send(first).await.map_err(failed)?;
        Ok(Datagrams { socket, doing })
    }

    /// The next datagram that comes back.
    ///
    /// # Errors
    /// None came in time, or nobody is there.
    pub async fn next<'a>(&self, room: &'a mut [u8], deadline: Instant) -> Result<&'a [u8], Fault> {
        let received = timeout_at(deadline.into(), self.socket.recv(room)).await;
        let late = |_| {
            Fault::new(
                ErrorClass::TimeoutWait,
                format!("{} did not come", self.doing),
            )
        };
        let length = received
            .map_err(late)?
            .map_err(|error| Fault::from_io(&self.doing, &error))?;
        Ok(&room[..length])
    }
}
