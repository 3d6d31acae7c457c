//! The reply side of HTTP/1.1 (RFC 9112): bytes in, in pieces of any size, one reply out.
//!
//! Pure: knows no socket and no clock. Invariant: however the bytes are cut into pieces, the
//! reply is the same. What nobody asked for is counted and not copied.

use super::fault::{ErrorClass, Fault};
use super::headers::{HEADERS_MAX, Headers};
use super::http1_fold::{folded, unfold};
use super::http1_framing::{chunk_size, content_length_of, is_chunked, protocol};
use crate::limits;
use bytes::Bytes;
use http::{StatusCode, Version};
use std::cell::OnceCell;
use std::mem::MaybeUninit;

/// Bytes of a head at the most; servers in the wild stop far below.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Interim replies (1xx) before the one that counts.
const INTERIM_MAX: u32 = 16;
/// Bytes of a line with the size of a chunk, extensions included.
const CHUNK_LINE_MAX: usize = 4096;
/// A body of unknown or large size starts with this much room at the most.
const FIRST_ROOM_MAX: u64 = 1024 * 1024;

/// What is kept of a reply.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Whether headers are kept; those of a reply that is not 2xx, redirects or sets a cookie always are.
    pub head: bool,
    /// Whether the body is kept, as a whole or not at all; of a reply with a status from 400 on its beginning always is.
    pub body: bool,
    /// Whether the body is kept for people to see, as far as the limit goes: nothing follows from one that is larger.
    pub shows: bool,
    /// Bytes of a body that are kept at the most.
    pub limit: usize,
}

impl Keep {
    /// Bytes of a body at the most, whether it is kept or not.
    pub fn most(&self) -> u64 {
        match self.body {
            true => self.limit as u64,
            false => limits::BODY_LIMIT_MAX.max(self.limit) as u64,
        }
    }
}

/// A whole reply.
#[derive(Debug)]
pub struct Parsed {
    /// Status.
    pub status: StatusCode,
    /// HTTP version.
    pub version: Version,
    /// Headers, if they were kept.
    pub headers: Headers,
    /// The body, if it was wanted.
    pub body: Bytes,
    /// Bytes of the body, without framing.
    pub body_bytes: u64,
    /// Whether the connection can take another request.
    pub reusable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    Fixed(u64),
    ChunkSize,
    ChunkData(u64),
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

/// Takes one reply apart.
#[derive(Debug)]
pub struct Parser {
    keep: Keep,
    to_head: bool,
    state: State,
    interim: u32,
    /// An unfinished head, chunk line or trailer.
    pending: Vec<u8>,
    status: StatusCode,
    version: Version,
    reusable: bool,
    encoded: bool,
    sets_cookies: bool,
    keeps_body: bool,
    head: Bytes,
    kept: Vec<u8>,
    whole: Bytes,
    count: u64,
}

/// What a head says.
struct Head {
    length: usize,
    status: u16,
    one: bool,
    body: State,
    closes: bool,
    leads_on: bool,
    encoded: bool,
    sets_cookies: bool,
}

impl Parser {
    /// A parser for the reply to one request; `to_head` says that the request was HEAD.
    pub fn new(keep: Keep, to_head: bool) -> Parser {
        Parser {
            keep,
            to_head,
            state: State::Head,
            interim: 0,
            pending: Vec::new(),
            status: StatusCode::OK,
            version: Version::HTTP_11,
            reusable: true,
            encoded: false,
            sets_cookies: false,
            keeps_body: false,
            head: Bytes::new(),
            kept: Vec::new(),
            whole: Bytes::new(),
            count: 0,
        }
    }

    /// Whether the reply is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes bytes. Those that come after the end of the reply make the connection unusable.
    pub fn feed(&mut self, mut input: &[u8]) -> Result<(), Fault> {
        while !input.is_empty() {
            let used = match self.state {
                State::Head => self.feed_head(input)?,
                State::Fixed(left) => self.part(input, left, State::Fixed, State::Done)?,
                State::UntilClose => self.take(input, u64::MAX)?,
                State::ChunkSize => match self.line(input, CHUNK_LINE_MAX)? {
                    (used, None) => used,
                    (used, Some(line)) => {
                        self.state = match chunk_size(&line)? {
                            0 => State::Trailers,
                            size => State::ChunkData(size),
                        };
                        used
                    }
                },
                State::ChunkData(left) => {
                    self.part(input, left, State::ChunkData, State::ChunkEnd)?
                }
                State::ChunkEnd => match self.line(input, CHUNK_LINE_MAX)? {
                    (used, None) => used,
                    (used, Some(line)) if line.is_empty() => {
                        self.state = State::ChunkSize;
                        used
                    }
                    _ => return Err(protocol("a chunk is longer than its size says")),
                },
                State::Trailers => match self.line(input, HEAD_BYTES_MAX)? {
                    (used, None) => used,
                    (used, Some(line)) => {
                        if line.is_empty() {
                            self.state = State::Done;
                        }
                        used
                    }
                },
                State::Done => {
                    self.reusable = false;
                    return Ok(());
                }
            };
            input = &input[used..];
        }
        Ok(())
    }

