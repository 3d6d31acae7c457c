//! `/probe`: a target looked at once with a module, by the contract of blackbox_exporter.
//!
//! Whoever can make us look at anything can reach what only we reach: targets that are not allowed to
//! everybody need a token, or this machine.

use super::problem::Problem;
use super::site::Site;
use crate::module::perform;
use crate::project::access::Role;
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
    let Some(module) = modules.known.get(name) else {
        let known: Vec<&str> = modules.known.keys().map(String::as_str).collect();
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
    let waits = match headers.get(WAITS) {
        None => None,
        Some(value) => {
            let seconds = value
                .to_str()
                .ok()
                .and_then(|text| text.parse::<f64>().ok());
            let waits = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            Some(waits.ok_or_else(|| bad(format!("`{WAITS}` is no number of seconds")))?)
        }
    };
    let time = perform::time_for(module, waits);
    let Ok(_place) = PLACES.try_acquire() else {
        let detail = format!("{AT_ONCE} looks are going on already");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    };
    let seen = perform::perform(module, target, asked.hostname.as_deref(), bounds, time).await;
    let page = seen.page();
    if asked.debug.as_deref() != Some("true") {
        return Ok(([(http::header::CONTENT_TYPE, TEXT)], page).into_response());
    }
    let log = seen.log.join("\n");
    let metrics = String::from_utf8_lossy(&page);
    let text = format!("Log of the look at {target} with {name}:\n{log}\n\nMetrics:\n{metrics}");
    Ok((
        [(http::header::CONTENT_TYPE, "text/plain; charset=utf-8")],
        text,
    )
        .into_response())
}
