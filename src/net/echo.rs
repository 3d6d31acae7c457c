//! An echo request, over a socket that needs no rights where the system allows that.
//!
//! Sources: RFC 792 and RFC 4443; the kernel keeps identifier and checksum of datagram sockets. Does not resolve names.

use super::fault::{ErrorClass, Fault};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

/// Bytes of a request beside what it echoes.
const HEAD: usize = 8;

/// How long the parts of an echo took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Echo {
    /// Until there was a socket.
    pub setup: Duration,
    /// There and back.
    pub round_trip: Duration,
}

fn open(address: IpAddr) -> std::io::Result<UdpSocket> {
    let (domain, protocol) = match address.is_ipv4() {
        true => (Domain::IPV4, Protocol::ICMPV4),
        false => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.connect(&SocketAddr::new(address, 0).into())?;
    UdpSocket::from_std(socket.into())
}

/// An echo request: type, code, checksum (the kernel's), identifier (the kernel's), number, payload.
fn request(address: IpAddr, payload: usize) -> Vec<u8> {
    let mut packet = vec![if address.is_ipv4() { 8 } else { 128 }, 0, 0, 0, 0, 0, 0, 1];
    packet.resize(HEAD + payload, b'b');
    packet
}

/// Asks an address for an echo of so many bytes.
///
/// # Errors
/// No socket, no way there, or no answer in time.
pub async fn echo(address: IpAddr, payload: usize, deadline: Instant) -> Result<Echo, Fault> {
    let begun = Instant::now();
    let socket = open(address).map_err(|error| {
        let hint = "allow it with `sysctl net.ipv4.ping_group_range=\"0 2147483647\"`";
        Fault::new(
            ErrorClass::OwnLimit,
            format!("no socket for echo requests: {error}; {hint}"),
        )
    })?;
    let setup = begun.elapsed();
    let begun = Instant::now();
    let doing = format!("an echo from {address}");
    let failed = |error: std::io::Error| Fault::from_io(&doing, &error);
    let sent = request(address, payload);
    socket.send(&sent).await.map_err(failed)?;
    let mut answer = vec![0; sent.len() + 64];
    loop {
        let received = timeout_at(deadline.into(), socket.recv(&mut answer)).await;
        let late = || Fault::new(ErrorClass::TimeoutWait, format!("{doing} took too long"));
        let length = received.map_err(|_| late())?.map_err(failed)?;
        let is_reply = answer[0] == if address.is_ipv4() { 0 } else { 129 };
        // Beyond the number stands what we sent.
        if is_reply && length >= HEAD && answer[6..length] == sent[6..] {
            return Ok(Echo {
                setup,
                round_trip: begun.elapsed(),
            });
        }
    }
}
