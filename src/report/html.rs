//! A self-contained page of a run, with plots of throughput, latency and errors over time.

use super::chart::{Beside, Level, Line, STYLE, render as chart, with};
use super::compare::{Change, Row};
use super::exchange;
use super::pictures;
use super::prose::prose;
use super::style::Style;
use super::tests;
use crate::figures::{figure, show_micros};
use crate::load::breakpoint::Search;
use crate::load::series::Point;
use crate::objective::{Judgement, Metric, Objective};
use crate::run::summary::{StepSummary, Summary};
use crate::vu::exchange::Exchange;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use std::collections::BTreeMap;

/// The whole page of one or several runs.
pub fn render(summaries: &[Summary], compared: Option<&[Row]>) -> String {
    let title = summaries
        .iter()
        .map(|summary| summary.scenario.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Bellwether" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { @for summary in summaries { (one(summary)) } @if let Some(rows) = compared { (comparison(rows)) } } }
        }
    }
    .into_string()
}

fn comparison(rows: &[Row]) -> Markup {
    html! {
        h2 { "Compared with the earlier run" }
        div.card { @if rows.is_empty() { p.soft { "The earlier run has no scenario of these names." } } @else { table {
            thead { tr { th scope="col" { "Step" } th scope="col" { "Figure" } th.n scope="col" { "Before" } th.n scope="col" { "Now" } th scope="col" { "Change" } } }
            tbody { @for row in rows { tr {
                td { (row.of) } td { (row.what) } td.n { (row.before) } td.n { (row.now) }
                td { span class={ "badge " (match row.change { Change::Worse => "fail", Change::Better => "pass", Change::Like | Change::Unknown => "calm" }) } { (row.change.word()) } }
            } } }
        } } }
    }
}

/// One run, as a part of a page.
pub fn one(summary: &Summary) -> Markup {
    html! {
        h1 { (summary.scenario) " " span class=(format!("badge {}", summary.outcome.word())) { (summary.outcome.word()) } }
        p.soft {
            (summary.kind)
            @if !summary.environment.is_empty() { " on " (summary.environment) }
            " · " (summary.started)
            " · " (format!("{:.1} s", summary.core.duration_s))
            " · " (summary.iterations) " iterations"
        }
        @if !summary.about.is_empty() { p.soft.small { @for (number, (name, value)) in summary.about.iter().enumerate() { @if number > 0 { " · " } (name) " " (value) } } }
        @if !summary.reasons.is_empty() { div.card { ul { @for reason in &summary.reasons { li { (prose(reason)) } } } } }
        (details(summary))
    }
}

/// What a run came to, without what it was.
pub fn details(summary: &Summary) -> Markup {
    html! {
        @if let Some(search) = &summary.search { h2 { "Search for the highest rate" } div.card { (tried(search)) } }
        h2 { "Steps" }
        div.card { @if is_single(summary) { (single_steps(summary)) } @else { (steps(summary)) } }
        (judged("Objectives", &summary.objectives))
        (judged("Should hold", &summary.warnings))
        @if !summary.checks.is_empty() {
            h2 { "Checks" }
            div.card { table {
                thead { tr { th { "step" } th { "check" } th.n { "held" } th.n { "did not hold" } } }
                tbody { @for check in &summary.checks { tr {
                    td { (check.step) } td { code { (check.check) } }
                    td.n { (check.passed) }
                    td.n class=[(check.failed > 0).then_some("fail")] { (check.failed) }
                } } }
            } }
        }
        @if summary.series.len() > 1 { h2 { "Over time" } div.card { (plots(&summary.series, &summary.objectives)) } }
    }
}

fn judged(title: &str, judgements: &[Judgement]) -> Markup {
    html! { @if !judgements.is_empty() {
        h2 { (title) }
        div.card { table {
            thead { tr { th { "objective" } th { "outcome" } th { "seen" } th { "evidence" } } }
            tbody { @for judgement in judgements { tr {
                td { code { (judgement.objective) } }
                td { span class=(format!("badge {}", judgement.outcome.word())) { (judgement.outcome.word()) } }
                td { (judgement.seen) }
                td { (prose(&judgement.reason)) }
            } } }
        } }
    } }
}

