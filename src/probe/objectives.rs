//! Objectives over weeks: reads the history of probes, and hands in what burns.
//!
//! Decides nothing; that is [`crate::watch::budget`]. The history is the store's, so that a restart forgets
//! nothing: what is in memory is read again from there, the newest minutes every ten seconds and all of it
//! every hour.

use crate::clock::now_ms;
use crate::project::current::{Current, base};
use crate::project::file::Project;
use crate::project::probe::Probe;
use crate::project::slo::Slo;
use crate::store::{Store, StoreFault, history};
use crate::telemetry::metrics::Metrics;
use crate::watch::alert::{Condition, Level, Severity};
use crate::watch::budget::{History, Standing, pairs, standing};
use crate::watch::budgets::Budgets;
use crate::watch::levels::Levels;
use chrono::DateTime;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How the subjects begin.
pub const KIND: &str = "slo/";
/// Between two looks.
const EVERY: Duration = Duration::from_secs(10);
/// Between two times that all of the history is read again.
const WHOLE_EVERY: Duration = Duration::from_secs(3_600);
/// Time in which targets that are looked up are found.
const FOUND_WITHIN: Duration = Duration::from_secs(60);
/// Minutes that are read again at each look: results may be rolled up late.
const NEWEST_S: i64 = 180;

/// Objectives over weeks.
#[derive(Debug)]
pub struct Objectives {
    store: Store,
    levels: Arc<Levels>,
    current: Arc<Current>,
    metrics: Arc<Metrics>,
    budgets: Arc<Budgets>,
}

/// What is known of one.
#[derive(Debug, Default)]
struct Known {
    print: String,
    history: History,
    read: Option<Instant>,
    /// Since when it is looked at.
    first: Option<Instant>,
    /// Since when something is wrong, and what.
    since: Option<(&'static str, i64)>,
}

impl Objectives {
    /// On a store; how budgets stand is put into `budgets`.
    pub fn new(
        store: Store,
        levels: Arc<Levels>,
        current: Arc<Current>,
        metrics: Arc<Metrics>,
        budgets: Arc<Budgets>,
    ) -> Objectives {
        Objectives {
            store,
            levels,
            current,
            metrics,
            budgets,
        }
    }

