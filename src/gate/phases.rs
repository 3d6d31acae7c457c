//! What each phase does to the world, and what it says afterwards.
//!
//! A phase that could not be performed is inconclusive; it never passes.

use super::{prerequisites, served};
use crate::document::{Diagnostics, Severity};
use crate::environment::needs::Supplied;
use crate::environment::secrets;
use crate::environment::settings::Environment;
use crate::load::live::Live;
use crate::load::run::Finished;
use crate::load::{self, Control, Tick};
use crate::net::connect::Connector;
use crate::net::tls::Settings;
use crate::net::{ErrorClass, message};
use crate::objective::Outcome;
use crate::project::file::Project;
use crate::project::gate::Gate;
use crate::record::gate::{Record, inputs};
use crate::record::state::Phase;
use crate::report::{Summary, summary};
use crate::scenario::Plan;
use crate::store::Store;
use crate::vu::Binding;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How a phase ended.
#[derive(Debug)]
pub struct Ended {
    /// Its outcome.
    pub outcome: Outcome,
    /// Why.
    pub reasons: Vec<String>,
    /// The runs that it made, as evidence.
    pub runs: Vec<Summary>,
    /// Runs before those, which the load generator spoiled: kept, but nothing follows from them.
    pub spoiled: Vec<Summary>,
    /// Whether more of the same evidence would probably settle it.
    pub is_open: bool,
    /// Whether it was, or may have been, another version that was measured: nobody can waive that.
    pub is_foreign: bool,
}

impl Ended {
    /// Without runs.
    pub fn new(outcome: Outcome, reason: impl Into<String>) -> Ended {
        Ended::because(outcome, vec![reason.into()])
    }

    /// With reasons, without runs.
    pub fn because(outcome: Outcome, reasons: Vec<String>) -> Ended {
        Ended {
            outcome,
            reasons,
            runs: Vec::new(),
            spoiled: Vec::new(),
            is_open: false,
            is_foreign: false,
        }
    }
}

/// Everything that a phase may look at.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The configuration.
    pub project: &'a Project,
    /// The gate's part of it.
    pub gate: &'a Gate,
    /// Its environment.
    pub environment: &'a Arc<Environment>,
    /// The gate.
    pub record: &'a Record,
    /// Told to stop.
    pub control: &'a Control,
    /// When the time of the phase is over.
    pub deadline: Instant,
    /// Where loads are entered while they run.
    pub live: &'a Arc<Live>,
    /// The environment beside it that serves the version before.
    pub baseline: Option<&'a Arc<Environment>>,
    /// Evidence of the same loads before an extension, by their scenarios.
    pub earlier: &'a BTreeMap<String, crate::objective::evidence::Evidence>,
    /// Earlier gates, approvals and waivers.
    pub store: &'a Store,
    /// Woken when somebody adds a note.
    pub noted: &'a Notify,
}

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

/// Binds a scenario to the gate's environment.
pub(super) fn bind(
    ground: &Ground<'_>,
    path: &PathBuf,
    version: &str,
) -> Result<Binding, Vec<String>> {
    bind_to(ground, ground.environment, path, version)
}

/// Binds a scenario to an environment.
pub(super) fn bind_to(
    ground: &Ground<'_>,
    environment: &Arc<Environment>,
    path: &PathBuf,
    version: &str,
) -> Result<Binding, Vec<String>> {
    let Some(plan) = ground.project.plans.get(path) else {
        return Err(vec![format!(
            "the scenario `{}` is not loaded",
            path.display()
        )]);
    };
    let mut found = Diagnostics::default();
    let mut inputs: BTreeMap<String, String> = inputs(ground.record);
    inputs.insert("version".to_owned(), version.to_owned());
    inputs.extend(ground.gate.inputs.clone());
    // The gate's facts are there for those who want them; nobody has to.
    inputs.retain(|name, _| plan.inputs.iter().any(|need| need.name == *name));
    let binding = secrets::resolving(plan, environment, || {
        let supplied = Supplied {
            inputs,
            environment_inputs: environment.inputs.clone(),
            secrets: secrets::environment_secrets(environment, &mut found),
        };
        let dns_ttl = Duration::from_secs(30);
        Binding::new(plan.clone(), environment, &supplied, dns_ttl, &mut found)
    });
    let errors = || {
        found
            .sorted()
            .into_iter()
            .filter(|item| item.severity == Severity::Error)
            .map(|item| item.title.clone())
            .collect()
    };
    if found.has_errors() {
        Err(errors())
    } else {
        binding.ok_or_else(errors)
    }
}

pub(super) fn connector(ground: &Ground<'_>) -> Result<Connector, String> {
    Ok(Connector::new(
        Settings::new(ground.environment.ca_file.as_deref())?,
        Duration::ZERO,
    ))
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

/// Performs scenarios once each.
pub async fn smoke_all(ground: &Ground<'_>, paths: &[PathBuf], version: &str) -> Ended {
    let mut ended = Ended::because(Outcome::Inconclusive, Vec::new());
    let mut outcomes = Vec::new();
    for path in paths {
        let binding = match bind(ground, path, version) {
            Ok(binding) => Arc::new(binding),
            Err(reasons) => {
                ended.reasons.extend(reasons);
                outcomes.push(Outcome::Inconclusive);
                continue;
            }
        };
        let (summary, _) = smoke_once(ground, &binding).await;
        outcomes.push(summary.outcome);
        if summary.outcome == Outcome::Pass {
            ended.reasons.push(format!("`{}` passed", summary.scenario));
        } else {
            ended.reasons.extend(
                summary
                    .reasons
                    .iter()
                    .map(|reason| format!("`{}`: {reason}", summary.scenario)),
            );
        }
        ended.runs.push(summary);
    }
    ended.outcome = Outcome::all(outcomes);
    if ended.outcome != Outcome::Pass {
        ended.reasons.retain(|reason| !reason.ends_with("` passed"));
    }
    ended
}

pub(super) async fn smoke_once(ground: &Ground<'_>, binding: &Arc<Binding>) -> (Summary, Finished) {
    let started = now_text();
    let finished = load::smoke(binding, ground.control, false, |_| ()).await;
    (
        summary::summarize(&binding.plan, &binding.environment, started, &finished, &[]),
        finished,
    )
}

pub(super) fn now_text() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
