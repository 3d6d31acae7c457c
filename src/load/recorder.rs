//! Counters and histograms: what a run leaves behind, independent of how many requests it made.
//!
//! A recorder belongs to one worker; workers' recorders are merged without loss. Latencies of
//! successful requests are in the histograms; failed ones are counted apart, because a fast
//! failure must not look like a fast success.

use super::histogram::{add, histogram, record};
use super::kept::Kept;
use super::measured::Measured;
use super::tick::{SampleLine, StepTick, Tick};
use crate::limits;
use crate::net::ErrorClass;
use crate::objective::tally::{self, Came, SLOT_MICROS, Watched};
use crate::picture::kept::{self as pictures, Picture};
use crate::suite::report::Test;
use crate::vu::{Heading, Headings, Sample, Sink};
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What one step left behind.
#[derive(Debug, Clone)]
pub struct StepRecord {
    /// What was known of it before.
    pub heading: Arc<Heading>,
    /// Requests, failed ones included.
    pub requests: u64,
    /// Failed requests by class.
    pub errors: BTreeMap<ErrorClass, u64>,
    /// Failures that are shown but not counted.
    pub advisory_failures: u64,
    /// Latencies from the intended start, of successful requests.
    pub latency: Histogram<u64>,
    /// The same from the actual start.
    pub service: Histogram<u64>,
    /// Phases of successful requests.
    pub phases: [Histogram<u64>; 6],
    /// Replies by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Checks: held, did not hold.
    pub checks: Vec<(u64, u64)>,
    /// Texts of failures, the first of each kind, with how often their class came.
    pub examples: Vec<(ErrorClass, String)>,
    /// Numbers that replies told, by their place in the heading.
    pub values: Vec<Measured>,
    /// How often something was warned of.
    pub warned: u64,
    /// What was warned of, the first of each.
    pub warnings: Vec<String>,
    /// What was kept as evidence, the first of the performances.
    pub kept: Vec<Kept>,
    /// Pictures, the first of them.
    pub pictures: Vec<Picture>,
    /// Tests of a suite, of the last time.
    pub tests: Vec<Test>,
    /// Bytes sent and received.
    pub bytes: (u64, u64),
    /// Times it was left out.
    pub skipped: u64,
    /// Attempts that failed and were followed by another one.
    pub retried: u64,
    /// Requests that were sent once more, since they were not processed.
    pub repeated: u64,
}

impl StepRecord {
    fn new(heading: Arc<Heading>) -> StepRecord {
        StepRecord {
            requests: 0,
            errors: BTreeMap::new(),
            advisory_failures: 0,
            latency: histogram(),
            service: histogram(),
            phases: std::array::from_fn(|_| histogram()),
            statuses: BTreeMap::new(),
            checks: vec![(0, 0); heading.checks.len()],
            values: vec![Measured::default(); heading.measures.len()],
            heading,
            examples: Vec::new(),
            warned: 0,
            warnings: Vec::new(),
            kept: Vec::new(),
            pictures: Vec::new(),
            tests: Vec::new(),
            bytes: (0, 0),
            skipped: 0,
            retried: 0,
            repeated: 0,
        }
    }

    /// Failed requests.
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Failed requests that say nothing about the product.
    pub fn doubtful(&self) -> u64 {
        let doubtful = self
            .errors
            .iter()
            .filter(|(class, _)| class.is_inconclusive());
        doubtful.map(|(_, count)| count).sum()
    }

    /// As it would be without our own part: latencies from the actual start, and no arrivals that
    /// nobody took.
    pub fn by_service(&mut self) {
        self.latency = self.service.clone();
        self.forget(|class| class == ErrorClass::Dropped);
    }

    /// As it would be without failures that say nothing about the product.
    pub fn without_doubtful(&mut self) {
        self.forget(ErrorClass::is_inconclusive);
    }

