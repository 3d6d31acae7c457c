//! What each phase does to the world, and what it says afterwards.
//!
//! A phase that could not be performed is inconclusive; it never passes.

use super::ground::{Ended, Ground, bind, connector, smoke_all};
use super::{prerequisites, served};
use crate::environment::settings::Environment;
use crate::load::Tick;
use crate::net::connect::Connector;
use crate::net::{ErrorClass, message};
use crate::objective::Outcome;
use crate::record::state::Phase;
use crate::scenario::Plan;
use std::time::{Duration, Instant};

/// Performs a phase.
pub async fn perform(
    phase: Phase,
    ground: &Ground<'_>,
    on_tick: &mut (dyn FnMut(&Plan, &Tick) + Send),
) -> Ended {
    match phase {
        Phase::Preflight => preflight(ground).await,
        Phase::Converge => converge(ground).await,
        Phase::Baseline => baseline(ground).await,
        Phase::Approval => prerequisites::approval(ground).await,
        Phase::Smoke => smoke_all(ground, &ground.gate.smoke, &ground.record.facts.version).await,
        Phase::Load => super::load_phase::load_all(ground, on_tick).await,
        Phase::Bake => match &ground.gate.bake {
            Some(bake) => super::bake::bake(ground, bake).await,
            None => Ended::new(Outcome::Inconclusive, "the gate has no bake"),
        },
    }
}

async fn preflight(ground: &Ground<'_>) -> Ended {
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    if let Some(windows) = &ground.environment.windows
        && let Some(objection) = windows.objection(crate::clock::now())
    {
        let facts = &ground.record.facts;
        if !facts.break_glass.is_empty() {
            notes.push(format!(
                "{objection}; {} broke the glass: {}",
                facts.actor, facts.break_glass
            ));
        } else if windows.hard {
            problems.push(objection);
        } else {
            notes.push(format!("{objection}; going on, since the windows are soft"));
        }
    }
    if let Err(problem) = prerequisites::promoted_before(ground).await {
        problems.push(problem);
    }
    problems.extend(prerequisites::platforms(ground).await);
    let bake = ground
        .gate
        .bake
        .iter()
        .flat_map(|bake| bake.scenarios.iter());
    let mut services: Vec<String> = ground.gate.services.clone();
    for path in ground
        .gate
        .smoke
        .iter()
        .chain(&ground.gate.load)
        .chain(bake)
    {
        if let Err(reasons) = bind(ground, path, &ground.record.facts.version) {
            problems.extend(reasons);
        }
        if let Some(plan) = ground.project.plans.get(path) {
            services.extend(plan.services().into_iter().map(str::to_owned));
        }
    }
    services.sort();
    services.dedup();
    match connector(ground) {
        Ok(connector) => {
            for service in &services {
                if let Some(problem) = unreachable(&connector, ground.environment, service).await {
                    problems.push(problem);
                }
            }
        }
        Err(problem) => problems.push(problem),
    }
    problems.sort();
    problems.dedup();
    if problems.is_empty() {
        notes.push(format!(
            "inputs and secrets are there, {} can be reached from here",
            services.join(", ")
        ));
        Ended::because(Outcome::Pass, notes)
    } else {
        Ended::because(Outcome::Inconclusive, problems)
    }
}

/// Why a service cannot be reached from here. A refused connection is no reason: somebody refused
/// it, so the way there is good, and the product's own phases will say what is wrong with it.
async fn unreachable(
    connector: &Connector,
    environment: &Environment,
    service: &str,
) -> Option<String> {
    let url = &environment.services.get(service)?.url;
    let uri = url.parse::<http::Uri>().ok()?;
    let origin = message::origin(&uri, crate::net::tls::Offer::One, true).ok()?;
    let deadline = Instant::now() + Duration::from_secs(10);
    match connector.tcp(&origin.host, origin.port, deadline).await {
        Ok(_) => None,
        Err((fault, _)) if matches!(fault.class, ErrorClass::Refused | ErrorClass::Reset) => None,
        Err((fault, _)) => Some(format!(
            "`{service}` cannot be reached from here ({}): {}",
            fault.class.word(),
            fault.detail
        )),
    }
}

/// The version beside it must be measurable: else nothing could be told from a comparison.
async fn baseline(ground: &Ground<'_>) -> Ended {
    let Some(environment) = ground.baseline else {
        return Ended::new(
            Outcome::Inconclusive,
            "the baseline's environment is no longer configured",
        );
    };
    let Some(old) = ground.record.rollback_to.as_deref() else {
        return Ended::new(
            Outcome::Pass,
            "there is no version before that was proven good; loads go beside all the same",
        );
    };
    let beside = Ground {
        environment,
        ..*ground
    };
    let ended = smoke_all(&beside, &ground.gate.smoke, old).await;
    match ended.outcome {
        Outcome::Pass => ended,
        // What is broken there too says nothing about the deploy.
        _ if ground.gate.smoke.is_empty() => Ended::new(
            Outcome::Pass,
            format!("loads go to `{}` too", environment.name),
        ),
        _ => Ended {
            outcome: Outcome::Inconclusive,
            ..ended
        },
    }
}

async fn converge(ground: &Ground<'_>) -> Ended {
    let wanted = ground.record.facts.version.clone();
    let deadline = Instant::now() + ground.gate.converge.timeout;
    match served::await_version(ground, &ground.gate.converge, deadline, &|version| {
        version == wanted
    })
    .await
    {
        Ok(seen) => Ended::new(Outcome::Pass, seen),
        Err((broken, mut seen)) => {
            let lead = format!(
                "`{wanted}` was not served everywhere within {}",
                crate::duration::show(ground.gate.converge.timeout)
            );
            seen.insert(0, lead);
            // A service that answers with another version tells us nothing of this one; one that
            // does not answer at all is broken.
            let outcome = if broken {
                Outcome::Fail
            } else {
                Outcome::Inconclusive
            };
            Ended::because(outcome, seen)
        }
    }
}
