//! The summary that an engineer reads on a terminal.

use super::style::Style;
use crate::figures::{figure, show_micros};
use crate::load::breakpoint::Search;
use crate::objective::{Judgement, Outcome};
use crate::run::summary::{Core, StepSummary, Summary};
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
        details(out, step, style)?;
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
        writeln!(out, "  {reason}")?;
    }
    Ok(())
}

fn table(out: &mut String, summary: &Summary, style: Style) -> std::fmt::Result {
    writeln!(out)?;
    let width = summary
        .steps
        .iter()
        .map(|step| step.name.chars().count())
        .max()
        .unwrap_or(4)
        .clamp(4, 44);
    writeln!(
        out,
        "{}",
        style.dim(&format!(
            "  {:<width$} {:>9} {:>9} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "step", "requests", "rate", "errors", "p50", "p90", "p95", "p99", "max"
        ))
    )?;
    for step in &summary.steps {
        let name = match step.part.as_str() {
            "step" => step.name.clone(),
            part => format!("{} ({part})", step.name),
        };
        row(out, &name, &step.core, width, style)?;
    }
    if summary
        .steps
        .iter()
        .filter(|step| step.part == "step")
        .count()
        > 1
    {
        row(out, "all", &summary.core, width, style)?;
    }
    Ok(())
}

fn checks(out: &mut String, summary: &Summary, style: Style) -> std::fmt::Result {
    let checks = &summary.checks;
    if !checks.is_empty() {
        writeln!(out, "\n{}", style.bold("checks"))?;
        for check in checks {
            let outcome = match (check.failed, check.passed) {
                (0, 0) => Outcome::Inconclusive,
                (0, _) => Outcome::Pass,
                _ => Outcome::Fail,
            };
            let counts = match outcome {
                Outcome::Inconclusive => "never evaluated".to_owned(),
                Outcome::Pass => format!("{} of {}", check.passed, check.passed),
                Outcome::Fail => format!(
                    "{} of {} did not hold{}",
                    check.failed,
                    check.passed + check.failed,
                    if check.advisory { " (advisory)" } else { "" }
                ),
            };
            writeln!(
                out,
                "  {} {}: {}  {}",
                style.outcome(outcome, mark(outcome)),
                check.step,
                check.check,
                style.dim(&counts)
            )?;
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
            writeln!(
                out,
                "  {} {}  {} {}",
                style.outcome(outcome, mark(outcome)),
                style.bold(&judgement.objective),
                style.outcome(outcome, outcome.word()),
                style.dim(&format!("(seen {}): {}", judgement.seen, judgement.reason))
            )?;
        }
    }
    Ok(())
}

fn row(out: &mut String, name: &str, core: &Core, width: usize, style: Style) -> std::fmt::Result {
    let shown: String = if name.chars().count() > width {
        format!("{}…", name.chars().take(width - 1).collect::<String>())
    } else {
        name.to_owned()
    };
    let latency = &core.latency_us;
    let at = |micros: u64| {
        if core.has_latency() {
            show_micros(micros as f64)
        } else {
            "-".to_owned()
        }
    };
    let errors = format!("{:>8}", core.errors);
    writeln!(
        out,
        "  {shown:<width$} {:>9} {:>9} {} {:>9} {:>9} {:>9} {:>9} {:>9}",
        core.requests,
        format!("{:.1}/s", core.rate),
        if core.errors > 0 {
            style.bad(&errors)
        } else {
            errors
        },
        at(latency.p50),
        at(latency.p90),
        at(latency.p95),
        at(latency.p99),
        at(latency.max),
    )
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

fn details(out: &mut String, step: &StepSummary, style: Style) -> std::fmt::Result {
    let phases: Vec<String> = crate::net::phases::PHASES
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
    if !phases.is_empty() {
        writeln!(
            out,
            "{}",
            style.dim(&format!(
                "\n  {} · phases p50 / p95: {}",
                step.name,
                phases.join(" · ")
            ))
        )?;
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
        writeln!(out, "      {example}")?;
    }
    for kept in &step.kept {
        let sha256 = kept.sha256.get(..12).unwrap_or_default();
        writeln!(out, "      kept: {} bytes, SHA-256 {sha256}…", kept.bytes)?;
    }
    Ok(())
}

fn totals(out: &mut String, summary: &Summary, style: Style) -> std::fmt::Result {
    let mut parts = vec![
        format!("{} iterations", summary.iterations),
        format!("{} virtual users", summary.virtual_users),
        format!("{:.1} s", summary.core.duration_s),
    ];
    for (count, what) in [
        (summary.iterations_failed, "iterations failed"),
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
    writeln!(out, "{}", style.dim(&parts.join(" · ")))
}