    fn forget(&mut self, forgotten: impl Fn(ErrorClass) -> bool) {
        let requests = &mut self.requests;
        self.errors.retain(|class, count| {
            let goes = forgotten(*class);
            *requests -= if goes { *count } else { 0 };
            !goes
        });
        if forgotten(ErrorClass::Unauthorized) {
            self.statuses
                .retain(|status, _| !matches!(status, 401 | 403));
        }
        if forgotten(ErrorClass::RateLimited) {
            self.statuses.remove(&429);
        }
    }

    fn sample(&mut self, sample: &Sample) {
        self.requests += 1;
        self.bytes.0 += sample.bytes_sent;
        self.bytes.1 += sample.bytes_received;
        if sample.status > 0 {
            *self.statuses.entry(sample.status).or_default() += 1;
        }
        match sample.error {
            Some(_) if sample.advisory => self.advisory_failures += 1,
            Some(class) => *self.errors.entry(class).or_default() += 1,
            None => {
                record(&mut self.latency, sample.latency_micros());
                record(&mut self.service, sample.service_micros());
                for (histogram, micros) in self.phases.iter_mut().zip(sample.phases.values()) {
                    record(histogram, micros);
                }
            }
        }
    }

    fn example(&mut self, class: ErrorClass, detail: &dyn Fn() -> String) {
        let known = self
            .examples
            .iter()
            .filter(|(known, _)| *known == class)
            .count();
        if known >= 2 || self.examples.len() >= limits::EXAMPLES_MAX {
            return;
        }
        let text = detail();
        if !self.examples.iter().any(|(_, known)| *known == text) {
            self.examples.push((class, text));
        }
    }

    fn warn(&mut self, text: &dyn Fn() -> String) {
        self.warned += 1;
        if self.warnings.len() < limits::EXAMPLES_MAX {
            let text = text();
            if !self.warnings.contains(&text) {
                self.warnings.push(text);
            }
        }
    }

    fn keep(&mut self, kept: impl FnOnce() -> Kept) {
        if self.kept.len() < limits::KEPT_MAX {
            self.kept.push(kept());
        }
    }

    /// Adds the record of another worker.
    pub fn merge(&mut self, other: &StepRecord) {
        self.requests += other.requests;
        for (class, count) in &other.errors {
            *self.errors.entry(*class).or_default() += count;
        }
        self.advisory_failures += other.advisory_failures;
        add(&mut self.latency, &other.latency);
        add(&mut self.service, &other.service);
        for (mine, theirs) in self.phases.iter_mut().zip(&other.phases) {
            add(mine, theirs);
        }
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (mine, theirs) in self.checks.iter_mut().zip(&other.checks) {
            mine.0 += theirs.0;
            mine.1 += theirs.1;
        }
        for (class, text) in &other.examples {
            self.example(*class, &|| text.clone());
        }
        for (mine, theirs) in self.values.iter_mut().zip(&other.values) {
            mine.merge(theirs);
        }
        for text in &other.warnings {
            self.warn(&|| text.clone());
        }
        self.warned += other.warned.saturating_sub(other.warnings.len() as u64);
        for kept in &other.kept {
            self.keep(|| kept.clone());
        }
        let pictures = other.pictures.iter().cloned();
        pictures.for_each(|picture| pictures::add(&mut self.pictures, picture));
        if !other.tests.is_empty() {
            self.tests.clone_from(&other.tests);
        }
        self.bytes.0 += other.bytes.0;
        self.bytes.1 += other.bytes.1;
        self.skipped += other.skipped;
        self.retried += other.retried;
        self.repeated += other.repeated;
    }
}

