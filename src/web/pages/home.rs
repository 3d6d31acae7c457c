//! Home: is anything wrong now? What is red comes first, with since when, how bad, who was told, and the way
//! to the reason.

use super::frame::{Frame, prose, since, toned};
use super::lists::{gate_table, newest_gates, newest_runs, run_table};
use super::probes;
use crate::clock::now_ms;
use crate::net::form::pair;
use crate::record::gate::Record;
use crate::report::view::{self, GateView, Glimpse};
use crate::report::wrong::{self, Wrong};
use crate::watch::incident::{Incident, Member};
use crate::web::problem::Problem;
use crate::web::site::Site;
use axum::extract::{Query, State};
use axum::response::Html;
use http::HeaderMap;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Rows of lists.
const ROWS: u32 = 10;
/// Things that are wrong and shown at once.
const WRONG_MAX: usize = 12;
/// Probes on one page.
const PROBES_MAX: usize = 50;
/// Environments and groups that are offered at once.
const CHIPS_MAX: usize = 40;

/// What of it is asked for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Looking {
    /// A part of a probe's name, environment or group.
    #[serde(default)]
    q: String,
    /// A state.
    #[serde(default)]
    state: String,
    /// An environment.
    #[serde(default)]
    environment: String,
    /// The page of probes, from 1.
    #[serde(default)]
    page: usize,
}

impl Looking {
    fn fits(&self, probe: &Glimpse) -> bool {
        let group = probe.group.as_deref().unwrap_or_default();
        let found = [&*probe.name, &probe.environment, group];
        let wanted = self.q.to_lowercase();
        (self.q.is_empty()
            || found
                .iter()
                .any(|text| text.to_lowercase().contains(&wanted)))
            && (self.state.is_empty() || probe.standing == self.state)
            && (self.environment.is_empty() || probe.environment == self.environment)
    }

    /// The address of this page with other choices.
    fn link(&self, state: &str, environment: &str, page: usize) -> String {
        let given = [
            ("q", self.q.as_str()),
            ("state", state),
            ("environment", environment),
        ];
        let given = given.into_iter().filter(|(_, value)| !value.is_empty());
        let mut parts: Vec<String> = given.map(|(name, value)| pair(name, value)).collect();
        if page > 1 {
            parts.push(format!("page={page}"));
        }
        format!("/?{}#probes", parts.join("&"))
    }
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
    let known = order.iter().position(|known| *known == standing);
    known.unwrap_or(order.len())
}

/// Where a probe stands in a list.
fn place(probe: &Glimpse) -> (&str, Option<&str>) {
    (&probe.environment, probe.group.as_deref())
}

/// `GET /`
pub async fn home(
    State(site): State<Site>,
    Query(looking): Query<Looking>,
    headers: HeaderMap,
) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let now_ms = now_ms();
    let newest = site.store.newest_gates().await?;
    let (running, done): (Vec<_>, Vec<_>) =
        newest.into_iter().partition(|gate| !gate.state.is_done());
    let glimpses = site.prober.glimpses();
    let incidents = site.keeper.incidents();
    let mut all = wrongs(&site, &glimpses, &incidents, running.iter().chain(&done));
    let unreadable = site.store.unreadable_gates(true).await?;
    all.extend(unreadable.iter().map(wrong::of_unreadable));
    wrong::order(&mut all);
    let (tone, headline) = wrong::headline(&all, &glimpses, running.len() + done.len());
    let running: Vec<GateView> = running.iter().map(view::gate).collect();
    let gates = newest_gates(&site, ROWS).await?;
    let runs = newest_runs(&site, ROWS).await?;
    let frame = Frame {
        title: headline.clone(),
        at: "/",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        div class={ "card headline " (tone.word()) } {
            h1 { (headline) }
            @if !running.is_empty() { p { (running.len()) @if running.len() == 1 { " gate runs: " } @else { " gates run: " } @for gate in running.iter().take(5) { (running_gate(gate)) " " } } }
        }
        @if !all.is_empty() { section aria-labelledby="wrong" { h2 id="wrong" { "Wrong now" } div.card { (wrong_list(&all, now_ms)) } } }
        section aria-labelledby="gates" {
            h2 id="gates" { "Newest gates" }
            div.card { (gate_table(&gates)) @if gates.len() as u32 == ROWS { p { a href="/gates" { "All gates" } } } }
        }
        section aria-labelledby="probes" { h2 id="probes" { "Probes" } (probe_section(&site, &looking, &glimpses, now_ms).await?) }
        section aria-labelledby="runs" { h2 id="runs" { "Newest runs" } div.card { (run_table(&runs)) } }
    }))
}

/// All that is wrong now.
fn wrongs<'a>(
    site: &Site,
    probes: &[Glimpse],
    incidents: &[Incident],
    gates: impl Iterator<Item = &'a Record>,
) -> Vec<Wrong> {
    let told: BTreeMap<&str, (&Incident, &Member)> = incidents
        .iter()
        .flat_map(|incident| {
            let firing = incident.firing();
            firing.map(move |(subject, member)| (subject.as_str(), (incident, member)))
        })
        .collect();
    let mut all: Vec<Wrong> = gates.filter_map(wrong::of_gate).collect();
    all.extend(
        probes
            .iter()
            .filter_map(|probe| wrong::of_probe(probe, &told)),
    );
    let budgets = site.budgets.list();
    all.extend(
        budgets
            .iter()
            .filter_map(|(name, _, standing)| wrong::of_budget(name, standing)),
    );
    let is_shown = |subject: &str| subject.starts_with("probe/") || subject.starts_with("slo/");
    let others = told.iter().filter(|(subject, _)| !is_shown(subject));
    all.extend(
        others.filter_map(|(subject, (incident, member))| {
            wrong::of_member(incident, subject, member)
        }),
    );
    all
}

