//! What `handleSummary` is given, and what `--summary-export` writes; both as JSON.
//!
//! The shapes are k6's. Pure: times and what thresholds came to are given.

use super::metric::Kind;
use super::options::Options;
use super::tally::{Check, Counted, Tally, Value as Counting};
use super::threshold::{Aggregate, Key, Threshold, Verdict};
use super::trend::Trend;
use md5::Digest as _;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// A threshold, and what it came to.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The key as it is written: a metric, or a part of one.
    pub source: String,
    /// The same, read.
    pub key: Key,
    /// The expression.
    pub threshold: Threshold,
    /// What it came to.
    pub verdict: Verdict,
}

/// Judges all thresholds of a run that took so many seconds.
pub fn judge(thresholds: &[(String, Key, Threshold)], tally: &Tally, seconds: f64) -> Vec<Judged> {
    // A threshold that nothing was counted for is not forgotten: it has no sample.
    let nothing = Counting::new(Kind::Trend);
    let of = |(source, key, threshold): &(String, Key, Threshold)| Judged {
        source: source.clone(),
        key: key.clone(),
        threshold: threshold.clone(),
        verdict: threshold.judge(tally.value(key).unwrap_or(&nothing), seconds),
    };
    thresholds.iter().map(of).collect()
}

/// What a run was like beside what it counted.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// How long it took, in milliseconds.
    pub duration_ms: f64,
    /// Whether standard output and standard error are terminals.
    pub terminals: (bool, bool),
    /// Whether colors are not wanted.
    pub no_color: bool,
    /// What `setup` returned, as JSON.
    pub setup_data: Option<String>,
}

/// A statistic of a trend by its name.
fn statistic(trend: &Trend, name: &str) -> Option<f64> {
    Some(match name {
        "avg" => trend.mean(),
        "min" => trend.min,
        "max" => trend.max,
        "med" => trend.quantile(0.5),
        "count" => trend.count as f64,
        _ => {
            let share: f64 = name.strip_prefix("p(")?.strip_suffix(')')?.parse().ok()?;
            trend.quantile(share / 100.0)
        }
    })
}

/// The numbers of a metric.
fn values(value: &Counting, stats: &[String], seconds: f64) -> Value {
    match value {
        Counting::Counter { count, .. } => {
            json!({"count": count, "rate": value.aggregate(Aggregate::Rate, seconds)})
        }
        Counting::Gauge {
            value, min, max, ..
        } => json!({"value": value, "min": min, "max": max}),
        Counting::Rate { passes, total } => json!({
            "rate": value.aggregate(Aggregate::Rate, seconds),
            "passes": passes,
            "fails": total - passes,
        }),
        Counting::Trend(trend) => {
            let of = |name: &String| Some((name.clone(), Value::from(statistic(trend, name)?)));
            Value::Object(stats.iter().filter_map(of).collect())
        }
    }
}

/// Metrics with samples or thresholds, and their parts, by name.
fn listed<'a>(
    tally: &'a Tally,
    judged: &'a [Judged],
) -> impl Iterator<Item = (String, &'a Counted, &'a Counting, Vec<&'a Judged>)> {
    tally.metrics.iter().flat_map(move |counted| {
        let name = counted.metric.name.clone();
        let whole = Key {
            metric: name.clone(),
            tags: Vec::new(),
        };
        let parts = counted.parts.iter().map(move |part| {
            let key = Key {
                metric: counted.metric.name.clone(),
                tags: part.tags.clone(),
            };
            (part.source.clone(), key, &part.value)
        });
        std::iter::once((name, whole, &counted.value))
            .chain(parts)
            .filter_map(move |(name, key, value)| {
                let own: Vec<&Judged> = judged.iter().filter(|one| one.key == key).collect();
                let is_shown = value.samples() > 0 || !own.is_empty();
                is_shown.then_some((name, counted, value, own))
            })
    })
}

