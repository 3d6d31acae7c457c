//! Objectives over weeks as others write them: recording and alert rules of Prometheus, and OpenSLO.
//!
//! Pure. The rules count what the daemon counts (`bellwether_slo_runs_total`), over the same pairs of windows,
//! and with a guard in its place: so many failures among the planned runs of a window are not what a service
//! within its objective shows by chance. Sources: The Site Reliability Workbook, chapter 5; OpenSLO v1.

use crate::duration;
use crate::objective::binomial;
use crate::project::file::Project;
use crate::project::probe::Probe;
use crate::project::schedule::Schedule;
use crate::project::slo::Slo;
use crate::watch::budget::{BY_CHANCE, FAILURES_MIN, Pair, Window, pairs};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

/// How annotations of OpenSLO begin that say what only we know.
pub const OWN: &str = "bellwether/";

fn length(seconds: i64) -> String {
    let shown = duration::show(Duration::from_secs(seconds.unsigned_abs()));
    shown.replace(' ', "")
}

/// A text between double quotes, as YAML and PromQL both read it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Runs that are planned in a window.
fn planned(slo: &Slo, project: &Project, seconds: i64) -> u64 {
    let names: BTreeSet<&str> = slo.probes_of(project).collect();
    let counted = project
        .probes
        .iter()
        .filter(|probe| names.contains(probe.name.as_str()));
    counted.map(|probe| runs_in(probe, seconds)).sum()
}

fn runs_in(probe: &Probe, seconds: i64) -> u64 {
    match &probe.schedule {
        Schedule::Every(interval) => (seconds as f64 / interval.as_secs_f64()) as u64,
        // How often a calendar comes is not asked: the least that can be.
        Schedule::Cron(_) => 1,
    }
}

/// The fewest failures among so many runs that are more than chance.
pub fn failures_min(planned: u64, share: f64) -> u64 {
    let is_chance =
        |bad: u64| binomial::upper_tail(bad, planned.max(bad), 1.0 - share) >= BY_CHANCE;
    let mut bad = FAILURES_MIN;
    while bad < planned && is_chance(bad) {
        bad += 1;
    }
    bad
}

/// Rules of Prometheus for all objectives of a configuration.
pub fn prometheus(project: &Project) -> String {
    let mut text = String::from(
        "# Made by `bellwether rules prometheus`: make it again when an objective changes.\ngroups:\n",
    );
    for slo in &project.file.slos {
        let _ = writeln!(
            text,
            "  - name: {}\n    rules:",
            quoted(&format!("bellwether-slo-{}", slo.name))
        );
        let pairs = pairs(slo.goal.window);
        let mut windows: BTreeSet<i64> = pairs
            .iter()
            .flat_map(|pair| [pair.long_s, pair.short_s])
            .collect();
        windows.insert(slo.goal.window.seconds());
        for seconds in windows {
            record(&mut text, slo, seconds);
        }
        for pair in pairs {
            burns(&mut text, slo, project, pair);
        }
        exhausted(&mut text, slo);
        unmeasured(&mut text, slo, pairs[0].long_s);
    }
    if project.file.slos.is_empty() {
        text.push_str("  []\n");
        return text.replace("groups:\n  []", "groups: []");
    }
    text
}

fn counter(slo: &Slo, result: Option<&str>, seconds: i64) -> String {
    let result = result
        .map(|result| format!(",result={}", quoted(result)))
        .unwrap_or_default();
    let (name, window) = (quoted(&slo.name), length(seconds));
    format!("sum(increase(bellwether_slo_runs_total{{slo={name}{result}}}[{window}]))")
}

fn recorded(seconds: i64) -> String {
    format!("slo:bellwether_slo_bad:ratio_increase{}", length(seconds))
}

fn series(slo: &Slo, seconds: i64) -> String {
    format!("{}{{slo={}}}", recorded(seconds), quoted(&slo.name))
}

fn record(text: &mut String, slo: &Slo, seconds: i64) {
    let (bad, all) = (
        counter(slo, Some("bad"), seconds),
        counter(slo, None, seconds),
    );
    let (name, record) = (quoted(&slo.name), recorded(seconds));
    let _ = writeln!(
        text,
        "      - record: {record}\n        expr: {bad} / ({all} > 0)\n        labels: {{ slo: {name} }}"
    );
}

fn alert(text: &mut String, slo: &Slo, name: &str, expr: &str, labels: &str, summary: &str) {
    let _ = writeln!(
        text,
        "      - alert: {name}\n        expr: >-\n          {expr}"
    );
    let _ = writeln!(
        text,
        "        labels: {{ slo: {}, {labels} }}",
        quoted(&slo.name)
    );
    let _ = writeln!(
        text,
        "        annotations:\n          summary: {}",
        quoted(summary)
    );
    if let Some(runbook) = &slo.alert.runbook {
        let _ = writeln!(text, "          runbook_url: {}", quoted(runbook));
    }
}

