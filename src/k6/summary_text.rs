//! The summary that people read at the end of a run: the look of k6's.
//!
//! Made of the argument of `handleSummary` alone, so that scripts can have it made of theirs.

use super::unit::{self, TimeUnit};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Metrics of each part of the summary, those that come first.
const HTTP: [&str; 3] = ["http_req_duration", "http_req_failed", "http_reqs"];
const EXECUTION: [&str; 5] = [
    "dropped_iterations",
    "iteration_duration",
    "iterations",
    "vus",
    "vus_max",
];
const WEBSOCKET: [&str; 6] = [
    "ws_connecting",
    "ws_msgs_received",
    "ws_msgs_sent",
    "ws_ping",
    "ws_session_duration",
    "ws_sessions",
];
const NETWORK: [&str; 2] = ["data_received", "data_sent"];
/// Metrics that are told elsewhere, or only in full.
const BESIDE: [&str; 8] = [
    "checks",
    "group_duration",
    "http_req_blocked",
    "http_req_connecting",
    "http_req_tls_handshaking",
    "http_req_sending",
    "http_req_waiting",
    "http_req_receiving",
];

struct Page<'a> {
    text: String,
    indent: &'a str,
    color: bool,
    unit: TimeUnit,
    stats: Vec<&'a str>,
    seconds: f64,
}

/// Numbers that thresholds were about, by metric and expression.
pub type Seen = BTreeMap<(String, String), f64>;

/// The text; each line begins with `indent`. What thresholds were about is shown from `seen`, or where it is
/// among the values.
pub fn render(data: &Value, seen: &Seen, indent: &str, color: bool) -> String {
    let stats = data["options"]["summaryTrendStats"].as_array();
    let unit = data["options"]["summaryTimeUnit"].as_str();
    let mut page = Page {
        text: String::new(),
        indent,
        color,
        unit: unit.and_then(TimeUnit::of).unwrap_or_default(),
        stats: stats
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect(),
        seconds: data["state"]["testRunDurationMs"]
            .as_f64()
            .unwrap_or_default()
            / 1e3,
    };
    let empty = Map::new();
    let metrics = data["metrics"].as_object().unwrap_or(&empty);
    page.thresholds(metrics, seen);
    page.line("");
    page.title("TOTAL RESULTS");
    page.line("");
    page.checks(metrics, &data["root_group"]);
    let named = |names: &'static [&'static str]| move |name: &str| names.contains(&name);
    let is_custom = |name: &str| {
        ![&HTTP[..], &EXECUTION, &WEBSOCKET, &NETWORK, &BESIDE]
            .iter()
            .any(|names| names.contains(&name))
    };
    page.part("CUSTOM", metrics, &is_custom);
    page.part("HTTP", metrics, &named(&HTTP));
    page.part("EXECUTION", metrics, &named(&EXECUTION));
    page.part("WEBSOCKET", metrics, &named(&WEBSOCKET));
    page.part("NETWORK", metrics, &named(&NETWORK));
    page.text
}

