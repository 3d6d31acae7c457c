//! A probe: how has it done, and what did it see last?

use super::frame::{Frame, badge, clock, prose, since};
use super::probes::{days_strip, key, strip};
use super::uptime::{SPANS, Uptime};
use crate::clock::now_ms;
use crate::figures::{show_micros, uptime};
use crate::net::phases::PHASES;
use crate::objective::Outcome;
use crate::project::access::Role;
use crate::report::chart::{Beside, Level, Line, with};
use crate::report::html as run_page;
use crate::report::pictures;
use crate::report::view::{View, time};
use crate::report::watching::{self, SilenceView};
use crate::report::wrong::page_of;
use crate::run::Summary;
use crate::run::summary::StepSummary;
use crate::store::contract::Stretch;
use crate::watch::budget::{Goal, Standing};
use crate::watch::rollup::{Bucket, upper};
use crate::watch::silence::Silence;
use crate::web::api::no_probe;
use crate::web::local::not_from_elsewhere;
use crate::web::problem::Problem;
use crate::web::site::Site;
use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use http::HeaderMap;
use maud::{Markup, html};

/// Times that can be looked at: the word, its length in seconds, and the stretches that it is shown in.
const TIMES: [(&str, i64, Stretch); 4] = [
    ("3h", 3 * 3_600, Stretch::Minute),
    ("24h", 24 * 3_600, Stretch::Minute),
    ("7d", 7 * 86_400, Stretch::Hour),
    ("90d", 90 * 86_400, Stretch::Day),
];
/// Points of a line, at most.
const POINTS_MAX: usize = 360;

/// What is asked for.
#[derive(Debug, Default, serde::Deserialize)]
pub struct Looking {
    #[serde(default)]
    over: String,
}

/// `GET /probes/{name}`
pub async fn probe(
    State(site): State<Site>,
    Path(name): Path<String>,
    Query(looking): Query<Looking>,
    headers: HeaderMap,
) -> Result<Html<String>, Problem> {
    let viewer = site.viewer(&headers);
    let found = site.prober.view(&name).ok_or_else(|| no_probe(&name))?;
    let now_ms = now_ms();
    let over = TIMES
        .iter()
        .find(|(word, ..)| *word == looking.over)
        .unwrap_or(&TIMES[0]);
    let (word, length, stretch) = over;
    let history = site
        .store
        .history(name.clone(), *stretch, now_ms / 1_000 - length)
        .await?;
    let done = site.uptimes.of(&site.store, &name, now_ms).await?;
    let last = found
        .last
        .as_ref()
        .map(|last| last.summary(&found.environment));
    let failing = found
        .failing
        .as_ref()
        .map(|failing| failing.summary(&found.environment));
    let budgets = budgets_of(&site, &name);
    let incidents = site.keeper.incidents();
    let subject = format!("probe/{name}");
    let incidents = incidents
        .iter()
        .filter(|incident| incident.members.contains_key(&subject));
    let silences = silences_of(&site, &name, now_ms);
    let frame = Frame {
        title: name.clone(),
        at: "/",
        is_live: true,
        viewer: &viewer,
    };
    Ok(frame.page(html! {
        h1 { (found.name) " " (badge(found.standing)) }
        p.soft {
            (found.schedule) " on " (found.environment) @if let Some(group) = &found.group { " · " (group) }
            @if found.state.since_ms > 0 { " · " (found.standing) " " (since(found.state.since_ms, now_ms)) }
        }
        @for incident in incidents { p { span.badge.firing { "incident" } " " a href=(format!("/incidents/{}", incident.id)) { (incident.id) " " (incident.group) } } }
        @for silence in &silences { p { span.badge.silenced { "silenced" } " until " (clock(&silence.until)) " by " (silence.author) ": " (silence.comment) } }
        @if viewer.may(Role::Operate) { form method="post" action={ (page_of("probes", &name)) "/run" } { button { "Run it now" } } }
        h2 { "Last runs" }
        div.card { (strip(&found.results, crate::limits::PROBE_HISTORY_MAX, true)) (key()) }
        h2 { "Uptime" }
        div.card { (days(&done, now_ms)) }
        h2 { "Latency" }
        p.chips { @for (other, ..) in &TIMES { a href=(format!("?over={other}")) aria-current=[(other == word).then_some("true")] { (other) } } }
        div.card { (latency(&history, *stretch, now_ms / 1_000, &budgets)) }
        @if !budgets.is_empty() { h2 { "Error budgets" } div.card { @for (name, goal, standing) in &budgets { (budget(name, goal, standing)) } } }
        @if let Some(failing) = &failing { h2 { "Last run that did not pass" } div.card { (failure(failing, found.failing_ms)) } }
        @if let Some(last) = &last { h2 { "Last run" } div.card { (phases(last)) (run_page::details(last)) } }
        h2 { "Results" }
        div.card id="results" { (results(&found)) }
    }))
}

