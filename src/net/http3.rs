//! One HTTP/3 connection over QUIC (RFC 9114, RFC 9000); experimental, and for looks rather than loads.
//!
//! quinn speaks QUIC and h3 the protocol on it; tasks of theirs drive the connection. What reaches a closed port over UDP is
//! answered by nobody, so a handshake has a time of its own. Invariant: nothing is sent to a server whose certificate was not
//! believed where it must be.

use super::connect::{Connector, Origin, micros};
use super::family::{Family, in_turn};
use super::fault::{ErrorClass, Fault};
use super::gathered::{Gathered, timed};
use super::headers::Headers;
use super::http1_parser::Keep;
use super::message::Message;
use super::phases::Phases;
use super::reply::Reply;
use super::tls_facts::TlsFacts;
use bytes::{Buf as _, Bytes};
use h3::client::SendRequest;
use http::Request;
use http::header::CONTENT_LENGTH;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ConnectionError, Endpoint};
use rustls::pki_types::CertificateDer;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout_at;

/// How long one address has for its handshake: several round trips and losses.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// A connection.
pub struct Http3 {
    connection: quinn::Connection,
    sender: SendRequest<h3_quinn::OpenStreams, Bytes>,
    // The socket lives as long as it does.
    _endpoint: Endpoint,
}

impl std::fmt::Debug for Http3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http3").finish_non_exhaustive()
    }
}

/// A connection that was opened.
pub struct Opened {
    /// The connection.
    pub http3: Http3,
    /// Resolve and connect; TLS is part of connecting.
    pub phases: Phases,
    /// What TLS showed.
    pub tls: Arc<TlsFacts>,
    /// Who is at the other end.
    pub remote: SocketAddr,
}

