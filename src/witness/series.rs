//! Answers of Prometheus (`/api/v1/query` and `/api/v1/query_range`, HTTP API v1).
//!
//! Does not ask. Invariant: an answer without a series, with a value that is no number, or with a
//! warning is a doubt; an empty answer counts as zero only where it is said that the source was scraped.

use super::said::Said;
use crate::secret::start_of;
use serde_json::{Map, Value, json};

/// Letters of a warning that are shown, and warnings.
const WARNING_SHOWN: usize = 200;
const WARNINGS_SHOWN: usize = 5;

/// What an answer without a series means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Empty {
    /// Nobody knows.
    #[default]
    Doubt,
    /// Something must be there: it fails.
    Fails,
    /// Zero, where another question shows that the source was scraped.
    Zero,
}

/// Understands an answer. `scraped` says whether the question beside it, if there is one, has an answer.
///
/// # Errors
///
/// It is no answer of Prometheus, or one that says what is wrong with the question.
pub fn understand(reply: &Value, empty: Empty, scraped: Option<bool>) -> Result<Said, String> {
    let mut said = Said::default();
    said.doubts.extend(answered(reply)?);
    let series = series(&reply["data"])?;
    if scraped == Some(false) {
        said.doubts.push(
            "what the answer comes from was not scraped (`only_if` has no answer)".to_owned(),
        );
    }
    let mut numbers = Vec::new();
    for one in &series {
        for value in &one.values {
            match value {
                Some(number) => numbers.push(*number),
                None => said.doubts.push(format!(
                    "{} is no number (such as 0/0): nothing was there to be divided",
                    one.name()
                )),
            }
        }
    }
    let is_zero = series.is_empty() && empty == Empty::Zero && scraped == Some(true);
    if series.is_empty() {
        match empty {
            Empty::Fails => said
                .objections
                .push("it has no series, and one must be there".to_owned()),
            Empty::Zero if is_zero => numbers.push(0.0),
            _ => said.doubts.push(
                "it has no series: what is asked for is not measured, not scraped, or not named so"
                    .to_owned(),
            ),
        }
    }
    let only = if is_zero {
        Some(0.0)
    } else {
        only_value(&series)
    };
    if let Some(only) = only {
        said.value("value", only);
    }
    said.value("count", series.len());
    said.value("values", numbers);
    let shown = series.into_iter().map(Series::shown).collect();
    said.value("series", Value::Array(shown));
    Ok(said)
}

/// What is doubtful of an answer as a whole: warnings, and that it is only a part of what there is.
///
/// # Errors
///
/// It is no answer of Prometheus, or one that says what is wrong with the question.
pub(super) fn answered(reply: &Value) -> Result<Vec<String>, String> {
    let error = reply["error"].as_str().filter(|error| !error.is_empty());
    if reply["status"] != "success" {
        return Err(match (reply["errorType"].as_str(), error) {
            (Some(kind), Some(error)) => {
                let (kind, error) = (
                    start_of(kind, WARNING_SHOWN),
                    start_of(error, WARNING_SHOWN),
                );
                format!("{kind}: {error}")
            }
            _ => "it is no answer of Prometheus".to_owned(),
        });
    }
    let warnings = reply["warnings"].as_array().into_iter().flatten();
    let warnings = warnings.map(|warning| warning.as_str().unwrap_or("of an unknown kind"));
    let told = |warning| {
        let warning = start_of(warning, WARNING_SHOWN);
        format!("it comes with a warning: {warning}")
    };
    let warnings = warnings.chain(error).take(WARNINGS_SHOWN);
    let mut doubts: Vec<String> = warnings.map(told).collect();
    if reply["isPartial"] == true {
        let said = "it is only a part: some of what keeps the samples did not answer";
        doubts.push(said.to_owned());
    }
    Ok(doubts)
}

/// The value of the only series, its last one of a range.
fn only_value(series: &[Series]) -> Option<f64> {
    match series {
        [one] => one.values.last().copied().flatten(),
        _ => None,
    }
}

/// One series.
struct Series {
    labels: Map<String, Value>,
    at: f64,
    /// Nothing where a value is no finite number.
    values: Vec<Option<f64>>,
}

impl Series {
    fn name(&self) -> String {
        match self.labels.is_empty() {
            true => "the value".to_owned(),
            false => Value::Object(self.labels.clone()).to_string(),
        }
    }

    fn shown(self) -> Value {
        let values: Vec<f64> = self.values.iter().copied().flatten().collect();
        json!({ "labels": self.labels, "at": self.at, "value": values.last(), "values": values })
    }
}