/// Silences in force that a probe is found by.
fn silences_of(site: &Site, name: &str, now_ms: i64) -> Vec<SilenceView> {
    let labels = site.prober.labels(name).unwrap_or_default();
    let all = site.keeper.silences();
    let covers = |silence: &&Silence| silence.covers(&labels, now_ms);
    all.iter().filter(covers).map(watching::silence).collect()
}

/// `POST /probes/{name}/run`, from its page.
pub async fn run_on_page(
    State(site): State<Site>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Redirect, Problem> {
    not_from_elsewhere(&headers)?;
    site.caller(&headers, Role::Operate)?;
    site.prober
        .run(&name)
        .await
        .ok_or_else(|| no_probe(&name))?;
    Ok(Redirect::to(&page_of("probes", &name)))
}

/// Error budgets that count this probe.
fn budgets_of(site: &Site, probe: &str) -> Vec<(String, Goal, Standing)> {
    let project = site.current.get();
    let counts = |name: &str| {
        let slos = project.file.slos.iter().filter(|slo| slo.name == name);
        slos.flat_map(|slo| slo.probes_among(&project.probes, &project.plans))
            .any(|counted| counted == probe)
    };
    let all = site.budgets.list();
    all.into_iter().filter(|(name, ..)| counts(name)).collect()
}

fn days(found: &Uptime, now_ms: i64) -> Markup {
    let today = now_ms.div_euclid(86_400_000) * 86_400_000;
    html! {
        dl.facts { @for (span, share) in SPANS.iter().zip(found.shares) { div { dt { (span) } dd { @match share { Some(share) => { strong { (uptime(share)) } } None => { span.soft { "no run" } } } } } } }
        (days_strip(found, |number| {
            let at = today - (found.days.len() - 1 - number) as i64 * 86_400_000;
            let (share, runs) = found.days[number];
            let said = share.map_or_else(|| "no run".to_owned(), |share| format!("{} of {runs} runs", uptime(share)));
            Some(format!("{}: {said}", time(at).get(..10).unwrap_or_default()))
        }))
        p.soft.small { "The last 90 days, of UTC." }
    }
}

/// A quantile of a bucket's latencies, in microseconds.
fn quantile(bucket: &Bucket, part: f64) -> Option<f64> {
    let all: u64 = bucket.latencies.values().sum();
    let wanted = (part * all as f64).ceil().max(1.0) as u64;
    let mut seen = 0;
    let found = bucket.latencies.iter().find(|(_, count)| {
        seen += **count;
        seen >= wanted
    });
    found.map(|(class, _)| upper(*class))
}

fn latency(
    history: &[(i64, Bucket)],
    stretch: Stretch,
    now_s: i64,
    budgets: &[(String, Goal, Standing)],
) -> Markup {
    // Many stretches make one point.
    let together = history.len().div_ceil(POINTS_MAX).max(1);
    let merged: Vec<(i64, Bucket)> = history
        .chunks(together)
        .map(|chunk| {
            let mut all = Bucket::default();
            chunk.iter().for_each(|(_, bucket)| all.merge(bucket));
            (chunk[0].0, all)
        })
        .collect();
    let line = |name: &'static str, class: &'static str, part: f64| Line {
        name,
        class,
        points: merged
            .iter()
            .filter_map(|(at, bucket)| {
                Some(((at - now_s) as f64 / unit(stretch), quantile(bucket, part)?))
            })
            .collect(),
    };
    let failed = merged.iter().map(|(_, bucket)| bucket.failed).sum::<u64>();
    let limits: Vec<(String, u64)> = budgets
        .iter()
        .filter_map(|(name, goal, _)| Some((format!("objective of {name}"), goal.latency_us?)))
        .collect();
    let beside = Beside {
        levels: limits
            .iter()
            .map(|(name, limit)| Level {
                name,
                class: "line-4",
                value: *limit as f64,
            })
            .collect(),
        unit: Some(unit_name(stretch)),
        ..Beside::default()
    };
    if merged.is_empty() {
        return html! { p.soft { "Nothing was measured in this time, or it is not counted yet: that takes up to a minute." } };
    }
    html! {
        (with("Latency of runs that passed, from now back", &[line("p50", "line-1", 0.5), line("p95", "line-2", 0.95)], &beside, show_micros))
        @if failed > 0 { p.bad { (crate::figures::plural(failed, "run")) " failed in this time and are not in the lines." } }
    }
}

fn unit(stretch: Stretch) -> f64 {
    match stretch {
        Stretch::Minute => 60.0,
        Stretch::Hour => 3_600.0,
        Stretch::Day => 86_400.0,
    }
}

fn unit_name(stretch: Stretch) -> &'static str {
    match stretch {
        Stretch::Minute => "min",
        Stretch::Hour => "h",
        Stretch::Day => "d",
    }
}

