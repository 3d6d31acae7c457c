//! The API of incidents and silences.

use super::problem::Problem;
use super::site::Site;
use crate::clock::now_ms;
use crate::incident::keeper::Refused;
use crate::project::access::Role;
use crate::project::alerts::AlertSettings;
use crate::report::watching::{self as view, IncidentView, SilenceView, SloView};
use crate::watch::alert::Escalation;
use crate::watch::silence::{Matcher, Silence};
use axum::Json;
use axum::extract::{Path, Query, State};
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Incidents in a list.
const INCIDENTS_MAX: u32 = 200;
/// The longest silence: a year.
const SILENCE_MAX_S: u64 = 366 * 24 * 3600;

/// What a list of incidents is to hold.
#[derive(Debug, Default, Deserialize)]
pub struct Which {
    /// Those that ended, too.
    #[serde(default)]
    pub all: bool,
}

/// What somebody says who has an incident.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Acknowledge {
    /// Who; the name of the token where tokens have names.
    #[serde(default)]
    pub by: String,
    /// What they say.
    #[serde(default)]
    pub comment: String,
}

/// What is to be silenced.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct MakeSilence {
    /// `label=value`, `label!=value`, with `*` in the value; all of them must fit.
    #[schemars(length(min = 1))]
    pub matchers: Vec<String>,
    /// For how many seconds: a year at the most.
    #[schemars(range(min = 1, max = SILENCE_MAX_S))]
    pub seconds: u64,
    /// Who; the name of the token where tokens have names.
    #[serde(default)]
    pub by: String,
    /// Why.
    pub comment: String,
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Problem {
        match refused {
            Refused::Unknown => Problem::new(
                StatusCode::NOT_FOUND,
                "there is no open incident or silence of this number",
            ),
            Refused::Already => Problem::new(StatusCode::CONFLICT, "somebody has it already"),
            Refused::Store(fault) => fault.into(),
        }
    }
}

/// `GET /api/v1/incidents`
pub async fn list(
    State(site): State<Site>,
    Query(which): Query<Which>,
) -> Result<Json<Vec<IncidentView>>, Problem> {
    let mut all = site.keeper.incidents();
    if which.all {
        let kept = site.store.incidents(INCIDENTS_MAX).await?;
        all.extend(
            kept.into_iter()
                .filter(|incident| incident.ended_ms.is_some()),
        );
    }
    Ok(Json(all.iter().map(view::incident).collect()))
}

/// An incident, open or kept.
pub(super) async fn found(site: &Site, id: i64) -> Result<IncidentView, Problem> {
    let open = site
        .keeper
        .incidents()
        .into_iter()
        .find(|incident| incident.id == id);
    let incident = match open {
        Some(incident) => Some(incident),
        None => site.store.incident(id).await?,
    };
    let incident = incident
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no incident {id}")))?;
    Ok(view::incident(&incident))
}

/// `GET /api/v1/incidents/{id}`
pub async fn show(
    State(site): State<Site>,
    Path(id): Path<i64>,
) -> Result<Json<IncidentView>, Problem> {
    found(&site, id).await.map(Json)
}

/// `POST /api/v1/incidents/{id}/acknowledge`
pub async fn acknowledge(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Json(body): Json<Acknowledge>,
) -> Result<Json<IncidentView>, Problem> {
    let by = site.acting(&headers, Role::Operate, &body.by)?;
    site.keeper.acknowledge(id, by, body.comment).await?;
    found(&site, id).await.map(Json)
}

/// `GET /api/v1/silences`
pub async fn silences(State(site): State<Site>) -> Json<Vec<SilenceView>> {
    Json(site.keeper.silences().iter().map(view::silence).collect())
}

/// How long a silence lasts, in seconds, if it may last so long.
pub(super) fn silenced_for(seconds: u64) -> Result<u64, Problem> {
    let is_sound = (1..=SILENCE_MAX_S).contains(&seconds);
    is_sound.then_some(seconds).ok_or_else(|| {
        let detail = "a silence lasts from a second to a year";
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    })
}

