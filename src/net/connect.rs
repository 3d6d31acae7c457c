//! From a name to a connected socket, phase by phase.
//!
//! A name with several addresses is tried as browsers do (RFC 8305); the time that it took is what is measured.

use super::address;
use super::barred::Barred;
use super::family::{Family, in_turn};
use super::fault::{ErrorClass, Fault};
use super::hosts::Hosts;
use super::lookup;
use super::phases::Phases;
use super::proxies::Proxies;
use super::stream::Stream;
use super::tls::{Offer, Settings, server_name};
use super::tls_facts::TlsFacts;
use super::tls_refused;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout_at;

/// How long one address has for itself before the next one is tried beside it (RFC 8305, section 8).
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// Addresses, and when they were found.
type Resolved = (Instant, Vec<SocketAddr>);

/// Opens sockets for an environment.
#[derive(Debug)]
pub struct Connector {
    /// TLS settings.
    pub tls: Settings,
    /// How long resolved addresses are kept; zero asks anew each time.
    dns_ttl: Duration,
    /// Addresses of this machine that connections start from, in turn.
    pub(super) local: Vec<IpAddr>,
    next_local: AtomicUsize,
    /// Whether each connection starts with an address of its host by chance.
    spread: bool,
    /// Whether names are looked up together with others.
    shares_lookups: bool,
    /// The only family of addresses that is used, if one was asked for.
    pub(super) family: Option<Family>,
    /// Names that lead elsewhere.
    pub(super) hosts: Hosts,
    /// Where nothing may be sent.
    barred: Barred,
    /// Proxies on the way.
    pub(super) proxies: Option<Arc<Proxies>>,
    cache: Mutex<HashMap<(String, u16), Resolved>>,
}

/// A socket with what it took to open it.
#[derive(Debug)]
pub struct Opened {
    /// The socket.
    pub stream: Stream,
    /// Resolve, connect and TLS.
    pub phases: Phases,
    /// What TLS showed, if there was any.
    pub tls: Option<Arc<TlsFacts>>,
    /// Whether HTTP/2 was agreed on.
    pub http2: bool,
}

impl Connector {
    /// A connector; `dns_ttl` is how long addresses are kept.
    pub fn new(tls: Settings, dns_ttl: Duration) -> Connector {
        Connector {
            tls,
            dns_ttl,
            local: Vec::new(),
            next_local: AtomicUsize::new(0),
            spread: false,
            shares_lookups: false,
            family: None,
            hosts: Hosts::default(),
            barred: Barred::default(),
            proxies: None,
            cache: Mutex::new(HashMap::new()),
        }
    }

    /// Another one like it, which takes TLS sessions up again or never does.
    pub fn resuming(&self, resumes: bool) -> Connector {
        let tls = self.tls.anew(resumes);
        Connector::new(tls, self.dns_ttl)
            .starting_from(self.local.clone())
            .of_family(self.family)
            .leading(self.hosts.clone())
            .barring(self.barred.clone())
            .by(self.proxies.clone())
    }

    /// The same, by proxies.
    pub fn by(self, proxies: Option<Arc<Proxies>>) -> Connector {
        Connector { proxies, ..self }
    }

    /// The same, with names that lead elsewhere.
    pub fn leading(self, hosts: Hosts) -> Connector {
        Connector { hosts, ..self }
    }

    /// The same, with places that nothing may be sent to.
    pub fn barring(self, barred: Barred) -> Connector {
        Connector { barred, ..self }
    }

    /// The same, with addresses of one family only.
    pub fn of_family(self, family: Option<Family>) -> Connector {
        Connector { family, ..self }
    }

    /// The same, with connections that start from these addresses of this machine in turn.
    pub fn starting_from(self, local: Vec<IpAddr>) -> Connector {
        Connector { local, ..self }
    }

    /// The same, with connections spread over all addresses of a host: each starts with any of them, by
    /// chance, so that what one meets says nothing of what the next one does.
    pub fn spread(self) -> Connector {
        Connector {
            spread: true,
            ..self
        }
    }

    /// The same, with names looked up together with others that do so; on a runtime that outlives it.
    pub fn sharing_lookups(self) -> Connector {
        Connector {
            shares_lookups: true,
            ..self
        }
    }

    /// A socket to an address, from the next of our own addresses of its family.
    async fn socket(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        let fitting = || {
            let same = |local: &&IpAddr| local.is_ipv4() == address.is_ipv4();
            self.local.iter().filter(same)
        };
        let count = fitting().count();
        if count == 0 {
            return TcpStream::connect(address).await;
        }
        let turn = self.next_local.fetch_add(1, Relaxed) % count;
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(local) = fitting().nth(turn) {
            late_port(&socket);
            socket.bind(SocketAddr::new(*local, 0))?;
        }
        socket.connect(address).await
    }

