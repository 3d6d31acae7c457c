//! One HTTP/2 connection, on which several virtual users may have their streams.
//!
//! hyper speaks the protocol; a task drives the connection, since its exchanges share it.

use super::fault::{ErrorClass, Fault};
use super::gathered::{Gathered, timed};
use super::headers::Headers;
use super::http::Keep;
use super::phases::Phases;
use super::reply::Reply;
use super::stream::Stream;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::pin::Pin;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::timeout_at;

/// Bytes of a head at the most, as they are counted here (RFC 9113, section 6.5.2).
const HEAD_BYTES_MAX: u32 = 256 * 1024;

/// A connection; a clone is the same connection.
#[derive(Debug, Clone)]
pub struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    /// Why the connection ended, once it broke.
    broke: watch::Receiver<Option<Fault>>,
}

/// Time for the end of a connection to be told to whoever sent on it.
const TOLD_WITHIN: Duration = Duration::from_millis(200);

/// Whether whoever is at the other end of a socket speaks HTTP/2: it answers a ping. The connection is closed then.
///
/// # Errors
/// It does not, or not in time.
pub async fn answers(stream: Stream, deadline: Instant) -> Result<(), Fault> {
    let silent = || {
        let why = "the server did not answer in HTTP/2 in time";
        Fault::new(ErrorClass::TimeoutConnect, why)
    };
    let odd = |error: h2::Error| {
        let why = format!("the server does not speak HTTP/2: {error}");
        Fault::new(ErrorClass::Protocol, why)
    };
    let asked = async {
        let (_sender, mut connection) = h2::client::handshake(stream).await.map_err(odd)?;
        let mut pings = connection.ping_pong().ok_or_else(silent)?;
        tokio::select! {
            ended = &mut connection => Err(match ended {
                Err(error) => odd(error),
                Ok(()) => Fault::new(ErrorClass::Reset, "the server closed the connection"),
            }),
            answer = pings.ping(h2::Ping::opaque()) => answer.map(|_| ()).map_err(odd),
        }
    };
    timeout_at(deadline.into(), asked)
        .await
        .unwrap_or_else(|_| Err(silent()))
}

impl Http2 {
    /// Starts to speak HTTP/2 on a socket.
    pub async fn start(stream: Stream, deadline: Instant) -> Result<Http2, Fault> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(1 << 22)
            .max_header_list_size(HEAD_BYTES_MAX);
        let handshake = builder.handshake(TokioIo::new(stream));
        let (sender, driver) = timeout_at(deadline.into(), handshake)
            .await
            .map_err(|_| {
                Fault::new(
                    ErrorClass::TimeoutConnect,
                    "the HTTP/2 preface took too long",
                )
            })?
            .map_err(|error| Fault::from_hyper(&error))?;
        let (told, broke) = watch::channel(None);
        tokio::spawn(async move {
            // The exchanges that suffer from it report its end.
            if let Err(error) = driver.await {
                told.send_replace(Some(Fault::from_hyper(&error)));
            }
        });
        Ok(Http2 { sender, broke })
    }

    /// Whether it can take another request.
    pub async fn is_ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request at `start` and receives the whole reply before the deadline.
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        keep: Keep,
        start: Instant,
        deadline: Instant,
    ) -> Result<Reply, (Fault, Phases)> {
        let mut headed = None;
        let work = receive(self.sender.send_request(request), keep, &mut headed);
        let result = timeout_at(deadline.into(), work).await.ok();
        match timed(result, start, headed) {
            Err((fault, phases)) => Err((self.cause(fault).await, phases)),
            reply => reply,
        }
    }
}

impl Http2 {
    /// What is behind a fault: where what came was no HTTP/2 at all, that, and not that a request was not sent any more.
    async fn cause(&mut self, fault: Fault) -> Fault {
        // Who has a connection that goes on waits for nothing.
        if fault.class != ErrorClass::Reset || !self.sender.is_closed() {
            return fault;
        }
        let told = self.broke.wait_for(Option::is_some);
        let told = tokio::time::timeout(TOLD_WITHIN, told).await;
        let broke = told
            .ok()
            .and_then(Result::ok)
            .and_then(|broke| broke.clone());
        match broke {
            Some(broke) if broke.class == ErrorClass::Protocol => broke,
            _ => fault,
        }
    }
}

async fn receive(
    sending: impl Future<Output = hyper::Result<Response<Incoming>>>,
    keep: Keep,
    headed: &mut Option<Instant>,
) -> Result<Reply, Fault> {
    let response = sending.await.map_err(|error| Fault::from_hyper(&error))?;
    let now = *headed.insert(Instant::now());
    let (head, mut body) = response.into_parts();
    let mut gathered = Gathered::new(keep, head.status);
    let mut trailers = None;
    while !body.is_end_stream() {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let Some(frame) = frame else { break };
        let data = match frame.map_err(|error| body_fault(&error))?.into_data() {
            Ok(data) => data,
            Err(other) => {
                trailers = other.into_trailers().ok().map(Box::new);
                continue;
            }
        };
        gathered.push(data)?;
    }
    Ok(Reply {
        status: head.status,
        version: head.version,
        headers: Headers::from_map(head.headers),
        body_bytes: gathered.count,
        body: gathered.into_bytes(),
        wire_bytes: (0, 0),
        remote: None,
        trailers,
        phases: Phases::default(),
        end: now,
    })
}

/// A body that ends early is a broken promise of the server, whatever ended it.
fn body_fault(error: &hyper::Error) -> Fault {
    let fault = Fault::from_hyper(error);
    match fault.class {
        ErrorClass::Reset => Fault::new(
            ErrorClass::Protocol,
            format!("the body was cut off: {}", fault.detail),
        ),
        _ => fault,
    }
}
