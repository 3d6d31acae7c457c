//! Alerts: what is firing, what is silenced, what was told to whom. An incident has a page of its own, where
//! it is acknowledged and silenced.

use super::frame::{Frame, badge, clock, delivery_badge, name_field, prose, told_line, toned};
use crate::clock::now_ms;
use crate::incident::keeper::Refused;
use crate::project::access::Role;
use crate::report::view::time;
use crate::report::watching::{self, IncidentView};
use crate::report::wrong::{Tone, page_of};
use crate::watch::incident::Incident;
use crate::watch::silence::{Matcher, Silence};
use crate::web::alerts::{found, silenced_for};
use crate::web::local::not_from_elsewhere;
use crate::web::problem::Problem;
use crate::web::site::{Site, Viewer};
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

/// Incidents in a list.
const INCIDENTS_MAX: u32 = 100;
/// Silences that one click makes.
const SILENCED_MAX: usize = 50;
/// Members of an incident that a list shows.
const MEMBERS_SHOWN: usize = 3;

/// `GET /alerts`
pub async fn alerts(State(site): State<Site>, headers: HeaderMap) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let mut open: Vec<IncidentView> = site
        .keeper
        .incidents()
        .iter()
        .map(watching::incident)
        .collect();
    open.reverse();
    let kept = site.store.incidents(INCIDENTS_MAX).await?;
    let ended = |incident: &&Incident| incident.ended_ms.is_some();
    let ended: Vec<IncidentView> = kept.iter().filter(ended).map(watching::incident).collect();
    let silences: Vec<_> = site
        .keeper
        .silences()
        .iter()
        .map(watching::silence)
        .collect();
    let frame = Frame {
        title: "Alerts".to_owned(),
        at: "/alerts",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        h1 { "Alerts" }
        h2 { "Firing" }
        div.card { @if open.is_empty() { p.soft { "Nothing is firing." } } @else { (table(&open)) } }
        h2 { "Silences" }
        div.card { @if silences.is_empty() { p.soft { "Nothing is silenced." } } @else { table {
            thead { tr { th scope="col" { "Of what" } th scope="col" { "Until" } th scope="col" { "By" } th scope="col" { "Why" } } }
            tbody { @for silence in &silences { tr {
                td { @for matcher in &silence.matchers { code { (matcher) } " " } }
                td { (clock(&silence.until)) }
                td { (silence.author) }
                td { (silence.comment) }
            } } }
        } } }
        h2 { "History" }
        div.card { @if ended.is_empty() { p.soft { "No incident has ended yet." } } @else { (table(&ended)) } }
    }))
}

fn table(incidents: &[IncidentView]) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "Incident" } th scope="col" { "State" } th scope="col" { "Since" } th scope="col" { "What" } th scope="col" { "Told" } } }
        tbody { @for incident in incidents { tr {
            td { a href=(format!("/incidents/{}", incident.id)) { (incident.id) " " (incident.group) } div.soft.small { (incident.severity) } }
            td { (incident_badge(incident.ended.is_some(), incident.acknowledged.is_some())) }
            td { (clock(&incident.opened)) @if let Some(ended) = &incident.ended { div.soft.small { "until " (clock(ended)) } } }
            td {
                @for member in incident.members.iter().take(MEMBERS_SHOWN) { div { (member.subject) " " (member.state) @if let Some(quiet) = &member.quiet { span.soft { " (" (quiet) ")" } } } }
                @if incident.members.len() > MEMBERS_SHOWN { div.soft.small { "and " (incident.members.len() - MEMBERS_SHOWN) " more" } }
            }
            td { @match &incident.acknowledged { Some(by) => { (by) " has it" } None if incident.told.is_empty() => { span.soft { "nobody" } } None => { (incident.told.join(", ")) } } }
        } } }
    } }
}

/// The state of an incident as a word.
fn incident_badge(ended: bool, acknowledged: bool) -> Markup {
    match (ended, acknowledged) {
        (true, _) => toned(Tone::Good, "resolved"),
        (false, true) => badge("acknowledged"),
        (false, false) => badge("firing"),
    }
}

/// What the page of an incident orders.
#[derive(Debug, Deserialize)]
pub struct Ordered {
    #[serde(default)]
    by: String,
    #[serde(default)]
    comment: String,
    #[serde(default, rename = "for")]
    length: String,
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
    let viewer = site.viewer(&headers);
    let incident = found(&site, id).await?;
    let told = site.store.effects_of_incident(id).await?;
    let title = format!("Incident {id}");
    let frame = Frame {
        title,
        at: "/alerts",
        is_live: incident.ended.is_none(),
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        h1 { "Incident " (id) " · " (incident.group) " " (incident_badge(incident.ended.is_some(), incident.acknowledged.is_some())) }
        p.soft {
            (incident.severity) " · since " (clock(&incident.opened))
            @if let Some(ended) = &incident.ended { " until " (clock(ended)) }
            @if let Some(by) = &incident.acknowledged { " · " (by) " has it" }
        }
        @if incident.ended.is_none() { (orders(id, &viewer)) }
        h2 { "What is wrong" }
        div.card { table {
            thead { tr { th scope="col" { "What" } th scope="col" { "State" } th scope="col" { "Since" } th scope="col" { "Ended" } th scope="col" { "Why" } } }
            tbody { @for member in &incident.members { tr {
                td { (subject(&member.subject)) }
                td { (member.state) }
                td { (clock(&member.since)) }
                td { @if let Some(ended) = &member.ended { (clock(ended)) } }
                td { (prose(&member.reason)) @if let Some(quiet) = &member.quiet { div.soft.small { (quiet) } } }
            } } }
        } }
        @if !told.is_empty() {
            h2 { "Told" }
            div.card { table {
                thead { tr { th scope="col" { "When" } th scope="col" { "To" } th scope="col" { "State" } th.n scope="col" { "Attempts" } th scope="col" { "What came back" } } }
                tbody { @for effect in &told { tr {
                    td { (clock(&time(effect.created_ms))) }
                    td { (effect.target) }
                    td { (delivery_badge(effect.state.word())) }
                    td.n { (effect.attempts) }
                    td { (effect.result) }
                } } }
            } }
        }
        h2 { "Timeline" }
        div.card { ol.timeline { @for line in &incident.timeline { li { (told_line(&line.at, &line.event)) } } } }
    }))
}

/// A subject, with its page if it has one.
fn subject(subject: &str) -> Markup {
    match subject.split_once('/') {
        Some(("probe", name)) => {
            html! { a href=(page_of("probes", name)) { (name) } }
        }
        Some((kind, name)) => html! { (kind) " " (name) },
        None => html! { (subject) },
    }
}

fn orders(id: i64, viewer: &Viewer) -> Markup {
    if !viewer.may(Role::Operate) {
        return html! { p.soft { "Acknowledge it: " code { "bellwether alert ack " (id) " --comment '…'" } } };
    }
    html! {
        div.orders {
            details.order { summary { "Acknowledge" } form.order method="post" action={ "/incidents/" (id) "/acknowledge" } {
                (name_field(viewer))
                label { "Comment" input name="comment"; }
                button { "Acknowledge" }
            } }
            details.order { summary { "Silence" } form.order method="post" action={ "/incidents/" (id) "/silence" } {
                (name_field(viewer))
                label { "For" input name="for" value="2h" size="4" required; }
                label { "Why" input name="comment" required; }
                button { "Silence what is in it" }
            } }
        }
    }
}