    /// The other side closed the connection.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.reusable = false;
        match self.state {
            State::Done => Ok(()),
            State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            State::Head if self.pending.is_empty() => Err(Fault::new(
                ErrorClass::Reset,
                "the connection was closed before a reply came",
            )),
            State::Head => Err(protocol("the reply was cut off within its head")),
            _ => Err(protocol(&format!(
                "the body was cut off after {} bytes",
                self.count
            ))),
        }
    }

    /// The reply, once it is complete.
    pub fn finish(self) -> Parsed {
        let (raw, body) = if self.whole.is_empty() {
            (self.head, self.kept.into())
        } else {
            let body = self.whole.slice(self.whole.len() - self.count as usize..);
            (self.whole, body)
        };
        Parsed {
            status: self.status,
            version: self.version,
            headers: Headers {
                raw,
                map: OnceCell::new(),
                encoded: self.encoded,
                sets_cookies: self.sets_cookies,
            },
            body,
            body_bytes: self.count,
            reusable: self.reusable,
        }
    }

    /// The head, if all of it is there: in the input (`is_here`), or in what waited before it, where folded lines are unfolded.
    fn head_in(&mut self, input: &[u8], is_here: &mut bool) -> Result<Option<Head>, Fault> {
        let found = if *is_here {
            head_of(input, self.to_head)
        } else {
            self.pending.extend_from_slice(input);
            head_of(&self.pending, self.to_head)
        };
        match found {
            Ok(found) => Ok(found),
            Err(fault) => {
                let is_whole = folded(if *is_here { input } else { &self.pending });
                if *is_here {
                    self.pending.extend_from_slice(input);
                    *is_here = false;
                }
                match is_whole {
                    Some(true) => {
                        unfold(&mut self.pending);
                        head_of(&self.pending, self.to_head)
                    }
                    Some(false) => Ok(None),
                    None => Err(fault),
                }
            }
        }
    }

    fn feed_head(&mut self, input: &[u8]) -> Result<usize, Fault> {
        let before = self.pending.len();
        let mut is_here = before == 0;
        let found = self.head_in(input, &mut is_here)?;
        let Some(head) = found else {
            if is_here {
                self.pending.extend_from_slice(input);
            }
            if self.pending.len() > HEAD_BYTES_MAX {
                return Err(protocol("the head of the reply is larger than 64 KiB"));
            }
            return Ok(input.len());
        };
        let used = head
            .length
            .checked_sub(before)
            .ok_or_else(|| protocol("the head of the reply ends before what came of it"))?;
        if (100..200).contains(&head.status) && head.status != 101 {
            self.interim += 1;
            if self.interim > INTERIM_MAX {
                return Err(protocol("more than 16 interim replies"));
            }
            self.pending.clear();
            return Ok(used);
        }
        self.status = StatusCode::from_u16(head.status)
            .map_err(|_| protocol(&format!("{} is no status", head.status)))?;
        self.version = if head.one {
            Version::HTTP_11
        } else {
            Version::HTTP_10
        };
        self.reusable = !head.closes && head.body != State::UntilClose && head.status != 101;
        self.state = match head.body {
            State::Fixed(0) => State::Done,
            state => state,
        };
        if let State::Fixed(length) = head.body
            && length > self.keep.most()
        {
            return Err(self.too_large());
        }
        (self.encoded, self.sets_cookies) = (head.encoded, head.sets_cookies);
        // What a server says of a failure is evidence.
        self.keeps_body = self.keep.body || self.keep.shows || self.status.as_u16() >= 400;
        let kept = self.keep.head
            || self.keeps_body
            || head.leads_on
            || head.sets_cookies
            || !self.status.is_success();
        if let State::Fixed(length) = head.body
            && self.keeps_body
            && (1..=self.keep.limit as u64).contains(&length)
            && is_here
            && input.len() - head.length >= length as usize
        {
            // The commonest case: everything is here. One copy, one allocation.
            let end = head.length + length as usize;
            self.whole = Bytes::copy_from_slice(&input[..end]);
            self.count = length;
            self.state = State::Done;
            return Ok(end);
        }
        if kept {
            self.head = if is_here {
                Bytes::copy_from_slice(&input[..head.length])
            } else {
                self.pending.truncate(head.length);
                std::mem::take(&mut self.pending).into()
            };
        }
        self.pending = Vec::new();
        if self.keeps_body
            && let State::Fixed(length) = head.body
        {
            self.kept.reserve(length.min(FIRST_ROOM_MAX) as usize);
        }
        Ok(used)
    }