/// All that a run, or one worker of it, left behind.
#[derive(Debug)]
pub struct Recorded {
    /// By step index.
    pub steps: Vec<StepRecord>,
    /// Iterations that ended.
    pub iterations: u64,
    /// Iterations in which a step failed.
    pub iterations_failed: u64,
    /// Iterations that were cut off.
    pub interrupted: u64,
    /// Arrivals or iterations that were planned and never performed.
    pub dropped: u64,
    /// Those of them that had no time left, where so many were asked for.
    pub left: u64,
    /// Arrivals that waited for a free virtual user.
    pub waited: u64,
    /// Requests that waited for the environment's cap.
    pub held_back: u64,
    /// How late we started iterations ourselves, in microseconds.
    pub lateness: Histogram<u64>,
    /// Virtual users made.
    pub users: u64,
}

impl Recorded {
    /// An empty record of steps that are known.
    pub fn new(headings: &Headings) -> Recorded {
        Recorded {
            steps: headings.all().into_iter().map(StepRecord::new).collect(),
            iterations: 0,
            iterations_failed: 0,
            interrupted: 0,
            dropped: 0,
            left: 0,
            waited: 0,
            held_back: 0,
            lateness: histogram(),
            users: 0,
        }
    }

    /// Adds the record of another worker.
    pub fn merge(&mut self, other: &Recorded) {
        for (mine, theirs) in self.steps.iter_mut().zip(&other.steps) {
            mine.merge(theirs);
        }
        // The numbers of steps mean the same to all workers of a run.
        let met = self.steps.len().min(other.steps.len());
        self.steps.extend_from_slice(&other.steps[met..]);
        self.iterations += other.iterations;
        self.iterations_failed += other.iterations_failed;
        self.interrupted += other.interrupted;
        self.dropped += other.dropped;
        self.left += other.left;
        self.waited += other.waited;
        self.held_back += other.held_back;
        add(&mut self.lateness, &other.lateness);
        self.users += other.users;
    }
}

/// What a worker writes to.
#[derive(Debug)]
pub struct Inner {
    /// Since the start.
    pub total: Recorded,
    /// Since the last tick.
    pub tick: Tick,
    /// Start of the run.
    pub origin: Instant,
    /// What the numbers of steps mean.
    pub headings: Headings,
    /// Whether samples are kept for a file.
    pub keep_lines: bool,
    /// What evidence is counted for.
    pub watched: Option<Arc<[Watched]>>,
}

impl Inner {
    /// An empty one.
    pub fn new(headings: Headings, origin: Instant, keep_lines: bool) -> Inner {
        let total = Recorded::new(&headings);
        Inner {
            tick: Tick::new(0, total.steps.len(), headings.clone()),
            total,
            headings,
            origin,
            keep_lines,
            watched: None,
        }
    }

    /// Takes the interval that is over, under its number.
    pub fn take_tick(&mut self, second: u64) -> Tick {
        let steps = self.total.steps.len();
        let mut over =
            std::mem::replace(&mut self.tick, Tick::new(0, steps, self.headings.clone()));
        over.second = second;
        over
    }

    /// Makes room for a step that was announced while the run went on.
    #[cold]
    fn meet(&mut self) {
        let known = self.total.steps.len();
        let new = self.headings.all().into_iter().skip(known);
        self.total.steps.extend(new.map(StepRecord::new));
        let steps = self.total.steps.len();
        self.tick.steps.resize(steps, StepTick::default());
    }

    /// The record of a step.
    fn step(&mut self, step: usize) -> &mut StepRecord {
        if step >= self.total.steps.len() {
            self.meet();
        }
        &mut self.total.steps[step]
    }