    /// Addresses of a host, none of which is barred.
    pub async fn resolve(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, Fault> {
        if let Some(fault) = self.barred_name(host) {
            return Err(fault);
        }
        let addresses = self.found(host, port, deadline).await?;
        let mut barred = addresses
            .iter()
            .filter_map(|address| self.barred_address(address.ip()));
        barred.next().map_or(Ok(()), Err)?;
        Ok(addresses)
    }

    /// That a name is barred, if it is.
    fn barred_name(&self, host: &str) -> Option<Fault> {
        let pattern = self.barred.name(host)?;
        let detail = format!("the host `{host}` is barred by `{pattern}`");
        Some(Fault::new(ErrorClass::Barred, detail))
    }

    /// That an address is barred, if it is.
    fn barred_address(&self, ip: IpAddr) -> Option<Fault> {
        let network = self.barred.address(ip)?;
        let detail = format!("the address {ip} is barred by `{network}`");
        Some(Fault::new(ErrorClass::Barred, detail))
    }

    /// That a name is barred, or where it leads, as far as an address says that.
    pub(super) fn barred_by(&self, host: &str, there: &str) -> Option<Fault> {
        let address = there.trim_matches(['[', ']']).parse();
        let barred = || self.barred_address(address.ok()?);
        self.barred_name(host).or_else(barred)
    }

    async fn found(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, Fault> {
        let bare = host.trim_matches(['[', ']']);
        let bare = address::host(bare).map_err(|why| Fault::new(ErrorClass::Resolve, why))?;
        let bare = bare.as_ref();
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        if let Some(address) = self.hosts.find(bare, port) {
            return Ok(vec![address]);
        }
        let key = (bare.to_owned(), port);
        if !self.dns_ttl.is_zero() {
            let cache = self
                .cache
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((at, addresses)) = cache.get(&key)
                && at.elapsed() < self.dns_ttl
            {
                return Ok(addresses.clone());
            }
        }
        let looking = async {
            if self.shares_lookups {
                let found = lookup::shared(bare)
                    .await
                    .map_err(|error| error.to_string())?;
                return Ok(found.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
            }
            let found = tokio::net::lookup_host((bare, port)).await;
            found
                .map(Iterator::collect)
                .map_err(|error| error.to_string())
        };
        let found: Result<Vec<SocketAddr>, String> =
            timeout_at(deadline.into(), looking).await.map_err(|_| {
                Fault::new(
                    ErrorClass::TimeoutResolve,
                    format!("resolving `{bare}` took too long"),
                )
            })?;
        let mut addresses = found.map_err(|error| {
            Fault::new(
                ErrorClass::Resolve,
                format!("`{bare}` cannot be resolved: {error}"),
            )
        })?;
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() {
            return Err(Fault::new(
                ErrorClass::Resolve,
                format!("`{bare}` has no address"),
            ));
        }
        if !self.dns_ttl.is_zero() {
            let mut cache = self
                .cache
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if cache.len() >= crate::limits::NAMES_MAX {
                cache.clear();
            }
            cache.insert(key, (Instant::now(), addresses.clone()));
        }
        Ok(addresses)
    }

    /// A TCP connection without a proxy.
    pub(super) async fn straight(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<(TcpStream, Phases), (Fault, Phases)> {
        let start = Instant::now();
        let mut phases = Phases::default();
        let addresses = self.resolve(host, port, deadline).await;
        phases.resolve = micros(start);
        let mut addresses = addresses.map_err(|fault| (fault, phases))?;
        if self.spread && addresses.len() > 1 {
            let first = fastrand::usize(..addresses.len());
            addresses.rotate_left(first);
        }
        if let Some(family) = self.family {
            addresses.retain(|address| family == Family::of(address));
            if addresses.is_empty() {
                let detail = format!("`{host}` has no {family} address");
                return Err((Fault::new(ErrorClass::Resolve, detail), phases));
            }
        }
        let start = Instant::now();
        let connected = match addresses[..] {
            [address] => self.attempt(address, deadline).await,
            _ => self.race(&in_turn(addresses), deadline).await,
        };
        phases.connect = micros(start);
        let stream = connected.map_err(|fault| (fault, phases))?;
        // A delayed acknowledgment must not be mistaken for the target's latency.
        let _ = stream.set_nodelay(true);
        Ok((stream, phases))
    }

    /// One address.
    async fn attempt(&self, address: SocketAddr, deadline: Instant) -> Result<TcpStream, Fault> {
        match timeout_at(deadline.into(), self.socket(address)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(Fault::from_io(&format!("connecting to {address}"), &error)),
            Err(_) => Err(Fault::new(
                ErrorClass::TimeoutConnect,
                format!("connecting to {address} took too long"),
            )),
        }
    }

    /// Several addresses: where one does not answer soon, or fails, the next one is tried beside it, and the first
    /// that answers is taken (RFC 8305, section 5).
    async fn race(&self, addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Fault> {
        let mut waiting = addresses.iter();
        let mut going = FuturesUnordered::new();
        let mut last = None;
        loop {
            match waiting.next() {
                Some(address) => going.push(self.attempt(*address, deadline)),
                None if going.is_empty() => break,
                None => {}
            }
            let pause = async {
                match waiting.len() {
                    0 => std::future::pending().await,
                    _ => tokio::time::sleep(NEXT_AFTER).await,
                }
            };
            tokio::select! {
                Some(ended) = going.next() => match ended {
                    Ok(stream) => return Ok(stream),
                    Err(fault) => last = Some(fault),
                },
                () = pause => {}
            }
        }
        // There was at least one.
        Err(last.unwrap_or_else(|| Fault::new(ErrorClass::Resolve, "no address to connect to")))
    }

    /// A connection ready for HTTP.
    pub async fn open(
        &self,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<Opened, (Fault, Phases)> {
        let place = (origin.host.as_str(), origin.port);
        let (tcp, mut phases) = self.reach(!origin.tls, place, deadline).await?;
        if !origin.tls {
            return Ok(Opened {
                stream: Stream::Plain(tcp),
                phases,
                tls: None,
                http2: origin.offer == Offer::Two,
            });
        }
        let start = Instant::now();
        let name = server_name(&origin.host).map_err(|fault| (fault, phases))?;
        let config = self.tls.client(&origin.host, origin.verify, origin.offer);
        let connecting = tokio_rustls::TlsConnector::from(config).connect(name, tcp);
        let result = timeout_at(deadline.into(), connecting).await;
        phases.tls = micros(start);
        let stream = match result {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                let mut fault = Fault::from_io("TLS handshake", &error);
                if fault.class == ErrorClass::Reset {
                    fault.class = ErrorClass::Tls;
                }
                let mut fault = self.tls.understood(fault);
                fault.refused = tls_refused::taken(&fault);
                return Err((fault, phases));
            }
            Err(_) => {
                return Err((
                    Fault::new(ErrorClass::TimeoutTls, "the TLS handshake took too long"),
                    phases,
                ));
            }
        };
        let connection = stream.get_ref().1;
        let http2 = connection.alpn_protocol() == Some(b"h2");
        if origin.offer == Offer::Two && !http2 {
            let detail =
                "the server does not speak HTTP/2: it did not choose it in the TLS handshake";
            return Err((Fault::new(ErrorClass::Protocol, detail), phases));
        }
        let facts = Arc::new(TlsFacts::of(connection));
        Ok(Opened {
            stream: Stream::Tls(Box::new(stream)),
            phases,
            tls: Some(facts),
            http2,
        })
    }
}

/// Leaves the choice of our port to the moment of connecting, so that one port can serve several
/// targets: else a machine runs out of them after some thousands of connections.
fn late_port(socket: &TcpSocket) {
    use std::os::fd::AsRawFd as _;
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open, and the option is a whole number that outlives the call.
    // Without it everything works, with fewer connections.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_IP,
            libc::IP_BIND_ADDRESS_NO_PORT,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        );
    }
}

/// Where a connection goes, and what it offers: connections are reused for equal origins.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Application protocols.
    pub offer: Offer,
    /// Whether the certificate must be valid.
    pub verify: bool,
}

/// Microseconds since a moment.
pub fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros() as u64
}

/// Splits `host:port`, with a default port.
pub fn host_port(text: &str, default: u16) -> Result<(String, u16), String> {
    let wrong = || format!("`{text}` is not `host:port`");
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().map_err(|_| wrong())?,
            None => default,
        };
        return Ok((host.to_owned(), port));
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && !host.is_empty() => {
            Ok((host.to_owned(), port.parse().map_err(|_| wrong())?))
        }
        None if !text.is_empty() => Ok((text.to_owned(), default)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_does_not_answer_does_not_take_the_time_of_the_others() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = listener.local_addr().unwrap();
        // A full backlog takes no more connections, and does not refuse them.
        let full = TcpSocket::new_v4().unwrap();
        full.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let full = full.listen(1).unwrap();
        let dead = full.local_addr().unwrap();
        let mut held = Vec::new();
        for _ in 0..8 {
            let soon = Duration::from_millis(50);
            if let Ok(stream) = tokio::time::timeout(soon, TcpStream::connect(dead)).await {
                held.push(stream);
            }
        }
        let connector = Connector::new(Settings::new(None).unwrap(), Duration::ZERO);
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(20);
        let stream = connector.race(&[dead, alive], deadline).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        assert!(begun.elapsed() < Duration::from_secs(10), "it waited");
        let refused = connector.race(&[dead], Instant::now()).await.unwrap_err();
        assert_eq!(refused.class, ErrorClass::TimeoutConnect);
    }
}
