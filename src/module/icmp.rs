//! An echo request, over a socket that needs no rights where the system allows that.
//!
//! Sources: RFC 792 and RFC 4443; the kernel keeps identifier and checksum of datagram sockets.

use super::reach;
use super::seen::{Gauge, Seen};
use super::settings::Icmp;
use crate::net::{ErrorClass, Fault};
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;
use tokio::net::UdpSocket;
use tokio::time::timeout_at;

const DURATION: Gauge = Gauge(
    "probe_icmp_duration_seconds",
    "How long the phases of the echo took.",
);

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
    packet.resize(8 + payload, b'b');
    packet
}

/// Looks at a target.
///
/// # Errors
///
/// Why it did not go well.
pub async fn look(
    settings: &Icmp,
    target: &str,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(), Fault> {
    for phase in ["resolve", "setup", "rtt"] {
        seen.put(DURATION, &[("phase", phase)], 0.0);
    }
    let begun = Instant::now();
    let address = reach::resolve(target, settings.family, deadline, seen).await?;
    seen.put(
        DURATION,
        &[("phase", "resolve")],
        begun.elapsed().as_secs_f64(),
    );
    let begun = Instant::now();
    let socket = open(address).map_err(|error| {
        let hint = "allow it with `sysctl net.ipv4.ping_group_range=\"0 2147483647\"`";
        Fault::new(
            ErrorClass::OwnLimit,
            format!("no socket for echo requests: {error}; {hint}"),
        )
    })?;
    seen.put(
        DURATION,
        &[("phase", "setup")],
        begun.elapsed().as_secs_f64(),
    );
    let begun = Instant::now();
    let doing = format!("an echo from {address}");
    let failed = |error: std::io::Error| Fault::from_io(&doing, &error);
    let sent = request(address, settings.payload);
    socket.send(&sent).await.map_err(failed)?;
    let mut answer = vec![0; sent.len() + 64];
    loop {
        let received = timeout_at(deadline.into(), socket.recv(&mut answer)).await;
        let received = received.map_err(|_| reach::late(ErrorClass::TimeoutWait, &doing))?;
        let length = received.map_err(failed)?;
        let is_reply = answer[0] == if address.is_ipv4() { 0 } else { 129 };
        // Beyond the number stands what we sent.
        if is_reply && length >= 8 && answer[6..length] == sent[6..] {
            seen.put(DURATION, &[("phase", "rtt")], begun.elapsed().as_secs_f64());
            return Ok(());
        }
    }
}
