//! Gates and runs in lists, and the pages of all of them.

use super::frame::{Frame, badge, clock, prose};
use crate::report::html as run_page;
use crate::report::view::{self, GateView, RunView};
use crate::web::problem::Problem;
use crate::web::site::Site;
use axum::extract::{Path, State};
use axum::response::Html;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};

/// Rows of a list.
const ROWS: u32 = 200;

/// The newest gates.
pub async fn newest_gates(site: &Site, most: u32) -> Result<Vec<GateView>, Problem> {
    let gates = site.store.gates(most).await?;
    Ok(gates.iter().map(view::gate).collect())
}

/// The newest runs.
pub async fn newest_runs(site: &Site, most: u32) -> Result<Vec<RunView>, Problem> {
    let runs = site.store.runs(None, most).await?;
    Ok(runs.iter().map(view::run).collect())
}

/// Gates as a table.
pub fn gate_table(gates: &[GateView]) -> Markup {
    if gates.is_empty() {
        return html! { p.soft { "No gate has run yet. Start one with " code { "bellwether gate start NAME --version …" } } };
    }
    html! { table {
        thead { tr { th scope="col" { "Gate" } th scope="col" { "Version" } th scope="col" { "Verdict" } th scope="col" { "Rollback" } th scope="col" { "Started" } th scope="col" { "Why" } } }
        tbody { @for gate in gates { tr {
            td { a href=(format!("/gates/{}", gate.id)) { (gate.gate) " " (gate.id) } div.soft.small { (gate.environment) } }
            td { (gate.version) }
            td { (verdict_badge(gate)) }
            td { (proof_badge(gate)) }
            td { (clock(&gate.started)) }
            td { @for reason in gate.reasons.iter().take(2) { div { (prose(reason)) } } }
        } } }
    } }
}

/// What a gate said, or what it does.
pub fn verdict_badge(gate: &GateView) -> Markup {
    match &gate.verdict {
        Some(verdict) => badge(verdict),
        None => html! { span.badge.running.live { (gate.position) } },
    }
}

/// What became of a verdict.
pub fn proof_badge(gate: &GateView) -> Markup {
    match (gate.proven, gate.verdict.as_deref()) {
        (Some(true), _) => badge("proven"),
        (Some(false), _) => html! { span.badge.failed { "not proven" } },
        (None, Some("promote")) if gate.undone.is_some() => {
            html! { span.badge.failed { "not carried out" } }
        }
        (None, _) if gate.dry_run => html! { span.badge.running { "dry run" } },
        (None, _) if gate.migrated.is_some() => {
            html! { span.badge.failed { "waiting for consent" } }
        }
        (None, Some("rollback")) => html! { span.badge.running.live { "proving" } },
        _ => html! {},
    }
}

/// Runs as a table.
pub fn run_table(runs: &[RunView]) -> Markup {
    if runs.is_empty() {
        return html! { p.soft { "No run yet." } };
    }
    html! { table {
        thead { tr { th scope="col" { "Run" } th scope="col" { "Phase" } th scope="col" { "Outcome" } th scope="col" { "Ended" } } }
        tbody { @for run in runs { tr {
            td { a href=(format!("/runs/{}", run.id)) { (run.scenario) " " (run.id) } }
            td { (run.phase) }
            td { (badge(&run.outcome)) }
            td { (clock(&run.at)) }
        } } }
    } }
}

/// `GET /gates`
pub async fn gates(State(site): State<Site>, headers: HeaderMap) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let gates = newest_gates(&site, ROWS).await?;
    let frame = Frame {
        title: "Gates".to_owned(),
        at: "/gates",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        h1 { "Gates" }
        p.soft { "The newest " (gates.len()) ", each with what it said of a deploy and what became of it." }
        div.card { (gate_table(&gates)) }
    }))
}

/// `GET /runs`
pub async fn runs(State(site): State<Site>, headers: HeaderMap) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let runs = newest_runs(&site, ROWS).await?;
    let frame = Frame {
        title: "Runs".to_owned(),
        at: "/runs",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        h1 { "Runs" }
        p.soft { "What gates performed, the newest first." }
        div.card { (run_table(&runs)) }
    }))
}

/// `GET /runs/{id}`
pub async fn run(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let summary = site
        .store
        .run(id)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no run {id}")))?;
    let frame = Frame {
        title: summary.scenario.clone(),
        at: "/runs",
        is_live: false,
        viewer: &viewer,
    };
    Ok(frame.page(run_page::one(&summary)))
}
