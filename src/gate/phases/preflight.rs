//! Before anything is measured: secrets, windows, prerequisites, platforms, and whether services can be
//! reached from here.
//!
//! What fails here says nothing about the deploy: it is inconclusive.

use crate::environment::settings::Environment;
use crate::gate::ground::{Ended, Ground, bind, connector};
use crate::gate::prerequisites;
use crate::net::connect::Connector;
use crate::net::{ErrorClass, message};
use crate::objective::Outcome;
use std::time::{Duration, Instant};

pub async fn preflight(ground: &Ground<'_>) -> Ended {
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
pub async fn unreachable(
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
