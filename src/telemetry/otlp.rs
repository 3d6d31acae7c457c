//! Samples as OpenTelemetry takes them over HTTP, as JSON.
//!
//! Pure. Source: OpenTelemetry, "OTLP specification" and `metrics.proto`, in the JSON form of protocol buffers
//! (whole numbers of 64 bits are texts, enumerations are numbers).

use super::samples::{Sample, Samples};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Counts since the start.
const CUMULATIVE: u8 = 2;

fn attributes(labels: &[(String, String)]) -> Value {
    let all = labels.iter().filter(|(name, _)| name != "le");
    all.map(|(name, value)| json!({ "key": name, "value": { "stringValue": value } }))
        .collect()
}

/// A number as JSON has none: those that are not finite are texts.
fn number(value: f64) -> Value {
    match value {
        value if value.is_nan() => json!("NaN"),
        value if value == f64::INFINITY => json!("Infinity"),
        value if value == f64::NEG_INFINITY => json!("-Infinity"),
        value => json!(value),
    }
}

/// Labels without `le`: what the parts of one histogram have in common.
type Common = Vec<(String, String)>;

/// What a histogram says: its buckets, upper bounds with all that lie below, its sum and its count.
#[derive(Default)]
struct Parts {
    buckets: Vec<(f64, f64)>,
    sum: f64,
    count: f64,
}

fn histograms(family: &Samples) -> BTreeMap<Common, Parts> {
    let mut all: BTreeMap<Common, Parts> = BTreeMap::new();
    for sample in &family.samples {
        let bound = sample
            .labels
            .iter()
            .find(|(name, _)| name == "le")
            .map(|(_, bound)| bound.as_str());
        let common = sample
            .labels
            .iter()
            .filter(|(name, _)| name != "le")
            .cloned()
            .collect();
        let parts = all.entry(common).or_default();
        match sample.name.strip_prefix(family.name.as_str()) {
            Some("_bucket") => {
                let bound = bound.and_then(|bound| bound.parse().ok());
                // The last one has no bound: its count is that of all.
                if let Some(bound) = bound.filter(|bound: &f64| bound.is_finite()) {
                    parts.buckets.push((bound, sample.value));
                }
            }
            Some("_sum") => parts.sum = sample.value,
            _ => parts.count = sample.value,
        }
    }
    all
}

fn metric(family: &Samples, started: &str, now: &str) -> Value {
    let point = |sample: &Sample| {
        json!({
            "attributes": attributes(&sample.labels),
            "startTimeUnixNano": started,
            "timeUnixNano": now,
            "asDouble": number(sample.value),
        })
    };
    let (name, help) = (&family.name, &family.help);
    match family.kind.as_str() {
        "counter" => {
            let points: Value = family.samples.iter().map(point).collect();
            json!({ "name": name, "description": help, "sum": { "dataPoints": points, "aggregationTemporality": CUMULATIVE, "isMonotonic": true } })
        }
        "histogram" => {
            let points = histograms(family).into_iter().map(|(common, parts)| {
                let mut before = 0.0;
                let alone = parts.buckets.iter().map(|(_, below)| {
                    let inside = below - before;
                    before = *below;
                    inside
                });
                let mut counts: Vec<String> = alone.map(|inside| format!("{inside:.0}")).collect();
                counts.push(format!("{:.0}", parts.count - before));
                let bounds: Vec<f64> = parts.buckets.iter().map(|(bound, _)| *bound).collect();
                json!({
                    "attributes": attributes(&common),
                    "startTimeUnixNano": started,
                    "timeUnixNano": now,
                    "count": format!("{:.0}", parts.count),
                    "sum": number(parts.sum),
                    "bucketCounts": counts,
                    "explicitBounds": bounds,
                })
            });
            let points: Value = points.collect();
            json!({ "name": name, "description": help, "histogram": { "dataPoints": points, "aggregationTemporality": CUMULATIVE } })
        }
        _ => {
            let points: Value = family.samples.iter().map(point).collect();
            json!({ "name": name, "description": help, "gauge": { "dataPoints": points } })
        }
    }
}

/// The body of one request; times are in milliseconds since 1970.
pub fn request(
    families: &[Samples],
    resource: &[(String, String)],
    started_ms: i64,
    now_ms: i64,
) -> Value {
    let nanoseconds = |ms: i64| format!("{}000000", ms.max(0));
    let (started, now) = (nanoseconds(started_ms), nanoseconds(now_ms));
    let mut about = vec![
        ("service.name".to_owned(), "bellwether".to_owned()),
        (
            "service.version".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
    ];
    about.extend(resource.iter().cloned());
    let metrics: Value = families
        .iter()
        .map(|family| metric(family, &started, &now))
        .collect();
    json!({ "resourceMetrics": [{
        "resource": { "attributes": attributes(&about) },
        "scopeMetrics": [{ "scope": { "name": "bellwether" }, "metrics": metrics }],
    }] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::samples::families;

    #[test]
    fn each_kind_has_its_shape() {
        let text = "# HELP runs_total Runs.\n# TYPE runs_total counter\nruns_total{probe=\"a\"} 3\n\
                    # HELP up Up.\n# TYPE up gauge\nup NaN\n\
                    # HELP took How long.\n# TYPE took histogram\ntook_bucket{probe=\"a\",le=\"0.5\"} 2\ntook_bucket{probe=\"a\",le=\"1\"} 5\ntook_bucket{probe=\"a\",le=\"+Inf\"} 6\ntook_sum{probe=\"a\"} 7.5\ntook_count{probe=\"a\"} 6\n";
        let body = request(&families(text), &[], 1_000, 2_000);
        let metrics = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        let runs = &metrics[0]["sum"];
        assert_eq!(
            (&runs["isMonotonic"], &runs["dataPoints"][0]["asDouble"]),
            (&json!(true), &json!(3.0))
        );
        assert_eq!(runs["dataPoints"][0]["timeUnixNano"], "2000000000");
        assert_eq!(metrics[1]["gauge"]["dataPoints"][0]["asDouble"], "NaN");
        let took = &metrics[2]["histogram"]["dataPoints"][0];
        assert_eq!(took["bucketCounts"], json!(["2", "3", "1"]));
        assert_eq!(
            (&took["explicitBounds"], &took["count"]),
            (&json!([0.5, 1.0]), &json!("6"))
        );
        assert_eq!(
            took["attributes"],
            json!([{ "key": "probe", "value": { "stringValue": "a" } }])
        );
    }
}