/// The argument of `handleSummary`.
pub fn data(
    tally: &Tally,
    options: &Options,
    judged: &[Judged],
    circumstances: &Circumstances,
) -> Value {
    let seconds = circumstances.duration_ms / 1e3;
    let stats = &options.summary_trend_stats;
    let mut metrics = Map::new();
    for (name, counted, value, own) in listed(tally, judged) {
        let mut metric = json!({
            "type": counted.metric.kind.word(),
            "contains": counted.metric.contains.word(),
            "values": values(value, stats, seconds),
        });
        if !own.is_empty() {
            let ok = |one: &&Judged| {
                (
                    one.threshold.source.clone(),
                    json!({"ok": one.verdict.holds}),
                )
            };
            metric["thresholds"] = Value::Object(own.iter().map(ok).collect());
        }
        metrics.insert(name, metric);
    }
    metrics.sort_keys();
    let mut data = json!({
        "root_group": group(&Tree::of(tally), ""),
        "options": {
            "summaryTrendStats": stats,
            "summaryTimeUnit": options.summary_time_unit.word(),
            "noColor": circumstances.no_color,
        },
        "state": {
            "isStdOutTTY": circumstances.terminals.0,
            "isStdErrTTY": circumstances.terminals.1,
            "testRunDurationMs": circumstances.duration_ms,
        },
        "metrics": metrics,
    });
    if let Some(setup) = &circumstances.setup_data {
        data["setup_data"] = serde_json::from_str(setup).unwrap_or_default();
    }
    data
}

fn id(path: &str) -> String {
    crate::hexadecimal::digits(md5::Md5::digest(path.as_bytes()))
}

/// What is in each group, by its path.
struct Tree<'t> {
    groups: HashMap<&'t str, Vec<&'t str>>,
    checks: HashMap<&'t str, Vec<&'t Check>>,
}

impl Tree<'_> {
    fn of(tally: &Tally) -> Tree<'_> {
        let (mut groups, mut checks) = (HashMap::new(), HashMap::new());
        for path in &tally.groups {
            if let Some((outer, _)) = path.rsplit_once("::") {
                let inner: &mut Vec<&str> = groups.entry(outer).or_default();
                inner.push(path);
            }
        }
        for check in &tally.checks {
            let own: &mut Vec<&Check> = checks.entry(check.group.as_str()).or_default();
            own.push(check);
        }
        Tree { groups, checks }
    }
}

/// A group with what is in it.
fn group(tree: &Tree<'_>, path: &str) -> Value {
    let groups = tree.groups.get(path).into_iter().flatten();
    let groups: Vec<Value> = groups.map(|inner| group(tree, inner)).collect();
    let checks = tree.checks.get(path).into_iter().flatten();
    let checks: Vec<Value> = checks
        .map(|check| {
            let path = format!("{path}::{}", check.name);
            json!({
                "name": check.name, "path": path, "id": id(&path),
                "passes": check.passes, "fails": check.fails,
            })
        })
        .collect();
    let name = path.rsplit("::").next().unwrap_or_default();
    json!({"name": name, "path": path, "id": id(path), "groups": groups, "checks": checks})
}

/// What `--summary-export` writes: flat, and a threshold is `true` where it failed.
pub fn export(tally: &Tally, options: &Options, judged: &[Judged], seconds: f64) -> Value {
    let mut metrics = Map::new();
    for (name, counted, value, own) in listed(tally, judged) {
        let mut metric = values(value, &options.summary_trend_stats, seconds);
        if counted.metric.kind == Kind::Rate
            && let Some(map) = metric.as_object_mut()
            && let Some(rate) = map.remove("rate")
        {
            map.insert("value".to_owned(), rate);
        }
        if !own.is_empty() {
            let failed = |one: &&Judged| {
                (
                    one.threshold.source.clone(),
                    Value::from(!one.verdict.holds),
                )
            };
            metric["thresholds"] = Value::Object(own.iter().map(failed).collect());
        }
        metrics.insert(name, metric);
    }
    metrics.sort_keys();
    json!({"root_group": exported_group(&group(&Tree::of(tally), "")), "metrics": metrics})
}

/// The same group, with what is in it by name.
fn exported_group(group: &Value) -> Value {
    let by_name = |list: &Value, inner: &dyn Fn(&Value) -> Value| -> Value {
        let all = list.as_array().into_iter().flatten();
        let named = all.map(|one| {
            (
                one["name"].as_str().unwrap_or_default().to_owned(),
                inner(one),
            )
        });
        Value::Object(named.collect())
    };
    json!({
        "name": group["name"], "path": group["path"], "id": group["id"],
        "groups": by_name(&group["groups"], &exported_group),
        "checks": by_name(&group["checks"], &Value::clone),
    })
}
