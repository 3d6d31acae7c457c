//! Which version the services of a gate serve, all of them together, now and after a while.
//!
//! One read tells little: behind a balancer another instance may answer the next one.

use super::ground::{Ended, Ground, connector};
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
    ground: &Ground<'_>,
    connector: &Connector,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Read {
    let mut read = Read {
        seen: Vec::new(),
        is_wanted: true,
        is_other: false,
        is_broken: false,
    };
    for service in &ground.gate.services {
        match version::read(connector, ground.environment, service).await {
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
    ground: &Ground<'_>,
    converge: &Converge,
    deadline: Instant,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Result<String, (bool, Vec<String>)> {
    let connector = connector(ground).map_err(|problem| (false, vec![problem]))?;
    let (mut in_row, mut broken_in_row) = (0, 0);
    loop {
        let read = read(ground, &connector, wanted).await;
        in_row = if read.is_wanted { in_row + 1 } else { 0 };
        broken_in_row = if read.is_broken { broken_in_row + 1 } else { 0 };
        if in_row >= converge.reads {
            return Ok(format!("{}, {in_row} reads in a row", read.seen.join(", ")));
        }
        if ground.control.asked() != Stop::No {
            return Err((false, vec!["it was stopped".to_owned()]));
        }
        if Instant::now() + converge.every >= deadline {
            // One read that failed is no service that does not answer.
            return Err((broken_in_row >= converge.reads, read.seen));
        }
        tokio::select! {
            () = tokio::time::sleep(converge.every) => {}
            () = ground.control.stopped() => {}
        }
    }
}

/// What was measured counts only if it still is the version that is verified: somebody may have
/// deployed another one meanwhile.
pub async fn still(ground: &Ground<'_>, ended: Ended) -> Ended {
    if ground.gate.services.is_empty() || ground.control.asked() != Stop::No {
        return ended;
    }
    let has_failed = ended.outcome == Outcome::Fail;
    let connector = match connector(ground) {
        Ok(connector) => connector,
        // A fault of our own holds back no rollback.
        Err(_) if has_failed => return ended,
        Err(problem) => return foreign(ended, problem, Vec::new()),
    };
    if !has_failed {
        // Also what is inconclusive: somebody may answer for it, but not for another version.
        return if_shown(ground, &connector, ended).await;
    }
    let other = other_instead(ground, &connector);
    match tokio::time::timeout(SHOWN_AFTER_FAILURE, other).await {
        Ok(Some(seen)) => foreign(ended, OTHER.to_owned(), seen),
        _ => ended,
    }
}

const OTHER: &str = "another version is served than the one that is verified";

/// What was measured, if the version shows as often in a row as a version must be seen.
async fn if_shown(ground: &Ground<'_>, connector: &Connector, ended: Ended) -> Ended {
    let wanted = |version: &str| version == ground.record.facts.version;
    let converge = &ground.gate.converge;
    let tries = u32::try_from(converge.reads + 1).unwrap_or(u32::MAX);
    let within = SHOWN_WITHIN.max(converge.every.saturating_mul(tries));
    let deadline = Instant::now() + within;
    let mut reads = 0;
    loop {
        let read = read(ground, connector, &wanted).await;
        if read.is_other {
            return foreign(ended, OTHER.to_owned(), read.seen);
        }
        reads = if read.is_wanted { reads + 1 } else { 0 };
        if reads >= converge.reads || ground.control.asked() != Stop::No {
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
async fn other_instead(ground: &Ground<'_>, connector: &Connector) -> Option<Vec<String>> {
    let (new, old) = (
        &ground.record.facts.version,
        ground.record.rollback_to.as_deref(),
    );
    let expected = |version: &str| version == new || Some(version) == old;
    let mut seen = Vec::new();
    for _ in 0..ground.gate.converge.reads.max(1) {
        let read = read(ground, connector, &expected).await;
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
