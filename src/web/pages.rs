//! Server-rendered pages: everything at a glance, a gate with its reasons, a probe, a run.

use super::api::{gate_detail, no_probe};
use super::evidence::evidence;
use super::problem::Problem;
use super::site::Site;
use crate::report::chart::{STYLE, sparkline};
use crate::report::html as run_page;
use crate::report::view::{self, GateDetail, GateView, ProbeView, RunView};
use crate::run::Summary;
use crate::watch::incident::Incident;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use http::StatusCode;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Rows of lists on the overview.
const ROWS: u32 = 20;

pub(super) fn page(title: &str, refresh: Option<u32>, content: Markup) -> Html<String> {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) " · Bellwether" }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body { main {
                p.soft { a href="/" { "Bellwether" } " · " a href="/metrics" { "metrics" } " · " a href="/api/v1/status" { "API" } }
                (content)
            } }
        }
    };
    Html(markup.into_string())
}

fn badge(word: &str) -> Markup {
    html! { span class=(format!("badge {word}")) { (word) } }
}

pub(super) fn clock(text: &str) -> Markup {
    let shown = text
        .get(..19)
        .map_or_else(|| text.to_owned(), |text| text.replace('T', " "));
    html! { time datetime=(text) { (shown) } }
}

/// Probes on one page of the overview.
const PROBES_MAX: usize = 50;

/// What of the overview is asked for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Looking {
    /// A part of a probe's name, environment or group, or a state.
    #[serde(default)]
    q: String,
    /// The page of probes, from 1.
    #[serde(default)]
    page: usize,
}

/// How urgent a state is, the most urgent first.
fn urgency(standing: &str) -> usize {
    let order = [
        "down",
        "flapping",
        "unknown",
        "degraded",
        "maintenance",
        "idle",
        "paused",
    ];
    order
        .iter()
        .position(|known| *known == standing)
        .unwrap_or(order.len())
}

/// `GET /`
pub async fn overview(
    State(site): State<Site>,
    Query(looking): Query<Looking>,
) -> Result<Html<String>, Problem> {
    let gates = site.store.gates(ROWS).await?;
    let gates: Vec<GateView> = gates.iter().map(view::gate).collect();
    let runs = site.store.runs(None, ROWS).await?;
    let runs: Vec<RunView> = runs.iter().map(view::run).collect();
    let mut probes = site.prober.standings();
    let (all, down) = (
        probes.len(),
        probes
            .iter()
            .filter(|probe| probe.standing == "down")
            .count(),
    );
    if !looking.q.is_empty() {
        probes.retain(|probe| {
            probe.name.contains(&looking.q)
                || probe.found_by.contains(&looking.q)
                || probe.standing == looking.q
        });
    }
    probes.sort_by_key(|probe| urgency(probe.standing));
    let pages = probes.len().div_ceil(PROBES_MAX).max(1);
    let at = looking.page.clamp(1, pages);
    let shown = probes.iter().skip((at - 1) * PROBES_MAX).take(PROBES_MAX);
    let shown: Vec<_> = shown
        .filter_map(|probe| site.prober.view(&probe.name))
        .collect();
    let incidents = site.keeper.incidents();
    let query =
        percent_encoding::utf8_percent_encode(&looking.q, percent_encoding::NON_ALPHANUMERIC)
            .to_string();
    let link = |page: usize| format!("/?q={query}&page={page}");
    Ok(page(
        "Overview",
        Some(5),
        html! {
            h1 { "Overview" }
            p { (all) " probes, " span class=[(down > 0).then_some("down")] { (down) " down" } " · " (gates.len()) " gates" }
            @if !incidents.is_empty() { h2 { "Incidents" } div.card { (incident_table(&incidents)) } }
            h2 { "Gates" }
            div.card { (gate_table(&gates)) }
            h2 { "Probes" }
            div.card {
                @if all == 0 { p.soft { "No probe is configured." } } @else {
                    @if all > PROBES_MAX || !looking.q.is_empty() {
                        form method="get" { input type="search" name="q" value=(looking.q) placeholder="name, environment, group or state" aria-label="Find probes"; " " button { "Find" } }
                    }
                    @if shown.is_empty() { p.soft { "No probe fits." } } @else { table {
                        thead { tr { th { "probe" } th { "state" } th { "environment" } th { "schedule" } th.n { "available" } th.n { "last" } th { "" } th { "reason" } } }
                        tbody { @for found in &shown { (probe_row(found)) } }
                    } }
                    @if pages > 1 { p.soft {
                        @if at > 1 { a href=(link(at - 1)) { "previous" } " · " }
                        "page " (at) " of " (pages)
                        @if at < pages { " · " a href=(link(at + 1)) { "next" } }
                    } }
                }
            }
            h2 { "Runs" }
            div.card { (run_table(&runs)) }
        },
    ))
}

