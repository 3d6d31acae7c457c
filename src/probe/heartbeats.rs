//! Jobs that report to us: what they report is kept before it is answered, and what is missing is found out.
//!
//! Decides nothing; that is [`crate::watch::heartbeat`]. Does not know who is told.

use crate::clock::now_ms;
use crate::project::current::{Current, base};
use crate::project::file::Project;
use crate::project::heartbeat::Heartbeat as Configured;
use crate::store::{Store, StoreFault};
use crate::watch::alert::{Condition, Level, ms};
use crate::watch::heartbeat::{Heartbeat, Report};
use crate::watch::levels::Levels;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How the subjects begin.
pub const KIND: &str = "heartbeat/";
/// Between two looks for what is missing.
const EVERY: Duration = Duration::from_secs(1);

/// Jobs that report.
#[derive(Debug)]
pub struct Heartbeats {
    store: Store,
    levels: Arc<Levels>,
    current: Arc<Current>,
    known: Mutex<BTreeMap<String, Heartbeat>>,
}

impl Heartbeats {
    /// On a store.
    pub fn new(store: Store, levels: Arc<Levels>, current: Arc<Current>) -> Heartbeats {
        Heartbeats {
            store,
            levels,
            current,
            known: Mutex::default(),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Heartbeat>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the jobs of a configuration in force; what is new is expected from now on.
    ///
    /// # Errors
    ///
    /// The store cannot be read or written.
    pub async fn configure(&self, project: &Project) -> Result<(), StoreFault> {
        let mut kept = self.store.heartbeats().await?;
        let mut known = BTreeMap::new();
        for configured in &project.file.heartbeats {
            let name = configured.name.clone();
            let job = match kept.remove(&name) {
                Some(job) => job,
                None => {
                    let job = Heartbeat::expected(now_ms());
                    self.store
                        .commit_heartbeat(name.clone(), job.clone())
                        .await?;
                    job
                }
            };
            known.insert(name, job);
        }
        let subjects = known.keys().map(|name| format!("{KIND}{name}")).collect();
        *self.known() = known;
        self.levels.only(KIND, subjects);
        Ok(())
    }

    /// A job reports. False if there is none of that name.
    ///
    /// # Errors
    ///
    /// The report could not be kept; it is to be sent again.
    pub async fn report(&self, name: &str, report: &Report, log: &str) -> Result<bool, StoreFault> {
        let Some(mut job) = self.known().get(name).cloned() else {
            return Ok(false);
        };
        job.report(report, log, now_ms());
        self.store
            .commit_heartbeat(name.to_owned(), job.clone())
            .await?;
        self.known().insert(name.to_owned(), job);
        self.look();
        Ok(true)
    }

    /// Looks for ever for what is missing; to be aborted at the end.
    pub async fn run(self: Arc<Self>) {
        loop {
            self.look();
            tokio::time::sleep(EVERY).await;
        }
    }

    fn look(&self) {
        let project = self.current.get();
        let known = self.known();
        for configured in &project.file.heartbeats {
            if let Some(job) = known.get(&configured.name) {
                self.levels.put(level(&project, configured, job, now_ms()));
            }
        }
    }

    /// All jobs, with what is known of each.
    pub fn list(&self) -> Vec<(String, Heartbeat)> {
        let known = self.known();
        known
            .iter()
            .map(|(name, job)| (name.clone(), job.clone()))
            .collect()
    }
}

fn level(project: &Project, configured: &Configured, job: &Heartbeat, now_ms: i64) -> Level {
    let due = configured.due_ms(job.counted_from_ms());
    let trouble = job.trouble(due, ms(configured.grace), now_ms);
    let condition = trouble.map(|trouble| Condition {
        word: trouble.word.to_owned(),
        severity: configured.alert.severity,
        reason: trouble.reason,
        since_ms: trouble.since_ms,
    });
    let group = configured.name.clone();
    let (route, group) = project.file.alerts.told(&configured.alert, group);
    Level {
        labels: configured.alert.labels("heartbeat", &configured.name),
        good_ms: job.succeeded_ms,
        facts: configured.alert.facts(),
        link: Some(format!("{}/api/v1/heartbeats", base(project))),
        ..Level::new(
            format!("{KIND}{}", configured.name),
            group,
            route,
            condition,
        )
    }
}
