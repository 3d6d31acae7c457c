//! A WebSocket (RFC 6455): the opening handshake is ours, with every phase timed and a refusal kept
//! whole; the framing is that of tokio-websockets.
//!
//! Knows text and binary messages, and every frame for who wants them; pings are answered on the way. Offers no
//! compression.

use super::connect::{Connector, Opened, Origin, micros};
use super::fault::{ErrorClass, Fault};
use super::headers::HEADERS_MAX;
use super::message::Message;
use super::phases::Phases;
use super::stream::Stream;
use super::tls_facts::TlsFacts;
use base64::Engine as _;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::time::timeout_at;
use tokio_websockets::{ClientBuilder, CloseCode, Limits, WebSocketStream};

/// Bytes of the head of an answer at the most.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Bytes of the body of a refusal that are kept.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;
/// Pings and pongs between two messages at the most: each is answered, and none is a message.
const CONTROL_MAX: usize = 10_000;
/// What the key of a handshake is joined with (RFC 6455, 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// An open WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    stream: WebSocketStream<Rest>,
}

/// What the server answered to the opening request.
#[derive(Debug)]
pub struct Answer {
    /// 101 where it opened.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body of a refusal.
    pub body: Bytes,
    /// Resolve, connect, TLS, and the way to the answer.
    pub phases: Phases,
    /// What TLS showed.
    pub tls: Option<Arc<TlsFacts>>,
    /// The WebSocket, where it opened.
    pub socket: Option<WebSocket>,
}

/// What came next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A message.
    Message(Bytes),
    /// The server closed, with its code and reason.
    Closed(String),
}

/// One frame's worth of a conversation, whoever sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text.
    Text(Bytes),
    /// Bytes.
    Binary(Bytes),
    /// Wants a pong, which is sent on the way.
    Ping(Bytes),
    /// Answers a ping.
    Pong(Bytes),
    /// Says that it is over, with a code and a reason (RFC 6455, section 7.4); code 1005 is none at all.
    Close(u16, String),
}

/// Bytes of the reason of an end at the most (RFC 6455, section 5.5).
pub const REASON_BYTES_MAX: usize = 123;

/// Whether a code can be sent.
pub fn is_close_code(code: u16) -> bool {
    CloseCode::try_from(code).is_ok_and(|code| !code.is_reserved())
}

/// The half that sends.
#[derive(Debug)]
pub struct Sender(SplitSink<WebSocketStream<Rest>, tokio_websockets::Message>);

/// The half that receives.
#[derive(Debug)]
pub struct Receiver(SplitStream<WebSocketStream<Rest>>);

impl Sender {
    /// Sends a frame. Codes and reasons that cannot be sent are left out.
    ///
    /// # Errors
    /// Where the connection is broken.
    pub async fn send(&mut self, frame: Frame) -> Result<(), Fault> {
        use tokio_websockets::Message;
        let message = match frame {
            Frame::Text(text) => Message::text(text),
            Frame::Binary(bytes) => Message::binary(bytes),
            Frame::Ping(bytes) => Message::ping(bytes),
            Frame::Pong(bytes) => Message::pong(bytes),
            Frame::Close(code, reason) => {
                let code = CloseCode::try_from(code).ok();
                let code = code.filter(|code| !code.is_reserved());
                let fits = reason.len() <= REASON_BYTES_MAX;
                Message::close(code, if fits { &reason } else { "" })
            }
        };
        self.0.send(message).await.map_err(|error| broken(&error))
    }
}

