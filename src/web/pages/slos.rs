//! Objectives over weeks: which error budget is in danger?

use super::frame::{Frame, toned};
use crate::figures::{percent, uptime};
use crate::report::watching::{self, SloView};
use crate::report::wrong::Tone;
use crate::web::problem::Problem;
use crate::web::site::Site;
use axum::extract::State;
use axum::response::Html;
use http::HeaderMap;
use maud::{Markup, html};

/// `GET /slos`
pub async fn slos(State(site): State<Site>, headers: HeaderMap) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let all = site.budgets.list();
    let mut all: Vec<SloView> = all
        .iter()
        .map(|(name, goal, seen)| watching::slo(name, goal, seen))
        .collect();
    // What burns comes first, then what has the least left.
    all.sort_by(|one, other| {
        let left = |slo: &SloView| slo.remaining.unwrap_or(f64::INFINITY);
        other
            .burning
            .cmp(&one.burning)
            .then(left(one).total_cmp(&left(other)))
    });
    let frame = Frame {
        title: "SLOs".to_owned(),
        at: "/slos",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        h1 { "SLOs" }
        p.soft { "Objectives over weeks, and how much of each error budget is left." }
        @if all.is_empty() { div.card { p.soft { "No objective over weeks is configured: add one under " code { "slos" } "." } } }
        @else { div.card { table {
            thead { tr { th scope="col" { "SLO" } th scope="col" { "State" } th.n scope="col" { "Objective" } th.n scope="col" { "Seen" } th.n scope="col" { "Budget left" } th scope="col" { "" } th scope="col" { "Burn rates" } } }
            tbody { @for slo in &all { (row(slo)) } }
        } } }
    }))
}

fn state(slo: &SloView) -> (Tone, &'static str) {
    match slo.remaining {
        _ if slo.burning => (Tone::Bad, "burning"),
        None => (Tone::Calm, "no run yet"),
        Some(left) if left <= 0.0 => (Tone::Bad, "spent"),
        Some(left) if left < 0.25 => (Tone::Doubt, "low"),
        Some(_) => (Tone::Good, "healthy"),
    }
}

fn row(slo: &SloView) -> Markup {
    let (tone, word) = state(slo);
    let left = slo.remaining.unwrap_or(1.0).clamp(0.0, 1.0);
    html! { tr {
        td { (slo.name) }
        td { (toned(tone, word)) }
        td.n { (percent(slo.objective)) div.soft.small { "over " (slo.window) } }
        td.n { @if let Some(share) = slo.share { (uptime(share)) } div.soft.small { (slo.good) " good, " (slo.bad) " bad" } }
        td.n { @if let Some(left) = slo.remaining { (percent(left)) } }
        td { svg.spark viewBox="0 0 120 24" aria-hidden="true" {
            rect.beside x="0" y="7" width="120" height="10" {}
            rect.bar.over[left < 0.25] x="0" y="7" width=(format!("{:.0}", left * 120.0)) height="10" {}
        } }
        td { @for (window, rate) in &slo.burn_rates { span.small { (window) ": " (format!("{rate:.1}")) " " } } }
    } }
}
