//! The API under `/api/v1`.

use super::loads::Order;
use super::problem::Problem;
use super::site::Site;
use crate::load::live::LoadState;
use crate::project::access::Role;
use crate::record::gate::Facts;
use crate::record::note::{Note, NoteKind};
use crate::record::state::Consent;
use crate::report::view::{self, GateDetail, GateView, ProbeView};
use crate::run::Summary;
use crate::telemetry::format::Format;
use crate::watch::result::ProbeResult;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Gates in a list.
const GATES_MAX: u32 = 100;
/// A state that is not written for so long is not ready for anything.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);

/// What starts a gate.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub struct StartGate {
    /// The gate's name.
    #[schemars(length(min = 1))]
    pub gate: String,
    /// The facts of the deploy.
    #[serde(flatten)]
    pub facts: LooseFacts,
}

/// Facts of a deploy as callers give them.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct LooseFacts {
    /// The version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// The version before.
    #[serde(default)]
    pub previous_version: String,
    /// The commit.
    #[serde(default)]
    pub commit: String,
    /// Who.
    #[serde(default)]
    pub actor: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The pipeline's page.
    #[serde(default)]
    pub link: String,
    /// GitHub's number of the deployment.
    #[serde(default)]
    pub deployment: String,
    /// Why it is verified outside of the windows.
    #[serde(default)]
    pub break_glass: String,
    /// What the database was changed to.
    #[serde(default)]
    pub migrated: String,
    /// The ticket of the change.
    #[serde(default)]
    pub ticket: String,
    /// Whether it only rehearses.
    #[serde(default)]
    pub rehearsal: bool,
    /// Preconditions that are skipped, each with its reason.
    #[serde(default)]
    pub skips: BTreeMap<String, String>,
}

impl From<LooseFacts> for Facts {
    fn from(facts: LooseFacts) -> Facts {
        let LooseFacts {
            version,
            previous_version,
            commit,
            actor,
            reason,
            link,
            deployment,
            break_glass,
            migrated,
            ticket,
            rehearsal,
            skips,
        } = facts;
        Facts {
            asked_by: String::new(),
            break_glass,
            migrated,
            ticket,
            rehearsal,
            links: BTreeMap::new(),
            skips,
            skipped_by: String::new(),
            callback: String::new(),
            target: String::new(),
            version,
            previous_version,
            commit,
            actor,
            reason,
            link,
            deployment,
        }
    }
}

