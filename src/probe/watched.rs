//! One probe as it is watched: its definition, what is remembered of it, and one run of it.
//!
//! Owns the state of the probe in memory, which is what was seen, whether or not it could be kept. Does not
//! know when a run is due.

use super::prepared::{Outlets, Prepared, Work, prepare};
use super::scripted::performed_apart;
use crate::environment::settings::Environment;
use crate::load::Control;
use crate::load::once::{Once, once};
use crate::net::ErrorClass;
use crate::net::tls_facts::earliest_expiry;
use crate::objective::Outcome;
use crate::project::probe::Probe;
use crate::project::schedule::Schedule;
use crate::report::view::{Glimpse, View};
use crate::run::observation::{Observation, Observer};
use crate::scenario::Plan;
use crate::vu::{Headings, Performers, Shared};
use crate::watch::health::{ProbeState, Rules};
use crate::watch::result::{ProbeResult, Remembered};
use crate::watch::trend::{self, Point, Series};
use crate::{clock, limits};
use chrono::DateTime;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pause before a run that failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// What nearly all results have as their reason.
static NO_REASON: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));

/// What is remembered of a probe over its runs and over reloads.
#[derive(Debug, Default)]
pub struct Memory {
    /// Its state.
    pub state: ProbeState,
    /// Its newest results, oldest first.
    pub results: VecDeque<ProbeResult>,
    /// The newest run.
    pub last: Option<Arc<Observation>>,
    /// The newest run that did not pass, and when that was.
    pub failing: Option<(i64, Arc<Observation>)>,
    /// Runs that were due and could not be made for a lack of our own, in a row.
    pub starved: u64,
    /// Values whose way is followed.
    series: BTreeMap<Arc<str>, Series>,
    /// When it was idle last, because it is not measured at that hour.
    pub idle_ms: Option<i64>,
    /// Since when it seems not to be measured any more.
    late: Option<Instant>,
    /// Since when it is not measured any more, though it is due.
    pub unmeasured: Option<i64>,
    /// The certificates that it was shown last, and when the first of them expires.
    certificates: Option<(Vec<u8>, i64)>,
}

impl Memory {
    /// What was kept, by the rules that are in force now.
    pub fn of(kept: &Remembered, rules: &Rules) -> Memory {
        let from = kept.results.len().saturating_sub(limits::PROBE_HISTORY_MAX);
        Memory {
            state: kept.state(rules),
            results: kept.results[from..].iter().cloned().collect(),
            series: kept
                .measured
                .iter()
                .map(|(name, points)| (name.as_str().into(), Series::of(points.clone())))
                .collect(),
            ..Memory::default()
        }
    }
}

/// A probe that is watched.
#[derive(Debug)]
pub struct Watched {
    /// Its name, as it is shared.
    pub name: Arc<str>,
    /// As it is configured.
    pub probe: Probe,
    /// Its scenario.
    pub plan: Arc<Plan>,
    /// Where it is measured.
    pub environment: Arc<Environment>,
    /// What is remembered of it.
    pub memory: Arc<Mutex<Memory>>,
    /// What of its definition would make it another one.
    pub fingerprint: u64,
    /// Since when it is watched as it is now.
    since_ms: i64,
    prepared: Mutex<Option<Prepared>>,
    /// Its steps, those of a script as it comes to them.
    pub headings: Headings,
    /// Ends a run that is going on, teardown and all.
    pub control: Control,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// What was seen.
    pub observed: Observation,
    /// Its result, as it is kept.
    pub result: ProbeResult,
    /// When the first certificate of the chain expires, in seconds since 1970.
    pub expiry: Option<i64>,
    /// Values whose way is followed, as far as they are kept.
    pub measured: Vec<(Arc<str>, Point)>,
    /// Whether our own machine had nothing left to measure with.
    pub is_own_trouble: bool,
}

