//! The summary that an engineer reads on a terminal.

use super::cases::of_check;
use super::columns::{Column, Paint, letters, lines, wrapped};
use super::exchange;
use super::pictures;
use super::style::Style;
use super::tests;
use crate::figures::{figure, plural, show_micros};
use crate::load::breakpoint::Search;
use crate::net::phases::PHASES;
use crate::objective::{Judgement, Outcome};
use crate::run::summary::{Core, Quantiles, StepSummary, Summary};
use std::fmt::Write as _;

/// The whole text.
pub fn render(summary: &Summary, style: Style) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_all(summary, style, &mut text);
    text
}

/// The mark of an outcome: readable without colour.
pub fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "✓",
        Outcome::Fail => "✗",
        Outcome::Inconclusive => "?",
    }
}

fn write_all(summary: &Summary, style: Style, out: &mut String) -> std::fmt::Result {
    let place = if summary.environment.is_empty() {
        String::new()
    } else {
        format!(" on {}", summary.environment)
    };
    writeln!(
        out,
        "{}{place}  {}",
        style.bold(&summary.scenario),
        style.dim(&format!("{}, {}", summary.kind, summary.started))
    )?;
    table(out, summary, style)?;
    for step in &summary.steps {
        details(out, summary, step, style)?;
    }
    if let Some(search) = &summary.search {
        tried(out, search, style)?;
    }
    checks(out, summary, style)?;
    objectives(out, "objectives", &summary.objectives, style)?;
    objectives(out, "should hold", &summary.warnings, style)?;
    values(out, summary, style)?;
    writeln!(out)?;
    totals(out, summary, style)?;
    let outcome = summary.outcome;
    writeln!(
        out,
        "\n{} {}",
        style.outcome(outcome, mark(outcome)),
        style.outcome(outcome, &format!("outcome: {}", outcome.word()))
    )?;
    for reason in &summary.reasons {
        writeln!(out, "{}", wrapped(reason, 2, style))?;
    }
    Ok(())
}

