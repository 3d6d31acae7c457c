//! What `run --har` records: exchanges as they come, as many as find room.
//!
//! Invariant: whoever measures never waits for it, and what found no room is counted.

use crate::limits::{RECORDED_BYTES_MAX, RECORDED_MAX};
use crate::report::har::Recorded;
use crate::vu::Binding;
use crate::vu::traced::{Content, Exchange, Trace};
use std::sync::{Arc, Mutex, PoisonError};

/// What is recorded of all scenarios of a run.
#[derive(Debug, Default, Clone)]
pub struct Recording(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    all: Vec<Recorded>,
    count: usize,
    bytes: usize,
}

impl Recording {
    /// Listens to a scenario.
    pub fn of(&self, binding: &Binding) {
        let number = {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.all.push(Recorded {
                scenario: binding.plan.name.to_string(),
                ..Recorded::default()
            });
            kept.all.len() - 1
        };
        let recording = self.0.clone();
        binding.trace_by(Trace::new(move |exchange| {
            let mut kept = recording.lock().unwrap_or_else(PoisonError::into_inner);
            kept.take(number, exchange);
        }));
    }

    /// All that was recorded.
    pub fn taken(&self) -> Vec<Recorded> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut kept.all)
    }
}

impl Kept {
    fn take(&mut self, number: usize, exchange: Exchange) {
        let Some(recorded) = self.all.get_mut(number) else {
            return;
        };
        let of = |content: &Content| content.text.as_ref().map_or(0, String::len);
        let reply = exchange.result.as_ref();
        let bytes = of(&exchange.body) + reply.map_or(0, |answer| of(&answer.body));
        if self.count >= RECORDED_MAX || self.bytes + bytes > RECORDED_BYTES_MAX {
            recorded.left_out += 1;
            return;
        }
        self.count += 1;
        self.bytes += bytes;
        recorded.exchanges.push(exchange);
    }
}