/// Performs it once, within its time; teardown is performed whatever happens before. With how long it had, where
/// that was not enough.
pub(super) async fn within<P: Performers>(
    performers: &P,
    together: &P::Together,
    (timeout, stopped): (Duration, Control),
    observer: &Observer,
) -> (Once, Option<Duration>) {
    let control = Control::new();
    let work = once(performers, together, &control, observer);
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => (done, None),
        () = tokio::time::sleep(timeout) => {
            control.stop();
            (work.await, Some(timeout))
        }
        () = stopped.stopped() => {
            control.stop();
            (work.await, None)
        }
    }
}

impl Watched {
    /// A probe with what is remembered of it.
    pub fn new(
        probe: Probe,
        plan: Arc<Plan>,
        environment: Arc<Environment>,
        memory: Arc<Mutex<Memory>>,
        fingerprint: u64,
    ) -> Watched {
        let headings = match &plan.script {
            Some(_) => Headings::default(),
            None => Headings::of(&plan),
        };
        Watched {
            headings,
            name: probe.name.as_str().into(),
            probe,
            plan,
            environment,
            memory,
            fingerprint,
            since_ms: clock::now_ms(),
            prepared: Mutex::new(None),
            control: Control::new(),
        }
    }

    /// Takes the place of one that was configured otherwise: steps of the same script keep their numbers.
    pub fn follows(&mut self, before: &Watched) {
        let path = |watched: &Watched| {
            watched
                .plan
                .script
                .as_ref()
                .map(|script| script.path.clone())
        };
        if path(self).is_some() && path(self) == path(before) {
            self.headings = before.headings.clone();
        }
    }

    /// The service that its scenario is about.
    pub fn service(&self) -> Option<&str> {
        let mut steps = self.plan.all_steps();
        let own = self.plan.service.as_deref();
        own.or_else(|| steps.find_map(|step| step.service.as_deref()))
    }

    /// Whether nothing is told and counted of it now.
    pub fn is_in_maintenance(&self) -> bool {
        let now = clock::now();
        let mut windows = self.probe.maintenance.iter();
        windows.any(|window| window.contains(now))
    }

    /// Whether it should have been measured since, and was not: its task died, perhaps. What a clock that was
    /// set says is not believed before a while.
    pub fn is_overdue(&self) -> bool {
        let mut memory = self.memory();
        let idle_ms = memory.idle_ms.unwrap_or(0);
        let seen_ms = memory.state.seen_ms.unwrap_or(0).max(self.since_ms);
        let seen_ms = seen_ms.max(idle_ms);
        let seen = DateTime::from_timestamp_millis(seen_ms).unwrap_or_default();
        let from = self.probe.overdue_from(seen);
        let is_idle = !self.probe.is_active(clock::now());
        if is_idle || from.is_none_or(|from| clock::now() < from) {
            memory.late = None;
            return false;
        }
        // A grid goes by the steady clock: there a whole interval must have passed since it was noticed.
        let patience = match &self.probe.schedule {
            Schedule::Every(interval) => *interval,
            Schedule::Cron(_) => self.probe.longest_run(),
        };
        memory.late.get_or_insert_with(Instant::now).elapsed() > patience
    }

    /// Whether anything is known of it: it was measured once, or is not to be.
    pub fn is_known(&self) -> bool {
        let memory = self.memory();
        self.probe.paused || memory.state.seen_ms.is_some() || memory.unmeasured.is_some()
    }

    /// Whether its newest run did not pass.
    pub fn is_failing(&self) -> bool {
        let memory = self.memory();
        let last = memory.results.back();
        last.is_some_and(|result| result.outcome != Outcome::Pass)
    }

