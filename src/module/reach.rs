//! From a target to a socket: one address, as the module prefers them, and TLS as it wants it.

use super::seen::{Gauge, Seen};
use super::settings::{Family, Tls};
use crate::net::stream::Stream;
use crate::net::tls::{self, Trust};
use crate::net::tls_facts::TlsFacts;
use crate::net::{ErrorClass, Fault, lookup, tls_refused};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::time::timeout_at;

/// How long the name took.
pub const LOOKED_UP: Gauge = Gauge(
    "probe_dns_lookup_time_seconds",
    "How long the name of the target took to resolve.",
);

/// Something took too long.
pub fn late(class: ErrorClass, doing: &str) -> Fault {
    Fault::new(class, format!("{doing} took too long"))
}

/// The address of a host that is taken.
pub async fn resolve(
    host: &str,
    family: Family,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<IpAddr, Fault> {
    let bare = host.trim_matches(['[', ']']);
    let begun = Instant::now();
    let found = match bare.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => {
            let asked = timeout_at(deadline.into(), lookup::shared(bare)).await;
            let asked = asked
                .map_err(|_| late(ErrorClass::TimeoutResolve, &format!("resolving `{bare}`")))?;
            let asked = asked.map_err(|error| {
                Fault::new(
                    ErrorClass::Resolve,
                    format!("`{bare}` cannot be resolved: {error}"),
                )
            })?;
            asked.to_vec()
        }
    };
    seen.add(LOOKED_UP, &[], begun.elapsed().as_secs_f64());
    let of = |six: bool| {
        found
            .iter()
            .copied()
            .find(|address| address.is_ipv6() == six)
    };
    let other = || family.falls_back.then(|| of(!family.prefers_six)).flatten();
    let address = of(family.prefers_six).or_else(other);
    let address = address.ok_or_else(|| {
        let wanted = if family.prefers_six { "IPv6" } else { "IPv4" };
        Fault::new(
            ErrorClass::Resolve,
            format!("`{bare}` has no {wanted} address"),
        )
    })?;
    seen.note(format!("`{bare}` is {address}"));
    seen.address(address);
    Ok(address)
}

/// A connection to an address.
pub async fn connect(address: SocketAddr, deadline: Instant) -> Result<TcpStream, Fault> {
    let doing = format!("connecting to {address}");
    let connected = timeout_at(deadline.into(), TcpStream::connect(address)).await;
    let connected = connected.map_err(|_| late(ErrorClass::TimeoutConnect, &doing))?;
    let stream = connected.map_err(|error| Fault::from_io(&doing, &error))?;
    // What is small is not to wait for more.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Speaks TLS on a connection; `host` is the name that is asked for where the module says none.
pub async fn secure(
    stream: TcpStream,
    settings: &Tls,
    host: &str,
    protocols: &[&[u8]],
    deadline: Instant,
) -> Result<(Stream, Arc<TlsFacts>, bool), Fault> {
    let own = settings.own.as_ref();
    let trust = Trust {
        insecure: settings.insecure,
        ca_file: settings.ca_file.as_deref(),
        own: own.map(|(certificate, key)| (certificate.as_path(), key.as_path())),
        versions: (settings.allows_12, settings.allows_13),
        protocols,
    };
    let config =
        tls::trusting(&trust).map_err(|reason| Fault::new(ErrorClass::Template, reason))?;
    let name = tls::server_name(settings.server_name.as_deref().unwrap_or(host))?;
    let connecting = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream);
    let secured = timeout_at(deadline.into(), connecting).await;
    let secured = secured.map_err(|_| late(ErrorClass::TimeoutTls, "the TLS handshake"))?;
    let stream = secured.map_err(|error| {
        let mut fault = Fault::from_io("TLS handshake", &error);
        fault.refused = tls_refused::taken(&fault);
        fault
    })?;
    let connection = stream.get_ref().1;
    let is_two = connection.alpn_protocol() == Some(b"h2");
    let facts = Arc::new(TlsFacts::of(connection));
    Ok((Stream::Tls(Box::new(stream)), facts, is_two))
}