fn budget(name: &str, goal: &Goal, standing: &Standing) -> Markup {
    html! { p {
        a href="/slos" { (name) } ": "
        (crate::figures::percent(goal.share)) " over " (goal.window.show())
        @if let Some(left) = standing.remaining { ", " (crate::figures::percent(left)) " of the error budget left" }
        @if standing.burning.is_some() { " " span.badge.down { "burning" } }
    } }
}

fn failure(summary: &Summary, at_ms: i64) -> Markup {
    let failed = summary
        .steps
        .iter()
        .filter(|step| step.core.errors > 0 || !step.examples.is_empty());
    html! {
        p.soft { (clock(&time(at_ms))) }
        @for reason in &summary.reasons { p { strong { (prose(reason)) } } }
        @for step in failed {
            p { strong { (step.name) } @for (status, count) in &step.statuses { " · " (status) " ×" (count) } }
            @for example in &step.examples { pre { (example) } }
            @if let Some(exchange) = &step.failing { (run_page::exchanged(exchange)) }
        }
        @let pictures = summary.steps.iter().flat_map(|step| &step.pictures);
        @for picture in pictures { (pictures::shown(picture)) }
        @let kept = summary.steps.iter().flat_map(|step| &step.kept);
        @for kept in kept { details { summary { "Kept: " (kept.bytes) " bytes" } pre { (kept.text) } } }
    }
}

/// The classes of phases, in their order.
const PHASE_CLASSES: [&str; 4] = ["line-1", "line-2", "line-3", "line-5"];

/// The phases of a step one after the other: class, beginning and end.
fn stacked(step: &StepSummary, longest: f64) -> Vec<(&'static str, f64, f64)> {
    let mut from = 0.0;
    let classes = PHASE_CLASSES.iter().cycle();
    let all = PHASES.iter().zip(classes).filter_map(|(name, class)| {
        let wide = step.phases_us.get(*name)?.p50 as f64 / longest * 400.0;
        let place = (*class, from, from + wide);
        from += wide;
        Some(place)
    });
    all.collect()
}

/// Where the time of the last run went, step by step.
fn phases(summary: &Summary) -> Markup {
    let total = |step: &StepSummary| step.phases_us.values().map(|phase| phase.p50).sum::<u64>();
    let longest = summary.steps.iter().map(total).max().unwrap_or(0).max(1) as f64;
    let shown: Vec<_> = summary
        .steps
        .iter()
        .filter(|step| total(step) > 0)
        .collect();
    let named = |step: &StepSummary| -> Vec<String> {
        let all = PHASES.iter().filter_map(|name| {
            let phase = step.phases_us.get(*name).filter(|phase| phase.p50 > 0)?;
            Some(format!("{name} {}", show_micros(phase.p50 as f64)))
        });
        all.collect()
    };
    html! { @if !shown.is_empty() { table {
        caption { "Where the time went" }
        tbody { @for step in shown { tr {
            th scope="row" { (step.name) }
            td {
                svg.phases viewBox="0 0 400 12" preserveAspectRatio="none" aria-hidden="true" {
                    @for (class, from, to) in stacked(step, longest) {
                        line class=(format!("phase {class}")) x1=(format!("{from:.1}")) x2=(format!("{to:.1}")) y1="6" y2="6" {}
                    }
                }
                span.small.soft { (named(step).join(" · ")) }
            }
        } } }
    } } }
}

fn results(found: &View) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "When" } th scope="col" { "Outcome" } th.n scope="col" { "Took" } th scope="col" { "Why" } } }
        tbody { @for result in found.results.iter().rev() { tr {
            td { (clock(&time(result.at_ms))) }
            td { (badge(result.outcome.word())) @if result.impaired { " " (badge("degraded")) } @if result.is_excluded { " " (badge("maintenance")) } }
            td.n { (show_micros(result.duration_us as f64)) }
            td class=[(result.outcome == Outcome::Fail).then_some("bad")] { (prose(&result.reason)) }
        } } }
    } }
}
