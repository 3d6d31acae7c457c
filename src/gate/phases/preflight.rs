//! Before anything is measured: secrets, windows, prerequisites, platforms, and whether services can be
//! reached from here.
//!
//! What fails here says nothing about the deploy: it is inconclusive.

use super::smoke::smoke_all;
use crate::browser::keeper::Keeper;
use crate::environment::everywhere::Look;
use crate::environment::settings::Environment;
use crate::gate::casting::cast;
use crate::gate::context::{Ended, PhaseContext, connector};
use crate::gate::{counting, prerequisites, rotation, served};
use crate::net::connect::Connector;
use crate::net::program::{self, Invocation, folders};
use crate::net::{ErrorClass, message};
use crate::objective::Outcome;
use crate::run::Summary;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long Lighthouse may take to say which it is.
const LIGHTHOUSE_WITHIN: Duration = Duration::from_secs(30);

pub async fn preflight(context: &PhaseContext<'_>) -> Ended {
    let mut problems = Vec::new();
    let mut notes = Vec::new();
    if let Some(windows) = &context.environment.windows
        && let Some(objection) = windows.objection(crate::clock::now())
    {
        let facts = &context.record.facts;
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
    if let Err(problem) = prerequisites::promoted_before(context).await {
        problems.push(problem);
    }
    problems.extend(prerequisites::budgets(context).await);
    if context.gate.services.is_empty() && !context.record.facts.callback.is_empty() {
        let blind = "a protection rule is answered before the deploy, and the gate names no `services`: it would measure the version before";
        problems.push(blind.to_owned());
    }
    problems.extend(prerequisites::actions(context).await);
    problems.extend(counting::obstacles(context).await);
    let mut tools = Vec::new();
    match browser(context).await {
        Some(Ok(found)) => tools.push(format!("pages are opened by {found}")),
        Some(Err(why)) => problems.push(format!("no page can be opened: {why}")),
        None => {}
    }
    match lighthouse(context).await {
        Some(Ok(found)) => tools.push(format!("pages are measured by Lighthouse {found}")),
        Some(Err(why)) => problems.push(format!("no page can be measured: {why}")),
        None => {}
    }
    let mut services: Vec<String> = context.gate.services.clone();
    let mut secrets = BTreeMap::new();
    let mut paths: Vec<_> = context.gate.scenarios().collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        match cast(context, path, &context.record.facts.version) {
            Ok(cast) => secrets.extend(cast.binding().values.secrets.clone()),
            Err(reasons) => problems.extend(reasons),
        }
        if let Some(plan) = context.project.plans.get(path) {
            services.extend(plan.services().into_iter().map(str::to_owned));
        }
    }
    match rotation::rotated(context, &secrets).await {
        Ok(rotated) => notes.extend(rotated),
        Err(reasons) => problems.extend(reasons),
    }
    services.sort();
    services.dedup();
    match connector(context) {
        Ok(connector) => {
            for service in &services {
                if let Some(problem) = unreachable(&connector, context.environment, service).await {
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
        notes.extend(tools);
        let (before, runs) = proven_before(context).await.unzip();
        notes.extend(before);
        Ended {
            runs: runs.unwrap_or_default(),
            ..Ended::because(Outcome::Pass, notes)
        }
    } else {
        Ended::because(Outcome::Inconclusive, problems)
    }
}

/// Which browser opens the pages of its scenarios, if they have any; or why none does.
async fn browser(context: &PhaseContext<'_>) -> Option<Result<String, String>> {
    let plans = context.gate.scenarios();
    let mut plans = plans.filter_map(|path| context.project.plans.get(path));
    plans.find(|plan| plan.browses() || plan.quality_step().is_some())?;
    let keeper = Keeper::of(&context.environment.browser);
    Some(keeper.version().await)
}

/// Which Lighthouse measures the pages of its scenarios, if any of them does; or why none can.
async fn lighthouse(context: &PhaseContext<'_>) -> Option<Result<String, String>> {
    let plans = context.gate.scenarios();
    let mut plans = plans.filter_map(|path| context.project.plans.get(path));
    let plan = plans.find(|plan| plan.quality_step().is_some())?;
    let all = folders().collect::<Vec<_>>();
    let program = match context.environment.browser.lighthouse(&plan.folder, &all) {
        Ok(program) => program.display().to_string(),
        Err(why) => return Some(Err(why)),
    };
    let invocation = Invocation {
        words: vec![program.clone(), "--version".to_owned()],
        ..Invocation::default()
    };
    let ended = program::run(&invocation, LIGHTHOUSE_WITHIN).await;
    Some(match ended {
        Ok(ended) if ended.code == 0 => Ok(ended.stdout.trim().to_owned()),
        Ok(ended) => Err(format!("`{program}`: {}", ended.stderr.trim())),
        Err(fault) => Err(fault.detail),
    })
}

/// Where the version before is still served, its smoke shows that the credentials are good: when the
/// new version refuses them, it is to blame. What fails here says nothing about the deploy.
async fn proven_before(context: &PhaseContext<'_>) -> Option<(String, Vec<Summary>)> {
    let before = context.record.rollback_to.as_deref()?;
    let looks = served::shown(context).await.ok()?;
    let is_before =
        |(_, look): &(String, Look)| matches!(look, Look::Shown(seen) if seen == before);
    if looks.is_empty() || !looks.iter().all(is_before) {
        return None;
    }
    let seen = Arc::default();
    let on_it = PhaseContext {
        seen: &seen,
        ..*context
    };
    // Without a smoke this is inconclusive.
    let ended = smoke_all(&on_it, &context.gate.smoke, before).await;
    let is_good = ended.outcome == Outcome::Pass && seen.others().is_none();
    let note = format!("the smoke passed on `{before}`, so its credentials are good");
    is_good.then_some((note, ended.runs))
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