    /// Takes a part of the body of which `left` bytes are missing, then goes on.
    fn part(
        &mut self,
        input: &[u8],
        left: u64,
        more: impl Fn(u64) -> State,
        then: State,
    ) -> Result<usize, Fault> {
        let used = self.take(input, left)?;
        self.state = match left - used as u64 {
            0 => then,
            left => more(left),
        };
        Ok(used)
    }

    /// Counts, and keeps if it is wanted, up to `left` bytes of the body.
    fn take(&mut self, input: &[u8], left: u64) -> Result<usize, Fault> {
        let used = input.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.count += used as u64;
        if self.count > self.keep.most() {
            return Err(self.too_large());
        }
        if self.keeps_body {
            let room = self.keep.limit.saturating_sub(self.kept.len());
            self.kept.extend_from_slice(&input[..used.min(room)]);
        }
        Ok(used)
    }

    /// A line without its end, once it is complete, and how many bytes of the input it used.
    fn line(&mut self, input: &[u8], limit: usize) -> Result<(usize, Option<Vec<u8>>), Fault> {
        let end = input.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(input.len(), |end| end + 1);
        self.pending.extend_from_slice(&input[..used]);
        if self.pending.len() > limit {
            return Err(protocol("a line of a chunked body does not end"));
        }
        if end.is_none() {
            return Ok((used, None));
        }
        let mut line = std::mem::take(&mut self.pending);
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok((used, Some(line)))
    }

    fn too_large(&self) -> Fault {
        Fault::new(
            ErrorClass::BodyTooLarge,
            format!("the body is larger than {} bytes", self.keep.most()),
        )
    }
}

/// The head at the start of the bytes, if all of it is there.
fn head_of(bytes: &[u8], to_head: bool) -> Result<Option<Head>, Fault> {
    let mut headers = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut headers)
        .map_err(|error| protocol(&format!("the reply is not HTTP: {error}")))?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let one = response.version == Some(1);
    let mut content_length = None;
    let mut chunked = false;
    let mut closes = !one;
    let (mut leads_on, mut encoded, mut sets_cookies) = (false, false, false);
    for header in response.headers.iter() {
        // Told apart by length first: most headers say nothing about framing.
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                content_length = Some(content_length_of(header.value, content_length)?);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                chunked |= is_chunked(header.value)?;
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                for word in header.value.split(|byte| *byte == b',') {
                    let word = word.trim_ascii();
                    if word.eq_ignore_ascii_case(b"close") {
                        closes = true;
                    } else if word.eq_ignore_ascii_case(b"keep-alive") && !one {
                        closes = false;
                    }
                }
            }
            10 if header.name.eq_ignore_ascii_case("set-cookie") => sets_cookies = true,
            16 if header.name.eq_ignore_ascii_case("content-encoding") => encoded = true,
            8 if header.name.eq_ignore_ascii_case("location") => leads_on = true,
            _ => {}
        }
    }
    // RFC 9112, section 6.3.
    let body = if to_head || (100..200).contains(&status) || status == 204 || status == 304 {
        State::Fixed(0)
    } else {
        match (chunked, content_length) {
            (true, known) => {
                // Both at once is how requests are smuggled: the length is ignored, the connection not reused.
                closes |= known.is_some();
                State::ChunkSize
            }
            (false, None) => State::UntilClose,
            (false, Some(length)) => State::Fixed(length),
        }
    };
    Ok(Some(Head {
        length,
        status,
        one,
        body,
        closes,
        leads_on,
        encoded,
        sets_cookies,
    }))
}

#[cfg(test)]
#[path = "http1_parser_tests.rs"]
mod tests;
