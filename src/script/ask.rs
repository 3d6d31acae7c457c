//! What a script asks of the world while it stands still, and what it is answered.

use super::deed::Deed;
use crate::net::Phases;
use crate::net::digest::Credentials;
use crate::net::headers::Headers;
use crate::net::message::Fixed;
use crate::net::websocket::Frame;
use bytes::Bytes;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is to be performed.
#[derive(Debug, Clone)]
pub enum Task {
    /// `setup`.
    Setup,
    /// One iteration of a function.
    Iterate,
    /// `teardown`.
    Teardown,
    /// `handleSummary`, with its argument as JSON.
    Summary(String),
}

/// Why the interpreter goes on.
#[derive(Debug)]
pub enum Resume {
    /// There is something to perform.
    Perform(Task),
    /// What it asked for is there.
    Answer(Answer),
    /// What it does is not wanted any more.
    Interrupt,
    /// Nothing comes any more.
    Quit,
}

/// What the interpreter asks for.
#[derive(Debug)]
pub enum Ask {
    /// It is done with what it was to perform, or with its start.
    Done(Outcome),
    /// A request.
    Request(Box<Request>),
    /// Whether there is somebody at an address who speaks HTTP/2; answered by a reply, which has an error if not.
    Reach(Box<Request>),
    /// Several at once.
    Batch(Vec<Request>),
    /// Time.
    Sleep(Duration),
    /// Something in a page.
    Browse(Box<Deed>),
    /// Whatever comes first: this moment, the reply of a request that was started, or something of a socket.
    Idle(Option<Instant>),
}

/// What it is answered.
#[derive(Debug)]
pub enum Answer {
    /// Time is over.
    Now,
    /// The reply of a request.
    Reply(Box<Reply>),
    /// Those of several, in their order.
    Replies(Vec<Reply>),
    /// The reply of one that was started, with its number.
    Arrived(u32, Box<Reply>),
    /// What happened to a socket, with its number.
    Happened(u32, Happening),
    /// What was done in a page: what it gave as JSON, or why it was not.
    Browsed(Result<String, String>),
}

/// What a script wants of a socket.
#[derive(Debug)]
pub enum Order {
    /// To be opened by a request, speaking one of these protocols, if any are named.
    Open(Box<Request>, Vec<String>),
    /// To send something.
    Send(Frame),
}

/// What happened to a socket.
#[derive(Debug)]
pub enum Happening {
    /// It is open, by this reply.
    Opened(Box<Reply>),
    /// It was refused, or there was no way to it. Nothing comes after it.
    Refused(Box<Reply>),
    /// Something came.
    Came(Frame),
    /// It is over, with a code and a reason. Nothing comes after it.
    Ended(u16, String),
    /// It broke, and why. Nothing comes after it.
    Broke(String),
}

impl Happening {
    /// Whether nothing comes after it.
    pub fn is_last(&self) -> bool {
        !matches!(self, Happening::Opened(_) | Happening::Came(_))
    }
}

/// How a performance ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// To its end, with what it gave as JSON.
    Returned(Option<String>),
    /// Something was thrown.
    Thrown(Thrown),
    /// It was cut off.
    Interrupted,
    /// The script ended the whole run, with its words.
    Aborted(String),
}

/// What was thrown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Thrown {
    /// Name and message.
    pub message: String,
    /// Where, the innermost first, each line with file, line and column.
    pub stack: String,
}

impl std::fmt::Display for Thrown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        for line in self
            .stack
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            write!(f, "\n\t{line}")?;
        }
        Ok(())
    }
}

/// What is wanted of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyAs {
    /// Text.
    #[default]
    Text,
    /// Bytes.
    Binary,
    /// Nothing.
    None,
}

/// Which statuses are expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Those from 200 to 399.
    Usual,
    /// Those in these ranges, ends included.
    Ranges(Vec<(u16, u16)>),
    /// Nobody says.
    Unsaid,
}

impl Expected {
    /// Whether a status is; nothing where nobody says.
    pub fn includes(&self, status: u16) -> Option<bool> {
        match self {
            Expected::Usual => Some((200..400).contains(&status)),
            Expected::Ranges(ranges) => Some(
                ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&status)),
            ),
            Expected::Unsaid => None,
        }
    }
}

