//! Webhooks of GitHub, Vercel and anybody else, and the questions of Argo Rollouts and Flagger.
//!
//! What is not genuine changes nothing; what is genuine and does not concern the gate is answered
//! with a success, so that its sender does not repeat it. A question that has no good answer yet is
//! never answered as if it had.

use super::inbound::{header, secret, unknown};
use super::problem::Problem;
use super::site::{Site, is_same};
use crate::clock::now_ms;
use crate::environment::version::MessageScope;
use crate::pipeline::trigger::{self, Told};
use crate::project::current::pages;
use crate::project::gate::Mapped;
use crate::record::gate::{Facts, Record};
use crate::record::state::Verdict;
use crate::report::view;
use crate::scenario::template::plain;
use crate::{duration, limits};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

fn refused(name: &str, what: &str) -> Problem {
    tracing::warn!(gate = name, what, "Webhook refused");
    Problem::new(StatusCode::UNAUTHORIZED, format!("{what} does not match"))
}

fn parsed(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the body is no JSON: {error}"),
        )
    })
}

/// A signed body, as it is remembered.
fn digest(name: &str, body: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, body);
    let hex: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("body/{name}/{hex}")
}

async fn started(
    site: &Site,
    name: &str,
    told: Told,
    ids: Vec<String>,
) -> Result<Response, Problem> {
    let facts = match told {
        Told::Nothing(why) => {
            tracing::info!(gate = name, why, "A webhook concerns no deploy of the gate");
            return Ok((StatusCode::OK, Json(json!({ "ignored": why }))).into_response());
        }
        Told::Deploy(facts) => *facts,
    };
    // Without an id of the delivery, a gate that still measures this version tells a repeat.
    if ids.is_empty() {
        site.store.caught_up().await;
    }
    if ids.is_empty()
        && let Some(open) = newest(site, name, &facts.version).await?
        && !open.state.is_done()
    {
        return Ok((StatusCode::OK, Json(view::gate(&open))).into_response());
    }
    let (record, new) = site.driver.start(name, facts, ids).await?;
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(view::gate(&record))).into_response())
}

/// `POST /hooks/{gate}/github`
pub async fn github(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Problem> {
    let project = site.current.get();
    let configured = project
        .file
        .gate(&name)
        .and_then(|gate| gate.triggers.github.as_ref());
    let (key, environment, workflow) = configured.ok_or_else(unknown)?;
    if !trigger::is_from_github(
        &secret(&site, key)?,
        &body,
        header(&headers, "x-hub-signature-256"),
    ) {
        return Err(refused(&name, "`x-hub-signature-256`"));
    }
    let told = trigger::github(
        header(&headers, "x-github-event"),
        &parsed(&body)?,
        environment,
        workflow,
        &pages(&project),
    );
    // The id of the delivery is not signed; the body is.
    started(&site, &name, told, vec![digest(&name, &body)]).await
}

/// `POST /hooks/{gate}/vercel`
pub async fn vercel(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Problem> {
    let project = site.current.get();
    let key = project
        .file
        .gate(&name)
        .and_then(|gate| gate.triggers.vercel.as_ref())
        .ok_or_else(unknown)?;
    if !trigger::is_from_vercel(
        &secret(&site, key)?,
        &body,
        header(&headers, "x-vercel-signature"),
    ) {
        return Err(refused(&name, "`x-vercel-signature`"));
    }
    let mut ids = vec![digest(&name, &body)];
    let body = parsed(&body)?;
    // One deployment is told several times: when it is ready, when it succeeded, when it is promoted.
    let id = body.pointer("/payload/deployment/id");
    ids.extend(
        id.and_then(Value::as_str)
            .map(|id| format!("vercel/{name}/{id}")),
    );
    started(&site, &name, trigger::vercel(&body), ids).await
}

/// `POST /hooks/{gate}/json`
pub async fn mapped(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Problem> {
    let project = site.current.get();
    let mapped = project
        .file
        .gate(&name)
        .and_then(|gate| gate.triggers.mapped.as_ref())
        .ok_or_else(unknown)?;
    let wanted = secret(&site, &mapped.token)?;
    let bearer = header(&headers, "authorization")
        .strip_prefix("Bearer ")
        .unwrap_or_default();
    let given = [
        header(&headers, "x-webhook-token"),
        header(&headers, "x-gitlab-token"),
        bearer,
    ];
    if !given.iter().any(|given| is_same(given, &wanted)) {
        return Err(refused(&name, "the token"));
    }
    let ids = match header(&headers, "webhook-id") {
        "" => Vec::new(),
        id => vec![format!("json/{name}/{id}")],
    };
    let scope = MessageScope {
        headers,
        json: Some(parsed(&body)?),
        text: String::from_utf8_lossy(&body).into_owned(),
        status: 0,
    };
    let told = facts_of(mapped, &scope)
        .map_err(|reason| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    started(&site, &name, told, ids).await
}

/// The facts that a body is mapped to. A fact that is not there is left empty, a version never.
fn facts_of(mapped: &Mapped, scope: &MessageScope) -> Result<Told, String> {
    if let Some(when) = &mapped.when
        && when.value(scope)? != Value::Bool(true)
    {
        return Ok(Told::Nothing("`when` does not hold".to_owned()));
    }
    let mut found = BTreeMap::new();
    for (name, expression) in &mapped.facts {
        match expression.value(scope) {
            Ok(value) if !value.is_null() => {
                found.insert(name.as_str(), plain(&value));
            }
            Ok(_) => {}
            Err(reason) if name == "version" => {
                return Err(format!("the body shows no version: {reason}"));
            }
            Err(_) => {}
        }
    }
    let mut take = |name: &str| found.remove(name).unwrap_or_default();
    Ok(Told::Deploy(Box::new(Facts {
        version: take("version"),
        previous_version: take("previous_version"),
        commit: take("commit"),
        actor: take("actor"),
        reason: take("reason"),
        link: take("link"),
        deployment: take("deployment"),
        ..Facts::default()
    })))
}

/// Which gate is asked for.
#[derive(Debug, Deserialize)]
pub struct Question {
    /// The version.
    #[serde(default)]
    version: String,
    /// How old the verdict may be, such as `6h`; an hour where it is not given.
    within: Option<String>,
}

/// Whether a gate has nothing to say any more: it ended so long ago that what it saw was another
/// rollout of the same version.
fn is_stale(record: &Record, within: Duration) -> bool {
    record.state.is_done()
        && record
            .state
            .verdict_ms
            .is_none_or(|verdict| verdict + within.as_millis() as i64 <= now_ms())
}

/// The newest gate of a name, if it verifies this version: what was said of it before another
/// deploy says nothing of it now.
async fn newest(site: &Site, name: &str, version: &str) -> Result<Option<Record>, Problem> {
    let newest = site.store.newest_gate(name.to_owned()).await?;
    Ok(newest.filter(|record| record.facts.version == version))
}

/// `GET /api/v1/gates/by-name/{gate}/verdict`: for Argo Rollouts' web metric, with
/// `successCondition: result == "Successful"` and `failureCondition: result == "Failed"`.
pub async fn verdict(
    State(site): State<Site>,
    Path(name): Path<String>,
    Query(question): Query<Question>,
) -> Result<Json<Value>, Problem> {
    if question.version.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "say which version is asked for: `?version=…`",
        ));
    }
    let within = match question.within.as_deref().map(duration::parse) {
        None => limits::VERDICT_FRESH,
        Some(Ok(within)) => within,
        Some(Err(reason)) => {
            let text = format!("`within` is not understood: {reason}");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, text));
        }
    };
    let record = newest(&site, &name, &question.version).await?;
    // The gate of this rollout has not begun yet.
    let record = record.filter(|record| !is_stale(record, within));
    let verdict = record.as_ref().and_then(|record| record.state.verdict);
    let result = match verdict {
        Some(Verdict::Promote) => "Successful",
        Some(Verdict::Rollback) => "Failed",
        Some(Verdict::Hold) => "Inconclusive",
        None => "Running",
    };
    Ok(Json(json!({
        "result": result,
        "verdict": verdict.map(Verdict::word),
        "gate": record.as_ref().map(|record| record.id),
        "version": record.map(|record| record.facts.version),
    })))
}

