//! HTTP connections and exchanges on hyper's connection API.
//!
//! An HTTP/1.1 connection has no task of its own: whoever waits for a reply drives it, so a
//! request costs no wake-up across tasks. An HTTP/2 connection is driven by a task, since
//! several requests share it. Invariant: a connection that failed is never used again.

use super::connect::{Connector, Opened, Origin, micros};
use super::fault::{ErrorClass, Fault};
use super::phases::Phases;
use super::stream::{IoClock, Stream};
use super::tls::TlsFacts;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::time::timeout_at;

type Io = TokioIo<Stream>;

/// A connection that requests can be sent on, one after another.
pub struct Connection {
    kind: Kind,
    clock: Arc<IoClock>,
    /// What TLS showed when it was opened.
    pub tls: Option<Arc<TlsFacts>>,
    used: bool,
}

enum Kind {
    One {
        sender: http1::SendRequest<Full<Bytes>>,
        driver: Box<http1::Connection<Io, Full<Bytes>>>,
    },
    Two {
        sender: http2::SendRequest<Full<Bytes>>,
    },
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    /// Status.
    pub status: StatusCode,
    /// HTTP version.
    pub version: Version,
    /// Headers.
    pub headers: HeaderMap,
    /// The body as it came, if it was wanted; empty otherwise.
    pub body: Bytes,
    /// Bytes of the body on the wire.
    pub body_bytes: u64,
    /// Bytes sent and received on the socket for it (HTTP/1.1; 0 for HTTP/2, where exchanges share a socket).
    pub wire_bytes: (u64, u64),
    /// Send, wait and receive.
    pub phases: Phases,
}

/// What is kept of a body.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Whether it is kept at all.
    pub body: bool,
    /// Bytes at the most, kept or not.
    pub limit: usize,
}

impl Connection {
    /// Opens a connection, with resolve, connect and TLS timed.
    pub async fn open(
        connector: &Connector,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<(Connection, Phases), (Fault, Phases)> {
        let Opened {
            stream,
            clock,
            phases,
            tls,
            http2: two,
        } = connector.open(origin, deadline).await?;
        let io = TokioIo::new(stream);
        let failed = |error: hyper::Error| (Fault::from_hyper(&error), phases);
        let kind = if two {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder
                .timer(TokioTimer::new())
                .initial_stream_window_size(1 << 20)
                .initial_connection_window_size(1 << 22);
            let handshake = timeout_at(deadline.into(), builder.handshake(io));
            let (sender, driver) = match handshake.await {
                Ok(result) => result.map_err(failed)?,
                Err(_) => {
                    return Err((
                        Fault::new(
                            ErrorClass::TimeoutConnect,
                            "the HTTP/2 preface took too long",
                        ),
                        phases,
                    ));
                }
            };
            tokio::spawn(async move {
                // The exchanges that suffer from it report its end.
                let _ = driver.await;
            });
            Kind::Two { sender }
        } else {
            let (sender, driver) = http1::Builder::new()
                .max_buf_size(64 * 1024)
                .handshake(io)
                .await
                .map_err(failed)?;
            Kind::One {
                sender,
                driver: Box::new(driver),
            }
        };
        Ok((
            Connection {
                kind,
                clock,
                tls,
                used: false,
            },
            phases,
        ))
    }

    /// Whether HTTP/2 is spoken on it.
    pub fn is_http2(&self) -> bool {
        matches!(self.kind, Kind::Two { .. })
    }

    /// Whether it served an exchange before.
    pub fn was_used(&self) -> bool {
        self.used
    }

    /// Whether it can take another request, as far as can be seen without sending one.
    pub async fn is_ready(&mut self) -> bool {
        match &mut self.kind {
            Kind::One { sender, driver } => {
                // One look at the socket: a server that closed an idle connection is noticed here.
                let closed = std::future::poll_fn(|cx| {
                    Poll::Ready(Pin::new(driver.as_mut()).poll(cx).is_ready())
                })
                .await;
                !closed && sender.is_ready()
            }
            Kind::Two { sender } => sender.ready().await.is_ok(),
        }
    }

    /// Sends a request and receives the whole reply before the deadline.
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        keep: Keep,
        deadline: Instant,
    ) -> Result<Reply, (Fault, Phases)> {
        self.used = true;
        self.clock.reset();
        let start = Instant::now();
        let clock = self.clock.clone();
        let result = match &mut self.kind {
            Kind::One { sender, driver } => {
                let mut exchange = Box::pin(one_exchange(sender.send_request(request), keep));
                timeout_at(
                    deadline.into(),
                    Driven {
                        driver: driver.as_mut(),
                        over: false,
                        exchange: &mut exchange,
                    },
                )
                .await
            }
            Kind::Two { sender } => {
                timeout_at(
                    deadline.into(),
                    one_exchange(sender.send_request(request), keep),
                )
                .await
            }
        };
        let end = Instant::now();
        let single = matches!(self.kind, Kind::One { .. });
        match result {
            Ok(Ok(mut reply)) => {
                let headed = reply.phases.receive;
                reply.phases = if single {
                    timed(start, &clock, end)
                } else {
                    shared_phases(start, end, headed)
                };
                if single {
                    reply.wire_bytes = clock.bytes();
                }
                Ok(reply)
            }
            Ok(Err(fault)) => Err((fault, timed(start, &clock, end))),
            Err(_) => Err((late(single, &clock), timed(start, &clock, end))),
        }
    }
}

