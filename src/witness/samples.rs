//! Raw samples of a Prometheus: what `selector[window]` is answered with.
//!
//! Does not ask, and does not know what samples are for. Invariant: no number that a counter could not
//! stand at, and no impossible time, gets through.

use super::series::answered;
use serde_json::Value;
use std::collections::BTreeMap;

/// No counter stands higher: numbers beyond are not exact any more, and sums of them not theirs.
const VALUE_MAX: f64 = 1e15;
/// From 2000 to 2100, in seconds since 1970: no sample is of another time.
pub const SECONDS: std::ops::Range<f64> = 946_684_800.0..4_102_444_800.0;

/// Targets that are named in one sentence.
const SHOWN: usize = 5;

/// One series of raw samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Moments in milliseconds since 1970, with what the counter stood at.
    pub points: Vec<(i64, f64)>,
}

/// An answer to `selector[window]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Its series.
    pub series: Vec<Series>,
    /// What it warns of, and samples that are no numbers.
    pub doubts: Vec<String>,
}

/// Understands an answer.
///
/// # Errors
///
/// It is none, it says what is wrong with the question, or it is of native histograms.
pub fn understand(reply: &Value) -> Result<Answer, String> {
    let mut answer = Answer {
        doubts: answered(reply)?,
        ..Answer::default()
    };
    let result = reply["data"]["result"].as_array();
    for one in result.ok_or("it has no `result`")? {
        let labels = one["metric"].as_object().ok_or("a series has no labels")?;
        if one.get("histograms").is_some() {
            return Err("it is of native histograms, which are no counters".to_owned());
        }
        let points = one["values"].as_array().ok_or("a series has no samples")?;
        let mut series = Series {
            labels: BTreeMap::new(),
            points: Vec::with_capacity(points.len()),
        };
        for (name, value) in labels {
            let value = value.as_str().ok_or("a label is no text")?;
            series.labels.insert(name.clone(), value.to_owned());
        }
        for point in points {
            let at = point[0].as_f64().filter(|at| SECONDS.contains(at));
            let at = at.ok_or("a sample has no time, or an impossible one")?;
            let value: f64 = point[1]
                .as_str()
                .and_then(|text| text.parse().ok())
                .ok_or("a sample has no value")?;
            match (0.0..=VALUE_MAX).contains(&value) {
                true => series.points.push(((at * 1e3).round() as i64, value)),
                false => {
                    let said = "a sample is no number that a counter could stand at";
                    answer.doubts.push(said.to_owned());
                }
            }
        }
        series.points.sort_by_key(|(at, _)| *at);
        answer.series.push(series);
    }
    Ok(answer)
}

/// Understands what each series stood at last: one sample each.
///
/// # Errors
///
/// As [`understand`].
pub fn understand_last(mut reply: Value) -> Result<Answer, String> {
    let result = reply.pointer_mut("/data/result");
    for one in result.and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(value) = one.get_mut("value").map(Value::take) {
            one["values"] = Value::Array(vec![value]);
        }
    }
    understand(&reply)
}

/// A job, an instance, and whatever else tells one process from another.
pub(super) type Target = (String, String, String);

/// Labels by which processes of one job and one instance are told apart, where these are not: several
/// clusters, several replicas of a Prometheus, no instance at all.
const TELLING: [&str; 30] = [
    "exported_job",
    "exported_instance",
    "exported_namespace",
    "exported_pod",
    "cluster",
    "k8s_cluster_name",
    "namespace",
    "kubernetes_namespace",
    "pod",
    "kubernetes_pod_name",
    "k8s_pod_name",
    "container",
    "host",
    "host_name",
    "hostname",
    "node",
    "replica",
    "prometheus",
    "prometheus_replica",
    "service_instance_id",
    "region",
    "datacenter",
    "dc",
    "alloc_id",
    "task_id",
    "worker",
    "worker_id",
    "monitor",
    "receive_replica",
    "__replica__",
];

/// The same of machines; beside an instance these are names that requests were made for.
const HOSTS: [&str; 3] = ["host", "host_name", "hostname"];

