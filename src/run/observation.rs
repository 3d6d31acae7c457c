//! What one performance of a scenario showed, as it happened: for those who perform it all day.
//!
//! Counts nothing into histograms, which one run does not need; whoever wants the whole summary of it gets
//! it by replaying what was seen into a recorder. Invariant: outcome and reasons are those that the summary
//! would have, because the same rules decide.

use super::decide::{Performed, decide_once};
use super::remarks::remarks;
use super::summarize::summarize;
use super::summary::Summary;
use crate::limits::PICTURES_MAX;
use crate::load::Stop;
use crate::load::once::Once;
use crate::load::recorder::{Inner, SharedRecorder};
use crate::net::ErrorClass;
use crate::net::tls_facts::TlsFacts;
use crate::objective::Outcome;
use crate::picture::kept::Picture;
use crate::scenario::Plan;
use crate::scenario::plan::Step;
use crate::severity::Severity;
use crate::suite::report::Test;
use crate::vu::exchange::Exchange;
use crate::vu::{Headings, Sample, Sink};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What was seen, in its order.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// Samples.
    pub samples: Vec<Sample>,
    /// Checks: step, number, whether it held.
    pub checks: Vec<(u32, u32, bool)>,
    /// Failures: step, class, what came back.
    pub failures: Vec<(u32, ErrorClass, String)>,
    /// What TLS showed last.
    pub tls: Option<Arc<TlsFacts>>,
    /// What was kept: step, text.
    pub kept: Vec<(u32, String)>,
    /// Tests of suites, each of a step.
    pub tests: Vec<(u32, Vec<Test>)>,
    /// Pictures, each of a step.
    pub pictures: Vec<(u32, Picture)>,
    /// What should hold and does not: step, text.
    pub warnings: Vec<(u32, String)>,
    /// Numbers that replies told: step, number, value.
    pub values: Vec<(u32, u32, f64)>,
    skipped: Vec<u32>,
    repeated: Vec<u32>,
    retried: Vec<u32>,
    held_back: u64,
}

/// Takes what a virtual user sees.
#[derive(Debug, Default)]
pub struct Observer(Mutex<Events>);

impl Observer {
    fn events(&self) -> std::sync::MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that was seen.
    pub fn into_events(self) -> Events {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Observer {
    fn sample(&self, sample: &Sample) {
        self.events().samples.push(*sample);
    }

    fn check(&self, step: usize, number: usize, holds: bool) {
        self.events()
            .checks
            .push((step as u32, number as u32, holds));
    }

    fn failure(&self, step: usize, class: ErrorClass, detail: &dyn Fn() -> String) {
        let text = detail();
        self.events().failures.push((step as u32, class, text));
    }

    fn kept(&self, step: usize, text: &dyn Fn() -> String) {
        let text = text();
        self.events().kept.push((step as u32, text));
    }

    fn tested(&self, step: usize, tests: &[Test]) {
        self.events().tests.push((step as u32, tests.to_vec()));
    }

    fn pictured(&self, step: usize, picture: &Picture) {
        let pictures = &mut self.events().pictures;
        if pictures.len() < PICTURES_MAX {
            pictures.push((step as u32, picture.clone()));
        }
    }

    fn warned(&self, step: usize, text: &dyn Fn() -> String) {
        let text = text();
        self.events().warnings.push((step as u32, text));
    }

    fn measured(&self, step: usize, number: usize, value: f64) {
        self.events()
            .values
            .push((step as u32, number as u32, value));
    }

    fn tls(&self, facts: &Arc<TlsFacts>) {
        self.events().tls = Some(facts.clone());
    }

    fn skipped(&self, step: usize) {
        self.events().skipped.push(step as u32);
    }

    fn retried(&self, step: usize) {
        self.events().retried.push(step as u32);
    }

    fn repeated(&self, step: usize) {
        self.events().repeated.push(step as u32);
    }

    fn held_back(&self) {
        self.events().held_back += 1;
    }
}

/// One performance of a scenario.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The scenario.
    pub plan: Arc<Plan>,
    /// When it started, in milliseconds since 1970.
    pub at_ms: i64,
    /// How long it took.
    pub duration: Duration,
    /// What was seen.
    pub events: Arc<Events>,
    /// What it came to.
    pub outcome: Outcome,
    /// Why.
    pub reasons: Vec<String>,
    /// The last exchange of each step, where it did not pass.
    pub exchanges: BTreeMap<String, Exchange>,
    headings: Headings,
    origin: Instant,
    once: Option<Once>,
    stopped: Stop,
}

impl Observation {
    /// One that was performed. `headings` are those of the plan; `late` is the time that it did not end
    /// within, if it did not.
    pub fn new(
        plan: &Arc<Plan>,
        headings: &Headings,
        (at_ms, origin): (i64, Instant),
        events: Events,
        (mut once, late): (Once, Option<Duration>),
    ) -> Observation {
        let steps = headings.all();
        let mut stopped = Stop::No;
        if late.is_some() {
            once.failure = Some(ErrorClass::TimeoutWait);
        } else if !once.is_done && once.setup_failure.is_none() {
            stopped = Stop::Now;
        }
        let counts = |sample: &&Sample| steps.get(sample.step).is_some_and(|step| step.counts());
        let example = once.setup_failure.or(once.failure).and_then(|class| {
            let (step, _, text) = events.failures.iter().find(|(step, known, _)| {
                let heading = steps.get(*step as usize);
                *known == class && heading.is_some_and(|it| !it.advisory)
            })?;
            let name = &steps.get(*step as usize)?.name;
            Some(format!("step `{name}` failed: {}: {text}", class.word()))
        });
        let (outcomes, mut reasons) = decide_once(&Performed {
            requests: events.samples.iter().filter(counts).count() as u64,
            setup_failure: once.setup_failure,
            failure: once.failure,
            example,
            teardown_failure: once.teardown_failure,
            was_interrupted: stopped != Stop::No,
        });
        let mut outcome = Outcome::all(outcomes);
        if let Some(late) = late {
            outcome = Outcome::Fail;
            let late = crate::duration::show(late);
            reasons.insert(0, format!("it did not end within {late}"));
        }
        Observation {
            plan: plan.clone(),
            at_ms,
            duration: origin.elapsed(),
            events: Arc::new(events),
            outcome,
            reasons,
            exchanges: BTreeMap::new(),
            headings: headings.clone(),
            origin,
            once: Some(once),
            stopped,
        }
    }

