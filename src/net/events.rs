//! A reply that does not end, and the events in it: server-sent events (HTML standard, section 9.2), or lines.
//!
//! Over HTTP/1.1 or HTTP/2, whichever was agreed on; hyper reads the body, as far as it is wanted. Does not connect again.

use super::connect::{Connector, Opened, Origin};
use super::fault::{ErrorClass, Fault};
use super::message::Message;
use super::phases::Phases;
use super::tls_facts::TlsFacts;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;
use tokio::time::timeout_at;

/// Bytes of a body that is no stream which are kept.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// How events stand in a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Server-sent events.
    #[default]
    Events,
    /// Each line that is not empty is one.
    Lines,
}

impl Format {
    /// Their names, as the language has them.
    pub const NAMES: [&'static str; 2] = ["sse", "lines"];

    /// One by its name.
    pub fn of(name: &str) -> Option<Format> {
        let place = Format::NAMES.iter().position(|known| *known == name)?;
        [Format::Events, Format::Lines].get(place).copied()
    }

    /// What is asked for.
    pub fn accepted(self) -> &'static str {
        match self {
            Format::Events => "text/event-stream",
            Format::Lines => "application/x-ndjson, application/jsonl, text/plain, */*;q=0.8",
        }
    }
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name; `message` where none is given.
    pub name: String,
    /// Its lines of data.
    pub data: String,
    /// The last id that any event had.
    pub id: String,
}

/// Events out of the bytes of a stream, however these are cut.
#[derive(Debug, Default)]
pub struct Parser {
    format: Format,
    rest: BytesMut,
    is_started: bool,
    is_after_return: bool,
    name: String,
    data: Vec<u8>,
    has_data: bool,
    id: String,
    over: VecDeque<Event>,
}

impl Parser {
    /// One that has read nothing yet.
    pub fn of(format: Format) -> Parser {
        Parser {
            format,
            ..Parser::default()
        }
    }

    /// The body is over: a last line needs no end.
    pub fn end(&mut self) {
        if self.format == Format::Lines {
            let rest = std::mem::take(&mut self.rest);
            self.line(&rest);
        }
    }

    /// Takes what came; `limit` is how many bytes one event may have.
    ///
    /// # Errors
    /// An event is larger than that.
    pub fn feed(&mut self, bytes: &[u8], limit: usize) -> Result<(), Fault> {
        self.rest.extend_from_slice(bytes);
        if !self.is_started {
            const MARK: &[u8] = b"\xef\xbb\xbf";
            if self.rest.len() < MARK.len() && MARK.starts_with(&self.rest) {
                return Ok(());
            }
            if self.rest.starts_with(MARK) {
                let _ = self.rest.split_to(MARK.len());
            }
            self.is_started = true;
        }
        loop {
            if self.is_after_return && !self.rest.is_empty() {
                // A line may end with both.
                if self.rest[0] == b'\n' {
                    let _ = self.rest.split_to(1);
                }
                self.is_after_return = false;
            }
            let Some(end) = self
                .rest
                .iter()
                .position(|byte| matches!(byte, b'\r' | b'\n'))
            else {
                break;
            };
            self.is_after_return = self.rest[end] == b'\r';
            let line = self.rest.split_to(end + 1).freeze();
            self.line(&line[..end]);
        }
        match self.rest.len() + self.data.len() > limit {
            true => Err(Fault::new(
                ErrorClass::BodyTooLarge,
                format!("an event is larger than {limit} bytes"),
            )),
            false => Ok(()),
        }
    }

    /// The next event that is whole.
    pub fn pop(&mut self) -> Option<Event> {
        self.over.pop_front()
    }

    fn line(&mut self, line: &[u8]) {
        if self.format == Format::Lines {
            self.has_data = !line.is_empty();
            self.data = line.to_vec();
            self.dispatch();
            return;
        }
        if line.is_empty() {
            self.dispatch();
            return;
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            // A comment, which keeps the connection alive.
            Some(0) => return,
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &b""[..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"id" if !value.contains(&0) => self.id = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        // Without data there is no event.
        if !std::mem::take(&mut self.has_data) {
            return;
        }
        self.over.push_back(Event {
            name: match name.is_empty() {
                true => "message".to_owned(),
                false => name,
            },
            data: String::from_utf8_lossy(&data).into_owned(),
            id: self.id.clone(),
        });
    }
}

/// What a server answered to whoever wants its events.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Resolve, connect, TLS, and the way to the head.
    pub phases: Phases,
    /// What TLS showed.
    pub tls: Option<Arc<TlsFacts>>,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: &'static str,
    /// What follows.
    pub stream: EventStream,
}

/// A reply that goes on.
#[derive(Debug)]
pub struct EventStream {
    body: Incoming,
    parser: Parser,
    limit: usize,
    /// Bytes that came.
    pub bytes: u64,
}

/// Sends a request, and reads the head of what comes back.
///
/// # Errors
/// There is no head in time.
pub async fn open(
    connector: &Connector,
    origin: &Origin,
    message: &Message<'_>,
    (format, limit): (Format, usize),
    deadline: Instant,
) -> Result<Answer, (Fault, Phases)> {
    let opened = connector.open(origin, deadline).await?;
    let mut phases = opened.phases;
    let start = Instant::now();
    let (tls, two) = (opened.tls.clone(), opened.http2);
    let sent = timeout_at(deadline.into(), sent(opened, message)).await;
    let response = match sent {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err((Fault::from_hyper(&error), phases)),
        Err(_) => return Err((Fault::late_reply(false), phases)),
    };
    let now = Instant::now();
    phases.add(Phases::of_exchange(start, start, now, now));
    let (head, body) = response.into_parts();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        phases,
        tls,
        version: if two { "HTTP/2" } else { "HTTP/1.1" },
        stream: EventStream {
            body,
            parser: Parser::of(format),
            limit,
            bytes: 0,
        },
    })
}

