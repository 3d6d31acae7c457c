//! A socket, plain or TLS, that notes when bytes move.
//!
//! The notes are relaxed atomics that only the owner of the connection writes and reads: plain
//! loads and stores on the machines we run on.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// When bytes moved, in nanoseconds from `base`; 0 is "not yet".
#[derive(Debug)]
pub struct IoClock {
    base: Instant,
    last_write: AtomicU64,
    first_read: AtomicU64,
    written: AtomicU64,
    read: AtomicU64,
}

impl IoClock {
    /// A clock with nothing noted.
    pub fn new() -> Arc<IoClock> {
        Arc::new(IoClock {
            base: Instant::now(),
            last_write: AtomicU64::new(0),
            first_read: AtomicU64::new(0),
            written: AtomicU64::new(0),
            read: AtomicU64::new(0),
        })
    }

    /// Forgets what was noted, before an exchange.
    pub fn reset(&self) {
        self.last_write.store(0, Relaxed);
        self.first_read.store(0, Relaxed);
        self.written.store(0, Relaxed);
        self.read.store(0, Relaxed);
    }

    fn now(&self) -> u64 {
        self.base.elapsed().as_nanos() as u64
    }

    fn instant(&self, nanos: u64) -> Option<Instant> {
        (nanos > 0).then(|| self.base + std::time::Duration::from_nanos(nanos))
    }

    /// When the last byte went out.
    pub fn last_write(&self) -> Option<Instant> {
        self.instant(self.last_write.load(Relaxed))
    }

    /// When the first byte came in.
    pub fn first_read(&self) -> Option<Instant> {
        self.instant(self.first_read.load(Relaxed))
    }

    /// Bytes sent and received on the socket.
    pub fn bytes(&self) -> (u64, u64) {
        (self.written.load(Relaxed), self.read.load(Relaxed))
    }

    fn note_write(&self, count: usize) {
        self.last_write.store(self.now(), Relaxed);
        self.written
            .store(self.written.load(Relaxed) + count as u64, Relaxed);
    }

    fn note_read(&self, count: usize) {
        // Bytes that come before anything was sent belong to no exchange.
        if self.first_read.load(Relaxed) == 0 && self.last_write.load(Relaxed) > 0 {
            self.first_read.store(self.now(), Relaxed);
        }
        self.read
            .store(self.read.load(Relaxed) + count as u64, Relaxed);
    }
}

/// A connected socket.
#[derive(Debug)]
pub struct Stream {
    inner: Inner,
    clock: Arc<IoClock>,
}

#[derive(Debug)]
enum Inner {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Stream {
    /// A socket without TLS.
    pub fn plain(stream: TcpStream, clock: Arc<IoClock>) -> Stream {
        Stream {
            inner: Inner::Plain(stream),
            clock,
        }
    }

    /// A socket with TLS.
    pub fn tls(stream: tokio_rustls::client::TlsStream<TcpStream>, clock: Arc<IoClock>) -> Stream {
        Stream {
            inner: Inner::Tls(Box::new(stream)),
            clock,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(match &mut this.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        })?;
        let count = buf.filled().len() - before;
        if count > 0 {
            this.clock.note_read(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(match &mut this.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, buf),
        })?;
        this.clock.note_write(count);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let count = ready!(match &mut this.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, bufs),
        })?;
        this.clock.note_write(count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        match &self.inner {
            Inner::Plain(stream) => stream.is_write_vectored(),
            Inner::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Inner::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