/// `POST /api/v1/silences`
pub async fn silence(
    State(site): State<Site>,
    headers: HeaderMap,
    Json(body): Json<MakeSilence>,
) -> Result<(StatusCode, Json<SilenceView>), Problem> {
    let author = site.acting(&headers, Role::Operate, &body.by)?;
    let refused = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let matchers = body.matchers.iter().map(|text| Matcher::parse(text));
    let matchers: Vec<Matcher> = matchers.collect::<Result<_, _>>().map_err(refused)?;
    if matchers.is_empty() {
        return Err(refused(
            "a silence says of what: `probe=api-*`, for example".to_owned(),
        ));
    }
    let seconds = silenced_for(body.seconds)?;
    let from_ms = now_ms();
    let silence = Silence {
        id: 0,
        matchers,
        from_ms,
        until_ms: from_ms + seconds as i64 * 1_000,
        author,
        comment: body.comment,
    };
    let kept = site.keeper.silence(silence).await?;
    Ok((StatusCode::CREATED, Json(view::silence(&kept))))
}

/// `DELETE /api/v1/silences/{id}`
pub async fn unsilence(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    site.caller(&headers, Role::Operate)?;
    site.keeper.end_silence(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who would be told of something.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RouteView {
    /// The probe, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    probe: Option<String>,
    /// The heartbeat, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    heartbeat: Option<String>,
    /// The objective over weeks, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    slo: Option<String>,
    /// Channels that are told, rotas by their names.
    tell: Vec<String>,
    /// The channels that this means now.
    now: Vec<String>,
    /// Who is told later.
    #[schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>")]
    escalate: Vec<Escalation>,
    /// Probes that it waits for.
    depends_on: Vec<String>,
}

/// `GET /api/v1/alerts/routes?label=value…`: who would be told of what has these labels.
pub async fn routes(
    State(site): State<Site>,
    Query(labels): Query<BTreeMap<String, String>>,
) -> Json<Vec<RouteView>> {
    let project = site.current.get();
    let probes = project.probes.iter().filter(|probe| {
        labels.iter().all(|(name, value)| match name.as_str() {
            "probe" => probe.name == *value,
            "environment" => probe.environment == *value,
            "group" => probe.group.as_ref() == Some(value),
            "severity" => probe.alert.severity.word() == value,
            other => probe.alert.labels.get(other) == Some(value),
        })
    });
    let file = &project.file;
    let now = crate::clock::now();
    let told = |kind: &str, name: &str, settings: &AlertSettings, depends_on: &[String]| {
        let (route, _) = file.alerts.told(settings, String::new());
        let of = |wanted: &str| (kind == wanted).then(|| name.to_owned());
        RouteView {
            probe: of("probe"),
            heartbeat: of("heartbeat"),
            slo: of("slo"),
            now: file.alerts.duty(now).channels(&route.tell),
            tell: route.tell,
            escalate: route.escalate,
            depends_on: depends_on.to_vec(),
        }
    };
    let named = |kind: &str, name: &str, settings: &AlertSettings| {
        let mut wanted = labels.iter();
        wanted.all(|(label, value)| match label.as_str() {
            label if label == kind => name == value,
            "severity" => settings.severity.word() == value,
            other => settings.labels.get(other) == Some(value),
        })
    };
    let mut all: Vec<RouteView> = probes
        .map(|probe| told("probe", &probe.name, &probe.alert, &probe.depends_on))
        .collect();
    for job in &file.heartbeats {
        if named("heartbeat", &job.name, &job.alert) {
            all.push(told("heartbeat", &job.name, &job.alert, &[]));
        }
    }
    for slo in &file.slos {
        if named("slo", &slo.name, &slo.alert) {
            all.push(told("slo", &slo.name, &slo.alert, &[]));
        }
    }
    Json(all)
}

/// `GET /api/v1/slos`
pub async fn slos(State(site): State<Site>) -> Json<Vec<SloView>> {
    let all = site.budgets.list();
    Json(
        all.iter()
            .map(|(name, goal, seen)| view::slo(name, goal, seen))
            .collect(),
    )
}