/// A request of a script.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its number, where it was started without waiting for it.
    pub number: u32,
    /// The method.
    pub method: Cow<'static, str>,
    /// The URL.
    pub url: String,
    /// The body.
    pub body: Bytes,
    /// Names and values in turn.
    pub headers: Vec<String>,
    /// Time for all of it.
    pub timeout: Duration,
    /// Redirects at the most; those of the options where nothing is said.
    pub redirects: Option<u32>,
    /// The number of its jar.
    pub jar: usize,
    /// Cookies of this request alone: name, value, and a word where it replaces the one of the jar, in turn.
    pub cookies: Vec<String>,
    /// Tags: names and values in turn.
    pub tags: Vec<String>,
    /// What is wanted of the body.
    pub body_as: BodyAs,
    /// Which statuses are expected.
    pub expected: Expected,
    /// The group that it is in.
    pub group: String,
    /// Whether a script wants thrown what goes wrong.
    pub throws: bool,
    /// Who answers a challenge of the server, if anybody does.
    pub who: Option<Box<Credentials>>,
    /// Which call of gRPC it is, if it is one.
    pub call: Option<Box<CallName>>,
}

impl Request {
    /// What it is called: by its tag, or else by its URL.
    pub fn called(&self) -> &str {
        let mut tags = self.tags.chunks_exact(2);
        let name = tags.find(|pair| pair[0] == "name");
        name.map_or(&self.url, |pair| &pair[1])
    }
}

/// A call of gRPC, as samples are told apart by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallName {
    /// `package.Service`.
    pub service: String,
    /// Its method.
    pub method: String,
    /// What is counted of it.
    pub counted: Counted,
}

/// What is counted of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Counted {
    /// Nothing: we make it, and not the script.
    #[default]
    Nothing,
    /// How long it took.
    Call,
    /// That it was a stream, with so many messages that were sent.
    Stream(usize),
}

/// The reply of a request, or why there is none. Texts of it are made when somebody looks at them.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Status; 0 where there was none.
    pub status: u16,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub proto: &'static str,
    /// The URL of the last hop.
    pub url: Arc<str>,
    /// The body.
    pub body: Bytes,
    /// What is wanted of it.
    pub body_as: BodyAs,
    /// Its headers.
    pub headers: Headers,
    /// The address that answered, and its port.
    pub remote: Option<std::net::SocketAddr>,
    /// Where the time went.
    pub phases: Phases,
    /// `tls1.2` or `tls1.3`.
    pub tls_version: &'static str,
    /// What went wrong.
    pub error: String,
    /// Its number.
    pub error_code: u16,
    /// Method of the last hop.
    pub method: Cow<'static, str>,
    /// Headers that were sent.
    pub sent: Option<Arc<Fixed>>,
    /// The body that was sent.
    pub sent_body: Bytes,
    /// Whether the script wants thrown what went wrong.
    pub throws: bool,
    /// What came after the body.
    pub trailers: Option<Box<http::HeaderMap>>,
}

/// Milliseconds of a request, as k6 names them.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the names are those of k6")]
pub struct Timings {
    pub blocked: f64,
    pub connecting: f64,
    pub tls_handshaking: f64,
    pub sending: f64,
    pub waiting: f64,
    pub receiving: f64,
}

impl Timings {
    /// From a request until the end of its reply.
    pub fn duration(&self) -> f64 {
        self.sending + self.waiting + self.receiving
    }
}

impl From<Phases> for Timings {
    fn from(phases: Phases) -> Timings {
        let milliseconds = |micros: u64| micros as f64 / 1e3;
        Timings {
            blocked: milliseconds(phases.resolve + phases.connect + phases.tls),
            connecting: milliseconds(phases.connect),
            tls_handshaking: milliseconds(phases.tls),
            sending: milliseconds(phases.send),
            waiting: milliseconds(phases.wait),
            receiving: milliseconds(phases.receive),
        }
    }
}

/// A method in words, without asking for memory where it is a usual one.
pub fn method(written: &str) -> Cow<'static, str> {
    const USUAL: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    match USUAL.iter().find(|usual| **usual == written) {
        Some(usual) => Cow::Borrowed(usual),
        None => Cow::Owned(written.to_owned()),
    }
}
