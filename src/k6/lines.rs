//! Every sample as a line of its own, as `--out json` and `--out csv` of k6 have them. Pure: whoever writes them
//! down gives the time.

use super::metric::Metric;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Tags that k6 has a column for.
pub const SYSTEM_TAGS: [&str; 14] = [
    "check",
    "error",
    "error_code",
    "expected_response",
    "group",
    "method",
    "name",
    "proto",
    "scenario",
    "service",
    "status",
    "subproto",
    "tls_version",
    "url",
];

/// How moments are written in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moments {
    /// Seconds since 1970.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
    /// RFC 3339, whole seconds.
    Text,
    /// RFC 3339 with nanoseconds.
    FineText,
}

impl Moments {
    /// By k6's word, the value of `K6_CSV_TIME_FORMAT`.
    pub fn of(word: &str) -> Option<Moments> {
        Some(match word {
            "unix" => Moments::Seconds,
            "unix_milli" => Moments::Milliseconds,
            "unix_micro" => Moments::Microseconds,
            "unix_nano" => Moments::Nanoseconds,
            "rfc3339" => Moments::Text,
            "rfc3339_nano" => Moments::FineText,
            _ => return None,
        })
    }

    fn show(self, at: DateTime<Utc>) -> String {
        match self {
            Moments::Seconds => at.timestamp().to_string(),
            Moments::Milliseconds => at.timestamp_millis().to_string(),
            Moments::Microseconds => at.timestamp_micros().to_string(),
            Moments::Nanoseconds => at.timestamp_nanos_opt().unwrap_or(i64::MAX).to_string(),
            Moments::Text => at.to_rfc3339_opts(SecondsFormat::Secs, true),
            Moments::FineText => at.to_rfc3339_opts(SecondsFormat::Nanos, true),
        }
    }
}

/// What lines look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Objects of JSON, one a line: each metric once, and then its samples.
    Json,
    /// A table.
    Csv(Moments),
}

/// Makes lines of samples.
#[derive(Debug)]
pub struct Lines {
    form: Form,
    /// Thresholds, by the metric that they are written for.
    thresholds: Vec<(String, String)>,
    told: BTreeSet<String>,
}

impl Lines {
    /// Lines of a form. `thresholds` are told of a metric, each as it is written.
    pub fn new(form: Form, thresholds: Vec<(String, String)>) -> Lines {
        Lines {
            form,
            thresholds,
            told: BTreeSet::new(),
        }
    }

    /// What stands before all samples.
    pub fn head(&self) -> Vec<u8> {
        match self.form {
            Form::Json => Vec::new(),
            Form::Csv(_) => {
                let first = ["metric_name", "timestamp", "metric_value"];
                let all = first.into_iter().chain(SYSTEM_TAGS);
                row(all.chain(["extra_tags", "metadata"]))
            }
        }
    }

    /// The lines of a sample.
    pub fn of(
        &mut self,
        metric: &Metric,
        sample: f64,
        at: DateTime<Utc>,
        tags: &[(&str, &str)],
    ) -> Vec<u8> {
        match self.form {
            Form::Json => {
                let mut text = String::new();
                if self.told.insert(metric.name.clone()) {
                    text = format!("{}\n", self.metric(metric));
                }
                text.push_str(&format!("{}\n", point(metric, sample, at, tags)));
                text.into_bytes()
            }
            Form::Csv(moments) => {
                let tag = |name: &str| {
                    let found = tags.iter().find(|(known, _)| *known == name);
                    found.map_or("", |(_, value)| value)
                };
                let others = tags.iter().filter(|(name, _)| !SYSTEM_TAGS.contains(name));
                let others: Vec<String> = others
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                let (at, value, others) =
                    (moments.show(at), format!("{sample:.6}"), others.join("&"));
                let first = [metric.name.as_str(), &at, &value];
                let all = first.into_iter().chain(SYSTEM_TAGS.map(tag));
                row(all.chain([others.as_str(), ""]))
            }
        }
    }

