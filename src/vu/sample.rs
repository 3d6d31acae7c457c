//! What comes out of a virtual user: one sample for each measured step.

use crate::net::tls_facts::TlsFacts;
use crate::net::{ErrorClass, Phases};
use crate::picture::kept::Picture;
use crate::suite::report::Test;
use std::sync::Arc;
use std::time::Instant;

/// One measured exchange.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// The step's index.
    pub step: usize,
    /// When it should have started.
    pub intended: Instant,
    /// When it did start.
    pub start: Instant,
    /// When it was over.
    pub end: Instant,
    /// Its phases.
    pub phases: Phases,
    /// What went wrong, if anything.
    pub error: Option<ErrorClass>,
    /// Status, or exit code; 0 where there was none.
    pub status: u16,
    /// Bytes sent on the socket.
    pub bytes_sent: u64,
    /// Bytes received on the socket, or of the body.
    pub bytes_received: u64,
    /// Whether a failure counts.
    pub advisory: bool,
}

impl Sample {
    /// Microseconds from the intended start to the end.
    pub fn latency_micros(&self) -> u64 {
        self.end
            .saturating_duration_since(self.intended)
            .as_micros() as u64
    }

    /// Microseconds from the actual start to the end.
    pub fn service_micros(&self) -> u64 {
        self.end.saturating_duration_since(self.start).as_micros() as u64
    }
}

/// Where samples go. Implementations are cheap: they stand on the path of a request.
pub trait Sink {
    /// A measured step is over.
    fn sample(&self, sample: &Sample);
    /// A check was evaluated; `number` counts the checks of its step.
    fn check(&self, step: usize, number: usize, holds: bool);
    /// A step failed; the text is made only if it is wanted.
    fn failure(&self, step: usize, class: ErrorClass, detail: &dyn Fn() -> String);
    /// What came back of a step that keeps it, redacted.
    fn kept(&self, _step: usize, _text: &dyn Fn() -> String) {}
    /// A page looked like this.
    fn pictured(&self, _step: usize, _picture: &Picture) {}
    /// A suite had these tests.
    fn tested(&self, _step: usize, _tests: &[Test]) {}
    /// Something that should hold does not, or weaker evidence stands for stronger; it changes no outcome.
    fn warned(&self, _step: usize, _text: &dyn Fn() -> String) {}
    /// A number that a reply told; `number` counts those that its step measures.
    fn measured(&self, _step: usize, _number: usize, _value: f64) {}
    /// TLS showed this on the connection that a step used.
    fn tls(&self, _facts: &Arc<TlsFacts>) {}
    /// A step was left out, because `when` did not hold.
    fn skipped(&self, _step: usize) {}
    /// Whether each failed attempt is a sample of its own: under load a retry is traffic that failed,
    /// however well the next attempt goes.
    fn counts_attempts(&self) -> bool {
        false
    }
    /// An attempt failed, and another one is made.
    fn retried(&self, _step: usize) {}
    /// A request was sent once more, since the other side had not processed it.
    fn repeated(&self, _step: usize) {}
    /// A request waited for the environment's cap.
    fn held_back(&self) {}
}
