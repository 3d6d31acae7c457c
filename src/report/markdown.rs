//! A run for a pull request: what came of it first, then what did not hold, and the figures behind it.
//!
//! Pure. Invariant: what a server says is text in it, and no markup.

use super::cases::of_check;
use super::text::mark;
use crate::figures::{figure, percent, show_micros};
use crate::objective::Outcome;
use crate::run::summary::{Core, Summary};

/// Reasons and examples that are shown of a run.
const SHOWN_MAX: usize = 10;

/// The whole text.
pub fn render(summaries: &[Summary]) -> String {
    let outcome = Outcome::all(summaries.iter().map(|summary| summary.outcome));
    let mut text = format!("## {} Bellwether: {}\n", mark(outcome), outcome.word());
    if summaries.len() > 1 {
        text.push_str(
            "\n| | Scenario | Requests | Failed | p95 | Time |\n|---|---|---:|---:|---:|---:|\n",
        );
        for summary in summaries {
            let core = &summary.core;
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                mark(summary.outcome),
                cell(&summary.scenario),
                core.requests,
                failed(core),
                latency(core, core.latency_us.p95),
                show_micros(core.duration_s * 1e6),
            ));
        }
    }
    for summary in summaries {
        one(&mut text, summary, summaries.len() > 1);
    }
    text
}

fn one(text: &mut String, summary: &Summary, is_one_of_many: bool) {
    let place = match summary.environment.as_str() {
        "" => String::new(),
        environment => format!(" on {}", plain(environment)),
    };
    text.push_str(&format!(
        "\n### {} {}{place}\n\n{}, {}\n",
        mark(summary.outcome),
        plain(&summary.scenario),
        summary.kind,
        summary.started
    ));
    if !summary.reasons.is_empty() {
        text.push('\n');
    }
    for reason in summary.reasons.iter().take(SHOWN_MAX) {
        text.push_str(&format!("- {}\n", plain(reason)));
    }
    objectives(text, summary);
    let broken = summary
        .checks
        .iter()
        .filter(|check| of_check(check) != Outcome::Pass);
    let broken: Vec<_> = broken.collect();
    if !broken.is_empty() {
        text.push_str("\n| | Check | Step | Held | Did not |\n|---|---|---|---:|---:|\n");
    }
    for check in broken.iter().take(SHOWN_MAX) {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            mark(of_check(check)),
            code(&check.check),
            cell(&check.step),
            check.passed,
            check.failed
        ));
    }
    if broken.len() > SHOWN_MAX {
        text.push_str(&format!(
            "\n{} more checks did not hold.\n",
            broken.len() - SHOWN_MAX
        ));
    }
    steps(text, summary, is_one_of_many);
}

fn objectives(text: &mut String, summary: &Summary) {
    if summary.objectives.is_empty() {
        return;
    }
    text.push_str("\n| | Objective | Seen | Why |\n|---|---|---:|---|\n");
    for judgement in &summary.objectives {
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            mark(judgement.outcome),
            code(&judgement.objective),
            cell(&judgement.seen),
            cell(&judgement.reason)
        ));
    }
}

/// The figures, folded where there is more than one run.
fn steps(text: &mut String, summary: &Summary, is_folded: bool) {
    if is_folded {
        text.push_str("\n<details><summary>Steps</summary>\n");
    }
    if summary.kind == "smoke" {
        once(text, summary);
    } else {
        loaded(text, summary);
    }
    if is_folded {
        text.push_str("\n</details>\n");
    }
}

/// Of what was performed once, no quantile of one number.
fn once(text: &mut String, summary: &Summary) {
    text.push_str("\n| | Step | Status | Time |\n|---|---|---:|---:|\n");
    for step in &summary.steps {
        let core = &step.core;
        let outcome = match (core.errors, core.requests) {
            (0, 0) => "·",
            (0, _) => mark(Outcome::Pass),
            _ => mark(Outcome::Fail),
        };
        let statuses: Vec<&str> = step.statuses.keys().map(String::as_str).collect();
        text.push_str(&format!(
            "| {outcome} | {} | {} | {} |\n",
            cell(&step.name),
            statuses.join(", "),
            latency(core, core.latency_us.max),
        ));
    }
}

fn loaded(text: &mut String, summary: &Summary) {
    text.push_str("\n| Step | Requests | Rate | Failed | p50 | p95 | p99 |\n|---|---:|---:|---:|---:|---:|---:|\n");
    for step in &summary.steps {
        let core = &step.core;
        text.push_str(&format!(
            "| {} | {} | {}/s | {} | {} | {} | {} |\n",
            cell(&step.name),
            core.requests,
            figure(core.rate),
            failed(core),
            latency(core, core.latency_us.p50),
            latency(core, core.latency_us.p95),
            latency(core, core.latency_us.p99),
        ));
    }
}

fn failed(core: &Core) -> String {
    match (core.errors, core.requests) {
        (0, _) | (_, 0) => core.errors.to_string(),
        (errors, requests) => format!("{errors} ({})", percent(errors as f64 / requests as f64)),
    }
}

fn latency(core: &Core, micros: u64) -> String {
    match core.has_latency() {
        true => show_micros(micros as f64),
        false => "-".to_owned(),
    }
}

/// A text in which nothing is markup, in one line.
fn plain(text: &str) -> String {
    let mut made = String::new();
    for letter in text.chars() {
        match letter {
            letter if letter.is_control() => made.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '~'
            | '&' | '@' => {
                made.push('\\');
                made.push(letter);
            }
            letter => made.push(letter),
        }
    }
    made
}

/// Text in a cell of a table.
pub(super) fn cell(text: &str) -> String {
    plain(text)
}

/// A text as code; a grave accent in it needs more of them around it.
fn code(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let line = line.replace('|', "\\|");
    match line.contains('`') {
        true => format!("`` {line} ``"),
        false => format!("`{line}`"),
    }
}
