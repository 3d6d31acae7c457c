//! What is counted of probes: their runs, their steps, and blackbox_exporter's names beside them.
//!
//! Kept and shown by ourselves, because there may be tens of thousands: a probe's series stand together,
//! are found without a look-up, begin at zero, and go with the probe. The form is Prometheus's text format.

use super::exposition::{Counted, Exemplar, Family, Labels, Writer};
use super::format::Format;
use super::native::Sparse;
use super::registry::LATENCY_BUCKETS;
use crate::net::ErrorClass;
use crate::net::phases::PHASES;
use crate::objective::Outcome;
use crate::run::observation::Observation;
use crate::vu::{Heading, Headings};
use crate::watch::health::Health;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// A histogram with the buckets of latencies.
#[derive(Debug, Clone, Default)]
struct Latencies {
    buckets: [u64; LATENCY_BUCKETS.len()],
    count: u64,
    sum: f64,
    newest: Option<Exemplar>,
    native: Sparse,
}

impl Latencies {
    fn observe(&mut self, seconds: f64, at_ms: i64) {
        self.native.observe(seconds);
        self.newest = Some(Exemplar {
            value: seconds,
            at_ms,
        });
        if let Some(at) = LATENCY_BUCKETS.iter().position(|upper| seconds <= *upper) {
            self.buckets[at] += 1;
        }
        self.count += 1;
        self.sum += seconds;
    }
}

#[derive(Debug, Clone)]
struct StepSeries {
    labels: Labels,
    latencies: Latencies,
    phases: [f64; 6],
    errors: Vec<(ErrorClass, u64)>,
    check_failures: u64,
    /// By the name of a number that replies tell: the newest.
    told: Vec<(Arc<str>, Option<f64>)>,
}

impl StepSeries {
    fn of(probe: &Labels, heading: &Heading) -> StepSeries {
        let names = heading.measures.iter();
        StepSeries {
            labels: probe.with("step", &heading.name),
            latencies: Latencies::default(),
            phases: [0.0; 6],
            errors: Vec::new(),
            check_failures: 0,
            told: names.map(|name| (name.clone(), None)).collect(),
        }
    }
}

/// All series of one probe.
#[derive(Debug)]
struct Values {
    labels: Labels,
    info: Labels,
    runs: [u64; 3],
    flaky: u64,
    duration: Latencies,
    health: Health,
    skipped: u64,
    last_passed: bool,
    last_seconds: f64,
    last_status: u16,
    last_phases: [f64; 6],
    certificate_expiry: Option<i64>,
    steps: Vec<StepSeries>,
}

/// The series of one probe, as whoever runs it holds them.
#[derive(Debug, Clone)]
pub struct ProbeSeries(Arc<Mutex<Values>>);

impl ProbeSeries {
    /// Series that nobody is shown: of what is not run.
    pub fn apart(probe: &str, environment: &str) -> ProbeSeries {
        ProbeSeries::new(probe, environment)
    }

    /// What it is found by; may be empty.
    pub(super) fn shown_with(&self, service: &str, group: &str) {
        let mut values = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        values.info = values.labels.with("service", service).with("group", group);
    }

    fn new(probe: &str, environment: &str) -> ProbeSeries {
        ProbeSeries(Arc::new(Mutex::new(Values {
            labels: Labels::new(&[("probe", probe), ("environment", environment)]),
            info: Labels::default(),
            runs: [0; 3],
            flaky: 0,
            duration: Latencies::default(),
            health: Health::Unknown,
            skipped: 0,
            last_passed: false,
            last_seconds: 0.0,
            last_status: 0,
            last_phases: [0.0; 6],
            certificate_expiry: None,
            steps: Vec::new(),
        })))
    }

    fn values(&self) -> MutexGuard<'_, Values> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The steps that it measures from now on: those of them that were there go on.
    pub fn measures(&self, headings: &Headings) {
        let mut values = self.values();
        let mut before: BTreeMap<String, StepSeries> = std::mem::take(&mut values.steps)
            .into_iter()
            .map(|step| (step.labels.text().to_owned(), step))
            .collect();
        for heading in headings.all() {
            let step = StepSeries::of(&values.labels, &heading);
            let known = before.remove(step.labels.text());
            values.steps.push(StepSeries {
                told: step.told.clone(),
                ..known.unwrap_or(step)
            });
        }
    }

    /// The state that it has.
    pub fn health(&self, health: Health) {
        self.values().health = health;
    }

    /// Due times passed that nobody measured at.
    pub fn skipped(&self, count: u64) {
        self.values().skipped += count;
    }

