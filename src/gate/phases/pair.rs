//! Gates that are promoted as a pair: none of them, until each would be.
//!
//! A gate in this phase has passed everything else. Invariant: it goes on only while every other one is here,
//! too, or was promoted; one that ended otherwise holds it, whatever it measured itself.

use crate::duration::show;
use crate::gate::context::{Ended, PhaseContext};
use crate::gate::prerequisites::{LOOK_EVERY, read};
use crate::load::Stop;
use crate::objective::Outcome;
use crate::record::gate::Record;
use crate::record::state::{Phase, Position, Verdict};
use std::time::Instant;

/// Waits for the others.
pub async fn pair(context: &PhaseContext<'_>) -> Ended {
    let within = context.gate.pair_within();
    let deadline = Instant::now() + within;
    loop {
        let (mut ready, mut missing) = (Vec::new(), Vec::new());
        for name in &context.gate.pair {
            let found = match other(context, name).await {
                Ok(found) => found,
                Err(reason) => return Ended::new(Outcome::Inconclusive, reason),
            };
            match standing(name, found.as_ref(), context.record.state.started_ms) {
                Standing::Ready(told) => ready.push(told),
                Standing::Open(told) => missing.push(told),
                Standing::Ended(told) => return Ended::new(Outcome::Inconclusive, told),
            }
        }
        if missing.is_empty() {
            return Ended::because(Outcome::Pass, ready);
        }
        if context.control.asked() != Stop::No {
            return Ended::new(Outcome::Inconclusive, "it was stopped");
        }
        if Instant::now() >= deadline {
            let late = missing
                .into_iter()
                .map(|what| format!("{what}, within {}", show(within)));
            return Ended::because(Outcome::Inconclusive, late.collect());
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = context.control.stopped() => {}
        }
    }
}

/// The newest gate of a name for the same commit, or version where no commit is known.
async fn other(context: &PhaseContext<'_>, name: &str) -> Result<Option<Record>, String> {
    let facts = &context.record.facts;
    let what = format!("how far `{name}` is");
    let since_ms = context.record.state.started_ms - DEPLOYED_BEFORE_MS;
    let look = || {
        let (commit, version) = (facts.commit.clone(), facts.version.clone());
        context
            .store
            .gate_of(name.to_owned(), commit, version, since_ms)
    };
    read(context, &what, look).await
}

/// How long before this gate another one may have ended and be of the same deploy: a day.
const DEPLOYED_BEFORE_MS: i64 = 24 * 3_600 * 1_000;

/// How far another gate is.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Ready(String),
    Open(String),
    Ended(String),
}

fn standing(name: &str, record: Option<&Record>, started_ms: i64) -> Standing {
    // One that did not promote it before this one began was another attempt: a new one is waited for.
    let is_past = |record: &&Record| {
        let is_promoted = record.state.verdict == Some(Verdict::Promote);
        !is_promoted && record.state.verdict_ms.is_some_and(|at| at < started_ms)
    };
    let Some(record) = record.filter(|record| !is_past(record)) else {
        return Standing::Open(format!("`{name}` has not begun with it"));
    };
    let (id, state) = (record.id, &record.state);
    match (state.verdict, state.position) {
        (Some(Verdict::Promote), _) if state.undone.is_none() => {
            Standing::Ready(format!("gate {id} of `{name}` promotes it"))
        }
        (Some(Verdict::Promote), _) => Standing::Ended(format!(
            "gate {id} of `{name}` was promoted, and that was not carried out"
        )),
        (Some(verdict), _) => Standing::Ended(format!(
            "gate {id} of `{name}` says {}: they are promoted as a pair",
            verdict.word()
        )),
        (None, Position::Measuring(Phase::Pair)) => {
            Standing::Ready(format!("gate {id} of `{name}` would promote it"))
        }
        (None, _) => Standing::Open(format!("gate {id} of `{name}` is not done with it")),
    }
}
