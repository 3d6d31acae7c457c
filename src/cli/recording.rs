//! What becomes of each exchange of a run: recorded for `--har`, shown by `--verbose` and `--trace`, and the last one of a step kept
//! for who asks why it failed.
//!
//! Invariant: whoever measures waits for nobody who looks, and what found no room in a recording is counted.

use crate::limits::{RECORDED_BYTES_MAX, RECORDED_MAX};
use crate::report::exchange;
use crate::report::har::Recorded;
use crate::report::style::Style;
use crate::vu::Binding;
use crate::vu::exchange::{Content, Exchange};
use crate::vu::traced::Trace;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How much of an exchange is shown while it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// A line.
    Lines,
    /// Headers, bodies and phases.
    Whole,
}

/// What is recorded of all scenarios of a run.
#[derive(Debug, Clone)]
pub struct Recording {
    shown: Shown,
    records: bool,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    all: Vec<Recorded>,
    latest: BTreeMap<String, Exchange>,
    count: usize,
    bytes: usize,
}

impl Recording {
    /// One that records, or does not.
    pub fn new(records: bool, shown: Shown) -> Recording {
        Recording {
            shown,
            records,
            kept: Arc::default(),
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens to a scenario. Of a load nobody looks at single exchanges, unless they are recorded.
    pub fn of(&self, binding: &Binding, is_load: bool) {
        if is_load && !self.records {
            return;
        }
        let number = {
            let mut kept = self.kept();
            kept.all.push(Recorded {
                scenario: binding.plan.name.to_string(),
                ..Recorded::default()
            });
            kept.all.len() - 1
        };
        let recording = self.clone();
        let style = Style::for_stream(&std::io::stderr());
        binding.trace_by(Trace::new(move |exchange| {
            let mut kept = recording.kept();
            if !is_load {
                match recording.shown {
                    Shown::Nothing => {}
                    Shown::Lines => eprintln!("{}", exchange::line(&exchange, style)),
                    Shown::Whole => eprintln!("{}", exchange::whole(&exchange, style)),
                }
                kept.latest.insert(exchange.step.clone(), exchange.clone());
            }
            if recording.records {
                kept.take(number, exchange);
            }
        }));
    }

    /// The last exchange of each step since this was asked before.
    pub fn latest(&self) -> BTreeMap<String, Exchange> {
        std::mem::take(&mut self.kept().latest)
    }

    /// All that was recorded.
    pub fn taken(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.kept().all)
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