/// `GET /metrics`
pub async fn metrics(State(site): State<Site>, headers: HeaderMap) -> impl IntoResponse {
    let accept = headers.get(http::header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    let format = Format::wanted(accept.unwrap_or_default());
    let parts = site.metrics.parts(format).filter(|part| !part.is_empty());
    let parts = futures_util::stream::iter(parts.map(Ok::<_, std::convert::Infallible>));
    exposed(format, Body::from_stream(parts))
}

/// Metrics in a form of theirs.
pub(super) fn exposed(format: Format, text: impl IntoResponse) -> impl IntoResponse {
    let headers = [
        (http::header::CONTENT_TYPE, format.media_type()),
        (http::header::VARY, "accept"),
    ];
    (headers, text)
}

/// `GET /readyz`
pub async fn readyz(State(site): State<Site>) -> Result<&'static str, Problem> {
    if !site.ready.load(Relaxed) {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: starting or stopping",
        ));
    }
    let unwell = site.supervisor.unwell();
    if !unwell.is_empty() {
        let detail = format!(
            "not ready: {} died and was started again; it must live for a while first",
            unwell.join(", ")
        );
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    site.store.pending().await?;
    if !site.keeper.is_well() || !site.prober.ledger().is_well() {
        let detail = "not ready: what probes show cannot be kept";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
    }
    // A disk that is full is said by whoever needs it; one that hangs would keep all waiting.
    let written = tokio::time::timeout(WRITTEN_WITHIN, site.store.caught_up()).await;
    written.map_err(|_| {
        let detail = "not ready: what is written to the state does not get there";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    Ok("ready\n")
}

/// How the daemon stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusView {
    /// The version of Bellwether.
    version: &'static str,
    /// What this state is told from others by.
    instance: String,
    /// Probes of the configuration.
    probes: usize,
    /// Gates of the configuration.
    gates: Vec<String>,
    /// Gates that are being driven.
    gates_active: usize,
    /// Effects that are not delivered yet.
    outbox_pending: i64,
}

/// `GET /api/v1/status`
pub async fn status(State(site): State<Site>) -> Result<Json<StatusView>, Problem> {
    let (_, pending) = site.store.pending().await?;
    let project = site.current.get();
    let gates = project.file.gates.iter();
    Ok(Json(StatusView {
        version: env!("CARGO_PKG_VERSION"),
        instance: site.store.instance().to_owned(),
        probes: project.probes.len(),
        gates: gates.map(|gate| gate.name.clone()).collect(),
        gates_active: site.driver.active(),
        outbox_pending: pending,
    }))
}

/// `GET /api/v1/gates`
pub async fn gates(State(site): State<Site>) -> Result<Json<Vec<GateView>>, Problem> {
    let records = site.store.gates(GATES_MAX).await?;
    Ok(Json(records.iter().map(view::gate).collect()))
}

/// `POST /api/v1/gates`
pub async fn start_gate(
    State(site): State<Site>,
    headers: HeaderMap,
    body: axum::body::Bytes,
) -> Result<impl IntoResponse, Problem> {
    let caller = site.caller(&headers, Role::Operate)?;
    let start: StartGate = serde_json::from_slice(&body)
        .map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the body is not what starts a gate: {error}; expected {{\"gate\": …, \"version\": …}}")))?;
    let mut facts: Facts = start.facts.into();
    let broke = !facts.break_glass.is_empty();
    if facts.actor.is_empty() || broke {
        // Who breaks the glass is nobody else.
        facts.actor = caller.acts_as(&facts.actor).map_err(not_you)?;
    }
    if !facts.skips.is_empty() {
        // Who goes on without a precondition answers for it, as who waives does.
        let caller = site.caller(&headers, Role::Approve)?;
        facts.skipped_by = caller.agrees_as(&facts.actor).map_err(not_you)?;
    }
    facts.asked_by = caller.name.unwrap_or_default();
    let (record, new) = site.driver.start(&start.gate, facts, Vec::new()).await?;
    // The same job asked again: its gate runs.
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(view::gate(&record))))
}

/// Everything known of a gate.
pub async fn gate_detail(site: &Site, id: i64) -> Result<GateDetail, Problem> {
    let record = site
        .store
        .gate(id)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no gate {id}")))?;
    let events = site.store.events_of(id).await?;
    let effects = site.store.effects_of(id).await?;
    let runs = site.store.runs(Some(id), GATES_MAX).await?;
    Ok(view::detail(&record, &events, &effects, &runs))
}

/// `GET /api/v1/gates/{id}`
pub async fn gate(
    State(site): State<Site>,
    Path(id): Path<i64>,
) -> Result<Json<GateDetail>, Problem> {
    Ok(Json(gate_detail(&site, id).await?))
}

/// `POST /api/v1/gates/{id}/cancel`
pub async fn cancel_gate(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let caller = site.caller(&headers, Role::Operate)?;
    let by = caller.name.as_deref().unwrap_or("a request to the API");
    site.driver.cancel(id, by).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Who says to be somebody else is told so.
pub(super) fn not_you(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, detail)
}

/// Keeps what somebody says of a gate, if they may.
pub(super) async fn note(
    site: Site,
    id: i64,
    kind: NoteKind,
    headers: &HeaderMap,
    mut note: Note,
) -> Result<StatusCode, Problem> {
    let caller = site.caller(headers, Role::Approve)?;
    note.by = caller.agrees_as(&note.by).map_err(not_you)?;
    note.kind = kind;
    site.driver.note(id, note).await?;
    Ok(StatusCode::ACCEPTED)
}

/// `POST /api/v1/gates/{id}/approve`
pub async fn approve(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(body): Json<Note>,
) -> Result<StatusCode, Problem> {
    note(site, id, NoteKind::Approval, &headers, body).await
}

/// `POST /api/v1/gates/{id}/waive`
pub async fn waive(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(body): Json<Note>,
) -> Result<StatusCode, Problem> {
    note(site, id, NoteKind::Waiver, &headers, body).await
}

/// `POST /api/v1/gates/{id}/attest`
pub async fn attest(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(body): Json<Note>,
) -> Result<StatusCode, Problem> {
    note(site, id, NoteKind::Attestation, &headers, body).await
}

/// A consent to a rollback.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentByHand {
    /// Who.
    #[serde(default)]
    by: String,
    /// Why.
    #[schemars(length(min = 1))]
    reason: String,
    /// Whether the database is changed back first.
    #[serde(default)]
    with_down: bool,
}