    /// A run is over.
    pub fn ran(&self, observed: &Observation, is_flaky: bool, health: Health, expiry: Option<i64>) {
        let mut values = self.values();
        let values = &mut *values;
        values.health = health;
        values.flaky += u64::from(is_flaky);
        let outcome = match observed.outcome {
            Outcome::Pass => 0,
            Outcome::Fail => 1,
            Outcome::Inconclusive => 2,
        };
        values.runs[outcome] += 1;
        let seconds = observed.duration.as_secs_f64();
        values.duration.observe(seconds, observed.at_ms);
        values.last_passed = outcome == 0;
        values.last_seconds = seconds;
        // What was told before is not so now.
        let told = values.steps.iter_mut().flat_map(|step| &mut step.told);
        told.for_each(|(_, value)| *value = None);
        // What nothing answered has no status.
        values.last_status = 0;
        values.last_phases = [0.0; 6];
        if expiry.is_some() {
            values.certificate_expiry = expiry;
        }
        if let Some(met) = observed.met() {
            let new = met.all().into_iter().skip(values.steps.len());
            let new = new.map(|heading| StepSeries::of(&values.labels, &heading));
            values.steps.extend(new.collect::<Vec<_>>());
        }
        for sample in &observed.events.samples {
            let Some(step) = values.steps.get_mut(sample.step) else {
                continue;
            };
            let phases = sample.phases.values().map(|micros| micros as f64 / 1e6);
            for (at, seconds) in phases.into_iter().enumerate() {
                step.phases[at] += seconds;
                values.last_phases[at] += seconds;
            }
            if sample.status > 0 {
                values.last_status = sample.status;
            }
            match sample.error {
                None => step
                    .latencies
                    .observe(sample.latency_micros() as f64 / 1e6, observed.at_ms),
                Some(class) => match step.errors.iter_mut().find(|(known, _)| *known == class) {
                    Some((_, count)) => *count += 1,
                    None => step.errors.push((class, 1)),
                },
            }
        }
        for (step, number, value) in &observed.events.values {
            let step = values.steps.get_mut(*step as usize);
            if let Some((_, told)) = step.and_then(|step| step.told.get_mut(*number as usize)) {
                *told = Some(*value);
            }
        }
        for (step, _, _) in observed.events.checks.iter().filter(|(.., holds)| !holds) {
            if let Some(step) = values.steps.get_mut(*step as usize) {
                step.check_failures += 1;
            }
        }
    }
}

/// The series of all probes.
#[derive(Debug, Default)]
pub(super) struct ProbeMetrics(RwLock<BTreeMap<(String, String), ProbeSeries>>);