/// What Flagger sends.
#[derive(Debug, Deserialize)]
pub struct FlaggerBody {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    checksum: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// `POST /flagger/{gate}/{hook}`: `rollout` starts the gate, `confirm-promotion` is answered with
/// 200 once it promotes, `rollback` once it rolls back. Anything else waits with 403.
pub async fn flagger(
    State(site): State<Site>,
    Path((name, hook)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<FlaggerBody>,
) -> Result<Response, Problem> {
    let project = site.current.get();
    project
        .file
        .gate(&name)
        .filter(|gate| gate.triggers.flagger)
        .ok_or_else(unknown)?;
    if !matches!(hook.as_str(), "rollout" | "confirm-promotion" | "rollback") {
        return Err(unknown());
    }
    let version = body
        .metadata
        .get("version")
        .cloned()
        .unwrap_or(body.checksum);
    if version.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "neither `metadata.version` nor `checksum` says which version it is",
        ));
    }
    site.store.caught_up().await;
    let mut record = newest(&site, &name, &version).await?;
    // A rollout of a version that was verified some time ago is a new one.
    let is_old = |record: &Record| is_stale(record, limits::VERDICT_FRESH);
    if record.as_ref().is_none_or(is_old) && hook != "rollback" {
        site.may_change(&headers)?;
        let facts = Facts {
            version: version.clone(),
            actor: "Flagger".to_owned(),
            reason: format!("canary {}/{}", body.namespace, body.name),
            ..Facts::default()
        };
        record = Some(site.driver.start(&name, facts, Vec::new()).await?.0);
    }
    let verdict = record
        .filter(|record| !is_old(record))
        .and_then(|record| record.state.verdict);
    let yes = match hook.as_str() {
        "rollback" => verdict == Some(Verdict::Rollback),
        "confirm-promotion" => verdict == Some(Verdict::Promote),
        // A rollout goes on while it is not known to be bad: the promotion is what is confirmed.
        _ => !matches!(verdict, Some(Verdict::Rollback)),
    };
    let status = if yes {
        StatusCode::OK
    } else {
        StatusCode::FORBIDDEN
    };
    Ok((
        status,
        Json(json!({ "verdict": verdict.map(Verdict::word) })),
    )
        .into_response())
}