impl Http3 {
    /// Opens a connection, to the first address that answers.
    pub async fn open(
        connector: &Connector,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<Opened, (Fault, Phases)> {
        let mut phases = Phases::default();
        let (host, port) = (origin.host.as_str(), origin.port);
        let proxies = connector.proxies.as_ref();
        if proxies.is_some_and(|proxies| proxies.on_the_way(false, host, port).is_some()) {
            let detail = "a proxy stands on the way, and HTTP/3 goes through none: say `http: \"2\"`, or except the host";
            return Err((Fault::new(ErrorClass::Proxy, detail), phases));
        }
        let start = Instant::now();
        let addresses = connector.resolve(host, port, deadline).await;
        phases.resolve = micros(start);
        let mut addresses = addresses.map_err(|fault| (fault, phases))?;
        if let Some(family) = connector.family {
            addresses.retain(|address| family == Family::of(address));
        }
        let detail = format!("`{host}` has no address of the family that is asked for");
        let mut last = Fault::new(ErrorClass::Resolve, detail);
        let start = Instant::now();
        for address in in_turn(addresses) {
            match attempt(connector, origin, address, deadline).await {
                Ok((http3, tls)) => {
                    phases.connect = micros(start);
                    return Ok(Opened {
                        http3,
                        phases,
                        tls,
                        remote: address,
                    });
                }
                Err(fault) => last = fault,
            }
        }
        phases.connect = micros(start);
        Err((last, phases))
    }

    /// Whether it can take another request.
    pub fn is_ready(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    /// Sends a request at `start` and receives the whole reply before the deadline.
    pub async fn exchange(
        &mut self,
        message: &Message<'_>,
        keep: Keep,
        start: Instant,
        deadline: Instant,
    ) -> Result<Reply, (Fault, Phases)> {
        let mut headed = None;
        let work = self.carry(message, keep, &mut headed);
        let result = timeout_at(deadline.into(), work).await.ok();
        timed(result, start, headed)
    }

    async fn carry(
        &mut self,
        message: &Message<'_>,
        keep: Keep,
        headed: &mut Option<Instant>,
    ) -> Result<Reply, Fault> {
        let (mut head, _) = message.request().into_parts();
        if !message.body.is_empty() {
            head.headers
                .insert(CONTENT_LENGTH, (message.body.len() as u64).into());
        }
        let connection = self.connection.clone();
        let broken = |doing: &str, error: &dyn std::fmt::Display| {
            let why = connection.close_reason();
            let odd = || Fault::new(ErrorClass::Protocol, format!("{doing}: {error}"));
            why.map_or_else(odd, |why| fault_of(doing, &why))
        };
        let sending = self.sender.send_request(Request::from_parts(head, ()));
        let mut stream = sending
            .await
            .map_err(|error| broken("sending the request", &error))?;
        // Who answers before all of it was read may stop reading.
        if !message.body.is_empty() {
            let _ = stream.send_data(message.body.clone()).await;
        }
        let _ = stream.finish().await;
        let response = stream.recv_response().await;
        let response = response.map_err(|error| broken("waiting for the reply", &error))?;
        let now = *headed.insert(Instant::now());
        let (head, ()) = response.into_parts();
        let mut gathered = Gathered::new(keep, head.status);
        loop {
            let data = stream.recv_data().await;
            let Some(mut data) = data.map_err(|error| cut(broken("receiving the body", &error)))?
            else {
                break;
            };
            gathered.push(data.copy_to_bytes(data.remaining()))?;
        }
        let trailers = stream.recv_trailers().await;
        let trailers = trailers.map_err(|error| cut(broken("receiving trailers", &error)))?;
        Ok(Reply {
            status: head.status,
            version: http::Version::HTTP_3,
            headers: Headers::from_map(head.headers),
            body_bytes: gathered.count,
            body: gathered.into_bytes(),
            wire_bytes: (0, 0),
            remote: None,
            trailers: trailers.map(Box::new),
            phases: Phases::default(),
            end: now,
        })
    }
}

/// A body that ends early is a broken promise of the server, whatever ended it.
fn cut(fault: Fault) -> Fault {
    let detail = format!("the body was cut off: {}", fault.detail);
    Fault::new(ErrorClass::Protocol, detail)
}

/// One address.
async fn attempt(
    connector: &Connector,
    origin: &Origin,
    address: SocketAddr,
    deadline: Instant,
) -> Result<(Http3, Arc<TlsFacts>), Fault> {
    let odd = |detail: String| Fault::new(ErrorClass::Tls, detail);
    let (config, watcher) = connector.tls.quic();
    let config = QuicClientConfig::try_from(config)
        .map_err(|error| odd(format!("QUIC cannot speak TLS so: {error}")))?;
    let same = |local: &&IpAddr| local.is_ipv4() == address.is_ipv4();
    let any: IpAddr = match address.is_ipv4() {
        true => Ipv4Addr::UNSPECIFIED.into(),
        false => Ipv6Addr::UNSPECIFIED.into(),
    };
    let local = connector.local.iter().find(same).copied().unwrap_or(any);
    let doing = format!("connecting to {address} by QUIC");
    let endpoint = Endpoint::client(SocketAddr::new(local, 0))
        .map_err(|error| Fault::from_io(&doing, &error))?;
    let name = origin.host.trim_matches(['[', ']']);
    let config = quinn::ClientConfig::new(Arc::new(config));
    let connecting = endpoint
        .connect_with(config, address, name)
        .map_err(|error| odd(format!("{doing}: {error}")))?;
    let until = deadline.min(Instant::now() + HANDSHAKE_WITHIN);
    let connection = match timeout_at(until.into(), connecting).await {
        Ok(connected) => connected.map_err(|error| fault_of(&doing, &error))?,
        Err(_) => return Err(silent(address)),
    };
    let facts = TlsFacts {
        version: "1.3".to_owned(),
        chain: chain(&connection),
        ..TlsFacts::default()
    };
    if origin.verify
        && let Some(mut fault) = watcher.problem()
    {
        fault.refused = Some(Arc::new(TlsFacts {
            problem: Some(fault.clone()),
            ..facts
        }));
        connection.close(0_u32.into(), b"");
        return Err(fault);
    }
    let opening = h3::client::new(h3_quinn::Connection::new(connection.clone()));
    let opened = timeout_at(until.into(), opening).await;
    let opened = opened.map_err(|_| silent(address))?;
    let (mut driver, sender) = opened.map_err(|error| {
        let detail = format!("the server does not speak HTTP/3: {error}");
        Fault::new(ErrorClass::Protocol, detail)
    })?;
    tokio::spawn(async move {
        // The exchanges that suffer from its end report it.
        let _ = std::future::poll_fn(|cx| driver.poll_close(cx)).await;
    });
    let http3 = Http3 {
        connection,
        sender,
        _endpoint: endpoint,
    };
    Ok((http3, Arc::new(facts)))
}

fn silent(address: SocketAddr) -> Fault {
    let detail = format!(
        "no QUIC answer from {address} in time: nobody listens there, or UDP does not get through"
    );
    Fault::new(ErrorClass::TimeoutConnect, detail)
}

fn chain(connection: &quinn::Connection) -> Vec<CertificateDer<'static>> {
    let identity = connection.peer_identity();
    let chain = identity.and_then(|identity| identity.downcast().ok());
    chain.map_or_else(Vec::new, |chain: Box<Vec<CertificateDer<'static>>>| *chain)
}

/// A code of QUIC from here to 0x1ff is an alert of TLS (RFC 9001, section 4.8).
const ALERTS: u64 = 0x100;

/// Why a connection ended.
fn fault_of(doing: &str, error: &ConnectionError) -> Fault {
    let class = match error {
        ConnectionError::TransportError(error) if is_alert(error.code) => ErrorClass::Tls,
        ConnectionError::ConnectionClosed(close) if is_alert(close.error_code) => ErrorClass::Tls,
        ConnectionError::VersionMismatch | ConnectionError::TransportError(_) => {
            ErrorClass::Protocol
        }
        ConnectionError::CidsExhausted => ErrorClass::OwnLimit,
        ConnectionError::TimedOut => ErrorClass::TimeoutWait,
        ConnectionError::ConnectionClosed(_)
        | ConnectionError::ApplicationClosed(_)
        | ConnectionError::Reset
        | ConnectionError::LocallyClosed => ErrorClass::Reset,
    };
    Fault::new(class, format!("{doing}: {error}"))
}

fn is_alert(code: quinn::TransportErrorCode) -> bool {
    (ALERTS..2 * ALERTS).contains(&u64::from(code))
}
