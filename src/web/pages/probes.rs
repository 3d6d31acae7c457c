//! Probes in a list: rows, and runs as a strip.

use super::frame::{badge, prose, since};
use super::uptime::{DAYS, SPANS, Uptime};
use crate::figures::{plural, uptime};
use crate::report::view::View;
use crate::report::wrong::page_of;
use crate::watch::health::Seen;
use crate::watch::result::ProbeResult;
use maud::{Markup, PreEscaped, html};

/// Runs on a strip of a list.
const RUNS: usize = 30;
/// Width and height of a run on a strip.
const RUN: (usize, usize) = (5, 22);

/// The kinds of runs on a strip, each with its class and its word.
const KINDS: [(&str, &str); 4] = [
    ("ok", "passed"),
    ("slow", "passed, but not as it should"),
    ("no", "failed"),
    ("gap", "not measured or not counted"),
];

fn kind(result: &ProbeResult) -> usize {
    match result.seen() {
        _ if result.is_excluded => 3,
        Seen::Passed => 0,
        Seen::Impaired => 1,
        Seen::Failed => 2,
        Seen::Unmeasured => 3,
    }
}

/// The newest runs as a strip, the newest at its right end.
pub fn strip(results: &[ProbeResult], most: usize, is_wide: bool) -> Markup {
    let shown = &results[results.len().saturating_sub(most)..];
    let (width, height) = RUN;
    let from = most - shown.len();
    let mut paths = [const { String::new() }; KINDS.len()];
    let mut counts = [0_u64; KINDS.len()];
    for (number, result) in shown.iter().enumerate() {
        let kind = kind(result);
        counts[kind] += 1;
        let x = (from + number) * width;
        paths[kind].push_str(&format!("M{x} 0h{}v{height}h-{}z", width - 1, width - 1));
    }
    let said: Vec<String> = counts
        .iter()
        .zip(KINDS)
        .filter(|(count, _)| **count > 0)
        .map(|(count, (_, word))| format!("{count} {word}"))
        .collect();
    let said = format!(
        "The last {}: {}",
        plural(shown.len() as u64, "run"),
        said.join(", ")
    );
    html! {
        @if shown.is_empty() { span.soft.small { "no run yet" } } @else {
            svg.strip.wide[is_wide] viewBox=(format!("0 0 {} {height}", most * width)) preserveAspectRatio="none" role="img" aria-label=(said) {
                @for (path, (class, _)) in paths.iter().zip(KINDS) { @if !path.is_empty() { path class=(class) d=(PreEscaped(path)) {} } }
            }
        }
    }
}

/// How a day is seen, by the share of its runs that passed.
fn class_of_day(share: Option<f64>) -> &'static str {
    match share {
        None => "gap",
        Some(share) if share >= 1.0 => "ok",
        Some(share) if share >= 0.95 => "slow",
        Some(_) => "no",
    }
}

/// Days as a strip, one bar each, with what is said of each of them.
pub fn days_strip(found: &Uptime, said: impl Fn(usize) -> Option<String>) -> Markup {
    let wide = found.days.len().max(1) * 8;
    html! {
        svg.strip.wide viewBox=(format!("0 0 {wide} 30")) preserveAspectRatio="none" role="img" aria-label=(format!("The last {DAYS} days, one bar each")) {
            @for (number, (share, _)) in found.days.iter().enumerate() {
                rect class=(class_of_day(*share)) x=(number * 8) width="7" height="30" { @if let Some(said) = said(number) { title { (said) } } }
            }
        }
    }
}

/// What the colors of strips mean.
pub fn key() -> Markup {
    html! { p.soft.small { @for (class, word) in KINDS { svg.strip.key viewBox="0 0 14 10" aria-hidden="true" { rect class=(class) width="14" height="10" {} } " " (word) "   " } } }
}

/// Shares of uptime, as cells.
pub fn shares(found: &Uptime) -> Markup {
    html! { @for (span, share) in SPANS.iter().zip(found.shares) { td.n.uptime data-label=(span) { @match share { Some(share) => { span.bad[share < 0.99] { (uptime(share)) } } None => { span.soft { "–" } } } } } }
}

/// Probes as a table.
pub fn table(rows: &[(View, Uptime)], now_ms: i64) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "Probe" } th scope="col" { "State" } th scope="col" { "Last runs" } @for span in SPANS { th.n scope="col" { (span) } } th.n scope="col" { "Last took" } th scope="col" { "Why" } } }
        tbody { @for (found, uptime) in rows { tr {
            td { a href=(page_of("probes", &found.name)) { (found.name) } div.soft.small { (found.schedule) } }
            td { (badge(found.standing)) @if found.state.since_ms > 0 { div.soft.small { (since(found.state.since_ms, now_ms)) } } }
            td { (strip(&found.results, RUNS, false)) }
            (shares(uptime))
            @let last = found.results.last();
            td.n { @if let Some(last) = last { (crate::figures::show_micros(last.duration_us as f64)) } }
            td { @if let Some(last) = last { (prose(&last.reason)) } }
        } } }
    } }
}
