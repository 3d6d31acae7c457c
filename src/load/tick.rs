//! What happened in one interval, usually a second: handed out as soon as it is over.
//!
//! Merged over workers like the whole record. Does not know what becomes of it.

use super::buckets::Buckets;
use super::histogram::{add, histogram};
use crate::net::ErrorClass;
use crate::objective::slot::ArmSlot;
use crate::vu::{Headings, Sample};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// One line of a samples file.
#[derive(Debug, Clone, Copy)]
pub struct SampleLine {
    /// Microseconds from the start of the run to the intended start.
    pub offset_micros: u64,
    /// The sample.
    pub sample: Sample,
}

/// Latencies of one step in one interval.
#[derive(Debug, Clone, Copy, Default)]
pub struct StepTick {
    /// Of requests that did not fail, or whose failure is only advisory.
    pub ok: Buckets,
    /// Of those that failed.
    pub failed: Buckets,
}

/// What happened in one interval, usually a second.
#[derive(Debug)]
pub struct Tick {
    /// The interval's number.
    pub second: u64,
    /// Requests that ended.
    pub requests: u64,
    /// Failed ones among them.
    pub errors: u64,
    /// The same by class.
    pub classes: BTreeMap<ErrorClass, u64>,
    /// Latencies of the successful ones.
    pub latency: Histogram<u64>,
    /// Iterations in progress at its end.
    pub active: u64,
    /// Arrivals that wait for a virtual user at its end.
    pub waiting: u64,
    /// How late we started iterations ourselves, in microseconds.
    pub lateness: Histogram<u64>,
    /// Processor time of the busiest worker.
    pub busiest: Duration,
    /// Samples, if a file of them is written.
    pub lines: Vec<SampleLine>,
    /// Latencies by step, for live metrics.
    pub steps: Vec<StepTick>,
    /// What the numbers of steps mean.
    pub headings: Headings,
    /// Evidence for sequential verdicts, by the number of its slot.
    pub slots: Vec<(u64, ArmSlot)>,
}

impl Tick {
    /// An empty one.
    pub fn new(second: u64, steps: usize, headings: Headings) -> Tick {
        Tick {
            second,
            requests: 0,
            errors: 0,
            classes: BTreeMap::new(),
            latency: histogram(),
            active: 0,
            waiting: 0,
            lateness: histogram(),
            busiest: Duration::ZERO,
            lines: Vec::new(),
            steps: vec![StepTick::default(); steps],
            headings,
            slots: Vec::new(),
        }
    }

    /// Adds the same interval of another worker.
    pub fn merge(&mut self, other: Tick) {
        self.requests += other.requests;
        self.errors += other.errors;
        for (class, count) in other.classes {
            *self.classes.entry(class).or_default() += count;
        }
        add(&mut self.latency, &other.latency);
        self.active += other.active;
        self.waiting += other.waiting;
        add(&mut self.lateness, &other.lateness);
        self.busiest = self.busiest.max(other.busiest);
        self.lines.extend(other.lines);
        if self.steps.len() < other.steps.len() {
            self.steps.resize(other.steps.len(), StepTick::default());
        }
        for (mine, theirs) in self.steps.iter_mut().zip(other.steps) {
            mine.ok.merge(&theirs.ok);
            mine.failed.merge(&theirs.failed);
        }
        for (number, slot) in other.slots {
            self.slot(number).merge(&slot);
        }
    }

    /// The evidence of a slot, which is made if it is new.
    pub fn slot(&mut self, number: u64) -> &mut ArmSlot {
        let place = match self.slots.iter().rposition(|(known, _)| *known == number) {
            Some(place) => place,
            None => {
                self.slots.push((number, ArmSlot::default()));
                self.slots.len() - 1
            }
        };
        &mut self.slots[place].1
    }
}