fn wrong_list(all: &[Wrong], now_ms: i64) -> Markup {
    html! {
        ul.wrong { @for wrong in all.iter().take(WRONG_MAX) { li {
            div {
                (toned(wrong.tone(), &wrong.word))
                @if let Some(severity) = wrong.severity { div.soft.small { (severity.word()) } }
            }
            div {
                div.what { a href=(wrong.link) { (wrong.subject) } @if let Some(at) = wrong.since_ms { span.soft.small { " " (since(at, now_ms)) } } }
                div.why { (prose(&wrong.why)) }
                @if let Some(told) = &wrong.told { div.soft.small { (told) } }
            }
        } } }
        @if all.len() > WRONG_MAX { p { "And " (all.len() - WRONG_MAX) " more: see the probes below, and the " a href="/alerts" { "alerts" } "." } }
    }
}

fn running_gate(gate: &GateView) -> Markup {
    html! { a href=(format!("/gates/{}", gate.id)) { (gate.gate) " " (gate.version) } " (" span.live { (gate.position) } ")" }
}

async fn probe_section(
    site: &Site,
    looking: &Looking,
    all: &[Glimpse],
    now_ms: i64,
) -> Result<Markup, Problem> {
    if all.is_empty() {
        return Ok(
            html! { div.card { p.soft { "No probe is configured. Add one under " code { "probes" } " in the configuration; " code { "bellwether init" } " writes one to begin with." } } },
        );
    }
    let mut fitting: Vec<&Glimpse> = all.iter().filter(|probe| looking.fits(probe)).collect();
    fitting.sort_by(|one, other| {
        let urgent = urgency(one.standing).cmp(&urgency(other.standing));
        urgent.then_with(|| place(one).cmp(&place(other)))
    });
    let pages = fitting.len().div_ceil(PROBES_MAX).max(1);
    let at = looking.page.clamp(1, pages);
    let mut shown: Vec<&Glimpse> = fitting
        .iter()
        .skip((at - 1) * PROBES_MAX)
        .take(PROBES_MAX)
        .copied()
        .collect();
    // What is urgent was chosen; on the page it stands with its group.
    shown.sort_by(|one, other| place(one).cmp(&place(other)));
    let mut groups: Vec<(String, Vec<_>)> = Vec::new();
    for probe in &shown {
        let Some(view) = site.prober.view(&probe.name) else {
            continue;
        };
        let uptime = site.uptimes.of(&site.store, &probe.name, now_ms).await?;
        let name = match &probe.group {
            Some(group) => format!("{} · {group}", probe.environment),
            None => probe.environment.clone(),
        };
        match groups.last_mut() {
            Some((known, rows)) if *known == name => rows.push((view, uptime)),
            _ => groups.push((name, vec![(view, uptime)])),
        }
    }
    Ok(html! {
        (chips(looking, all))
        @if all.len() > PROBES_MAX || !looking.q.is_empty() {
            form.order method="get" action="/" role="search" {
                label { "Find probes" input type="search" name="q" value=(looking.q) placeholder="name, environment or group"; }
                @if !looking.state.is_empty() { input type="hidden" name="state" value=(looking.state); }
                @if !looking.environment.is_empty() { input type="hidden" name="environment" value=(looking.environment); }
                button { "Find" }
            }
        }
        @if groups.is_empty() { div.card { p.soft { "No probe fits. " a href="/#probes" { "Show all" } } } }
        @for (name, rows) in &groups {
            details.group open { summary { (name) " " (summed(rows)) } (probes::table(rows, now_ms)) }
        }
        (probes::key())
        @if pages > 1 { nav aria-label="Pages of probes" { p {
            @if at > 1 { a href=(looking.link(&looking.state, &looking.environment, at - 1)) { "Previous" } " · " }
            "page " (at) " of " (pages) ", " (fitting.len()) " probes"
            @if at < pages { " · " a href=(looking.link(&looking.state, &looking.environment, at + 1)) { "Next" } }
        } } }
    })
}

fn summed<T>(rows: &[(view::View, T)]) -> Markup {
    let mut counts: BTreeMap<usize, (&str, usize)> = BTreeMap::new();
    for (found, _) in rows {
        counts
            .entry(urgency(found.standing))
            .or_insert((found.standing, 0))
            .1 += 1;
    }
    html! { span.soft.small { @for (number, (standing, count)) in counts.values().enumerate() { @if number > 0 { ", " } (count) " " (standing) } } }
}

/// States and environments to choose from.
fn chips(looking: &Looking, all: &[Glimpse]) -> Markup {
    let mut states: BTreeMap<usize, (&str, usize)> = BTreeMap::new();
    let mut environments: BTreeMap<&str, usize> = BTreeMap::new();
    for probe in all {
        states
            .entry(urgency(probe.standing))
            .or_insert((probe.standing, 0))
            .1 += 1;
        *environments.entry(&probe.environment).or_default() += 1;
    }
    html! {
        div.chips {
            a href=(looking.link("", &looking.environment, 1)) aria-current=[looking.state.is_empty().then_some("true")] { "All " (all.len()) }
            @for (standing, count) in states.values() {
                a href=(looking.link(standing, &looking.environment, 1)) aria-current=[(looking.state == *standing).then_some("true")] { (standing) " " (count) }
            }
        }
        @if environments.len() > 1 { div.chips {
            a href=(looking.link(&looking.state, "", 1)) aria-current=[looking.environment.is_empty().then_some("true")] { "Everywhere" }
            @for (environment, count) in environments.iter().take(CHIPS_MAX) {
                a href=(looking.link(&looking.state, environment, 1)) aria-current=[(looking.environment == *environment).then_some("true")] { (environment) " " (count) }
            }
        } }
    }
}