fn series(data: &Value) -> Result<Vec<Series>, String> {
    let point = |value: &Value| -> Option<(f64, Option<f64>)> {
        let number: f64 = value[1].as_str()?.parse().ok()?;
        Some((value[0].as_f64()?, Some(number).filter(|it| it.is_finite())))
    };
    let result = &data["result"];
    if matches!(data["resultType"].as_str(), Some("scalar")) {
        let (at, value) = point(result).ok_or("its scalar has no value")?;
        return Ok(vec![Series {
            labels: Map::new(),
            at,
            values: vec![value],
        }]);
    }
    let list = result.as_array().ok_or("it has no `result`")?;
    let of = |one: &Value| -> Option<Series> {
        let points = match one.get("values") {
            Some(points) => points
                .as_array()?
                .iter()
                .map(point)
                .collect::<Option<Vec<_>>>()?,
            None => vec![point(&one["value"])?],
        };
        Some(Series {
            labels: one["metric"].as_object()?.clone(),
            at: points.last()?.0,
            values: points.into_iter().map(|(_, value)| value).collect(),
        })
    };
    let all = list.iter().map(of).collect::<Option<Vec<_>>>();
    all.ok_or_else(|| "a series has no value".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(values: &[&str]) -> Value {
        let result: Vec<Value> = values
            .iter()
            .enumerate()
            .map(|(n, value)| json!({ "metric": { "pod": n.to_string() }, "value": [1.5, value] }))
            .collect();
        json!({ "status": "success", "data": { "resultType": "vector", "result": result } })
    }

    #[test]
    fn what_is_not_known_is_a_doubt() {
        let of = |reply: &Value| understand(reply, Empty::Doubt, None).unwrap();
        let one = of(&vector(&["0.25"]));
        assert_eq!((&one.values["value"], one.doubts.len()), (&json!(0.25), 0));
        let two = of(&vector(&["1", "2"]));
        assert_eq!(
            (two.values.get("value"), &two.values["values"]),
            (None, &json!([1.0, 2.0]))
        );
        for value in ["NaN", "+Inf", "-Inf"] {
            assert_eq!(of(&vector(&[value])).doubts.len(), 1, "{value}");
        }
        let mut warned = vector(&["1"]);
        warned["warnings"] = json!(["a part did not answer"]);
        assert!(of(&warned).doubts[0].contains("a part did not answer"));
        for (name, value) in [
            ("isPartial", json!(true)),
            ("error", json!("a store is down")),
        ] {
            let mut partial = vector(&["1"]);
            partial[name] = value;
            assert_eq!(of(&partial).doubts.len(), 1, "{partial}");
        }
        assert_eq!(of(&vector(&[])).doubts.len(), 1);
        let scalar = json!({ "status": "success", "data": { "resultType": "scalar", "result": [1, "NaN"] } });
        assert_eq!(of(&scalar).doubts.len(), 1);
        let range = json!({ "status": "success", "data": { "resultType": "matrix", "result": [ { "metric": {}, "values": [[1, "1"], [2, "3"]] } ] } });
        assert_eq!(of(&range).values["value"], 3.0);
        assert_eq!(of(&range).values["values"], json!([1.0, 3.0]));
    }

    #[test]
    fn nothing_is_zero_only_where_it_was_scraped() {
        let of = |empty, scraped| understand(&vector(&[]), empty, scraped).unwrap();
        let zero = of(Empty::Zero, Some(true));
        assert_eq!((&zero.values["value"], zero.doubts.len()), (&json!(0.0), 0));
        assert!(!of(Empty::Zero, Some(false)).doubts.is_empty());
        assert!(!of(Empty::Zero, None).doubts.is_empty());
        assert_eq!(of(Empty::Fails, None).objections.len(), 1);
        // Also what is there says nothing of what was not scraped.
        let stale = understand(&vector(&["1"]), Empty::Doubt, Some(false)).unwrap();
        assert_eq!(stale.doubts.len(), 1);
    }

    #[test]
    fn what_is_no_answer_is_said_in_their_words() {
        let bad = json!({ "status": "error", "errorType": "bad_data", "error": "unexpected end of input" });
        let error = understand(&bad, Empty::Doubt, None).unwrap_err();
        assert_eq!(error, "bad_data: unexpected end of input");
        for other in [
            json!({}),
            json!([]),
            json!({ "status": "success" }),
            json!({ "status": "success", "data": { "resultType": "vector", "result": [{}] } }),
        ] {
            assert!(understand(&other, Empty::Doubt, None).is_err(), "{other}");
        }
    }
}