/// One family: its name, its type, its help, and who writes its lines.
type Lines = (
    &'static str,
    &'static str,
    &'static str,
    fn(&mut Writer<'_>, &Values),
);

const OUTCOMES: [&str; 3] = ["pass", "fail", "inconclusive"];

const FAMILIES: &[Lines] = &[
    (
        "bellwether_check_failures_total",
        "counter",
        "Checks of a probe's step that did not hold.",
        |writer, values| {
            for step in &values.steps {
                writer.whole(&step.labels, None, step.check_failures);
            }
        },
    ),
    (
        "bellwether_probe_duration_seconds",
        "histogram",
        "How long a probe's scenario took.",
        |writer, values| latencies(writer, &values.labels, &values.duration),
    ),
    (
        "bellwether_probe_flaky_total",
        "counter",
        "Runs of a probe that passed only when they were tried once more.",
        |writer, values| writer.whole(&values.labels, None, values.flaky),
    ),
    (
        "bellwether_probe_health",
        "gauge",
        "1 for the state that a probe is in.",
        |writer, values| {
            for health in [Health::Up, Health::Degraded, Health::Down, Health::Unknown] {
                let label = Some(("health", health.word()));
                writer.whole(&values.labels, label, u64::from(values.health == health));
            }
        },
    ),
    (
        "bellwether_probe_info",
        "gauge",
        "Always 1; what a probe is found by is in the labels.",
        |writer, values| {
            if !values.info.text().is_empty() {
                writer.whole(&values.info, None, 1);
            }
        },
    ),
    (
        "bellwether_probe_runs_total",
        "counter",
        "Runs of a probe by outcome.",
        |writer, values| {
            for (outcome, count) in OUTCOMES.iter().zip(values.runs) {
                writer.whole(&values.labels, Some(("outcome", outcome)), count);
            }
        },
    ),
    (
        "bellwether_probe_schedule_skipped_total",
        "counter",
        "Due times at which a probe was not measured.",
        |writer, values| writer.whole(&values.labels, None, values.skipped),
    ),
    (
        "bellwether_probe_up",
        "gauge",
        "1 while a probe is up or degraded, 0 while it is down or unknown.",
        |writer, values| {
            let is_up = matches!(values.health, Health::Up | Health::Degraded);
            writer.whole(&values.labels, None, u64::from(is_up));
        },
    ),
    (
        "bellwether_probe_value",
        "gauge",
        "A number that the last reply told, by the name that `measure` gives it.",
        |writer, values| {
            for step in &values.steps {
                for (name, told) in &step.told {
                    if let Some(value) = told {
                        writer.number(&step.labels, Some(("value", name)), *value);
                    }
                }
            }
        },
    ),
    (
        "bellwether_step_duration_seconds",
        "histogram",
        "Latency of a probe's step, of those that succeeded.",
        |writer, values| {
            for step in &values.steps {
                latencies(writer, &step.labels, &step.latencies);
            }
        },
    ),
    (
        "bellwether_step_errors_total",
        "counter",
        "Failures of a probe's step by class.",
        |writer, values| {
            for step in &values.steps {
                for (class, count) in &step.errors {
                    let class = Some(("class", class.word()));
                    writer.whole(&step.labels, class, *count);
                }
            }
        },
    ),
    (
        "bellwether_step_phase_seconds_total",
        "counter",
        "Time spent in each phase of a probe's step.",
        |writer, values| {
            for step in &values.steps {
                for (phase, seconds) in PHASES.iter().zip(step.phases) {
                    writer.number(&step.labels, Some(("phase", phase)), seconds);
                }
            }
        },
    ),
    (
        "probe_duration_seconds",
        "gauge",
        "How long the last run of the probe took.",
        |writer, values| writer.number(&values.labels, None, values.last_seconds),
    ),
    (
        "probe_http_duration_seconds",
        "gauge",
        "Phases of the last run of the probe, summed over its steps.",
        |writer, values| {
            let [resolve, connect, tls, send, wait, receive] = values.last_phases;
            for (phase, seconds) in [
                ("resolve", resolve),
                ("connect", connect),
                ("tls", tls),
                ("processing", send + wait),
                ("transfer", receive),
            ] {
                writer.number(&values.labels, Some(("phase", phase)), seconds);
            }
        },
    ),
    (
        "probe_http_status_code",
        "gauge",
        "Status of the last HTTP reply of the probe, 0 where nothing answered.",
        |writer, values| writer.whole(&values.labels, None, values.last_status.into()),
    ),
    (
        "probe_ssl_earliest_cert_expiry",
        "gauge",
        "When the first certificate of the chain expires that the probe was shown last, in seconds since 1970.",
        |writer, values| {
            if let Some(expiry) = values.certificate_expiry {
                writer.number(&values.labels, None, expiry as f64);
            }
        },
    ),
    (
        "probe_success",
        "gauge",
        "1 if the last run of the probe passed.",
        |writer, values| writer.whole(&values.labels, None, u64::from(values.last_passed)),
    ),
];

fn latencies(writer: &mut Writer<'_>, labels: &Labels, latencies: &Latencies) {
    let mut counted = Counted {
        buckets: &mut LATENCY_BUCKETS.into_iter().zip(latencies.buckets),
        count: latencies.count,
        sum: latencies.sum,
        exemplar: latencies.newest,
        native: Some(&latencies.native),
    };
    writer.histogram(labels, &mut counted);
}

impl ProbeMetrics {
    /// The series of a probe, which begin at zero if there are none yet.
    pub(super) fn of(&self, probe: &str, environment: &str) -> ProbeSeries {
        let key = (probe.to_owned(), environment.to_owned());
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(key)
            .or_insert_with(|| ProbeSeries::new(probe, environment))
            .clone()
    }

    /// Forgets the series of all others.
    pub(super) fn only(&self, is_known: impl Fn(&str, &str) -> bool) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(probe, environment), _| is_known(probe, environment));
    }

    /// All of them as text, a part at a time: who writes it does not hold up the others for long, and
    /// nobody needs room for the whole.
    pub(super) fn parts(&self, format: Format) -> Parts {
        // Who comes or goes waits for this only as long as it takes to count the handles.
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Parts {
            all: all.values().cloned().collect(),
            family: 0,
            at: 0,
            has_begun: false,
            format,
        }
    }
}

/// Series whose lines are written together.
const TOGETHER: usize = 200;

/// The exposition, a part at a time.
#[derive(Debug)]
pub struct Parts {
    all: Vec<ProbeSeries>,
    family: usize,
    at: usize,
    has_begun: bool,
    format: Format,
}

impl Iterator for Parts {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let (name, kind, help, lines) = FAMILIES.get(self.family)?;
        let mut text = Vec::with_capacity(32 * 1024);
        let family = Family { name, kind, help };
        let mut writer = Writer::new(&mut text, self.format, family, !self.has_begun);
        for series in self.all.iter().skip(self.at).take(TOGETHER) {
            lines(&mut writer, &series.values());
        }
        self.has_begun |= writer.end();
        self.at += TOGETHER;
        if self.at >= self.all.len() {
            (self.family, self.at, self.has_begun) = (self.family + 1, 0, false);
        }
        Some(text)
    }
}
