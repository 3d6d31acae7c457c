//! gRPC on HTTP/2: messages in frames, and the status at the end.
//!
//! Pure. Knows no schema of messages. Facts: the gRPC protocol over HTTP/2, and its status codes. Invariant: a reply
//! without a status of gRPC is never one that went well.

use super::body;
use super::fault::{ErrorClass, Fault};
use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use percent_encoding::percent_decode;

/// Bytes before each message: whether it is compressed, and how long it is.
const HEAD: usize = 5;
/// Messages of one reply.
const MESSAGES_MAX: usize = 100_000;

/// Names of the status codes, from 0.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The code; 0 is well.
    pub code: u32,
    /// What the server says of it.
    pub message: String,
}

impl Status {
    /// That of a reply: of its trailers, or of its head where there is nothing else.
    pub fn of(head: &HeaderMap, trailers: Option<&HeaderMap>) -> Option<Status> {
        let found = |name: &str| {
            let late = trailers.and_then(|trailers| trailers.get(name));
            late.or_else(|| head.get(name))
        };
        let code = found("grpc-status")?.to_str().ok()?.trim().parse().ok()?;
        let message = found("grpc-message").map(|message| {
            let letters = percent_decode(message.as_bytes());
            letters.decode_utf8_lossy().into_owned()
        });
        Some(Status {
            code,
            message: message.unwrap_or_default(),
        })
    }

    /// The name of its code.
    pub fn name(&self) -> &'static str {
        let name = usize::try_from(self.code).ok();
        name.and_then(|at| NAMES.get(at)).unwrap_or(&"UNKNOWN")
    }

    /// What it means for a step that expects that all is well.
    pub fn fault(&self) -> Option<Fault> {
        let class = match self.code {
            0 => return None,
            4 => ErrorClass::TimeoutWait,
            7 | 16 => ErrorClass::Unauthorized,
            8 => ErrorClass::RateLimited,
            // Whoever is asked does not have what is asked for: that says nothing of how well it does.
            12 => ErrorClass::NoEvidence,
            _ => ErrorClass::Status,
        };
        let mut detail = format!("the call ended with {} ({})", self.name(), self.code);
        if !self.message.is_empty() {
            detail.push_str(&format!(": {}", self.message));
        }
        Some(Fault::new(class, detail))
    }
}

/// Messages, each in its frame.
pub fn framed(messages: &[Bytes]) -> Bytes {
    let size = messages.iter().map(|message| HEAD + message.len()).sum();
    let mut all = BytesMut::with_capacity(size);
    for message in messages {
        all.put_u8(0);
        all.put_u32(message.len() as u32);
        all.extend_from_slice(message);
    }
    all.freeze()
}

/// The messages of a reply, by its head and its body; `limit` is how many bytes one may have.
///
/// # Errors
/// A frame is cut off, or cannot be read.
pub fn messages(head: &HeaderMap, mut body: Bytes, limit: usize) -> Result<Vec<Bytes>, Fault> {
    let encoding = head.get("grpc-encoding");
    let encoding = encoding.and_then(|encoding| encoding.to_str().ok());
    let broken = |detail: &str| Fault::new(ErrorClass::Protocol, detail);
    let mut all = Vec::new();
    while !body.is_empty() {
        if body.len() < HEAD {
            return Err(broken("a message is cut off in its head"));
        }
        let head = body.split_to(HEAD);
        let size = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if size > body.len() {
            let detail = format!("a message of {size} bytes is cut off after {}", body.len());
            return Err(broken(&detail));
        }
        let message = body.split_to(size);
        all.push(match (head[0], encoding) {
            (0, _) => message,
            (1, Some(encoding)) if encoding != "identity" => {
                body::decode(message, &[encoding.to_ascii_lowercase()], limit)?
            }
            (1, _) => return Err(broken("a message is compressed, and nobody says how")),
            _ => return Err(broken("a message begins with what no frame begins with")),
        });
        if all.len() > MESSAGES_MAX {
            let detail = format!("there are more than {MESSAGES_MAX} messages");
            return Err(Fault::new(ErrorClass::BodyTooLarge, detail));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            let name = http::HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_status_stands_in_the_trailers_or_in_a_head_that_is_alone() {
        let head = headers(&[
            ("grpc-status", "5"),
            ("grpc-message", "no caf%C3%A9 %E2%80%93 none"),
        ]);
        let status = Status::of(&head, None).unwrap();
        assert_eq!((status.code, status.name()), (5, "NOT_FOUND"));
        assert_eq!(status.message, "no café – none");
        let late = headers(&[("grpc-status", "0")]);
        assert_eq!(Status::of(&head, Some(&late)).unwrap().code, 0);
        assert_eq!(Status::of(&HeaderMap::new(), None), None);
        let odd = headers(&[("grpc-status", "no number")]);
        assert_eq!(Status::of(&odd, None), None);
        let far = headers(&[("grpc-status", "99")]);
        assert_eq!(Status::of(&far, None).unwrap().name(), "UNKNOWN");
    }

    #[test]
    fn every_code_has_its_meaning() {
        use ErrorClass::*;
        for (code, class) in [
            (0, None),
            (2, Some(Status)),
            (4, Some(TimeoutWait)),
            (7, Some(Unauthorized)),
            (8, Some(RateLimited)),
            (12, Some(NoEvidence)),
            (14, Some(Status)),
            (16, Some(Unauthorized)),
            (77, Some(Status)),
        ] {
            let message = String::new();
            let fault = super::Status { code, message }.fault();
            assert_eq!(fault.map(|fault| fault.class), class, "{code}");
        }
    }

    #[test]
    fn messages_come_out_as_they_went_in() {
        let sent = [
            Bytes::from_static(b"one"),
            Bytes::new(),
            Bytes::from(vec![7; 70_000]),
        ];
        let body = framed(&sent);
        let plain = HeaderMap::new();
        assert_eq!(messages(&plain, body.clone(), 1 << 20).unwrap(), sent);
        for cut in [1, 4, 6, body.len() - 1] {
            assert!(
                messages(&plain, body.slice(..cut), 1 << 20).is_err(),
                "{cut}"
            );
        }
        let packed = Bytes::from_static(&[1, 0, 0, 0, 1, 9]);
        assert!(messages(&plain, packed.clone(), 10).is_err());
        assert!(messages(&headers(&[("grpc-encoding", "gzip")]), packed, 10).is_err());
        assert!(messages(&plain, Bytes::from_static(&[9, 0, 0, 0, 0]), 10).is_err());
    }
}