    /// Looks for ever; to be aborted at the end.
    pub async fn run(self: Arc<Self>) {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        loop {
            let project = self.current.get();
            let slos = &project.file.slos;
            let names: BTreeSet<String> = slos.iter().map(|slo| slo.name.clone()).collect();
            known.retain(|name, _| names.contains(name));
            self.levels.only(
                KIND,
                names.iter().map(|name| format!("{KIND}{name}")).collect(),
            );
            self.budgets.only(&names);
            self.metrics.slos(&names);
            for slo in slos {
                let known = known.entry(slo.name.clone()).or_default();
                if let Err(fault) = self.look(&project, slo, known).await {
                    tracing::error!(slo = slo.name, %fault, "The history of an SLO cannot be read");
                }
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn look(
        &self,
        project: &Project,
        slo: &Slo,
        known: &mut Known,
    ) -> Result<(), StoreFault> {
        let now = now_ms();
        let now_s = now / 1_000;
        let probes: Vec<&str> = slo.probes_of(project).collect();
        let print = format!("{probes:?} {:?}", slo.goal);
        let is_due = known.read.is_none_or(|read| read.elapsed() >= WHOLE_EVERY);
        if is_due || known.print != print {
            let from_s = slo
                .goal
                .window
                .from_s(now_s)
                .min(now_s - slo.goal.window.seconds());
            known.history = History::default();
            history::read(&self.store, &slo.goal, &probes, &mut known.history, from_s).await?;
            (known.read, known.print) = (Some(Instant::now()), print);
        } else {
            // A result is of the minute in which its run began.
            let from_s = now_s - NEWEST_S - longest_run(project, &probes).as_secs() as i64;
            history::read(&self.store, &slo.goal, &probes, &mut known.history, from_s).await?;
        }
        let seen = standing(&slo.goal, &known.history, now_s);
        self.metrics.slo(&slo.name, &slo.goal, &seen);
        let age = known.first.get_or_insert_with(Instant::now).elapsed();
        let looked_back_s = pairs(slo.goal.window)[0].long_s;
        let is_silent = known.history.is_silent(looked_back_s, now_s)
            && age.as_secs() as i64 >= looked_back_s
            && is_overdue(project, &probes, known.history.last_s(), now_s);
        // Targets that are looked up are not known at once.
        let is_empty = probes.is_empty() && age >= FOUND_WITHIN;
        let trouble = trouble(slo, &seen, is_empty, is_silent);
        let condition = trouble.map(|(word, severity, reason)| {
            let since_ms = match known.since {
                Some((known, since)) if known == word => since,
                _ => now,
            };
            known.since = Some((word, since_ms));
            Condition {
                word: word.to_owned(),
                severity,
                reason,
                since_ms,
            }
        });
        if condition.is_none() {
            known.since = None;
        }
        self.levels.put(level(project, slo, condition));
        self.budgets.put(&slo.name, slo.goal, seen);
        Ok(())
    }
}

/// What is wrong with a budget: its word, how bad it is, and why.
fn trouble(
    slo: &Slo,
    seen: &Standing,
    is_empty: bool,
    is_silent: bool,
) -> Option<(&'static str, Severity, String)> {
    let low = slo.alert.severity.min(Severity::Warning);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let left = seen.remaining.map_or(String::new(), |left| {
        format!("; {} of the budget is left", percent(left))
    });
    if is_empty {
        return Some((
            "unmeasured",
            low,
            "it counts no probe that is configured".to_owned(),
        ));
    }
    if let Some((pair, rate)) = &seen.burning {
        let severity = if pair.pages { slo.alert.severity } else { low };
        let length = crate::duration::show(Duration::from_secs(pair.long_s as u64));
        let reason =
            format!("over {length} it fails {rate:.1} times as often as its budget allows{left}");
        return Some(("burning", severity, reason));
    }
    if seen.remaining.is_some_and(|left| left <= 0.0) {
        let share = seen.share.unwrap_or(0.0);
        let window = slo.goal.window.show();
        let reason = format!(
            "{:.3} % of {} runs in {window} were good{left}",
            share * 100.0,
            seen.counts.all()
        );
        return Some(("exhausted", slo.alert.severity.min(Severity::Error), reason));
    }
    let reason = "nothing was measured for as long as its burn rate looks back";
    is_silent.then(|| ("unmeasured", low, reason.to_owned()))
}

fn probes_named<'a>(project: &'a Project, names: &'a [&str]) -> impl Iterator<Item = &'a Probe> {
    let probes = project.probes.iter();
    probes.filter(|probe| names.contains(&probe.name.as_str()))
}

/// The longest time that a run of any of them may take.
fn longest_run(project: &Project, names: &[&str]) -> Duration {
    let probes = probes_named(project, names);
    probes.map(Probe::longest_run).max().unwrap_or_default()
}

/// Whether each of them should have been measured since that moment.
fn is_overdue(project: &Project, names: &[&str], last_s: Option<i64>, now_s: i64) -> bool {
    let Some(last) = DateTime::from_timestamp(last_s.unwrap_or(0), 0) else {
        return true;
    };
    let now = DateTime::from_timestamp(now_s, 0).unwrap_or_default();
    let mut running = probes_named(project, names).filter(|probe| !probe.paused);
    running.all(|probe| probe.is_missed(last, now))
}

fn level(project: &Project, slo: &Slo, condition: Option<Condition>) -> Level {
    let mut labels = slo.alert.labels("slo", &slo.name);
    for (label, value) in [
        ("environment", &slo.environment),
        ("service", &slo.service),
        ("group", &slo.group),
    ] {
        if let Some(value) = value {
            labels.insert(label.to_owned(), value.clone());
        }
    }
    let group = format!("slo/{}", slo.name);
    let (route, group) = project.file.alerts.told(&slo.alert, group);
    Level {
        labels,
        facts: slo.alert.facts(),
        link: Some(format!("{}/api/v1/slos", base(project))),
        ..Level::new(format!("{KIND}{}", slo.name), group, route, condition)
    }
}