fn burns(text: &mut String, slo: &Slo, project: &Project, pair: Pair) {
    let limit = pair.factor * (1.0 - slo.goal.share);
    let limit = (limit * 1e12).round() / 1e12;
    let least = failures_min(planned(slo, project, pair.long_s), slo.goal.share);
    let bad = counter(slo, Some("bad"), pair.long_s);
    let (long, short) = (series(slo, pair.long_s), series(slo, pair.short_s));
    // An increase is extrapolated: half a failure less is the same number.
    let expr = format!(
        "({long} >= {limit}) and on(slo) ({short} >= {limit})\n          and on() ({bad} >= {})",
        least as f64 - 0.5
    );
    let severity = if pair.pages {
        slo.alert.severity.word()
    } else {
        "warning"
    };
    let (factor, window) = (pair.factor, length(pair.long_s));
    let summary = format!(
        "{} fails {factor} times as often over {window} as its error budget allows",
        slo.name
    );
    // Two pairs that page tell themselves apart by how fast they burn.
    let labels = format!("severity: {severity}, factor: \"{factor}\"");
    alert(text, slo, "BellwetherSloBurns", &expr, &labels, &summary);
}

fn exhausted(text: &mut String, slo: &Slo) {
    let limit = ((1.0 - slo.goal.share) * 1e12).round() / 1e12;
    let window = slo.goal.window;
    let expr = format!("{} >= {limit}", series(slo, window.seconds()));
    let summary = format!(
        "The error budget of {} over {} is used up",
        slo.name,
        window.show()
    );
    alert(
        text,
        slo,
        "BellwetherSloBudgetExhausted",
        &expr,
        "severity: error",
        &summary,
    );
}

fn unmeasured(text: &mut String, slo: &Slo, seconds: i64) {
    let all = counter(slo, None, seconds);
    let metric = format!("bellwether_slo_runs_total{{slo={}}}", quoted(&slo.name));
    let expr = format!("{all} == 0 or absent({metric})");
    let summary = format!(
        "Nothing was measured of {} for {}",
        slo.name,
        length(seconds)
    );
    alert(
        text,
        slo,
        "BellwetherSloUnmeasured",
        &expr,
        "severity: warning",
        &summary,
    );
}

/// All objectives of a configuration as OpenSLO v1, a document each.
pub fn openslo(project: &Project) -> String {
    let documents = project.file.slos.iter().map(document);
    documents
        .map(|document| format!("---\n{}", yaml(&document, 0)))
        .collect()
}

fn document(slo: &Slo) -> Value {
    let mut own = serde_json::Map::new();
    let mut note = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            own.insert(format!("{OWN}{key}"), value.into());
        }
    };
    note(
        "probes",
        (!slo.probes.is_empty()).then(|| slo.probes.join(",")),
    );
    note("group", slo.group.clone());
    note("service", slo.service.clone());
    note("environment", slo.environment.clone());
    note(
        "latency",
        slo.goal
            .latency_us
            .map(|limit| duration::show(Duration::from_micros(limit)).replace(' ', "")),
    );
    note("unknown", slo.goal.unknown_is_bad.then(|| "bad".to_owned()));
    let window = match slo.goal.window {
        Window::Rolling(window) => {
            json!([{ "duration": length(window.as_secs() as i64), "isRolling": true }])
        }
        Window::Month => json!([{
            "duration": "1M",
            "isRolling": false,
            "calendar": { "startTime": "2026-01-01 00:00:00", "timeZone": "UTC" },
        }]),
    };
    let name = quoted(&slo.name);
    let source = |matchers: &str| {
        let query = format!("bellwether_slo_runs_total{{slo={name}{matchers}}}");
        json!({ "metricSource": { "type": "Prometheus", "spec": { "query": query } } })
    };
    json!({
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": { "name": identifier(&slo.name), "displayName": slo.name, "annotations": own },
        "spec": {
            "description": format!("{} of the runs of its probes are good", percent(slo.goal.share)),
            "service": slo.service.as_deref().map_or_else(|| identifier(&slo.name), identifier),
            "indicator": {
                "metadata": { "name": format!("{}-runs", identifier(&slo.name)) },
                "spec": { "ratioMetric": {
                    "counter": true,
                    "good": source(",result=\"good\""),
                    "total": source(""),
                } },
            },
            "timeWindow": window,
            "budgetingMethod": "Occurrences",
            "objectives": [{ "displayName": "good runs", "target": slo.goal.share }],
        },
    })
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

/// A name as OpenSLO has them: lower-case letters, digits and hyphens (RFC 1123).
fn identifier(name: &str) -> String {
    let letter = |letter: char| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '-',
    };
    let text: String = name.chars().map(letter).collect();
    text.trim_matches('-').to_owned()
}

/// A value as YAML in blocks; texts stay between quotes.
fn yaml(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(entries) if !entries.is_empty() => entries
            .iter()
            .map(|(key, value)| match value {
                Value::Object(inner) if !inner.is_empty() => {
                    format!("{indent}{key}:\n{}", yaml(value, depth + 1))
                }
                Value::Array(inner) if !inner.is_empty() => {
                    format!("{indent}{key}:\n{}", yaml(value, depth + 1))
                }
                other => format!("{indent}{key}: {other}\n"),
            })
            .collect(),
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .map(|item| {
                let text = yaml(item, depth + 1);
                format!("{indent}- {}", text.trim_start())
            })
            .collect(),
        other => format!("{indent}{other}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::failures_min;

    #[test]
    fn so_many_failures_are_more_than_chance() {
        assert_eq!(failures_min(360, 0.999), 3, "0.36 are expected in an hour");
        assert_eq!(
            failures_min(5, 0.999),
            2,
            "one failure is never a burn rate"
        );
        assert_eq!(failures_min(0, 0.999), 2);
        assert!(failures_min(10_000, 0.99) > 120);
    }
}