async fn sent(opened: Opened, message: &Message<'_>) -> hyper::Result<Response<Incoming>> {
    let socket = TokioIo::new(opened.stream);
    let mut request = message.request();
    // Whoever is asked drives the connection until somebody lets go of its answer.
    if opened.http2 {
        let (mut sender, driver) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), socket).await?;
        tokio::spawn(driver);
        return sender.send_request(request).await;
    }
    let path = message
        .uri
        .path_and_query()
        .map_or("/", |path| path.as_str());
    if let Some(host) = message.uri.authority()
        && let Ok(host) = host.as_str().parse()
    {
        request
            .headers_mut()
            .entry(http::header::HOST)
            .or_insert(host);
    }
    *request.uri_mut() = path.parse::<Uri>().unwrap_or_default();
    let (mut sender, driver) = hyper::client::conn::http1::handshake(socket).await?;
    tokio::spawn(driver);
    sender.send_request(request).await
}

impl EventStream {
    /// The next event; nothing where the stream ended.
    ///
    /// # Errors
    /// The connection broke, or time is over.
    pub async fn next(&mut self, deadline: Instant) -> Result<Option<Event>, Fault> {
        loop {
            if let Some(event) = self.parser.pop() {
                return Ok(Some(event));
            }
            let Some(bytes) = self.piece(deadline).await? else {
                self.parser.end();
                return Ok(self.parser.pop());
            };
            self.parser.feed(&bytes, self.limit)?;
        }
    }

    /// The start of a body that is no stream of events.
    pub async fn refusal(&mut self, deadline: Instant) -> Bytes {
        let mut all = BytesMut::new();
        while all.len() < REFUSAL_BYTES_MAX {
            match self.piece(deadline).await {
                Ok(Some(bytes)) => all.extend_from_slice(&bytes),
                _ => break,
            }
        }
        all.truncate(REFUSAL_BYTES_MAX);
        all.freeze()
    }

    async fn piece(&mut self, deadline: Instant) -> Result<Option<Bytes>, Fault> {
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx));
            let frame = match timeout_at(deadline.into(), next).await {
                Ok(Some(frame)) => frame.map_err(|error| Fault::from_hyper(&error))?,
                Ok(None) => return Ok(None),
                Err(_) => {
                    let said = "no further event came in time";
                    return Err(Fault::new(ErrorClass::TimeoutReceive, said));
                }
            };
            if let Ok(data) = frame.into_data() {
                self.bytes += data.len() as u64;
                return Ok(Some(data));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(pieces: &[&[u8]]) -> Vec<(String, String, String)> {
        let mut parser = Parser::default();
        for piece in pieces {
            parser.feed(piece, 10_000).unwrap();
        }
        let next = std::iter::from_fn(|| parser.pop());
        next.map(|event| (event.name, event.data, event.id))
            .collect()
    }

    #[test]
    fn events_are_read_as_browsers_read_them() {
        let text = "\u{feff}: hello\n\nevent: add\ndata: 73857293\n\ndata:  two\ndata\ndata:lines\nid: 7\n\n\
            event: nothing\n\nid\ndata: x\nretry: 5\nother: y\n\nid: a\0b\ndata: z\n\ndata: cut off";
        let whole = events(&[text.as_bytes()]);
        let expected = [
            ("add", "73857293", ""),
            ("message", " two\n\nlines", "7"),
            ("message", "x", ""),
            ("message", "z", ""),
        ];
        let expected = expected.map(|(name, data, id)| (name.into(), data.into(), id.into()));
        assert_eq!(whole, expected);
        for end in ["\r", "\r\n"] {
            let other = text.replace('\n', end);
            assert_eq!(events(&[other.as_bytes()]), whole, "{end:?}");
        }
        let mut parser = Parser::default();
        assert!(parser.feed(&[b'x'; 11], 10).is_err());
    }

    #[test]
    fn lines_are_events_and_the_last_needs_no_end() {
        for pieces in [
            &[&b"{\"n\":1}\r\n\r\n\n{\"n\":2}\nlast"[..]][..],
            &[b"{\"n\":1}\r", b"\n{\"n\"", b":2}\n", b"la", b"st"],
        ] {
            let mut parser = Parser::of(Format::Lines);
            for piece in pieces {
                parser.feed(piece, 10).unwrap();
            }
            parser.end();
            let next = std::iter::from_fn(|| parser.pop());
            let data: Vec<String> = next.map(|event| event.data).collect();
            assert_eq!(data, [r#"{"n":1}"#, r#"{"n":2}"#, "last"]);
        }
        assert!(Parser::of(Format::Lines).feed(b"01234567890", 10).is_err());
    }

    proptest! {
        #[test]
        fn how_a_stream_is_cut_changes_nothing(text in "(data: ?[a-c]{0,3}|event: [ab]|id: [0-9]|: |x)?(\r|\n|\r\n)", count in 1_usize..30, cuts in proptest::collection::vec(1_usize..6, 1..40)) {
            let text = text.repeat(count) + "data: end\n\n";
            let whole = events(&[text.as_bytes()]);
            let (mut rest, mut pieces) = (text.as_bytes(), Vec::new());
            for cut in cuts {
                let (piece, left) = rest.split_at(cut.min(rest.len()));
                pieces.push(piece);
                rest = left;
            }
            pieces.push(rest);
            prop_assert_eq!(events(&pieces), whole);
        }
    }
}