/// Whether every step was performed once at most: then percentiles say the same thing five times.
fn is_single(summary: &Summary) -> bool {
    summary.steps.iter().all(|step| step.core.requests <= 1)
}

/// Steps that were performed once, in a line each.
fn single_steps(summary: &Summary) -> Markup {
    html! { table {
        thead { tr { th scope="col" { "Step" } th scope="col" { "Outcome" } th scope="col" { "Status" } th.n scope="col" { "Took" } th.n scope="col" { "Received" } } }
        tbody { @for step in &summary.steps { tr {
            td { (about(step)) }
            td { @let (word, class) = match (step.core.requests, step.core.errors) { (0, _) => ("skipped", "calm"), (_, 0) => ("pass", "pass"), _ => ("fail", "fail") }; span class={ "badge " (class) } { (word) } }
            td { @for status in step.statuses.keys() { (status) " " } @for class in step.errors_by_class.keys() { span.soft.small { (class) " " } } }
            td.n { @if step.core.has_latency() { (show_micros(step.core.latency_us.max as f64)) } @else { "-" } }
            td.n { @if step.bytes_received > 0 { (step.bytes_received) " bytes" } }
        } } }
    } }
}

/// What was asked of a step that failed, and what came.
pub fn exchanged(exchange: &Exchange) -> Markup {
    html! { details {
        summary { "Request and reply: " code { (exchange::line(exchange, Style::plain())) } }
        pre { (exchange::parts(exchange, Style::plain())) }
    } }
}

/// What a step is, and what it noted.
fn about(step: &StepSummary) -> Markup {
    html! {
        (step.name) @if step.part != "step" { span.soft { " (" (step.part) ")" } }
        @for example in &step.examples { div.soft { (prose(example)) } }
        @if let Some(exchange) = &step.failing { (exchanged(exchange)) }
        @for warning in &step.warnings { div.soft { "Warning: " (warning) } }
        @for (name, value) in &step.values { div.soft { code { (name) } " " (figure(value.last)) @if value.count > 1 { ", " (figure(value.min)) " to " (figure(value.max)) } } }
        @if !step.tests.is_empty() { (tests::table(&step.tests)) }
        @for picture in &step.pictures { (pictures::shown(picture)) }
        @for kept in &step.kept { details { summary { "Kept: " (kept.bytes) " bytes, SHA-256 " code { (kept.sha256.get(..12).unwrap_or_default()) } } pre { (kept.text) } } }
    }
}

fn steps(summary: &Summary) -> Markup {
    let time = |step: &StepSummary, micros: u64| match step.core.has_latency() {
        true => show_micros(micros as f64),
        false => "-".to_owned(),
    };
    html! { table {
        thead { tr { th { "step" } th.n { "requests" } th.n { "rate" } th.n { "errors" } th.n { "p50" } th.n { "p90" } th.n { "p95" } th.n { "p99" } th.n { "max" } } }
        tbody { @for step in &summary.steps {
            tr {
                td { (about(step)) }
                td.n { (step.core.requests) }
                td.n { (format!("{:.1}/s", step.core.rate)) }
                td.n class=[(step.core.errors > 0).then_some("fail")] { (step.core.errors) }
                @let latency = &step.core.latency_us;
                @for value in [latency.p50, latency.p90, latency.p95, latency.p99, latency.max] { td.n { (time(step, value)) } }
            }
        } }
    } }
}

fn tried(search: &Search) -> Markup {
    let time = |micros: u64| show_micros(micros as f64);
    html! { table {
        thead { tr { th.n { "rate" } th { "outcome" } th.n { "requests" } th.n { "errors" } th.n { "p50" } th.n { "p95" } th.n { "p99" } th { "why" } } }
        tbody { @for step in &search.tried { tr {
            td.n { (format!("{:.1}/s", step.rate)) @if step.confirms { span.soft { " again" } } }
            td { span class=(format!("badge {}", step.outcome.word())) { (step.outcome.word()) } }
            td.n { (step.requests) }
            td.n { (step.errors) }
            @for value in [step.p50_us, step.p95_us, step.p99_us] { td.n { (time(value)) } }
            td { (prose(&step.reason)) }
        } } }
    } }
}