    /// What is shown of it first.
    pub fn standing(&self) -> &'static str {
        self.standing_by(&self.memory())
    }

    fn standing_by(&self, memory: &Memory) -> &'static str {
        let is_unknown = memory.unmeasured.is_some() || memory.starved >= self.probe.rules.failures;
        if self.probe.paused {
            "paused"
        } else if !self.probe.is_active(clock::now()) {
            "idle"
        } else if self.is_in_maintenance() {
            "maintenance"
        } else if is_unknown {
            "unknown"
        } else if memory.state.flapping {
            "flapping"
        } else {
            memory.state.health.word()
        }
    }

    /// What a list of thousands shows of it.
    pub fn glimpse(&self) -> Glimpse {
        let memory = self.memory();
        let last = memory.results.back();
        Glimpse {
            name: self.name.clone(),
            environment: self.probe.environment.clone(),
            group: self.probe.group.clone(),
            standing: self.standing_by(&memory),
            since_ms: memory.unmeasured.unwrap_or(memory.state.since_ms),
            reason: last.map_or_else(|| NO_REASON.clone(), |last| last.reason.clone()),
        }
    }

    /// What pages and API show of it.
    pub fn view(&self) -> View {
        let memory = self.memory();
        View {
            name: self.probe.name.clone(),
            environment: self.probe.environment.clone(),
            schedule: self.probe.schedule.show(),
            group: self.probe.group.clone(),
            standing: self.standing_by(&memory),
            state: memory.state.clone(),
            results: memory.results.iter().cloned().collect(),
            last: memory.last.clone(),
            failing: memory.failing.as_ref().map(|(_, failing)| failing.clone()),
            failing_ms: memory.failing.as_ref().map_or(0, |(at_ms, _)| *at_ms),
        }
    }

    /// What is remembered.
    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn prepared(&self, outlets: &Outlets) -> Result<Prepared, Vec<String>> {
        let slot = || self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(prepared) = slot().as_ref().filter(|prepared| prepared.is_fresh()) {
            return Ok(prepared.clone());
        }
        let prepared = prepare(&self.probe, &self.plan, &self.environment, outlets).await?;
        *slot() = Some(prepared.clone());
        Ok(prepared)
    }

    /// Performs the scenario once.
    async fn perform(&self, outlets: &Outlets) -> Observation {
        let at_ms = clock::now_ms();
        let prepared = match self.prepared(outlets).await {
            Ok(prepared) => prepared,
            Err(reasons) => return Observation::unmeasured(&self.plan, at_ms, reasons),
        };
        let origin = Instant::now();
        let observer = Observer::default();
        let limits = (self.probe.timeout, self.control.clone());
        let (done, events, against) = match prepared.work {
            Work::Steps(ref binding, ref shared) => {
                let shared = shared.clone();
                let together = shared.unwrap_or_else(|| Shared::new(binding.clone()));
                let done = within(binding, &together, limits, &observer).await;
                (done, observer.into_events(), Vec::new())
            }
            Work::Script(ref ready) => {
                let ready = ready.afresh_under(self.headings.clone());
                match performed_apart(ready, limits, observer).await {
                    Ok(performed) => performed,
                    Err(died) => return Observation::unmeasured(&self.plan, at_ms, vec![died]),
                }
            }
        };
        let mut observed =
            Observation::new(&self.plan, &self.headings, (at_ms, origin), events, done);
        observed.object(against);
        match observed.outcome != Outcome::Pass || observed.impairment().is_some() {
            true => observed.exchanges = prepared.latest.take(),
            false => prepared.latest.forget(),
        }
        if observed.outcome != Outcome::Pass && prepared.is_read() {
            // A secret or an authority that was rotated, perhaps.
            *self.prepared.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        observed
    }

    /// Performs it, once more where it fails and that is asked for.
    pub async fn run(&self, outlets: &Outlets) -> Ran {
        let at_ms = clock::now_ms();
        let mut observed = self.perform(outlets).await;
        let mut tried = 0;
        while tried < self.probe.retries && observed.outcome != Outcome::Pass {
            tokio::time::sleep(RETRY_PAUSE).await;
            if self.control.asked() != crate::load::Stop::No {
                break;
            }
            tried += 1;
            observed = self.perform(outlets).await;
        }
        let has_passed = observed.outcome == Outcome::Pass;
        let is_slow = self
            .probe
            .degraded_above
            .is_some_and(|most| observed.duration > most);
        let expiry = self.expiry(&observed);
        let ends_soon = self.ends_soon(expiry, at_ms);
        let (measured, ways) = match has_passed {
            true => self.follow(&observed),
            false => (Vec::new(), Vec::new()),
        };
        let not_well = [ends_soon, observed.impairment()];
        let not_well: Vec<String> = not_well.into_iter().flatten().chain(ways).collect();
        let is_impaired = is_slow || !not_well.is_empty();
        let result = ProbeResult {
            at_ms,
            outcome: observed.outcome,
            impaired: has_passed && is_impaired,
            flaky: has_passed && tried > 0,
            is_excluded: self.is_in_maintenance(),
            duration_us: observed.duration.as_micros() as i64,
            severity: observed.severity(),
            reason: self.reason(&observed, is_slow, &not_well),
        };
        let mut failures = observed.events.failures.iter();
        Ran {
            is_own_trouble: failures.any(|(_, class, _)| *class == ErrorClass::OwnLimit),
            expiry,
            result,
            observed,
            measured,
        }
    }

    /// Takes the values of a run whose way is followed: those that are kept, and what is wrong with where
    /// they go.
    fn follow(&self, observed: &Observation) -> (Vec<(Arc<str>, Point)>, Vec<String>) {
        let (mut kept, mut wrong) = (Vec::new(), Vec::new());
        if self.probe.trends.is_empty() {
            return (kept, wrong);
        }
        let mut values = observed.values();
        let millis = observed.duration.as_secs_f64() * 1e3;
        values.entry(trend::DURATION.into()).or_insert(millis);
        let mut memory = self.memory();
        for trend in &self.probe.trends {
            let Some((name, value)) = values.get_key_value(trend.value.as_str()) else {
                continue;
            };
            let series = memory.series.entry(name.clone()).or_default();
            let points = series.take((observed.at_ms, *value), trend.over);
            kept.extend(points.into_iter().map(|point| (name.clone(), point)));
            wrong.extend(trend.objection(series));
        }
        (kept, wrong)
    }

    fn reason(&self, observed: &Observation, is_slow: bool, not_well: &[String]) -> Arc<str> {
        if observed.outcome != Outcome::Pass {
            return observed.reasons.join("; ").into();
        }
        match (self.probe.degraded_above, not_well) {
            (Some(most), _) if is_slow => {
                let (took, most) = (observed.duration, crate::duration::show(most));
                format!(
                    "it took {:.0} ms, and more than {most} is degraded",
                    took.as_secs_f64() * 1e3
                )
                .into()
            }
            (_, []) => NO_REASON.clone(),
            (_, reasons) => reasons.join("; ").into(),
        }
    }

    /// Why a certificate is a trouble already, if it is.
    fn ends_soon(&self, expiry: Option<i64>, now_ms: i64) -> Option<String> {
        let (expiry, least) = (expiry?, self.probe.certificate?);
        let left_s = expiry - now_ms / 1_000;
        if left_s >= least.as_secs() as i64 {
            return None;
        }
        let at = DateTime::from_timestamp(expiry, 0)?.format("%Y-%m-%d %H:%M UTC");
        let days = left_s as f64 / 86_400.0;
        Some(format!(
            "its certificate expires on {at}, in {days:.1} days"
        ))
    }

    /// When the first certificate of the chain expires. Certificates are read only when they are new.
    fn expiry(&self, observed: &Observation) -> Option<i64> {
        let facts = observed.events.tls.as_ref()?;
        let leaf = facts.chain.first()?;
        let mut memory = self.memory();
        if let Some((known, expiry)) = &memory.certificates
            && known.as_slice() == leaf.as_ref()
        {
            return Some(*expiry);
        }
        let expiry = earliest_expiry(&facts.chain)?;
        memory.certificates = Some((leaf.to_vec(), expiry));
        Some(expiry)
    }
}
