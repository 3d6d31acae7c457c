//! The API of incidents and silences, and the page of an incident.

use super::pages::{clock, page};
use super::problem::Problem;
use super::site::Site;
use crate::clock::now_ms;
use crate::incident::keeper::Refused;
use crate::project::access::Role;
use crate::project::alerts::AlertSettings;
use crate::report::watching::{self as view, IncidentView, SilenceView, SloView};
use crate::watch::silence::{Matcher, Silence};
use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use axum::{Form, Json};
use http::{HeaderMap, StatusCode};
use maud::html;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Incidents in a list.
const INCIDENTS_MAX: u32 = 200;
/// Silences that one click makes.
const SILENCED_MAX: usize = 50;
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
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Acknowledge {
    /// Who; the name of the token where tokens have names.
    #[serde(default)]
    pub by: String,
    /// What they say.
    #[serde(default)]
    pub comment: String,
}

/// What is to be silenced.
#[derive(Debug, Serialize, Deserialize)]
pub struct MakeSilence {
    /// `label=value`, `label!=value`, with `*` in the value; all of them must fit.
    pub matchers: Vec<String>,
    /// For how many seconds.
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
                "there is none of this number, or it is over",
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

async fn found(site: &Site, id: i64) -> Result<IncidentView, Problem> {
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
fn silenced_for(seconds: u64) -> Result<u64, Problem> {
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

/// `GET /api/v1/alerts/routes?label=value…`: who would be told of what has these labels.
pub async fn routes(
    State(site): State<Site>,
    Query(labels): Query<BTreeMap<String, String>>,
) -> Json<serde_json::Value> {
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
        let on_duty = file.alerts.duty(now).channels(&route.tell);
        serde_json::json!({ kind: name, "tell": route.tell, "now": on_duty, "escalate": route.escalate, "depends_on": depends_on })
    };
    let named = |kind: &str, name: &str, settings: &AlertSettings| {
        let mut wanted = labels.iter();
        wanted.all(|(label, value)| match label.as_str() {
            label if label == kind => name == value,
            "severity" => settings.severity.word() == value,
            other => settings.labels.get(other) == Some(value),
        })
    };
    let mut all: Vec<serde_json::Value> = probes
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
    Json(all.into())
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

/// What the page of an incident orders.
#[derive(Debug, Deserialize)]
pub struct Ordered {
    by: String,
    #[serde(default)]
    comment: String,
    #[serde(default, rename = "for")]
    length: String,
}

/// A form of another site orders nothing, whatever a proxy adds to it.
fn not_from_elsewhere(headers: &HeaderMap) -> Result<(), Problem> {
    match super::local::is_foreign(headers) {
        true => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "this request comes from another site",
        )),
        false => Ok(()),
    }
}

/// `POST /incidents/{id}/acknowledge`, from its page
pub async fn acknowledge_on_page(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Form(ordered): Form<Ordered>,
) -> Result<Redirect, Problem> {
    not_from_elsewhere(&headers)?;
    let by = site.acting(&headers, Role::Operate, &ordered.by)?;
    site.keeper.acknowledge(id, by, ordered.comment).await?;
    Ok(Redirect::to(&format!("/incidents/{id}")))
}

/// `POST /incidents/{id}/silence`, from its page: all that is in trouble in it.
pub async fn silence_on_page(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    Form(ordered): Form<Ordered>,
) -> Result<Redirect, Problem> {
    not_from_elsewhere(&headers)?;
    let author = site.acting(&headers, Role::Operate, &ordered.by)?;
    let refused = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let length = crate::duration::parse(&ordered.length).map_err(refused)?;
    let seconds = silenced_for(length.as_secs())?;
    let open = site.keeper.incidents();
    let incident = open.iter().find(|incident| incident.id == id);
    let incident = incident.ok_or(Refused::Unknown)?;
    if incident.firing().count() > SILENCED_MAX {
        let title = "so many are silenced by what they have in common: `bellwether alert silence`";
        return Err(refused(title.to_owned()));
    }
    let from_ms = now_ms();
    for (subject, _) in incident.firing() {
        let Some((kind, name)) = subject.split_once('/') else {
            continue;
        };
        let matcher = Matcher::parse(&format!("{kind}={name}")).map_err(refused)?;
        let silence = Silence {
            id: 0,
            matchers: vec![matcher],
            from_ms,
            until_ms: from_ms + seconds as i64 * 1_000,
            author: author.clone(),
            comment: ordered.comment.clone(),
        };
        site.keeper.silence(silence).await?;
    }
    Ok(Redirect::to(&format!("/incidents/{id}")))
}

/// `GET /incidents/{id}`
pub async fn incident(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Html<String>, Problem> {
    let incident = found(&site, id).await?;
    // Whoever types is not to be interrupted.
    let is_asked = site.caller(&headers, Role::Operate).is_ok();
    let refresh = incident
        .ended
        .is_none()
        .then_some(if is_asked { 60 } else { 5 });
    let state = match (&incident.ended, &incident.acknowledged) {
        (Some(_), _) => "resolved",
        (None, Some(_)) => "acknowledged",
        (None, None) => "firing",
    };
    Ok(page(
        &format!("Incident {id}"),
        refresh,
        html! {
            h1 { "Incident " (id) " · " (incident.group) " " span class=(format!("badge {}", if state == "resolved" { "pass" } else { "fail" })) { (state) } }
            p.soft {
                (incident.severity) " · since " (clock(&incident.opened))
                @if let Some(ended) = &incident.ended { " until " (clock(ended)) }
                @if let Some(by) = &incident.acknowledged { " · " (by) " has it" }
            }
            h2 { "What is wrong" }
            div.card { table {
                thead { tr { th { "what" } th { "state" } th { "since" } th { "ended" } th { "why" } } }
                tbody { @for member in &incident.members { tr {
                    td { (member.subject) }
                    td { (member.state) }
                    td { (clock(&member.since)) }
                    td { @if let Some(ended) = &member.ended { (clock(ended)) } }
                    td { (member.reason) @if let Some(quiet) = &member.quiet { div.soft { (quiet) } } }
                } } }
            } }
            h2 { "Timeline" }
            div.card { ol.timeline { @for line in &incident.timeline { li { span.soft { (clock(&line.at)) } " " (line.event) } } } }
            @if incident.ended.is_none() && is_asked {
                div.card {
                    form method="post" action={ "/incidents/" (id) "/acknowledge" } {
                        label { "Your name " input name="by" required; } " "
                        label { "Comment " input name="comment"; } " "
                        button { "Acknowledge" }
                    }
                    form method="post" action={ "/incidents/" (id) "/silence" } {
                        label { "Your name " input name="by" required; } " "
                        label { "For " input name="for" value="2h" size="4" required; } " "
                        label { "Comment " input name="comment" required; } " "
                        button { "Silence what is in it" }
                    }
                }
            } @else if incident.ended.is_none() {
                p.soft { "Acknowledge it: " code { "bellwether alert ack " (id) " --comment '…'" } }
            }
        },
    ))
}