/// Limits of latencies that objectives of the whole run have, in microseconds.
fn limits(objectives: &[Judgement]) -> Vec<(&str, f64)> {
    let limit = |judged: &Judgement| {
        let objective = Objective::parse(&judged.objective).ok()?;
        let is_latency =
            matches!(objective.metric, Metric::Quantile(_)) && objective.step.is_none();
        is_latency.then_some(objective.limit)
    };
    let all = objectives.iter();
    all.filter_map(|judged| Some((judged.objective.as_str(), limit(judged)?)))
        .collect()
}

fn plots(series: &[Point], objectives: &[Judgement]) -> Markup {
    // The first and last second are cut by the run's start and end.
    let series = &series[..series.len() - 1];
    let line = |name: &'static str, class: &'static str, value: &dyn Fn(&Point) -> u64| Line {
        name,
        class,
        points: series
            .iter()
            .map(|point| (point.t_s as f64, value(point) as f64))
            .collect(),
    };
    let levels = limits(objectives).into_iter().map(|(name, value)| Level {
        name,
        class: "line-4",
        value,
    });
    let beside = Beside {
        levels: levels.collect(),
        ..Beside::default()
    };
    html! {
        (chart("Throughput", &[line("requests per second", "line-1", &|point| point.requests)], count))
        (with("Latency", &[
            line("p50", "line-1", &|point| point.p50_us),
            line("p95", "line-2", &|point| point.p95_us),
            line("p99", "line-3", &|point| point.p99_us),
        ], &beside, show_micros))
        (chart("Virtual users", &[
            line("iterations in progress", "line-1", &|point| point.active),
            line("arrivals waiting", "line-3", &|point| point.waiting),
        ], count))
        @if series.iter().any(|point| point.lateness_p99_us > 0) {
            (chart("The load generator's own lateness", &[line("p99", "line-2", &|point| point.lateness_p99_us)], show_micros))
        }
        (chart("Failed requests by class", &failed_lines(series), count))
    }
}

/// Failed requests over time, a line for each of the most frequent classes and one for the rest.
fn failed_lines(series: &[Point]) -> Vec<Line<'_>> {
    let mut all: BTreeMap<&str, u64> = BTreeMap::new();
    for (class, count) in series.iter().flat_map(|point| &point.errors_by_class) {
        *all.entry(class).or_default() += count;
    }
    let mut classes: Vec<&str> = all.keys().copied().collect();
    classes.sort_by_key(|class| std::cmp::Reverse(all[class]));
    let named = classes.len().min(CLASS_LINES.len() - 1);
    let rest = classes.split_off(named);
    let of = |point: &Point, classes: &[&str]| -> u64 {
        let counts = classes
            .iter()
            .filter_map(|class| point.errors_by_class.get(*class));
        counts.sum()
    };
    let line = |name, class, classes: &[&str]| Line {
        name,
        class,
        points: series
            .iter()
            .map(|point| (point.t_s as f64, of(point, classes) as f64))
            .collect(),
    };
    let each = classes.iter().zip(CLASS_LINES);
    let mut lines: Vec<Line<'_>> = each
        .map(|(name, class)| line(name, class, &[name]))
        .collect();
    if !rest.is_empty() || lines.is_empty() {
        let name = if lines.is_empty() {
            "none"
        } else {
            "all others"
        };
        lines.push(line(name, CLASS_LINES[named], &rest));
    }
    lines
}

/// The classes of lines of failures.
const CLASS_LINES: [&str; 4] = ["line-3", "line-1", "line-2", "line-5"];

/// A number on an axis: whole where it is, and never another than where its tick stands.
fn count(value: f64) -> String {
    match value.fract().abs() < 1e-9 {
        true => format!("{value:.0}"),
        false => format!("{}", (value * 100.0).round() / 100.0),
    }
}