fn table(out: &mut String, summary: &Summary, style: Style) -> std::fmt::Result {
    writeln!(out)?;
    let several = summary.steps.iter().filter(|step| step.part == "step");
    let total = (several.count() > 1).then_some(&summary.core);
    let columns = match summary.kind.as_str() {
        "smoke" => once(summary),
        _ => loaded(summary, total),
    };
    for line in lines(columns, 2, style) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// What stands of a step that has no value.
const NONE: &str = "-";

fn named(step: &StepSummary) -> String {
    match step.part.as_str() {
        "step" => step.name.clone(),
        part => format!("{} ({part})", step.name),
    }
}

/// Of what was performed once, a line a step: no quantile of one number.
fn once(summary: &Summary) -> Vec<Column> {
    let steps = || summary.steps.iter();
    let names = steps().map(|step| {
        let (mark, paint) = match step {
            step if step.core.errors > 0 => ("✗", Paint::Bad),
            step if step.advisory_failures > 0 => ("!", Paint::Doubtful),
            step if step.core.requests == 0 => ("·", Paint::Dim),
            _ => ("✓", Paint::Plain),
        };
        (format!("{mark} {}", named(step)), paint)
    });
    let status = steps().map(|step| match step.statuses.len() {
        0 if step.core.requests == 0 => "not performed".to_owned(),
        0 => NONE.to_owned(),
        _ => step.statuses.keys().cloned().collect::<Vec<_>>().join(", "),
    });
    let time = steps().map(|step| match step.core.has_latency() {
        true => show_micros(step.core.latency_us.max as f64),
        false => NONE.to_owned(),
    });
    let phases = steps().map(|step| (spent(step), Paint::Dim));
    let mut columns = vec![
        Column {
            head: "step",
            is_text: true,
            cells: names.collect(),
            ..Column::default()
        },
        Column::of("status", 1, status),
        Column::of("time", 2, time),
        Column {
            head: "of which",
            rank: 9,
            is_text: true,
            cells: phases.collect(),
        },
    ];
    if steps().any(|step| step.core.requests > 1) {
        let times = steps().map(|step| step.core.requests.to_string());
        columns.insert(2, Column::of("requests", 3, times));
    }
    columns
}

/// The phases of a step that took any time.
fn spent(step: &StepSummary) -> String {
    let phases = PHASES.iter();
    let phases = phases.filter_map(|phase| Some((phase, step.phases_us.get(*phase)?.p50)));
    let phases = phases.filter(|(_, micros)| *micros > 0);
    let phases = phases.map(|(phase, micros)| format!("{phase} {}", show_micros(micros as f64)));
    phases.collect::<Vec<_>>().join(" · ")
}

fn loaded(summary: &Summary, total: Option<&Core>) -> Vec<Column> {
    let rows: Vec<(String, &Core)> = summary
        .steps
        .iter()
        .map(|step| (named(step), &step.core))
        .chain(total.map(|core| ("all".to_owned(), core)))
        .collect();
    let of = |value: &dyn Fn(&Core) -> String| -> Vec<String> {
        rows.iter().map(|(_, core)| value(core)).collect()
    };
    let at = |take: fn(&Quantiles) -> u64| {
        of(&|core: &Core| match core.has_latency() {
            true => show_micros(take(&core.latency_us) as f64),
            false => NONE.to_owned(),
        })
    };
    let errors = rows.iter().map(|(_, core)| match core.errors {
        0 => ("0".to_owned(), Paint::Plain),
        count => (count.to_string(), Paint::Bad),
    });
    let names = rows.iter().map(|(name, _)| (name.clone(), Paint::Plain));
    vec![
        Column {
            head: "step",
            is_text: true,
            cells: names.collect(),
            ..Column::default()
        },
        Column::of("requests", 2, of(&|core| core.requests.to_string())),
        Column::of("rate", 5, of(&|core| format!("{:.1}/s", core.rate))),
        Column {
            head: "errors",
            rank: 1,
            is_text: false,
            cells: errors.collect(),
        },
        Column::of("p50", 4, at(|it| it.p50)),
        Column::of("p90", 8, at(|it| it.p90)),
        Column::of("p95", 3, at(|it| it.p95)),
        Column::of("p99", 6, at(|it| it.p99)),
        Column::of("max", 7, at(|it| it.max)),
    ]
}

fn checks(out: &mut String, summary: &Summary, style: Style) -> std::fmt::Result {
    let checks = &summary.checks;
    if !checks.is_empty() {
        writeln!(out, "\n{}", style.bold("checks"))?;
        for check in checks {
            let outcome = of_check(check);
            let counts = match outcome {
                Outcome::Inconclusive => "never evaluated".to_owned(),
                // Once is what everybody expects of what is performed once.
                Outcome::Pass if summary.kind == "smoke" && check.passed == 1 => String::new(),
                Outcome::Pass => format!("{} of {}", check.passed, check.passed),
                Outcome::Fail => format!(
                    "{} of {} did not hold{}",
                    check.failed,
                    check.passed + check.failed,
                    if check.advisory { " (advisory)" } else { "" }
                ),
            };
            let line = format!(
                "  {} {}: {}  {}",
                style.outcome(outcome, mark(outcome)),
                check.step,
                check.check,
                style.dim(&counts)
            );
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

fn values(out: &mut String, summary: &Summary, style: Style) -> std::fmt::Result {
    if summary.steps.iter().all(|step| step.values.is_empty()) {
        return Ok(());
    }
    writeln!(out, "\n{}", style.bold("values"))?;
    for step in &summary.steps {
        for (name, value) in &step.values {
            let text = match value.count {
                1 => figure(value.last),
                count => format!(
                    "{} to {}, p50 {}, p95 {}, {count} times",
                    figure(value.min),
                    figure(value.max),
                    figure(value.p50),
                    figure(value.p95)
                ),
            };
            let of = style.dim(&format!("({})", step.name));
            writeln!(out, "  {name}  {text}  {of}")?;
        }
    }
    Ok(())
}

fn objectives(
    out: &mut String,
    title: &str,
    judgements: &[Judgement],
    style: Style,
) -> std::fmt::Result {
    if !judgements.is_empty() {
        writeln!(out, "\n{}", style.bold(title))?;
        for judgement in judgements {
            let outcome = judgement.outcome;
            let detail = format!("(seen {}): {}", judgement.seen, judgement.reason);
            let head = letters(&judgement.objective) + letters(outcome.word()) + 7;
            let head_line = format!(
                "  {} {}  {}",
                style.outcome(outcome, mark(outcome)),
                style.bold(&judgement.objective),
                style.outcome(outcome, outcome.word()),
            );
            match style.wraps && head + 1 + letters(&detail) > style.width {
                true => writeln!(
                    out,
                    "{head_line}\n{}",
                    style.dim(&wrapped(&detail, 4, style))
                )?,
                false => writeln!(out, "{head_line} {}", style.dim(&detail))?,
            }
        }
    }
    Ok(())
}

/// The rates that a search tried, in their order.
fn tried(out: &mut String, search: &Search, style: Style) -> std::fmt::Result {
    writeln!(out, "\n{}", style.bold("search for the highest rate"))?;
    for step in &search.tried {
        let time = |micros: u64| show_micros(micros as f64);
        writeln!(
            out,
            "  {} {:>10}{}  p50 {:>9}  p95 {:>9}  p99 {:>9}  {:>6} failed  {}",
            style.outcome(step.outcome, mark(step.outcome)),
            format!("{:.1}/s", step.rate),
            if step.confirms { " again" } else { "      " },
            time(step.p50_us),
            time(step.p95_us),
            time(step.p99_us),
            step.errors,
            style.dim(&step.reason)
        )?;
    }
    Ok(())
}

/// Where requests waited before they were sent, the two latencies differ, and the difference is told.
fn service(out: &mut String, step: &StepSummary, style: Style) -> std::fmt::Result {
    let (asked, served) = (&step.core.latency_us, &step.service_us);
    if asked.p99 <= served.p99 + served.p99 / 10 {
        return Ok(());
    }
    let text = format!(
        "  {} · from the actual start p50 {} p95 {} p99 {}; the table counts from when a request should have started",
        step.name,
        show_micros(served.p50 as f64),
        show_micros(served.p95 as f64),
        show_micros(served.p99 as f64)
    );
    writeln!(out, "{}", style.dim(&text))
}

fn details(
    out: &mut String,
    summary: &Summary,
    step: &StepSummary,
    style: Style,
) -> std::fmt::Result {
    let is_load = summary.kind != "smoke";
    let phases: Vec<String> = PHASES
        .iter()
        .filter_map(|phase| Some((phase, step.phases_us.get(*phase)?)))
        .filter(|(_, summary)| summary.p95 > 0)
        .map(|(phase, summary)| {
            format!(
                "{phase} {} / {}",
                show_micros(summary.p50 as f64),
                show_micros(summary.p95 as f64)
            )
        })
        .collect();
    if is_load && !phases.is_empty() {
        let line = format!("{} · phases p50 / p95: {}", step.name, phases.join(" · "));
        writeln!(out, "\n{}", style.dim(&wrapped(&line, 2, style)))?;
    } else if step.core.errors > 0 || step.advisory_failures > 0 {
        writeln!(out, "\n  {}", step.name)?;
    }
    service(out, step, style)?;
    if step.core.errors > 0 {
        let classes: Vec<String> = step
            .errors_by_class
            .iter()
            .map(|(class, count)| format!("{class} {count}"))
            .collect();
        writeln!(out, "    {} {}", style.bad("failed:"), classes.join(", "))?;
    }
    if step.advisory_failures > 0 {
        writeln!(
            out,
            "    {} {}",
            style.doubtful("failed, advisory:"),
            step.advisory_failures
        )?;
    }
    for example in &step.examples {
        writeln!(out, "{}", wrapped(example, 6, style))?;
    }
    if let Some(exchange) = &step.failing {
        write!(out, "{}", exchange::of_failure(exchange, 6, style))?;
    }
    for kept in &step.kept {
        let sha256 = kept.sha256.get(..12).unwrap_or_default();
        writeln!(out, "      kept: {} bytes, SHA-256 {sha256}…", kept.bytes)?;
    }
    if !step.tests.is_empty() {
        writeln!(out, "{}", wrapped(&tests::line(&step.tests), 6, style))?;
        for test in tests::failed(&step.tests) {
            writeln!(out, "{}", wrapped(&tests::told(test), 6, style))?;
        }
    }
    for picture in &step.pictures {
        let line = pictures::line(picture);
        writeln!(out, "{}", wrapped(&line, 6, style))?;
    }
    Ok(())
}

/// What several scenarios came to together.
pub fn total(summaries: &[Summary], style: Style) -> String {
    let of = |outcome: Outcome| {
        let count = summaries.iter().filter(|one| one.outcome == outcome);
        count.count() as u64
    };
    let parts = [
        (Outcome::Pass, "passed"),
        (Outcome::Fail, "failed"),
        (Outcome::Inconclusive, "inconclusive"),
    ];
    let parts = parts.map(|(outcome, word)| (outcome, of(outcome), word));
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(outcome, count, word)| style.outcome(outcome, &format!("{count} {word}")))
        .collect();
    let all = plural(summaries.len() as u64, "scenario");
    let mut text = format!("{}: {}\n", style.bold(&all), parts.join(", "));
    for summary in summaries.iter().filter(|one| one.outcome != Outcome::Pass) {
        let (outcome, why) = (summary.outcome, summary.reasons.first());
        let why = why.map_or(String::new(), |why| format!("  {}", style.dim(why)));
        let mark = style.outcome(outcome, mark(outcome));
        text.push_str(&format!("  {mark} {}{why}\n", summary.scenario));
    }
    text
}

fn totals(out: &mut String, summary: &Summary, style: Style) -> std::fmt::Result {
    let mut parts = vec![show_micros(summary.core.duration_s * 1e6)];
    if summary.kind != "smoke" {
        parts.insert(0, plural(summary.iterations, "iteration"));
        parts.insert(1, plural(summary.virtual_users, "virtual user"));
    }
    if summary.kind != "smoke" && summary.iterations_failed > 0 {
        parts.push(format!(
            "{} failed",
            plural(summary.iterations_failed, "iteration")
        ));
    }
    for (count, what) in [
        (summary.interrupted, "interrupted"),
        (summary.core.dropped, "dropped"),
        (summary.waited, "waited for a free virtual user"),
        (summary.held_back, "held back by the cap"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    if let Some(late) = &summary.own_lateness_us {
        parts.push(format!(
            "own lateness p50 {} p99 {}",
            show_micros(late.p50 as f64),
            show_micros(late.p99 as f64)
        ));
    }
    writeln!(out, "{}", style.dim(&wrapped(&parts.join(" · "), 0, style)))
}
