//! A body that comes in pieces, as much of it as is wanted: of HTTP/2 and HTTP/3.
//!
//! Invariant: no more is kept than the limit, and a body in one piece is not copied.

use super::fault::{ErrorClass, Fault};
use super::http1_parser::Keep;
use super::phases::Phases;
use super::reply::Reply;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use std::time::Instant;

/// An exchange with its times; `result` is nothing where it did not end in time. Where exchanges share a socket, and of datagrams,
/// only the head and the end can be told apart.
pub(super) fn timed(
    result: Option<Result<Reply, Fault>>,
    start: Instant,
    headed: Option<Instant>,
) -> Result<Reply, (Fault, Phases)> {
    let end = Instant::now();
    let phases = Phases::of_exchange(start, start, headed.unwrap_or(end), end);
    match result {
        Some(Ok(reply)) => Ok(Reply {
            phases,
            end,
            ..reply
        }),
        Some(Err(fault)) => Err((fault, phases)),
        None => Err((Fault::late_reply(headed.is_some()), phases)),
    }
}

/// What came so far.
#[derive(Debug)]
pub struct Gathered {
    keep: Keep,
    /// What a server says of a failure is evidence.
    is_evidence: bool,
    kept: Kept,
    /// Bytes that came, kept or not.
    pub count: u64,
}

#[derive(Debug)]
enum Kept {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Gathered {
    /// Nothing yet of a reply with this status.
    pub fn new(keep: Keep, status: StatusCode) -> Gathered {
        Gathered {
            keep,
            is_evidence: keep.shows || status.as_u16() >= 400,
            kept: Kept::Nothing,
            count: 0,
        }
    }

    /// Takes a piece.
    ///
    /// # Errors
    ///
    /// The body is larger than anybody wants.
    pub fn push(&mut self, data: Bytes) -> Result<(), Fault> {
        self.count += data.len() as u64;
        let most = self.keep.most();
        if self.count > most {
            let detail = format!("the body is larger than {most} bytes");
            return Err(Fault::new(ErrorClass::BodyTooLarge, detail));
        }
        if self.keep.body || self.is_evidence && self.count <= self.keep.limit as u64 {
            self.kept.push(data);
        }
        Ok(())
    }

    /// What was kept.
    pub fn into_bytes(self) -> Bytes {
        match self.kept {
            Kept::Nothing => Bytes::new(),
            Kept::One(bytes) => bytes,
            Kept::Many(bytes) => bytes.freeze(),
        }
    }
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
}