fn late(single: bool, clock: &IoClock) -> Fault {
    if single && clock.last_write().is_none() {
        Fault::new(ErrorClass::TimeoutSend, "sending the request took too long")
    } else if clock.first_read().is_none() {
        Fault::new(ErrorClass::TimeoutWait, "no reply came in time")
    } else {
        Fault::new(
            ErrorClass::TimeoutReceive,
            "the reply started but did not end in time",
        )
    }
}

fn timed(start: Instant, clock: &IoClock, end: Instant) -> Phases {
    let sent = clock.last_write().unwrap_or(end).clamp(start, end);
    let first = clock.first_read().unwrap_or(end).max(start);
    // A server may answer before it has read everything; sending then ends with the answer.
    let sent = sent.min(first);
    Phases {
        send: between(start, sent),
        wait: between(sent, first),
        receive: between(first, end),
        ..Phases::default()
    }
}

/// On a shared socket only the head and the end can be told apart.
fn shared_phases(start: Instant, end: Instant, receive: u64) -> Phases {
    let all = between(start, end);
    Phases {
        wait: all.saturating_sub(receive),
        receive,
        ..Phases::default()
    }
}

fn between(from: Instant, to: Instant) -> u64 {
    to.saturating_duration_since(from).as_micros() as u64
}

async fn one_exchange(
    sending: impl Future<Output = hyper::Result<Response<Incoming>>>,
    keep: Keep,
) -> Result<Reply, Fault> {
    let response = sending.await.map_err(|error| Fault::from_hyper(&error))?;
    let headed = Instant::now();
    let (head, mut body) = response.into_parts();
    let mut kept = Kept::Nothing;
    let mut count = 0_u64;
    while !body.is_end_stream() {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|error| body_fault(&error))?.into_data() else {
            continue;
        };
        count += data.len() as u64;
        if count > keep.limit as u64 {
            return Err(Fault::new(
                ErrorClass::BodyTooLarge,
                format!("the body is larger than {} bytes", keep.limit),
            ));
        }
        if keep.body {
            kept.push(data);
        }
    }
    Ok(Reply {
        status: head.status,
        version: head.version,
        headers: head.headers,
        body: kept.into_bytes(),
        body_bytes: count,
        wire_bytes: (0, 0),
        phases: Phases {
            receive: micros(headed),
            ..Phases::default()
        },
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

/// A body in one piece is not copied.
enum Kept {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Kept {
    fn push(&mut self, data: Bytes) {
        *self = match std::mem::replace(self, Kept::Nothing) {
            Kept::Nothing => Kept::One(data),
            Kept::One(first) => {
                let mut all = BytesMut::from(first.as_ref());
                all.extend_from_slice(&data);
                Kept::Many(all)
            }
            Kept::Many(mut all) => {
                all.extend_from_slice(&data);
                Kept::Many(all)
            }
        };
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Kept::Nothing => Bytes::new(),
            Kept::One(bytes) => bytes,
            Kept::Many(bytes) => bytes.freeze(),
        }
    }
}

/// Drives the connection and the exchange together, in one task.
struct Driven<'a, F> {
    driver: &'a mut http1::Connection<Io, Full<Bytes>>,
    over: bool,
    exchange: &'a mut Pin<Box<F>>,
}

impl<F: Future<Output = Result<Reply, Fault>>> Future for Driven<'_, F> {
    type Output = Result<Reply, Fault>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if !this.over && Pin::new(&mut *this.driver).poll(cx).is_ready() {
            this.over = true;
        }
        match this.exchange.as_mut().poll(cx) {
            Poll::Ready(result) => {
                // Lets the connection finish what it has in hand, so that it is ready for the next request.
                if !this.over {
                    let _ = Pin::new(&mut *this.driver).poll(cx);
                }
                Poll::Ready(result)
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
