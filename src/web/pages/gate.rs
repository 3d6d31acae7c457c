//! A gate: why, in ten seconds. Its way from the version before to the proof, what each phase said, the
//! pictures, what people may do, and what happened when.

use super::evidence::evidence;
use super::frame::{Frame, badge, clock, delivery_badge, facts, link, prose, told_line};
use super::lists::{proof_badge, run_table, verdict_badge};
use super::orders::orders;
use crate::figures::ago;
use crate::report::view::{GateDetail, GateView, SignalView};
use crate::report::wrong::Tone;
use crate::run::Summary;
use crate::web::api::gate_detail;
use crate::web::problem::Problem;
use crate::web::site::{Site, Viewer};
use axum::extract::{Path, State};
use axum::response::Html;
use http::HeaderMap;
use maud::{Markup, html};

/// `GET /gates/{id}`
pub async fn gate(
    State(site): State<Site>,
    Path(id): Path<i64>,
    headers: HeaderMap,
) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let detail = gate_detail(&site, id).await?;
    let title = format!("{} {}", detail.gate.gate, detail.gate.id);
    let mut loads = Vec::new();
    for run in detail.runs.iter().filter(|run| run.phase == "load") {
        loads.extend(site.store.run(run.id).await?);
    }
    let frame = Frame {
        title,
        at: "/gates",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(content(&detail, &loads, &viewer)))
}

fn content(detail: &GateDetail, loads: &[Summary], viewer: &Viewer) -> Markup {
    let gate = &detail.gate;
    html! {
        div class={ "card headline " (tone(gate).word()) } {
            h1 { (gate.gate) " " (gate.id) " " (verdict_badge(gate)) " " (proof_badge(gate)) }
            @for reason in &gate.reasons { p { strong { (prose(reason)) } } }
            @if let Some(why) = &gate.undone { p { span.badge.failed { "not carried out" } " " (prose(why)) } }
            @if gate.rehearsal { p { span.badge.running { "rehearsal" } " nothing is done" } }
            @if gate.dry_run && !gate.rehearsal { p { span.badge.running { "dry run" } " nothing was done: the environment does not say " code { "enforce: true" } } }
            @if gate.verdict.is_none() { p.soft { "Now: " (gate.position) @if let Some(last) = detail.timeline.last() { " – " (prose(&last.event)) } } }
            @if let Some(migrated) = &gate.migrated { p { "The database was changed to " code { (migrated) } ": a rollback alone is unsafe, and nothing is rolled back before somebody consents." } }
        }
        (way(gate, has_failed(&detail.signals)))
        (orders(gate, viewer))
        h2 { "Phases" }
        div.card { (phases(gate)) }
        @if !gate.proof_reasons.is_empty() {
            h2 { "Proof of the rollback" }
            div.card { ul { @for reason in &gate.proof_reasons { li { (prose(reason)) } } @for late in &gate.late { li.doubt { "Target missed: " (late) } } } }
        }
        @if !loads.is_empty() { h2 { "Evidence" } div.card { @for load in loads { (evidence(load)) } } }
        @if !detail.runs.is_empty() { h2 { "Runs" } div.card { (run_table(&detail.runs)) } }
        h2 { "The deploy" }
        div.card { (deploy(gate)) }
        @if !detail.signals.is_empty() { h2 { "Signals" } div.card { (signals(detail)) } }
        h2 { "Timeline" }
        div.card { ol.timeline { @for line in &detail.timeline { li { (told_line(&line.at, &line.event)) } } } }
        p.soft.small { "To keep: " a href=(format!("/api/v1/gates/{}", gate.id)) download=(format!("gate-{}.json", gate.id)) { "the whole record as JSON" } " · " code { "bellwether gate incident " (gate.id) } }
    }
}

/// How a gate is to be seen as a whole.
fn tone(gate: &GateView) -> Tone {
    match (gate.verdict.as_deref(), gate.proven) {
        (_, Some(false)) => Tone::Bad,
        _ if gate.undone.is_some() => Tone::Bad,
        (Some("promote"), _) => Tone::Good,
        (Some("rollback"), Some(true)) => Tone::Doubt,
        (Some("rollback"), _) => Tone::Bad,
        (Some(_), _) => Tone::Doubt,
        (None, _) => Tone::Calm,
    }
}