fn incident_table(incidents: &[Incident]) -> Markup {
    html! { table {
        thead { tr { th { "incident" } th { "severity" } th { "since" } th { "what" } th { "told" } } }
        tbody { @for incident in incidents.iter().take(ROWS as usize) { tr {
            td { a href=(format!("/incidents/{}", incident.id)) { (incident.id) " " (incident.group) } }
            td { (incident.severity().word()) }
            td { (clock(&view::time(incident.opened_ms))) }
            td { @for (subject, member) in incident.firing().take(3) {
                div { (subject) " is " (member.condition.as_ref().map_or("", |condition| &condition.word)) @if let Some(quiet) = &member.quiet { " (" (quiet) ")" } }
            } @if incident.firing().count() > 3 { div.soft { "and " (incident.firing().count() - 3) " more" } } }
            td { @if let Some(ack) = &incident.acknowledged { (ack.by) " has it" } @else { (incident.told.join(", ")) } }
        } } }
    } }
}

fn gate_table(gates: &[GateView]) -> Markup {
    if gates.is_empty() {
        return html! { p.soft { "No gate has run yet. Start one with " code { "bellwether gate start NAME --version …" } } };
    }
    html! { table {
        thead { tr { th { "gate" } th { "version" } th { "verdict" } th { "rollback" } th { "started" } th { "why" } } }
        tbody { @for gate in gates { tr {
            td { a href=(format!("/gates/{}", gate.id)) { (gate.gate) " " (gate.id) } div.soft { (gate.environment) } }
            td { (gate.version) }
            td { (verdict_badge(gate)) }
            td { (proof_badge(gate)) }
            td { (clock(&gate.started)) }
            td { @for reason in gate.reasons.iter().take(2) { div { (reason) } } }
        } } }
    } }
}

/// What somebody sent as an address: only one of the web is a link.
fn link(address: &str) -> Markup {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    html! { @if is_web { a href=(address) rel="noreferrer" { (address) } } @else { (address) } }
}

fn verdict_badge(gate: &GateView) -> Markup {
    match &gate.verdict {
        Some(verdict) => badge(verdict),
        None => html! { span.badge.running { (gate.position) "…" } },
    }
}

fn proof_badge(gate: &GateView) -> Markup {
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
        (None, Some("rollback")) => html! { span.badge.running { "proving…" } },
        _ => html! {},
    }
}

fn probe_row(found: &crate::report::view::View) -> Markup {
    let probe: ProbeView = view::probe(found);
    let line: Vec<f64> = found
        .results
        .iter()
        .map(|result| result.duration_us as f64)
        .collect();
    html! { tr {
        td { a href=(format!("/probes/{}", probe.name)) { (probe.name) } }
        td { (badge(&probe.health)) }
        td { (probe.environment) }
        td { (probe.schedule) }
        td.n { @if let Some(share) = probe.availability { (crate::figures::percent(share)) } }
        td.n { @if let Some(ms) = probe.last_ms { (format!("{ms:.1} ms")) } }
        td { (sparkline(&line)) }
        td { (probe.last_reason) }
    } }
}

fn run_table(runs: &[RunView]) -> Markup {
    if runs.is_empty() {
        return html! { p.soft { "No run yet." } };
    }
    html! { table {
        thead { tr { th { "run" } th { "phase" } th { "outcome" } th { "ended" } } }
        tbody { @for run in runs { tr {
            td { a href=(format!("/runs/{}", run.id)) { (run.scenario) } }
            td { (run.phase) }
            td { (badge(&run.outcome)) }
            td { (clock(&run.at)) }
        } } }
    } }
}

/// `GET /gates/{id}`
pub async fn gate(State(site): State<Site>, Path(id): Path<i64>) -> Result<Html<String>, Problem> {
    let detail = gate_detail(&site, id).await?;
    let title = format!("{} {}", detail.gate.gate, detail.gate.id);
    let refresh = if detail.gate.done { None } else { Some(2) };
    let mut loads = Vec::new();
    for run in detail.runs.iter().filter(|run| run.phase == "load") {
        loads.extend(site.store.run(run.id).await?);
    }
    Ok(page(&title, refresh, gate_page(&detail, &loads)))
}

