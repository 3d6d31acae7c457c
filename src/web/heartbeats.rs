//! The API that jobs report to: `start`, `success`, `fail` or an exit code, with the end of their log as body.

use super::problem::Problem;
use super::site::{Site, bearer};
use crate::project::access::Role;
use crate::report::view::time;
use crate::watch::heartbeat::{Heartbeat, Report};
use axum::Json;
use axum::extract::{Path, State};
use http::{HeaderMap, Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Characters of a log that are kept: its end says most.
const LOG_MAX: usize = 500;

/// A job that reports.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HeartbeatView {
    /// Its name.
    name: String,
    /// Since when a report is expected, RFC 3339.
    expected_since: String,
    /// When it last began.
    started: Option<String>,
    /// When it last came to a good end.
    succeeded: Option<String>,
    /// When it last failed.
    failed: Option<String>,
    /// What it said last.
    said: String,
}

/// `GET /api/v1/heartbeats`
pub async fn list(State(site): State<Site>) -> Json<Vec<HeartbeatView>> {
    let all = site.heartbeats.list().into_iter();
    let view = |(name, job): (String, Heartbeat)| HeartbeatView {
        name,
        expected_since: time(job.expected_ms),
        started: job.started_ms.map(time),
        succeeded: job.succeeded_ms.map(time),
        failed: job.failed_ms.map(time),
        said: job.said,
    };
    Json(all.map(view).collect())
}

/// `POST /api/v1/heartbeats/{name}`: it came to a good end.
pub async fn succeeded(
    State(site): State<Site>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
    log: String,
) -> Result<&'static str, Problem> {
    take(&site, &name, &Report::Succeeded, (&method, &headers), &log).await
}

/// `POST /api/v1/heartbeats/{name}/{what}`
pub async fn reported(
    State(site): State<Site>,
    Path((name, what)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    log: String,
) -> Result<&'static str, Problem> {
    let report = match (what.as_str(), what.parse::<i64>()) {
        ("start", _) => Report::Started,
        ("success", _) | (_, Ok(0)) => Report::Succeeded,
        ("fail", _) => Report::Failed(None),
        (_, Ok(code)) => Report::Failed(Some(code)),
        _ => {
            let detail = "a job reports `start`, `success`, `fail` or its exit code";
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        }
    };
    take(&site, &name, &report, (&method, &headers), &log).await
}

async fn take(
    site: &Site,
    name: &str,
    report: &Report,
    (method, headers): (&Method, &HeaderMap),
    log: &str,
) -> Result<&'static str, Problem> {
    let unknown = || {
        Problem::new(
            StatusCode::NOT_FOUND,
            format!("there is no heartbeat `{name}`"),
        )
    };
    let project = site.current.get();
    let configured = project
        .file
        .heartbeats
        .iter()
        .find(|known| known.name == name);
    let configured = configured.ok_or_else(unknown)?;
    let own = configured.token.as_ref();
    let own = own.and_then(|token| site.means().fill(token, &BTreeMap::new()).ok());
    if !own.is_some_and(|own| own.is(bearer(headers))) {
        if method != Method::POST {
            // A page of somebody else can make a browser get anything.
            let detail = "a report is posted, or brings the token of its heartbeat";
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail));
        }
        site.caller(headers, Role::Operate)?;
    }
    let log = site.means().redactor().clean(log.trim());
    let from = log
        .char_indices()
        .rev()
        .nth(LOG_MAX - 1)
        .map_or(0, |(at, _)| at);
    match site.heartbeats.report(name, report, &log[from..]).await? {
        true => Ok("noted\n"),
        false => Err(unknown()),
    }
}