    fn metric(&self, metric: &Metric) -> Value {
        let own = self
            .thresholds
            .iter()
            .filter(|(name, _)| *name == metric.name);
        let own: Vec<&str> = own.map(|(_, threshold)| threshold.as_str()).collect();
        json!({
            "type": "Metric",
            "data": {
                "name": metric.name,
                "type": metric.kind.word(),
                "contains": metric.contains.word(),
                "thresholds": own,
                "submetrics": null,
            },
            "metric": metric.name,
        })
    }
}

fn point(metric: &Metric, sample: f64, at: DateTime<Utc>, tags: &[(&str, &str)]) -> Value {
    let tags: Map<String, Value> = tags
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
        .collect();
    json!({
        "metric": metric.name,
        "type": "Point",
        "data": {
            "time": at.to_rfc3339_opts(SecondsFormat::Nanos, true),
            "value": number(sample),
            "tags": tags,
        },
    })
}

/// A whole number without decimals.
fn number(sample: f64) -> Value {
    match sample.fract() == 0.0 && sample.abs() < 2_f64.powi(53) {
        true => Value::from(sample as i64),
        false => Value::from(sample),
    }
}

fn row<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // Into memory nothing fails.
    let _ = writer.write_record(fields);
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::k6::metric::{Contains, Kind};

    fn metric() -> Metric {
        Metric {
            name: "http_req_duration".to_owned(),
            kind: Kind::Trend,
            contains: Contains::Time,
        }
    }

    fn texts(form: Form) -> Vec<String> {
        let thresholds = vec![("http_req_duration".to_owned(), "p(95)<500".to_owned())];
        let mut lines = Lines::new(form, thresholds);
        let at = DateTime::from_timestamp(1_641_298_536, 250_000_000).unwrap();
        let tags = [
            ("group", ""),
            ("status", "200"),
            ("name", "a,b"),
            ("team", "shop"),
        ];
        let mut all = lines.head();
        all.extend(lines.of(&metric(), 114.365, at, &tags));
        all.extend(lines.of(&metric(), 2.0, at, &tags));
        let text = String::from_utf8(all).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_metric_is_told_once_and_then_its_samples() {
        let lines = texts(Form::Json);
        assert_eq!(
            lines[0],
            r#"{"type":"Metric","data":{"name":"http_req_duration","type":"trend","contains":"time","thresholds":["p(95)<500"],"submetrics":null},"metric":"http_req_duration"}"#
        );
        assert_eq!(
            lines[1],
            r#"{"metric":"http_req_duration","type":"Point","data":{"time":"2022-01-04T12:15:36.250000000Z","value":114.365,"tags":{"group":"","status":"200","name":"a,b","team":"shop"}}}"#
        );
        assert!(lines[2].contains(r#""value":2,"#) && lines.len() == 3);
    }

    #[test]
    fn a_table_has_a_column_for_each_tag_of_the_system() {
        let lines = texts(Form::Csv(Moments::Seconds));
        assert_eq!(
            lines[0],
            "metric_name,timestamp,metric_value,check,error,error_code,expected_response,group,method,name,proto,scenario,service,status,subproto,tls_version,url,extra_tags,metadata"
        );
        assert_eq!(
            lines[1],
            "http_req_duration,1641298536,114.365000,,,,,,,\"a,b\",,,,200,,,,team=shop,"
        );
        let moment = |word: &str| {
            texts(Form::Csv(Moments::of(word).unwrap()))[1]
                .split(',')
                .nth(1)
                .map(str::to_owned)
        };
        assert_eq!(moment("unix_milli").as_deref(), Some("1641298536250"));
        assert_eq!(moment("rfc3339").as_deref(), Some("2022-01-04T12:15:36Z"));
        assert_eq!(Moments::of("minutes"), None);
    }
}