/// `POST /api/v1/gates/{id}/consent`
pub async fn consent(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(body): Json<ConsentByHand>,
) -> Result<StatusCode, Problem> {
    let caller = site.caller(&headers, Role::Approve)?;
    let consent = Consent {
        by: caller.agrees_as(&body.by).map_err(not_you)?,
        reason: body.reason,
        with_down: body.with_down,
    };
    site.driver.consent(id, consent).await?;
    Ok(StatusCode::ACCEPTED)
}

/// An order to roll back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackByHand {
    /// Who.
    #[serde(default)]
    by: String,
    /// Why.
    #[schemars(length(min = 1))]
    reason: String,
    /// What is served now; needed where a rollback has gone back to it.
    #[serde(default)]
    version: String,
    /// The version to go back to, if not the last that was proven good.
    #[serde(default)]
    to: String,
}

/// `POST /api/v1/rollback/{gate}`
pub async fn roll_back(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(body): Json<RollbackByHand>,
) -> Result<impl IntoResponse, Problem> {
    let RollbackByHand {
        by,
        reason,
        version,
        to,
    } = body;
    let by = site.acting(&headers, Role::Operate, &by)?;
    let order = crate::record::state::Order {
        by,
        reason,
        gate: None,
        to,
    };
    let record = site.driver.roll_back(&name, order, &version).await?;
    Ok((StatusCode::ACCEPTED, Json(view::gate(&record))))
}

/// `GET /api/v1/probes`
pub async fn probes(State(site): State<Site>) -> Json<Vec<ProbeView>> {
    Json(site.prober.each(view::probe))
}

/// A probe with what was kept of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProbeDetail {
    /// The probe.
    probe: ProbeView,
    /// Its newest results.
    results: Vec<ProbeResult>,
    /// The summary of its last run, where there was one.
    last: Option<Summary>,
}

/// `GET /api/v1/probes/{name}`
pub async fn probe(
    State(site): State<Site>,
    Path(name): Path<String>,
) -> Result<Json<ProbeDetail>, Problem> {
    let found = site.prober.view(&name).ok_or_else(|| no_probe(&name))?;
    let last = found
        .last
        .as_ref()
        .map(|last| last.summary(&found.environment));
    Ok(Json(ProbeDetail {
        probe: view::probe(&found),
        results: found.results.into_iter().collect(),
        last,
    }))
}

/// There is no such probe.
pub fn no_probe(name: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is no probe `{name}`"))
}

/// `POST /api/v1/probes/{name}/run`
pub async fn run_probe(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Summary>, Problem> {
    site.caller(&headers, Role::Operate)?;
    let summary = site.prober.run(&name).await;
    summary.map(Json).ok_or_else(|| no_probe(&name))
}

/// `GET /api/v1/loads`
pub async fn loads(State(site): State<Site>) -> Json<Vec<LoadState>> {
    Json(site.driver.live().list())
}

/// `POST /api/v1/loads/{id}`
pub async fn order(
    State(site): State<Site>,
    Path(id): Path<u64>,
    headers: HeaderMap,
    Json(order): Json<Order>,
) -> Result<Json<LoadState>, Problem> {
    site.caller(&headers, Role::Operate)?;
    super::loads::tell(site.driver.live(), id, order).map(Json)
}

/// `GET /api/v1/runs/{id}`
pub async fn run(State(site): State<Site>, Path(id): Path<i64>) -> Result<Json<Summary>, Problem> {
    let summary = site.store.run(id).await?;
    summary
        .map(Json)
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no run {id}")))
}

/// What came of a reload.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reloaded {
    /// Always true: a configuration that is broken is a problem.
    reloaded: bool,
}

/// `POST /api/v1/reload`
pub async fn reload(
    State(site): State<Site>,
    headers: HeaderMap,
) -> Result<Json<Reloaded>, Problem> {
    site.caller(&headers, Role::Administer)?;
    let (answer, result) = tokio::sync::oneshot::channel();
    let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the daemon is stopping");
    site.reload.send(answer).await.map_err(|_| busy())?;
    match result.await.map_err(|_| busy())? {
        Ok(()) => Ok(Json(Reloaded { reloaded: true })),
        Err(problems) => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the configuration is broken, the old one stays in force\n{problems}"),
        )),
    }
}