fn gate_page(detail: &GateDetail, loads: &[Summary]) -> Markup {
    let gate = &detail.gate;
    let facts = [
        ("Environment", &gate.environment),
        ("Version", &gate.version),
        ("Commit", &gate.commit),
        ("Deployed by", &gate.actor),
        ("Reason", &gate.reason),
    ];
    html! {
        h1 { (gate.gate) " " (gate.id) " " (verdict_badge(gate)) " " (proof_badge(gate)) }
        div.card {
            @for reason in &gate.reasons { p { strong { (reason) } } }
            @if let Some(why) = &gate.undone { p { span.badge.failed { "not carried out" } " " (why) } }
            @if gate.rehearsal { p { span.badge.running { "rehearsal" } " nothing is done" } }
            @if gate.dry_run && !gate.rehearsal { p { span.badge.running { "dry run" } " nothing was done: the environment does not say " code { "enforce: true" } } }
            table { tbody {
                @for (name, value) in facts { @if !value.is_empty() { tr { th { (name) } td { (value) } } } }
                @if let Some(version) = &gate.rollback_to { tr { th { "Rolls back to" } td { (version) } } }
                @if !gate.link.is_empty() { tr { th { "Workflow run" } td { (link(&gate.link)) } } }
                @if !gate.ticket.is_empty() { tr { th { "Ticket" } td { (gate.ticket) } } }
                @for (name, to) in &gate.links { tr { th { (name) } td { (link(to)) } } }
                tr { th { "Started" } td { (clock(&gate.started)) } }
                @if let Some(decided) = &gate.decided { tr { th { "Verdict at" } td { (clock(decided)) } } }
                @if let Some(ms) = gate.action_ms { tr { th { "Rollback action took" } td { (format!("{:.1} s", ms as f64 / 1e3)) } } }
                @if let Some(ms) = gate.healthy_ms { tr { th { "Trigger to healthy" } td { (format!("{:.1} s", ms as f64 / 1e3)) } } }
                @for late in &gate.late { tr { th { "Target missed" } td { (late) } } }
                @if let Some(migrated) = &gate.migrated { tr { th { "Unsafe alone" } td { "The database was changed to " code { (migrated) } ": nothing is rolled back before somebody consents, by " code { "bellwether gate consent " (gate.id) " --reason '…'" } } } }
            } }
        }
        @if !gate.proof_reasons.is_empty() {
            h2 { "Proof of the rollback" }
            div.card { ul { @for reason in &gate.proof_reasons { li { (reason) } } } }
        }
        h2 { "Phases" }
        div.card { table {
            thead { tr { th { "phase" } th { "outcome" } th { "why" } th { "ended" } } }
            tbody {
                @for phase in &gate.phases { tr {
                    td { (phase.phase) }
                    td { (badge(&phase.outcome)) }
                    td { @for reason in &phase.reasons { div { (reason) } } }
                    td { (clock(&phase.ended)) }
                } }
                @if !gate.done { tr { td { (gate.position) } td { span.badge.running { "running…" } } td {} td {} } }
            }
        } }
        @if !loads.is_empty() { h2 { "Why" } div.card { @for load in loads { (evidence(load)) } } }
        @if !detail.runs.is_empty() { h2 { "Runs" } div.card { (run_table(&detail.runs)) } }
        @if !detail.signals.is_empty() {
            h2 { "Signals" }
            div.card { table {
                thead { tr { th { "to" } th { "state" } th.n { "attempts" } th { "what came back" } } }
                tbody { @for signal in &detail.signals { tr {
                    td { (signal.target) }
                    td { span class=(format!("badge {}", match signal.state.as_str() { "delivered" => "pass", "given_up" => "fail", _ => "running" })) { (signal.state.replace('_', " ")) } }
                    td.n { (signal.attempts) }
                    td { (signal.result) }
                } } }
            } }
        }
        h2 { "Timeline" }
        div.card { ol.timeline { @for line in &detail.timeline { li { span.soft { (clock(&line.at)) } " " (line.event) } } } }
    }
}

/// `GET /probes/{name}`
pub async fn probe(
    State(site): State<Site>,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let found = site.prober.view(&name).ok_or_else(|| no_probe(&name))?;
    let last = found
        .last
        .as_ref()
        .map(|last| last.summary(&found.environment));
    let probe = view::probe(&found);
    Ok(page(
        &name,
        Some(5),
        html! {
            h1 { (probe.name) " " (badge(&probe.health)) }
            p.soft { (probe.schedule) " on " (probe.environment) @if !probe.since.is_empty() { " · " (probe.health) " since " (clock(&probe.since)) } }
            @if let Some(last) = &last { h2 { "Last run" } div.card { (run_page::one(last)) } }
            h2 { "Results" }
            div.card { table {
                thead { tr { th { "when" } th { "outcome" } th.n { "took" } th { "reason" } } }
                tbody { @for result in found.results.iter().rev() { tr {
                    td { (clock(&view::time(result.at_ms))) }
                    td { (badge(result.outcome.word())) }
                    td.n { (format!("{:.1} ms", result.duration_us as f64 / 1e3)) }
                    td { (result.reason) }
                } } }
            } }
        },
    ))
}

/// `GET /runs/{id}`
pub async fn run(State(site): State<Site>, Path(id): Path<i64>) -> Result<Html<String>, Problem> {
    let summary = site
        .store
        .run(id)
        .await?
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no run {id}")))?;
    Ok(page(&summary.scenario, None, run_page::one(&summary)))
}
