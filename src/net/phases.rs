//! How long each part of an exchange took.

use std::time::Instant;

/// Microseconds of each phase; 0 where a phase did not happen.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub struct Phases {
    /// From name to addresses.
    pub resolve: u64,
    /// To an established socket.
    pub connect: u64,
    /// TLS handshake.
    pub tls: u64,
    /// From the start of sending to the last byte sent.
    pub send: u64,
    /// From the last byte sent to the first byte received.
    pub wait: u64,
    /// From the first byte received to the last.
    pub receive: u64,
}

/// Names of the phases, in order.
pub const PHASES: [&str; 6] = ["resolve", "connect", "tls", "send", "wait", "receive"];

impl Phases {
    /// Of one exchange on an open connection: from the start of sending to the last byte sent, the
    /// first received and the last. A server may answer before it has read everything; sending
    /// then ends with the answer.
    pub fn of_exchange(start: Instant, sent: Instant, first: Instant, end: Instant) -> Phases {
        let between =
            |from: Instant, to: Instant| to.saturating_duration_since(from).as_micros() as u64;
        let first = first.max(start);
        let sent = sent.clamp(start, first);
        Phases {
            send: between(start, sent),
            wait: between(sent, first),
            receive: between(first, end),
            ..Phases::default()
        }
    }

    /// The values in the order of [`PHASES`].
    pub fn values(&self) -> [u64; 6] {
        [
            self.resolve,
            self.connect,
            self.tls,
            self.send,
            self.wait,
            self.receive,
        ]
    }

    /// The phases of a further hop, added.
    pub fn add(&mut self, other: Phases) {
        self.resolve += other.resolve;
        self.connect += other.connect;
        self.tls += other.tls;
        self.send += other.send;
        self.wait += other.wait;
        self.receive += other.receive;
    }
}