    /// One that could not be performed.
    pub fn unmeasured(plan: &Arc<Plan>, at_ms: i64, reasons: Vec<String>) -> Observation {
        Observation {
            plan: plan.clone(),
            at_ms,
            duration: Duration::ZERO,
            events: Arc::default(),
            outcome: Outcome::Inconclusive,
            reasons,
            exchanges: BTreeMap::new(),
            headings: Headings::of(plan),
            origin: Instant::now(),
            once: None,
            stopped: Stop::No,
        }
    }

    /// Takes what speaks against a pass beside what was seen.
    pub fn object(&mut self, against: Vec<(Outcome, String)>) {
        for (outcome, reason) in against {
            self.outcome = Outcome::all(vec![self.outcome, outcome]);
            self.reasons.push(reason);
        }
    }

    /// The steps that a script came to; nothing of one whose steps are known before.
    pub fn met(&self) -> Option<&Headings> {
        self.plan.script.as_ref().map(|_| &self.headings)
    }

    fn step(&self, index: u32) -> Option<&Step> {
        let is_script = self.plan.script.is_some();
        let mut steps = self.plan.all_steps();
        steps.nth(index as usize).filter(|_| !is_script)
    }

    fn is_pending(&self, index: u32) -> bool {
        self.step(index).is_some_and(|step| step.pending.is_some())
    }

    /// The numbers that replies told, by name.
    pub fn values(&self) -> BTreeMap<Arc<str>, f64> {
        let told = self.events.values.iter();
        told.filter_map(|(step, number, value)| {
            let (name, _) = self.step(*step)?.measures.get(*number as usize)?;
            Some((name.clone(), *value))
        })
        .collect()
    }

    /// How bad what failed is, if all of the steps that failed say so: one that says nothing is as bad as its
    /// probe.
    pub fn severity(&self) -> Option<Severity> {
        let failed = self.events.failures.iter().map(|(step, ..)| *step);
        let warned = self.events.warnings.iter().map(|(step, _)| *step);
        let in_trouble = failed.chain(warned).filter(|step| !self.is_pending(*step));
        let said: Option<Vec<Severity>> = in_trouble
            .map(|step| self.step(step).and_then(|step| step.severity))
            .collect();
        said?.into_iter().max()
    }

    /// What makes a run that passed one that is not all well: an advisory step that failed, something that
    /// should hold and does not, weaker evidence.
    pub fn impairment(&self) -> Option<String> {
        if let Some((_, text)) = self.events.warnings.first() {
            return Some(text.clone());
        }
        let samples = self.events.samples.iter();
        let failed = samples.filter(|sample| sample.advisory && sample.error.is_some());
        let step = failed
            .map(|sample| sample.step as u32)
            .find(|step| !self.is_pending(*step))?;
        let mut failures = self.events.failures.iter();
        let failure = failures.find(|(of, ..)| *of == step);
        let text = failure.map_or("", |(.., text)| text.as_str());
        Some(format!("an advisory step failed: {text}"))
    }

    /// The whole summary.
    pub fn summary(&self, environment: &str) -> Summary {
        let headings = self.headings.clone();
        let recorder = SharedRecorder(Mutex::new(Inner::new(headings.clone(), self.origin, false)));
        for sample in &self.events.samples {
            recorder.sample(sample);
        }
        for (step, number, holds) in &self.events.checks {
            recorder.check(*step as usize, *number as usize, *holds);
        }
        for (step, class, text) in &self.events.failures {
            recorder.failure(*step as usize, *class, &|| text.clone());
        }
        for (step, text) in &self.events.kept {
            recorder.kept(*step as usize, &|| text.clone());
        }
        for (step, tests) in &self.events.tests {
            recorder.tested(*step as usize, tests);
        }
        for (step, picture) in &self.events.pictures {
            recorder.pictured(*step as usize, picture);
        }
        for (step, text) in &self.events.warnings {
            recorder.warned(*step as usize, &|| text.clone());
        }
        for (step, number, value) in &self.events.values {
            recorder.measured(*step as usize, *number as usize, *value);
        }
        for step in &self.events.skipped {
            recorder.skipped(*step as usize);
        }
        for step in &self.events.repeated {
            recorder.repeated(*step as usize);
        }
        for step in &self.events.retried {
            recorder.retried(*step as usize);
        }
        for _ in 0..self.events.held_back {
            recorder.held_back();
        }
        let inner = recorder
            .0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let started = crate::clock::text_of(self.at_ms);
        let mut finished = crate::load::run::Finished::nothing(&headings);
        if let Some(once) = self.once {
            finished = once.finished(inner, self.duration, self.stopped);
        }
        let mut summary = summarize(&self.plan, environment, started, &finished, &[]);
        summary.outcome = self.outcome;
        summary.reasons.clone_from(&self.reasons);
        summary.reasons.extend(remarks(&summary));
        summary.show_failing(self.exchanges.clone());
        summary
    }
}
