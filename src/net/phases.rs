//! How long each part of an exchange took.

/// Microseconds of each phase; 0 where a phase did not happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
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
