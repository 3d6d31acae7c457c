//! One HTTP/1.1 connection: prepared bytes out, one reply in, each phase read from the clock once.
//!
//! A connection holds no buffer while it is idle: reading goes through a buffer of the thread,
//! and only what does not come in one piece is kept. Whoever waits for a reply drives the
//! connection, so a request costs no wake-up across tasks.
//!
//! Invariant: a connection on which an exchange failed or was cut off is never used again.

use super::fault::{ErrorClass, Fault};
use super::http1_parser::{Keep, Parser};
use super::patience::Patience;
use super::phases::Phases;
use super::reply::Reply;
use super::stream::Stream;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are read at once at the most.
const READ_BYTES: usize = 64 * 1024;

thread_local! {
    /// Where bytes arrive. It is never borrowed across an await, so a thread needs only one.
    static ARRIVING: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// A request as it goes out. What is small enough comes in one piece.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Request line and headers, or the whole of it.
    pub head: &'a [u8],
    /// The body, where it is not in `head` already.
    pub body: &'a [u8],
    /// Whether the method is HEAD, whose reply has no body.
    pub to_head: bool,
}

/// A connection.
#[derive(Debug)]
pub struct Http1 {
    stream: Stream,
    patience: Patience,
    /// An exchange is under way, or was cut off, or the reply said that it is the last.
    spent: bool,
}

/// How far an exchange has come.
struct Progress {
    parser: Parser,
    sent: usize,
    flushed: bool,
    written: Option<Instant>,
    first: Option<Instant>,
    end: Option<Instant>,
    received: u64,
    write_error: Option<io::Error>,
}

impl Http1 {
    /// A connection on a socket that is ready.
    pub fn new(stream: Stream) -> Http1 {
        Http1 {
            stream,
            patience: Patience::default(),
            spent: false,
        }
    }

    /// Whether it can take another request, as far as can be seen without sending one: a server
    /// that closed an idle connection, or said something nobody asked for, is noticed here.
    pub async fn is_ready(&mut self) -> bool {
        if self.spent {
            return false;
        }
        std::future::poll_fn(|cx| {
            let read = read(&mut self.stream, cx, |_| ());
            Poll::Ready(read.is_pending())
        })
        .await
    }

    /// Sends a request at `start` and receives the whole reply before the deadline.
    pub async fn exchange(
        &mut self,
        request: Outgoing<'_>,
        keep: Keep,
        start: Instant,
        deadline: Instant,
    ) -> Result<Reply, (Fault, Phases)> {
        self.spent = true;
        let mut progress = Progress {
            parser: Parser::new(keep, request.to_head),
            sent: 0,
            flushed: false,
            written: None,
            first: None,
            end: None,
            received: 0,
            write_error: None,
        };
        let result =
            std::future::poll_fn(|cx| self.poll(cx, &mut progress, request, deadline)).await;
        let end = progress.end.unwrap_or_else(Instant::now);
        let phases = progress.phases(start, end);
        if let Err(fault) = result {
            return Err((fault, phases));
        }
        let wire_bytes = (progress.sent as u64, progress.received);
        let parsed = progress.parser.finish();
        // A reply that came before the whole request was out leaves the rest of it in the way.
        self.spent = !parsed.reusable || !progress.flushed || progress.write_error.is_some();
        Ok(Reply {
            remote: None,
            trailers: None,
            status: parsed.status,
            version: parsed.version,
            headers: parsed.headers,
            body: parsed.body,
            body_bytes: parsed.body_bytes,
            wire_bytes,
            phases,
            end,
        })
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        progress: &mut Progress,
        request: Outgoing<'_>,
        deadline: Instant,
    ) -> Poll<Result<(), Fault>> {
        // Both ways at once: a server may answer before it has read everything.
        if progress.write_error.is_none()
            && !progress.flushed
            && let Poll::Ready(Err(error)) = send(&mut self.stream, cx, progress, request)
        {
            progress.write_error = Some(error);
        }
        loop {
            let (parser, first, end) =
                (&mut progress.parser, &mut progress.first, &mut progress.end);
            let received = &mut progress.received;
            let read = read(&mut self.stream, cx, |bytes| {
                let now = Instant::now();
                first.get_or_insert(now);
                *end = Some(now);
                *received += bytes.len() as u64;
                if bytes.is_empty() {
                    parser.end()
                } else {
                    parser.feed(bytes)
                }
            });
            match read {
                Poll::Ready(Ok(Ok(()))) if progress.parser.is_done() => {
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(Ok(()))) => {}
                Poll::Ready(Ok(Err(fault))) => return Poll::Ready(Err(progress.blame(fault))),
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(progress.broken(&error)));
                }
                Poll::Pending => {
                    ready!(self.patience.poll(cx, deadline));
                    return Poll::Ready(Err(progress.late()));
                }
            }
        }
    }
}

impl Progress {
    fn phases(&self, start: Instant, end: Instant) -> Phases {
        let first = self.first.unwrap_or(end);
        Phases::of_exchange(start, self.written.unwrap_or(end), first, end)
    }

    fn late(&self) -> Fault {
        if self.flushed {
            Fault::late_reply(self.received > 0)
        } else {
            Fault::new(ErrorClass::TimeoutSend, "sending the request took too long")
        }
    }

    /// A connection that ends without a reply ended in sending, if sending had failed.
    fn blame(&mut self, fault: Fault) -> Fault {
        match self.write_error.take() {
            Some(error) if fault.class == ErrorClass::Reset => {
                Fault::from_io("sending the request", &error)
            }
            _ => fault,
        }
    }

    fn broken(&mut self, error: &io::Error) -> Fault {
        let fault = self.blame(Fault::from_io("connection", error));
        if self.received > 0 && fault.class == ErrorClass::Reset {
            // A reply that ends early is a broken promise of the server, whatever ended it.
            return Fault::new(
                ErrorClass::Protocol,
                format!("the reply was cut off: {}", fault.detail),
            );
        }
        fault
    }
}

/// Sends what is left of a request.
fn send(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    progress: &mut Progress,
    request: Outgoing<'_>,
) -> Poll<io::Result<()>> {
    let all = request.head.len() + request.body.len();
    while progress.sent < all {
        let stream = Pin::new(&mut *stream);
        let written = match request.head.get(progress.sent..) {
            Some(head) if request.body.is_empty() => ready!(stream.poll_write(cx, head))?,
            Some(head) if !head.is_empty() => ready!(
                stream.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(request.body)])
            )?,
            _ => {
                ready!(stream.poll_write(cx, &request.body[progress.sent - request.head.len()..]))?
            }
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        progress.sent += written;
        if progress.sent == all {
            progress.written = Some(Instant::now());
        }
    }
    ready!(Pin::new(stream).poll_flush(cx))?;
    progress.flushed = true;
    Poll::Ready(Ok(()))
}

/// Reads what is there; no bytes mean that the other side closed.
fn read<T>(
    stream: &mut Stream,
    cx: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>> {
    ARRIVING.with_borrow_mut(|buffer| {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(take(buffer.filled())))
    })
}
