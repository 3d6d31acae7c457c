//! Our own health, as levels: what stands in the way of watching is told like any other trouble.
//!
//! Each look gives what is wrong, if anything is; how that is found out is the business of whoever hands the
//! look in.

use crate::clock::now_ms;
use crate::project::current::Current;
use crate::watch::alert::{Condition, Level, Severity};
use crate::watch::levels::Levels;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// How the subjects begin.
pub const KIND: &str = "own/";

/// What is wrong with a part of us: its word, how bad it is, and why.
pub type Trouble = (&'static str, Severity, String);

/// Looks at one part of us.
pub type Look = Box<dyn Fn() -> Option<Trouble> + Send + Sync>;

/// What stands in the way of a task of ours, as it says itself; nothing while it is well.
#[derive(Debug, Clone, Default)]
pub struct Noted(Arc<Mutex<Option<String>>>);

impl Noted {
    /// What is so now.
    pub fn set(&self, reason: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reason;
    }

    /// A look at it; `what` is what cannot be done.
    pub fn look(&self, what: &'static str) -> Look {
        let noted = self.clone();
        Box::new(move || {
            let reason = noted.0.lock().unwrap_or_else(PoisonError::into_inner);
            let reason = format!("{what}: {}", reason.as_ref()?);
            Some(("unreported", Severity::Warning, reason))
        })
    }
}

/// Looks for ever; to be aborted at the end.
pub async fn watch(
    levels: Arc<Levels>,
    current: Arc<Current>,
    looks: Arc<Vec<(&'static str, Look)>>,
) {
    let mut since: BTreeMap<&'static str, i64> = BTreeMap::new();
    // What was wrong before a stop is over, unless it is seen again.
    let mut is_first = true;
    loop {
        for (name, look) in looks.iter() {
            let trouble = look();
            if trouble.is_none() && since.remove(name).is_none() && !is_first {
                continue;
            }
            let condition = trouble.map(|(word, severity, reason)| Condition {
                word: word.to_owned(),
                severity,
                reason,
                since_ms: *since.entry(name).or_insert_with(now_ms),
            });
            levels.put(level(&current, name, condition));
        }
        is_first = false;
        tokio::time::sleep(EVERY).await;
    }
}

fn level(current: &Current, name: &str, condition: Option<Condition>) -> Level {
    let project = current.get();
    let route = project.file.alerts.route(&project.file.own_channels());
    Level {
        labels: [("own".to_owned(), name.to_owned())].into(),
        ..Level::new(
            format!("{KIND}{name}"),
            format!("Bellwether/{name}"),
            route,
            condition,
        )
    }
}
