//! `/probe`: a target looked at once with a module, by the contract of blackbox_exporter.
//!
//! Whoever can make us look at anything can reach what only we reach: targets that are not allowed to
//! everybody need a token, or this machine.

use super::problem::Problem;
use super::site::Site;
use crate::module::perform;
use crate::module::seen::Seen;
use crate::net::address;
use crate::project::access::Role;
use crate::project::asking::ScenarioModule;
use crate::project::file::Project;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use std::time::Duration;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long the asker waits, in seconds.
const WAITS: &str = "x-prometheus-scrape-timeout-seconds";

/// Looks at once.
const AT_ONCE: usize = 500;
static PLACES: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(AT_ONCE);

/// What is asked.
#[derive(Debug, Deserialize)]
pub struct Asked {
    target: Option<String>,
    module: Option<String>,
    hostname: Option<String>,
    debug: Option<String>,
}

fn bad(text: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, text)
}

/// `GET` and `POST /probe`
pub async fn probe(
    State(site): State<Site>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let project = site.current.get();
    let modules = &project.modules;
    let name = asked.module.as_deref().filter(|name| !name.is_empty());
    let name = name.unwrap_or("http_2xx");
    if let Some(module) = project.file.asking.scenarios.get(name) {
        let seen = scenario(&site, &project, &headers, (&asked, module)).await?;
        return Ok(answer(&seen, name, &asked));
    }
    let Some(module) = modules.known.get(name) else {
        let known = modules
            .known
            .keys()
            .chain(project.file.asking.scenarios.keys());
        let known: Vec<&str> = known.map(String::as_str).collect();
        let known = match known.as_slice() {
            [] => "the configuration names no `modules`".to_owned(),
            known => format!("known: {}", known.join(", ")),
        };
        return Err(bad(format!("Unknown module \"{name}\"; {known}")));
    };
    let target = asked.target.as_deref().unwrap_or_default();
    if target.is_empty() {
        return Err(bad("Target parameter is missing".to_owned()));
    }
    // Who may ask for anything may also be led anywhere, and name another host than the target's.
    let caller = site.caller(&headers, Role::Operate);
    let is_free = caller.is_ok();
    if !is_free && (!modules.allows(target) || asked.hostname.is_some()) {
        caller?;
    }
    let bounds = (!is_free).then_some(modules.as_ref());
    let time = perform::time_for(module.timeout, waits(&headers)?);
    let _place = place()?;
    let seen = perform::perform(module, target, asked.hostname.as_deref(), bounds, time).await;
    Ok(answer(&seen, name, &asked))
}

/// How long the asker waits, if that is said.
fn waits(headers: &HeaderMap) -> Result<Option<Duration>, Problem> {
    let Some(value) = headers.get(WAITS) else {
        return Ok(None);
    };
    let seconds = value
        .to_str()
        .ok()
        .and_then(|text| text.parse::<f64>().ok());
    let waits = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let wrong = || bad(format!("`{WAITS}` is no number of seconds"));
    waits.map(Some).ok_or_else(wrong)
}

/// Room for one more look.
fn place() -> Result<tokio::sync::SemaphorePermit<'static>, Problem> {
    PLACES.try_acquire().map_err(|_| {
        let detail = format!("{AT_ONCE} looks are going on already");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })
}

/// Performs a scenario. It may hold secrets, and change what it looks at: whoever may not operate may not ask for it.
async fn scenario(
    site: &Site,
    project: &Project,
    headers: &HeaderMap,
    (asked, module): (&Asked, &ScenarioModule),
) -> Result<Seen, Problem> {
    site.caller(headers, Role::Operate)?;
    let target = asked.target.as_deref().filter(|target| !target.is_empty());
    if asked.hostname.is_some() {
        let detail = "`hostname` is for modules of blackbox_exporter; a scenario says its own";
        return Err(bad(detail.to_owned()));
    }
    let time = perform::time_for(Some(module.probe.timeout), waits(headers)?);
    let probe = module.at(target, Some(time)).map_err(bad)?;
    let (plan, environment) = (
        project.plans.get(&probe.scenario),
        project.file.environments.get(&probe.environment),
    );
    let (Some(plan), Some(environment)) = (plan, environment) else {
        return Err(bad(format!("`{}` cannot be performed", probe.name)));
    };
    let _place = place()?;
    let observed = site.prober.look(probe, plan, environment).await;
    Ok(super::modules_scenario::seen(
        &observed,
        &environment.name,
        time,
    ))
}

/// What was seen, as it was asked for.
fn answer(seen: &Seen, name: &str, asked: &Asked) -> Response {
    let page = seen.page();
    if asked.debug.as_deref() != Some("true") {
        return ([(http::header::CONTENT_TYPE, TEXT)], page).into_response();
    }
    let target = asked.target.as_deref().unwrap_or_default();
    // It is no line of ours, whatever stands in it.
    let target = address::without_credentials(target);
    let target = target.escape_debug();
    let log = seen.log.join("\n");
    let metrics = String::from_utf8_lossy(&page);
    let text = format!("Log of the look at {target} with {name}:\n{log}\n\nMetrics:\n{metrics}");
    let plain = "text/plain; charset=utf-8";
    ([(http::header::CONTENT_TYPE, plain)], text).into_response()
}