    fn sample(&mut self, sample: &Sample) {
        self.step(sample.step).sample(sample);
        self.tick.requests += 1;
        let step = &mut self.tick.steps[sample.step];
        let micros = sample.latency_micros();
        match sample.error {
            Some(_) if sample.advisory => step.ok.record(micros, 1),
            Some(class) => {
                step.failed.record(micros, 1);
                self.tick.errors += 1;
                *self.tick.classes.entry(class).or_default() += 1;
            }
            None => {
                step.ok.record(micros, 1);
                record(&mut self.tick.latency, micros);
            }
        }
        if let Some(watched) = self.watched.as_ref().filter(|_| !sample.advisory) {
            let known = sample
                .end
                .saturating_duration_since(self.origin)
                .as_micros() as u64;
            let arm = self.tick.slot(known / SLOT_MICROS);
            tally::count(
                arm,
                watched,
                sample.step as u32,
                micros,
                Came {
                    ok: sample.error.is_none(),
                    status: sample.status,
                    error: sample.error,
                },
            );
        }
        if self.keep_lines {
            self.tick.lines.push(SampleLine {
                offset_micros: sample
                    .intended
                    .saturating_duration_since(self.origin)
                    .as_micros() as u64,
                sample: *sample,
            });
        }
    }

    fn check(&mut self, step: usize, number: usize, holds: bool) {
        let counts = &mut self.step(step).checks[number];
        if holds {
            counts.0 += 1;
        } else {
            counts.1 += 1;
        }
    }

    /// Notes how late an iteration was started by us.
    pub fn late(&mut self, lateness: Duration) {
        let micros = lateness.as_micros() as u64;
        record(&mut self.total.lateness, micros);
        record(&mut self.tick.lateness, micros);
    }

    /// Notes iterations that were asked for, and for which there was no time.
    pub fn left(&mut self, count: u64) {
        self.total.dropped += count;
        self.total.left += count;
    }

    /// Notes an arrival that nobody took.
    pub fn drop_arrival(&mut self, step: usize, intended: Instant) {
        self.total.dropped += 1;
        let now = Instant::now();
        self.sample(&Sample {
            step,
            intended,
            start: now,
            end: now,
            phases: crate::net::Phases::default(),
            error: Some(ErrorClass::Dropped),
            status: 0,
            bytes_sent: 0,
            bytes_received: 0,
            advisory: false,
        });
    }
}

macro_rules! sink {
    ($name:ident, $self:ident, $inner:expr, $attempts:expr) => {
        impl Sink for $name {
            fn counts_attempts(&$self) -> bool {
                $attempts
            }
            fn retried(&$self, step: usize) {
                $inner.step(step).retried += 1;
            }
            fn repeated(&$self, step: usize) {
                $inner.step(step).repeated += 1;
            }
            fn sample(&$self, sample: &Sample) {
                $inner.sample(sample);
            }
            fn check(&$self, step: usize, number: usize, holds: bool) {
                $inner.check(step, number, holds);
            }
            fn failure(&$self, step: usize, class: ErrorClass, detail: &dyn Fn() -> String) {
                $inner.step(step).example(class, detail);
            }
            fn kept(&$self, step: usize, text: &dyn Fn() -> String) {
                $inner.step(step).keep(|| Kept::new(text()));
            }
            fn pictured(&$self, step: usize, picture: &Picture) {
                pictures::add(&mut $inner.step(step).pictures, picture.clone());
            }
            fn tested(&$self, step: usize, tests: &[Test]) {
                $inner.step(step).tests = tests.to_vec();
            }
            fn warned(&$self, step: usize, text: &dyn Fn() -> String) {
                $inner.step(step).warn(text);
            }
            fn measured(&$self, step: usize, number: usize, value: f64) {
                $inner.step(step).values[number].add(value);
            }
            fn skipped(&$self, step: usize) {
                $inner.step(step).skipped += 1;
            }
            fn held_back(&$self) {
                $inner.total.held_back += 1;
            }
        }
    };
}

/// The recorder of one worker thread: no lock.
#[derive(Debug)]
pub struct LocalRecorder(pub RefCell<Inner>);
sink!(LocalRecorder, self, self.0.borrow_mut(), true);

/// The recorder of a single virtual user whose future may move between threads.
#[derive(Debug)]
pub struct SharedRecorder(pub Mutex<Inner>);
sink!(
    SharedRecorder,
    self,
    self.0
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner),
    false
);