impl Receiver {
    /// The next frame; nothing after the end.
    ///
    /// # Errors
    /// Where the connection is broken, or what comes is no WebSocket's.
    pub async fn next(&mut self) -> Option<Result<Frame, Fault>> {
        let message = match self.0.next().await? {
            Ok(message) => message,
            Err(error) => return Some(Err(broken(&error))),
        };
        if let Some((code, reason)) = message.as_close() {
            return Some(Ok(Frame::Close(code.into(), reason.to_owned())));
        }
        let is = (message.is_text(), message.is_binary(), message.is_ping());
        let payload: BytesMut = message.into_payload().into();
        let payload = payload.freeze();
        Some(Ok(match is {
            (true, _, _) => Frame::Text(payload),
            (_, true, _) => Frame::Binary(payload),
            (_, _, true) => Frame::Ping(payload),
            _ => Frame::Pong(payload),
        }))
    }
}

/// A key for an opening request.
pub fn key() -> String {
    let mut bytes = [0; 16];
    fastrand::fill(&mut bytes);
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// What the server must answer to a key.
fn accepted(key: &str) -> String {
    let algorithm = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
    let digest = ring::digest::digest(algorithm, format!("{key}{GUID}").as_bytes());
    base64::engine::general_purpose::STANDARD.encode(digest)
}

/// The headers that ask for a WebSocket.
pub fn upgrade(key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", key),
    ] {
        // A key is base64.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// Sends an opening request, which holds [`upgrade`] of this key, and gives what is answered.
/// Messages may have so many bytes at the most.
pub async fn open(
    connector: &Connector,
    origin: &Origin,
    request: &Message<'_>,
    key: &str,
    bytes_max: usize,
    deadline: Instant,
) -> Result<Answer, (Fault, Phases)> {
    let opened = connector.open(origin, deadline).await?;
    let Opened {
        mut stream,
        mut phases,
        tls,
        ..
    } = opened;
    let mut wire = Vec::with_capacity(512);
    request.write(&mut wire);
    let start = Instant::now();
    let sending = timeout_at(deadline.into(), stream.write_all(&wire)).await;
    phases.send = micros(start);
    match sending {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return Err((Fault::from_io("sending the request", &error), phases)),
        Err(_) => {
            let late = "sending the request took too long";
            return Err((Fault::new(ErrorClass::TimeoutSend, late), phases));
        }
    }
    let start = Instant::now();
    let head = timeout_at(deadline.into(), read_head(&mut stream)).await;
    phases.wait = micros(start);
    let (status, headers, rest) = head
        .map_err(|_| (Fault::late_reply(false), phases))?
        .map_err(|fault| (fault, phases))?;
    if status != 101 {
        let body = timeout_at(deadline.into(), refusal(&mut stream, &headers, rest)).await;
        return Ok(Answer {
            status,
            headers,
            // What is late of a refusal is not waited for.
            body: body.unwrap_or_default(),
            phases,
            tls,
            socket: None,
        });
    }
    let shown = headers
        .get("sec-websocket-accept")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if shown.trim() != accepted(key) {
        let detail = "the server answers 101, but not to this key: it is no WebSocket";
        return Err((Fault::new(ErrorClass::Protocol, detail), phases));
    }
    let stream = Rest { rest, stream };
    let limits = Limits::default().max_payload_len(Some(bytes_max));
    let stream = ClientBuilder::new().limits(limits).take_over(stream);
    Ok(Answer {
        status,
        headers,
        body: Bytes::new(),
        phases,
        tls,
        socket: Some(WebSocket { stream }),
    })
}

impl WebSocket {
    /// Sends a text message.
    pub async fn send(&mut self, text: String, deadline: Instant) -> Result<(), Fault> {
        let message = tokio_websockets::Message::text(text);
        match timeout_at(deadline.into(), self.stream.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(&error)),
            Err(_) => Err(Fault::new(
                ErrorClass::TimeoutSend,
                "sending a message took too long",
            )),
        }
    }

    /// The next message, or the end.
    pub async fn next(&mut self, deadline: Instant) -> Result<Incoming, Fault> {
        for _ in 0..CONTROL_MAX {
            let next = timeout_at(deadline.into(), self.stream.next()).await;
            let late = |_| {
                let why = "no further message came in time";
                Fault::new(ErrorClass::TimeoutReceive, why)
            };
            let message = match next.map_err(late)? {
                None => return Ok(Incoming::Closed("without a word".to_owned())),
                Some(Err(error)) => return Err(broken(&error)),
                Some(Ok(message)) => message,
            };
            if let Some((code, reason)) = message.as_close() {
                let code = u16::from(code);
                return Ok(Incoming::Closed(match reason {
                    "" => format!("with code {code}"),
                    reason => format!("with code {code}: {reason}"),
                }));
            }
            if message.is_text() || message.is_binary() {
                let payload: BytesMut = message.into_payload().into();
                return Ok(Incoming::Message(payload.freeze()));
            }
        }
        let why = "the server only pings";
        Err(Fault::new(ErrorClass::Protocol, why))
    }

    /// Its halves, for who talks and listens at once.
    pub fn split(self) -> (Sender, Receiver) {
        let (sender, receiver) = self.stream.split();
        (Sender(sender), Receiver(receiver))
    }

    /// Says that it is over, as far as the time allows.
    pub async fn close(mut self, deadline: Instant) {
        // What becomes of it changes nothing any more.
        let _ = timeout_at(deadline.into(), self.stream.close()).await;
    }
}

fn broken(error: &tokio_websockets::Error) -> Fault {
    match error {
        tokio_websockets::Error::Io(error) => Fault::from_io("WebSocket", error),
        tokio_websockets::Error::PayloadTooLong { .. } => Fault::new(
            ErrorClass::BodyTooLarge,
            "a message is larger than the limit",
        ),
        other => Fault::new(ErrorClass::Protocol, format!("WebSocket: {other}")),
    }
}

/// Reads the head of an answer; what came behind it is given too.
async fn read_head(stream: &mut Stream) -> Result<(u16, HeaderMap, Bytes), Fault> {
    let mut bytes = BytesMut::with_capacity(4096);
    loop {
        let read = stream.read_buf(&mut bytes).await;
        let count = read.map_err(|error| Fault::from_io("connection", &error))?;
        if count == 0 {
            let why = "the server closed the connection without an answer";
            return Err(Fault::new(ErrorClass::Reset, why));
        }
        if let Some((status, headers, length)) = parsed(&bytes)? {
            return Ok((status, headers, bytes.split_off(length).freeze()));
        }
        if bytes.len() > HEAD_BYTES_MAX {
            let why = "the head of the answer is too long";
            return Err(Fault::new(ErrorClass::Protocol, why));
        }
    }
}

/// Status, headers and length of a head; nothing while it is not whole.
fn parsed(bytes: &[u8]) -> Result<Option<(u16, HeaderMap, usize)>, Fault> {
    let wrong = |why: String| Fault::new(ErrorClass::Protocol, why);
    let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(wrong(format!("the answer is no HTTP: {error}"))),
    };
    let mut headers = HeaderMap::new();
    for field in response.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    Ok(Some((response.code.unwrap_or(0), headers, length)))
}

/// The body of a refusal, as far as its length is said.
async fn refusal(stream: &mut Stream, headers: &HeaderMap, rest: Bytes) -> Bytes {
    let length: usize = headers
        .get(http::header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    let length = length.min(REFUSAL_BYTES_MAX);
    let mut body = BytesMut::from(rest.as_ref());
    while body.len() < length {
        match stream.read_buf(&mut body).await {
            Ok(count) if count > 0 => {}
            _ => break,
        }
    }
    body.truncate(length);
    body.freeze()
}

/// A stream of which some bytes were read already.
#[derive(Debug)]
struct Rest {
    rest: Bytes,
    stream: Stream,
}

impl AsyncRead for Rest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let count = self.rest.len().min(buffer.remaining());
        buffer.put_slice(&self.rest.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6455, 1.3.
    #[test]
    fn a_key_is_answered_as_the_standard_says() {
        assert_eq!(
            accepted("dGhlIHNhbXBsZSBub25jZQ=="),
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
    }
}
