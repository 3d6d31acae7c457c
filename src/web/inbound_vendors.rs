//! Webhooks of GitHub, Vercel and anybody else, and the questions of Argo Rollouts and Flagger.
//!
//! What is not genuine changes nothing; what is genuine and does not concern the gate is answered
//! with a success, so that its sender does not repeat it. A question that has no good answer yet is
//! never answered as if it had.

use super::inbound::{keyless, unknown};
use super::problem::Problem;
use super::site::Site;
use crate::clock::now_ms;
use crate::pipeline::source::{Deaf, Heard, Inbound, Told};
use crate::project::access::Role;
use crate::project::current::pages;
use crate::record::gate::{Facts, Record, cleaned};
use crate::record::state::Verdict;
use crate::report::view;
use crate::{duration, limits};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

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

/// `POST /hooks/{gate}/{source}`
pub async fn webhook(
    State(site): State<Site>,
    Path((name, source)): Path<(String, String)>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<Response, Problem> {
    let project = site.current.get();
    let configured = project
        .file
        .gate(&name)
        .and_then(|gate| gate.sources.get(source.as_str()))
        .ok_or_else(unknown)?;
    let heard = configured.hear(&Inbound {
        gate: &name,
        headers: &headers,
        body: &body,
        pages: &pages(&project),
        means: &site.means(),
    });
    match heard {
        Ok(Heard { told, ids, lacks }) => {
            for lack in &lacks {
                site.metrics.look_failed(&name, "fact");
                tracing::warn!(gate = name, lack, "A fact of a webhook could not be found");
            }
            started(&site, &name, told, ids).await
        }
        Err(Deaf::Forged(what)) => {
            tracing::warn!(gate = name, what, "Webhook refused");
            let text = format!("{what} does not match");
            Err(Problem::new(StatusCode::UNAUTHORIZED, text))
        }
        Err(Deaf::Unreadable(why)) => Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why)),
        Err(Deaf::Keyless) => Err(keyless()),
    }
}

/// Which gate is asked for.
#[derive(Debug, Deserialize)]
pub struct Question {
    /// The version.
    #[serde(default)]
    version: String,
    /// What tells this rollout from another of the same version, such as its revision.
    #[serde(default)]
    rollout: String,
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

/// The gate of this rollout: one verdict answers one. Where a rollout has no name, none is told from
/// another.
async fn of_rollout(
    site: &Site,
    record: Option<Record>,
    rollout: &str,
) -> Result<Option<Record>, Problem> {
    let Some(found) = &record else {
        return Ok(None);
    };
    if rollout.is_empty() {
        return Ok(record);
    }
    let asked = site.store.answers_rollout(found.id, rollout.to_owned());
    let answers = asked.await?;
    Ok(record.filter(|_| answers))
}

/// Starts the gate of a rollout.
async fn begun(
    site: &Site,
    name: &str,
    facts: Facts,
    rollout: &str,
) -> Result<Option<Record>, Problem> {
    let (started, _) = site.driver.start(name, facts, Vec::new()).await?;
    of_rollout(site, Some(started), rollout).await
}

/// What a gate says to whoever asks for a promotion: its verdict, and whether it is a promotion that
/// stands.
fn said(record: Option<&Record>) -> (Option<Verdict>, bool) {
    let state = record.map(|record| &record.state);
    let verdict = state.and_then(|state| state.verdict);
    let is_done = state.is_some_and(|state| state.undone.is_none());
    (verdict, verdict == Some(Verdict::Promote) && is_done)
}

/// What a gate says of a version.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    /// `Successful`, `Failed`, `Inconclusive` or `Running`.
    result: &'static str,
    /// `promote`, `rollback` or `hold`, once reached.
    verdict: Option<&'static str>,
    /// The gate's number, once there is one.
    gate: Option<i64>,
    /// The version that it verifies.
    version: Option<String>,
}

/// `GET /api/v1/gates/by-name/{gate}/verdict`: for Argo Rollouts' web metric, with
/// `successCondition: result == "Successful"` and `failureCondition: result == "Failed"`.
pub async fn verdict(
    State(site): State<Site>,
    Path(name): Path<String>,
    Query(question): Query<Question>,
    headers: HeaderMap,
) -> Result<Json<Answer>, Problem> {
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
    let version = cleaned(&question.version);
    let record = newest(&site, &name, &version).await?;
    // Of another rollout, and that of this one has not begun yet.
    let record = record.filter(|record| !is_stale(record, within));
    // One that is being verified is not called off by a question of another.
    let is_open = record
        .as_ref()
        .is_some_and(|record| !record.state.is_done());
    let mut record = of_rollout(&site, record, &question.rollout).await?;
    let may_start = !question.rollout.is_empty() && site.caller(&headers, Role::Operate).is_ok();
    if record.is_none() && !is_open && may_start {
        let facts = Facts {
            version,
            actor: "Argo Rollouts".to_owned(),
            reason: format!("rollout {}", question.rollout),
            ..Facts::default()
        };
        record = begun(&site, &name, facts, &question.rollout).await?;
    }
    let (verdict, promotes) = said(record.as_ref());
    let result = match verdict {
        Some(Verdict::Promote) if promotes => "Successful",
        Some(Verdict::Rollback) => "Failed",
        Some(Verdict::Promote | Verdict::Hold) => "Inconclusive",
        None => "Running",
    };
    Ok(Json(Answer {
        result,
        verdict: verdict.map(Verdict::word),
        gate: record.as_ref().map(|record| record.id),
        version: record.map(|record| record.facts.version),
    }))
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
        .filter(|gate| gate.flagger)
        .ok_or_else(unknown)?;
    if !matches!(hook.as_str(), "rollout" | "confirm-promotion" | "rollback") {
        return Err(unknown());
    }
    let rollout = body.checksum;
    let version = cleaned(body.metadata.get("version").unwrap_or(&rollout));
    if version.is_empty() {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "neither `metadata.version` nor `checksum` says which version it is",
        ));
    }
    site.store.caught_up().await;
    let known = newest(&site, &name, &version).await?;
    // One that is being verified is not called off by a question of another.
    let is_open = known.as_ref().is_some_and(|record| !record.state.is_done());
    let mut record = of_rollout(&site, known, &rollout).await?;
    let is_of_another = record.is_none() && is_open;
    // A rollout of a version that was verified some time ago is a new one.
    let is_old = |record: &Record| is_stale(record, limits::VERDICT_FRESH);
    if record.as_ref().is_none_or(is_old) && hook != "rollback" && !is_of_another {
        site.caller(&headers, Role::Operate)?;
        let facts = Facts {
            version: version.clone(),
            actor: "Flagger".to_owned(),
            reason: format!("canary {}/{}", body.namespace, body.name),
            ..Facts::default()
        };
        record = begun(&site, &name, facts, &rollout).await?;
    }
    let record = record.filter(|record| !is_old(record));
    let (verdict, promotes) = said(record.as_ref());
    let yes = match hook.as_str() {
        "rollback" => verdict == Some(Verdict::Rollback),
        "confirm-promotion" => promotes,
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