fn millis(text: &str) -> Option<i64> {
    let parsed = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    Some(parsed.timestamp_millis())
}

fn between(from: &str, to: &str) -> Option<String> {
    Some(ago(millis(to)? - millis(from)?))
}

/// Whether an action was given up.
fn has_failed(signals: &[SignalView]) -> bool {
    let mut all = signals.iter();
    all.any(|signal| signal.target.starts_with("action:") && signal.state == "given_up")
}

/// The way: version before, candidate, verdict, action, proof.
fn way(gate: &GateView, has_failed: bool) -> Markup {
    let verdict_tone = match gate.verdict.as_deref() {
        Some("promote") => "good",
        Some("rollback") => "bad",
        Some(_) => "doubt",
        None => "",
    };
    let seconds = |ms: i64| crate::figures::show_micros(ms as f64 * 1e3);
    html! {
        ol.way {
            @if let Some(before) = &gate.rollback_to { li { span.soft.small { "Last good" } strong { (before) } span.soft.small { "what a rollback goes to" } } }
            li { span.soft.small { "Candidate" } strong { (gate.version) } span.soft.small { (clock(&gate.started)) } }
            li class=(verdict_tone) {
                span.soft.small { "Verdict" }
                @match (&gate.verdict, &gate.decided) {
                    (Some(verdict), Some(decided)) => { strong { (verdict) } span.soft.small { @if let Some(took) = between(&gate.started, decided) { "after " (took) } } }
                    (Some(verdict), None) => { strong { (verdict) } }
                    (None, _) => { strong.live { (gate.position) } }
                }
            }
            @if let Some(ms) = gate.action_ms {
                li class=(if has_failed { "bad" } else { "" }) {
                    span.soft.small { "Action" }
                    strong { @if has_failed { "did not succeed" } @else { "carried out" } }
                    span.soft.small { "took " (seconds(ms)) }
                }
            }
            @if gate.verdict.as_deref() == Some("rollback") && !gate.dry_run {
                li class=(match gate.proven { Some(true) => "good", Some(false) => "bad", None => "doubt" }) {
                    span.soft.small { "Proof" }
                    strong { @match gate.proven { Some(true) => "proven", Some(false) => "not proven", None => "under way" } }
                    @if let Some(ms) = gate.healthy_ms { span.soft.small { "healthy " (seconds(ms)) " after the trigger" } }
                }
            }
        }
    }
}

fn phases(gate: &GateView) -> Markup {
    let mut from = gate.started.clone();
    let rows: Vec<_> = gate
        .phases
        .iter()
        .map(|phase| {
            let took = between(&from, &phase.ended);
            from.clone_from(&phase.ended);
            (phase, took)
        })
        .collect();
    html! { table {
        thead { tr { th scope="col" { "Phase" } th scope="col" { "Outcome" } th scope="col" { "Why" } th.n scope="col" { "Took" } th scope="col" { "Ended" } } }
        tbody {
            @for (phase, took) in rows { tr {
                td { (phase.phase) }
                td { (badge(&phase.outcome)) }
                td { @for reason in &phase.reasons { div { (prose(reason)) } } }
                td.n { @if let Some(took) = took { (took) } }
                td { (clock(&phase.ended)) }
            } }
            @if !gate.done { tr { td { (gate.position) } td { span.badge.running.live { "running" } } td {} td {} td {} } }
        }
    } }
}

fn text(value: &str) -> Markup {
    html! { (value) }
}

fn deploy(gate: &GateView) -> Markup {
    let mut all = vec![
        ("Environment", text(&gate.environment)),
        ("Version", text(&gate.version)),
        ("Commit", text(&gate.commit)),
        ("Deployed by", text(&gate.actor)),
        ("Reason", text(&gate.reason)),
        ("Ticket", text(&gate.ticket)),
    ];
    if !gate.link.is_empty() {
        all.push(("Workflow run", link(&gate.link)));
    }
    for (name, to) in &gate.links {
        all.push((name.as_str(), link(to)));
    }
    facts(&all)
}

fn signals(detail: &GateDetail) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "To" } th scope="col" { "State" } th.n scope="col" { "Attempts" } th scope="col" { "What came back" } } }
        tbody { @for signal in &detail.signals { tr {
            td { (signal.target) }
            td { (delivery_badge(&signal.state)) }
            td.n { (signal.attempts) }
            td { (signal.result) }
        } } }
    } }
}
