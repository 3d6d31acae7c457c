//! HTTP connections and exchanges, whatever the version.
//!
//! HTTP/1.1 is our own ([`super::http1`]), since a load engine lives by it; HTTP/2 is hyper's.

use super::connect::{Connector, Opened, Origin};
use super::fault::{ErrorClass, Fault};
use super::http1::{Http1, Outgoing};
use super::http2::Http2;
#[cfg(feature = "http3")]
use super::http3::Http3;
use super::message::Message;
use super::phases::Phases;
use super::reply::Reply;
use super::stream::Stream;
#[cfg(feature = "http3")]
use super::tls::Offer;
use super::tls_facts::TlsFacts;
pub use crate::net::headers::Headers;
pub use crate::net::http1_parser::Keep;
use http::Method;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A connection that requests can be sent on.
#[derive(Debug)]
pub struct Connection {
    kind: Kind,
    /// What TLS showed when it was opened.
    pub tls: Option<Arc<TlsFacts>>,
    /// Whose socket is at the other end.
    remote: Option<SocketAddr>,
    used: bool,
    /// When its last exchange ended.
    idle_since: Instant,
    /// What it took to open it, in microseconds: about a round trip.
    connect_micros: u64,
    /// When it was opened.
    opened: Instant,
    /// Whether an exchange has begun on it that has not ended well.
    is_going: bool,
}

/// A server closes connections that were idle for longer than this; sooner it does not.
const IDLE_MIN: Duration = Duration::from_millis(500);
/// A close that was on its way when we sent arrives within this time, or within two round trips.
const RACE_MAX: Duration = Duration::from_millis(10);

#[derive(Debug)]
enum Kind {
    One(Http1),
    Two(Http2),
    #[cfg(feature = "http3")]
    Three(Box<Http3>),
}

impl Connection {
    /// Opens a connection, with resolve, connect and TLS timed.
    pub async fn open(
        connector: &Connector,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<(Connection, Phases), (Fault, Phases)> {
        #[cfg(feature = "http3")]
        if origin.offer == Offer::Three {
            // Boxed: few speak it, and its state would be carried by every virtual user.
            return Box::pin(Connection::three(connector, origin, deadline)).await;
        }
        let opened = connector.open(origin, deadline).await?;
        let phases = opened.phases;
        let Opened {
            stream,
            tls,
            http2: two,
            ..
        } = opened;
        let connection = Connection::on(stream, tls, two, phases.connect, deadline).await;
        Ok((connection.map_err(|fault| (fault, phases))?, phases))
    }

    /// A connection on a socket that is open; `connect_micros` is what it took to open it.
    pub async fn on(
        stream: Stream,
        tls: Option<Arc<TlsFacts>>,
        two: bool,
        connect_micros: u64,
        deadline: Instant,
    ) -> Result<Connection, Fault> {
        let remote = stream.remote();
        let kind = if two {
            Kind::Two(Http2::start(stream, deadline).await?)
        } else {
            Kind::One(Http1::new(stream))
        };
        Ok(Connection::of(kind, tls, remote, connect_micros))
    }

    fn of(
        kind: Kind,
        tls: Option<Arc<TlsFacts>>,
        remote: Option<SocketAddr>,
        connect_micros: u64,
    ) -> Connection {
        Connection {
            kind,
            tls,
            remote,
            used: false,
            idle_since: Instant::now(),
            connect_micros,
            opened: Instant::now(),
            is_going: false,
        }
    }

    #[cfg(feature = "http3")]
    async fn three(
        connector: &Connector,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<(Connection, Phases), (Fault, Phases)> {
        let opened = Http3::open(connector, origin, deadline).await?;
        let phases = opened.phases;
        let kind = Kind::Three(Box::new(opened.http3));
        let (tls, remote) = (Some(opened.tls), Some(opened.remote));
        let connection = Connection::of(kind, tls, remote, phases.connect);
        Ok((connection, phases))
    }

    /// A further user of an HTTP/2 connection.
    pub fn share(&self) -> Option<Connection> {
        match &self.kind {
            Kind::One(_) => None,
            #[cfg(feature = "http3")]
            Kind::Three(_) => None,
            Kind::Two(http2) => Some(Connection {
                kind: Kind::Two(http2.clone()),
                tls: self.tls.clone(),
                remote: self.remote,
                used: true,
                idle_since: self.idle_since,
                connect_micros: self.connect_micros,
                opened: self.opened,
                is_going: false,
            }),
        }
    }

    /// Whether it may be kept for somebody else: nothing is on its way on it, and it is not older than
    /// `age`, so that names and certificates are looked at again now and then.
    pub fn may_be_kept(&self, age: Duration) -> bool {
        !self.is_going && self.opened.elapsed() < age
    }

    /// Whether it can take another request, as far as can be seen without sending one.
    pub async fn is_ready(&mut self) -> bool {
        match &mut self.kind {
            Kind::One(http1) => http1.is_ready().await,
            Kind::Two(http2) => http2.is_ready().await,
            #[cfg(feature = "http3")]
            Kind::Three(http3) => http3.is_ready(),
        }
    }

    /// Sends a request at `start` and receives the whole reply before the deadline. `prepared` is
    /// the request as it stands on an HTTP/1.1 wire, where that is known already.
    pub async fn exchange(
        &mut self,
        message: &Message<'_>,
        prepared: Option<Outgoing<'_>>,
        keep: Keep,
        start: Instant,
        deadline: Instant,
    ) -> Result<Reply, (Fault, Phases)> {
        let idle = start.saturating_duration_since(self.idle_since);
        let was_used = std::mem::replace(&mut self.used, true);
        self.is_going = true;
        let result = self.carry(message, prepared, keep, start, deadline).await;
        match result {
            Ok(mut reply) => {
                self.idle_since = reply.end;
                self.is_going = false;
                reply.remote = self.remote;
                Ok(reply)
            }
            Err((fault, spent)) => {
                // A server may close an idle connection in the very moment in which we use it.
                let race = RACE_MAX.max(2 * Duration::from_micros(self.connect_micros));
                let is_race = fault.class == ErrorClass::Reset
                    && matches!(self.kind, Kind::One(_))
                    && was_used
                    && idle >= IDLE_MIN
                    && spent.receive == 0
                    && start.elapsed() <= race
                    && message.is_repeatable();
                Err((if is_race { fault.unprocessed() } else { fault }, spent))
            }
        }
    }

    async fn carry(
        &mut self,
        message: &Message<'_>,
        prepared: Option<Outgoing<'_>>,
        keep: Keep,
        start: Instant,
        deadline: Instant,
    ) -> Result<Reply, (Fault, Phases)> {
        let http1 = match &mut self.kind {
            Kind::Two(http2) => {
                return http2
                    .exchange(message.request(), keep, start, deadline)
                    .await;
            }
            #[cfg(feature = "http3")]
            Kind::Three(http3) => {
                return Box::pin(http3.exchange(message, keep, start, deadline)).await;
            }
            Kind::One(http1) => http1,
        };
        if let Some(prepared) = prepared {
            return http1.exchange(prepared, keep, start, deadline).await;
        }
        let mut wire = Vec::with_capacity(512);
        let whole = message.write(&mut wire);
        let outgoing = Outgoing {
            head: &wire,
            body: if whole { &[] } else { message.body },
            to_head: *message.method == Method::HEAD,
        };
        http1.exchange(outgoing, keep, start, deadline).await
    }
}