/// The metric that a name, perhaps of a part of it, is of.
fn whole(name: &str) -> &str {
    name.split('{').next().unwrap_or(name).trim()
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        if text.is_empty() {
            self.text.push('\n');
            return;
        }
        let _ = writeln!(self.text, "{}{text}", self.indent);
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.color {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn title(&mut self, text: &str) {
        let title = format!("  {} {}", "█", self.painted("1", text));
        self.line(&title);
    }

    fn mark(&self, holds: bool) -> String {
        if holds {
            self.painted("32", "✓")
        } else {
            self.painted("31", "✗")
        }
    }

    fn thresholds(&mut self, metrics: &Map<String, Value>, known: &Seen) {
        let with = |(_, metric): &(&String, &Value)| metric["thresholds"].is_object();
        if !metrics.iter().any(|one| with(&one)) {
            return;
        }
        self.line("");
        self.title("THRESHOLDS");
        for (name, metric) in metrics.iter().filter(with) {
            self.line("");
            self.line(&format!("    {name}"));
            for (source, came) in metric["thresholds"].as_object().into_iter().flatten() {
                let holds = came["ok"] == true;
                let known = known.get(&(name.clone(), source.clone())).copied();
                let seen = self.seen(source, metric, known);
                let text = format!("    {} '{source}'{seen}", self.mark(holds));
                self.line(&text);
            }
        }
        self.line("");
    }

    /// The number that a threshold was about, where it is among the values.
    fn seen(&self, source: &str, metric: &Value, known: Option<f64>) -> String {
        let end = source.find(['<', '>', '=', '!']).unwrap_or(source.len());
        let name = source[..end].trim();
        let among = || metric["values"].get(name).and_then(Value::as_f64);
        match known.or_else(among) {
            Some(value) => format!(" {name}={}", self.value(name, value, metric)),
            None => String::new(),
        }
    }

    fn value(&self, name: &str, value: f64, metric: &Value) -> String {
        match (metric["type"].as_str(), metric["contains"].as_str()) {
            (Some("rate"), _) => unit::percent(value),
            _ if name == "count" && metric["type"] == "trend" => unit::number(value),
            (_, Some("time")) => unit::time(value, self.unit),
            (_, Some("data")) => unit::bytes(value),
            _ => unit::number(value),
        }
    }

    fn checks(&mut self, metrics: &Map<String, Value>, root: &Value) {
        let Some(checks) = metrics.get("checks") else {
            return;
        };
        let number = |name: &str| checks["values"][name].as_f64().unwrap_or_default();
        let (passes, fails) = (number("passes"), number("fails"));
        let total = passes + fails;
        let share = |part: f64| unit::percent(part / total.max(1.0));
        let rate = total / self.seconds.max(1e-9);
        let rows = [
            (
                "checks_total",
                unit::number(total),
                format!("{}/s", unit::number(rate)),
            ),
            (
                "checks_succeeded",
                share(passes),
                format!("{passes} out of {total}"),
            ),
            (
                "checks_failed",
                share(fails),
                format!("{fails} out of {total}"),
            ),
        ];
        let wide = rows
            .iter()
            .map(|(_, value, _)| value.len())
            .max()
            .unwrap_or_default();
        for (name, value, more) in rows {
            let row = format!("    {name:.<19}: {value:<wide$} {more}");
            self.line(&row);
        }
        if root["checks"]
            .as_array()
            .is_some_and(|checks| !checks.is_empty())
        {
            self.line("");
        }
        self.checks_of(root, 4);
        self.line("");
    }

    fn checks_of(&mut self, group: &Value, depth: usize) {
        let before = " ".repeat(depth);
        for check in group["checks"].as_array().into_iter().flatten() {
            let count = |name: &str| check[name].as_u64().unwrap_or_default();
            let (passes, fails) = (count("passes"), count("fails"));
            let name = check["name"].as_str().unwrap_or_default();
            let line = format!("{before}{} {name}", self.mark(fails == 0));
            self.line(&line);
            if fails > 0 {
                let share = 100 * passes / (passes + fails).max(1);
                let (good, bad) = (self.mark(true), self.mark(false));
                let line = format!("{before}  ↳  {share}% — {good} {passes} / {bad} {fails}");
                self.line(&line);
            }
        }
        for inner in group["groups"].as_array().into_iter().flatten() {
            self.line("");
            let name = inner["name"].as_str().unwrap_or_default();
            self.line(&format!("{before}█ {name}"));
            self.line("");
            self.checks_of(inner, depth + 2);
        }
    }

    fn part(&mut self, title: &str, metrics: &Map<String, Value>, is_of: &dyn Fn(&str) -> bool) {
        let own: Vec<(&String, &Value)> = metrics
            .iter()
            .filter(|(name, _)| is_of(whole(name)))
            .collect();
        if own.is_empty() {
            return;
        }
        let title = format!("    {}", self.painted("1", title));
        self.line(&title);
        let shown = |name: &str| match name.find('{') {
            Some(at) => format!("  {{ {} }}", name[at + 1..].trim_end_matches('}').trim()),
            None => name.to_owned(),
        };
        let wide = metrics
            .keys()
            .map(|name| shown(name).chars().count())
            .max()
            .unwrap_or(0)
            + 3;
        let columns = self.columns(&own);
        for ((name, _), columns) in own.iter().zip(columns) {
            let name = shown(name);
            let dots = ".".repeat(wide.saturating_sub(name.chars().count()));
            let row = format!("    {name}{dots}: {}", columns.trim_end());
            self.line(&row);
        }
        self.line("");
    }

    /// What is said of each metric; what is of one kind stands below each other.
    fn columns(&self, metrics: &[(&String, &Value)]) -> Vec<String> {
        let trends: Vec<Vec<String>> = metrics
            .iter()
            .map(|(_, metric)| {
                if metric["type"] != "trend" {
                    return Vec::new();
                }
                let of = |name: &&str| {
                    let value = metric["values"][*name].as_f64().unwrap_or_default();
                    format!("{name}={}", self.value(name, value, metric))
                };
                self.stats.iter().map(of).collect()
            })
            .collect();
        let width = |at: usize| {
            let lengths = trends.iter().filter_map(|columns| columns.get(at));
            lengths.map(|text| text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.stats.len()).map(width).collect();
        let plain: Vec<Vec<String>> = metrics
            .iter()
            .map(|(_, metric)| self.plain(metric))
            .collect();
        let first = plain.iter().filter_map(|columns| columns.first());
        let wide = first.map(|text| text.chars().count()).max().unwrap_or(0);
        let row = |(trend, plain): (&Vec<String>, &Vec<String>)| {
            if trend.is_empty() {
                let (first, rest) = plain
                    .split_first()
                    .map_or(("", &[][..]), |(f, r)| (f.as_str(), r));
                return format!(
                    "{}{} {}",
                    first,
                    " ".repeat(wide - first.chars().count()),
                    rest.join(" ")
                );
            }
            let pad = |(text, width): (&String, &usize)| {
                format!("{text}{}", " ".repeat(width - text.chars().count()))
            };
            trend
                .iter()
                .zip(&widths)
                .map(pad)
                .collect::<Vec<_>>()
                .join(" ")
        };
        trends.iter().zip(&plain).map(row).collect()
    }

    fn plain(&self, metric: &Value) -> Vec<String> {
        let value = |name: &str| metric["values"][name].as_f64().unwrap_or_default();
        let show = |name: &str| self.value(name, value(name), metric);
        match metric["type"].as_str() {
            Some("counter") => vec![show("count"), format!("{}/s", show("rate"))],
            Some("gauge") => vec![
                show("value"),
                format!("min={}", show("min")),
                format!("max={}", show("max")),
            ],
            Some("rate") => {
                let total = value("passes") + value("fails");
                vec![show("rate"), format!("{} out of {total}", value("passes"))]
            }
            _ => Vec::new(),
        }
    }
}