/// What a series with these labels was scraped from.
pub(super) fn target(labels: &BTreeMap<String, String>) -> Target {
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    let has_instance = labels.contains_key("instance");
    let telling = TELLING
        .iter()
        .filter(|name| !has_instance || !HOSTS.contains(*name));
    let telling = telling.filter_map(|name| labels.get(*name));
    let telling: Vec<&str> = telling.map(String::as_str).collect();
    (label("job"), label("instance"), telling.join("/"))
}

/// Labels by which the same process is shown several times.
const REPLICAS: [&str; 6] = [
    "replica",
    "prometheus",
    "prometheus_replica",
    "monitor",
    "receive_replica",
    "__replica__",
];

/// Where a process is, whoever shows it, and in whatever job.
pub(super) fn place(labels: &BTreeMap<String, String>) -> (String, String) {
    let instance = labels.get("instance").cloned().unwrap_or_default();
    let telling = TELLING.iter().filter(|name| {
        let is_host = !instance.is_empty() && HOSTS.contains(*name);
        !is_host && !REPLICAS.contains(*name)
    });
    let telling = telling.filter_map(|name| labels.get(*name));
    let telling: Vec<&str> = telling.map(String::as_str).collect();
    (instance, telling.join("/"))
}

/// As people read it.
pub(super) fn named((job, instance, telling): &Target) -> String {
    let instance = match instance.as_str() {
        "" => telling,
        _ => instance,
    };
    let shown = |name: &str| name.replace(char::is_control, "\u{fffd}");
    let (job, instance) = (shown(job), shown(instance));
    match (job.as_str(), instance.as_str()) {
        ("", "") => "what was counted".to_owned(),
        ("", instance) => format!("`{instance}`"),
        (job, "") => format!("`{job}`"),
        (job, instance) => format!("`{instance}` of `{job}`"),
    }
}

/// Some of them, and how many more there are.
pub(super) fn some(targets: &[&Target]) -> String {
    let shown = targets.iter().take(SHOWN).map(|target| named(target));
    let shown: Vec<String> = shown.collect();
    match targets.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_none_is_said_and_a_number_that_is_none_is_a_doubt() {
        let of = |result: Value| {
            understand(&serde_json::json!({ "status": "success", "data": { "result": result } }))
        };
        let good =
            of(serde_json::json!([{ "metric": { "a": "b" }, "values": [[1000000002, "5"], [1000000001.5, "4"]] }]))
                .unwrap();
        assert_eq!(
            good.series[0].points,
            [(1_000_000_001_500, 4.0), (1_000_000_002_000, 5.0)]
        );
        let last = serde_json::json!({ "status": "success", "data": { "result": [
            { "metric": { "a": "b" }, "value": [1000000002, "5"] }
        ] } });
        let last = understand_last(last).unwrap();
        assert_eq!(last.series[0].points, [(1_000_000_002_000, 5.0)]);
        for value in ["NaN", "+Inf", "-3", "1e300"] {
            let odd =
                of(serde_json::json!([{ "metric": {}, "values": [[1000000001, value]] }])).unwrap();
            assert_eq!(
                (odd.doubts.len(), odd.series[0].points.len()),
                (1, 0),
                "{value}"
            );
        }
        for odd in [
            serde_json::json!(null),
            serde_json::json!([{}]),
            serde_json::json!([{ "metric": {}, "value": [1, "2"] }]),
            serde_json::json!([{ "metric": {}, "values": [[1000000001, 2]] }]),
            serde_json::json!([{ "metric": {}, "values": [[1, "2"]] }]),
            serde_json::json!([{ "metric": {}, "values": [[-1e300, "2"]] }]),
            serde_json::json!([{ "metric": {}, "values": [], "histograms": [] }]),
        ] {
            assert!(of(odd.clone()).is_err(), "{odd}");
        }
        let refused = serde_json::json!({ "status": "error", "errorType": "bad_data", "error": "parse error" });
        assert_eq!(understand(&refused).unwrap_err(), "bad_data: parse error");
    }
}
