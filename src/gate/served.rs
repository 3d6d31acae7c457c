//! Which version the services of a gate serve, all of them together, now and after a while.
//!
//! One read tells little: behind a balancer another instance may answer the next one.

use super::context::{Ended, PhaseContext, connector};
use crate::environment::version;
use crate::load::Stop;
use crate::net::ErrorClass;
use crate::net::connect::Connector;
use crate::objective::Outcome;
use crate::project::gate::Converge;
use std::time::{Duration, Instant};

/// Time for a service to show its version once more after it was measured, if reads do not take
/// longer by themselves.
const SHOWN_WITHIN: Duration = Duration::from_secs(10);
/// Time for that look after a failure: the rollback must not wait for it.
const SHOWN_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// One read of every service.
struct Read {
    seen: Vec<String>,
    /// Every service serves what is wanted.
    is_wanted: bool,
    /// Some service serves something else.
    is_other: bool,
    /// Some service does not answer as one that works does.
    is_broken: bool,
}

async fn read(
    context: &PhaseContext<'_>,
    connector: &Connector,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Read {
    let mut read = Read {
        seen: Vec::new(),
        is_wanted: true,
        is_other: false,
        is_broken: false,
    };
    for service in &context.gate.services {
        match version::read(connector, context.environment, service).await {
            Ok(version) => {
                let is_other = !wanted(&version);
                read.is_other |= is_other;
                read.is_wanted &= !is_other;
                read.seen.push(format!("`{service}` serves `{version}`"));
            }
            Err(fault) => {
                read.is_wanted = false;
                read.is_broken |=
                    !fault.class.is_inconclusive() && fault.class != ErrorClass::Capture;
                read.seen.push(format!(
                    "`{service}` does not show its version ({}): {}",
                    fault.class.word(),
                    fault.detail
                ));
            }
        }
    }
    read
}

/// Reads versions until they are as wanted so often in a row, or time is up. What is wrong then
/// comes with whether the services did not answer, so often in a row too.
pub async fn await_version(
    context: &PhaseContext<'_>,
    converge: &Converge,
    deadline: Instant,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<String, (bool, Vec<String>)> {
    let connector = connector(context).map_err(|problem| (false, vec![problem]))?;
    let (mut in_row, mut broken_in_row) = (0, 0);
    loop {
        let read = read(context, &connector, wanted).await;
        in_row = if read.is_wanted { in_row + 1 } else { 0 };
        broken_in_row = if read.is_broken { broken_in_row + 1 } else { 0 };
        if in_row >= converge.reads {
            return Ok(format!("{}, {in_row} reads in a row", read.seen.join(", ")));
        }
        if context.control.asked() != Stop::No {
            return Err((false, vec!["it was stopped".to_owned()]));
        }
        if Instant::now() + converge.every >= deadline {
            // One read that failed is no service that does not answer.
            return Err((broken_in_row >= converge.reads, read.seen));
        }
        tokio::select! {
            () = tokio::time::sleep(converge.every) => {}
            () = context.control.stopped() => {}
        }
    }
}

/// What was measured counts only if it still is the version that is verified: somebody may have
/// deployed another one meanwhile.
pub async fn still(context: &PhaseContext<'_>, ended: Ended) -> Ended {
    if context.gate.services.is_empty() || context.control.asked() != Stop::No {
        return ended;
    }
    let has_failed = ended.outcome == Outcome::Fail;
    let connector = match connector(context) {
        Ok(connector) => connector,
        // A fault of our own holds back no rollback.
        Err(_) if has_failed => return ended,
        Err(problem) => return foreign(ended, problem, Vec::new()),
    };
    if !has_failed {
        // Also what is inconclusive: somebody may answer for it, but not for another version.
        return if_shown(context, &connector, ended).await;
    }
    let other = other_instead(context, &connector);
    match tokio::time::timeout(SHOWN_AFTER_FAILURE, other).await {
        Ok(Some(seen)) => foreign(ended, OTHER.to_owned(), seen),
        _ => ended,
    }
}

const OTHER: &str = "another version is served than the one that is verified";

/// What was measured, if the version shows as often in a row as a version must be seen.
async fn if_shown(context: &PhaseContext<'_>, connector: &Connector, ended: Ended) -> Ended {
    let wanted = |version: &str| version == context.record.facts.version;
    let converge = &context.gate.converge;
    let tries = u32::try_from(converge.reads + 1).unwrap_or(u32::MAX);
    let within = SHOWN_WITHIN.max(converge.every.saturating_mul(tries));
    let deadline = Instant::now() + within;
    let mut reads = 0;
    loop {
        let read = read(context, connector, &wanted).await;
        if read.is_other {
            return foreign(ended, OTHER.to_owned(), read.seen);
        }
        reads = if read.is_wanted { reads + 1 } else { 0 };
        if reads >= converge.reads || context.control.asked() != Stop::No {
            return ended;
        }
        if !read.is_wanted {
            if Instant::now() + converge.every >= deadline {
                let lead = "it cannot be told any more which version was measured";
                return foreign(ended, lead.to_owned(), read.seen);
            }
            tokio::time::sleep(converge.every).await;
        }
    }
}

/// Whether what failed is a third version, as often in a row as a version must be seen. That the old
/// one shows here and there says nothing: a balancer goes there when the new one is dead.
async fn other_instead(context: &PhaseContext<'_>, connector: &Connector) -> Option<Vec<String>> {
    let (new, old) = (
        &context.record.facts.version,
        context.record.rollback_to.as_deref(),
    );
    let expected = |version: &str| version == new || Some(version) == old;
    let mut seen = Vec::new();
    for _ in 0..context.gate.converge.reads.max(1) {
        let read = read(context, connector, &expected).await;
        if !read.is_other {
            return None;
        }
        seen = read.seen;
    }
    Some(seen)
}

fn foreign(ended: Ended, lead: String, seen: Vec<String>) -> Ended {
    let mut reasons = vec![lead];
    reasons.extend(seen);
    if ended.outcome != Outcome::Pass {
        reasons.extend(ended.reasons);
    }
    Ended {
        outcome: Outcome::Inconclusive,
        reasons,
        is_open: false,
        is_foreign: true,
        ..ended
    }
}
