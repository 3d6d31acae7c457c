//! Objectives as people write them: `p95 < 500ms`, `error_rate < 1%`, `p99{step: search} < 2s`,
//! `error_rate{class: 5xx} < 0.1%`, `max{value: memory} < 80`.

use super::class::Class;
use crate::duration;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// A latency quantile, 0 < q < 1, with its limit in microseconds.
    Quantile(f64),
    /// Mean latency of successful requests, in microseconds.
    Mean,
    /// Highest latency, in microseconds.
    Max,
    /// Lowest of a measured value.
    Min,
    /// Failed requests by all requests, 0 to 1.
    ErrorRate,
    /// Failed requests.
    Errors,
    /// Requests per second.
    Rate,
    /// Requests.
    Requests,
    /// Arrivals that no virtual user took in time.
    Dropped,
}

/// How the metric is compared with the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
}

impl Comparison {
    /// Whether it holds between two numbers.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
            Comparison::Equal => left == right,
        }
    }
}

/// One objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// As written.
    pub text: String,
    /// What is measured.
    pub metric: Metric,
    /// On which step; on all of them where nothing is said.
    pub step: Option<String>,
    /// Which failures are counted; all of them where nothing is said.
    pub class: Option<Class>,
    /// Of which measured value; of the latency where nothing is said.
    pub value: Option<String>,
    /// How it is compared.
    pub comparison: Comparison,
    /// The limit: microseconds for latencies, a ratio for rates of errors, a number otherwise. Of a
    /// measured value it is in the value's own unit.
    pub limit: f64,
}

impl Objective {
    /// Reads an objective. The error says what was expected.
    pub fn parse(text: &str) -> Result<Objective, String> {
        static FORM: std::sync::OnceLock<regex::Regex> = std::sync::OnceLock::new();
        let form = FORM.get_or_init(|| {
            regex::Regex::new(
                r"^\s*([a-z_]+|p[0-9.]+)\s*(?:\{([^}]*)\})?\s*(<=|>=|==|<|>)\s*(.+?)\s*$",
            )
            .expect("the pattern is a constant")
        });
        let found = form.captures(text).ok_or(
            "an objective is written like `p95 < 500ms`, `error_rate < 1%` or `p99{step: search} < 2s`",
        )?;
        let metric = metric(&found[1])?;
        let only = Only::parse(found.get(2).map_or("", |only| only.as_str()))?;
        only.fits(metric, &found[1])?;
        let comparison = match &found[3] {
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => Comparison::Equal,
        };
        let upper = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
        if matches!(metric, Metric::Quantile(_) | Metric::ErrorRate) && !upper {
            return Err(format!("`{}` needs an upper limit: `<` or `<=`", &found[1]));
        }
        Ok(Objective {
            text: text.trim().to_owned(),
            metric,
            limit: match &only.value {
                Some(_) => number(&found[4])?,
                None => limit(metric, &found[4])?,
            },
            step: only.step,
            class: only.class,
            value: only.value,
            comparison,
        })
    }

    /// Whether all failures of what it is about are bad by it.
    pub fn counts_all_failures(&self) -> bool {
        self.class.is_none() && self.value.is_none()
    }

    /// Whether it is about all requests, and all of their failures.
    pub fn is_of_all(&self) -> bool {
        self.step.is_none() && self.counts_all_failures()
    }

    /// The share of requests that may be bad, for objectives that are judged by a share.
    pub fn allowed_share(&self) -> Option<f64> {
        match self.metric {
            Metric::Quantile(quantile) => Some(1.0 - quantile),
            Metric::ErrorRate => Some(self.limit),
            _ => None,
        }
    }
}

/// Whether one of them counts every failure of every step: else a service of which everything fails might
/// hold what is asked of it.
pub fn counts_all(objectives: &[Objective]) -> bool {
    objectives.iter().any(|objective| {
        let is_counted = matches!(
            objective.metric,
            Metric::Quantile(_) | Metric::ErrorRate | Metric::Errors | Metric::Max | Metric::Mean
        );
        is_counted && objective.is_of_all()
    })
}

/// What an objective is narrowed to.
#[derive(Default)]
struct Only {
    step: Option<String>,
    class: Option<Class>,
    value: Option<String>,
}

const ONLY: [&str; 3] = ["step", "class", "value"];

impl Only {
    fn parse(text: &str) -> Result<Only, String> {
        let mut pieces: Vec<(&str, String)> = Vec::new();
        if text.trim().is_empty() {
            return Ok(Only::default());
        }
        for piece in text.split(',') {
            let named = piece.split_once(':');
            let key = named.and_then(|(key, _)| ONLY.iter().find(|it| **it == key.trim()));
            match (key, named, pieces.last_mut()) {
                (Some(key), Some((_, value)), _) => pieces.push((key, value.to_owned())),
                // A comma in the name of a step.
                (None, _, Some((_, before))) => before.push_str(&format!(",{piece}")),
                _ => {
                    return Err(format!(
                        "`{{{text}}}` narrows nothing; known: `step: NAME`, `class: 5xx`, `value: NAME`"
                    ));
                }
            }
        }
        let mut only = Only::default();
        for (key, value) in pieces {
            let value = value.trim();
            if value.is_empty() {
                return Err(format!("`{key}:` names nothing"));
            }
            let is_again = match key {
                "step" => only.step.is_some(),
                "class" => only.class.is_some(),
                _ => only.value.is_some(),
            };
            if is_again {
                return Err(format!(
                    "`{key}:` stands there twice; write an objective for each"
                ));
            }
            match key {
                "step" => only.step = Some(value.to_owned()),
                "class" => only.class = Some(Class::parse(value)?),
                _ => only.value = Some(value.to_owned()),
            }
        }
        Ok(only)
    }

    fn fits(&self, metric: Metric, word: &str) -> Result<(), String> {
        let is_of_values = matches!(
            metric,
            Metric::Quantile(_) | Metric::Mean | Metric::Max | Metric::Min
        );
        if self.class.is_some() && !matches!(metric, Metric::ErrorRate | Metric::Errors) {
            return Err(format!(
                "`class` narrows `error_rate` and `errors`, not `{word}`"
            ));
        }
        if self.value.is_some() && !is_of_values {
            return Err(format!(
                "of a measured value there are p50 to p99.99, mean, min and max, not `{word}`"
            ));
        }
        if self.value.is_none() && metric == Metric::Min {
            return Err("`min` is of a measured value: `min{value: NAME}`".to_owned());
        }
        Ok(())
    }
}

fn number(text: &str) -> Result<f64, String> {
    finite(text).ok_or_else(|| format!("`{text}` is not a number; a measured value has no unit"))
}

fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

fn metric(word: &str) -> Result<Metric, String> {
    Ok(match word {
        "error_rate" => Metric::ErrorRate,
        "errors" => Metric::Errors,
        "mean" | "avg" => Metric::Mean,
        "max" => Metric::Max,
        "min" => Metric::Min,
        "rate" => Metric::Rate,
        "requests" => Metric::Requests,
        "dropped" => Metric::Dropped,
        "median" | "med" => Metric::Quantile(0.5),
        _ => match word.strip_prefix('p').map(str::parse::<f64>) {
            Some(Ok(percent)) if percent > 0.0 && percent < 100.0 => {
                Metric::Quantile(percent / 100.0)
            }
            _ => {
                return Err(format!(
                    "`{word}` is not measured; known: p50 to p99.99, mean, max, min, error_rate, errors, rate, requests, dropped"
                ));
            }
        },
    })
}

fn limit(metric: Metric, text: &str) -> Result<f64, String> {
    match metric {
        Metric::Quantile(_) | Metric::Mean | Metric::Max | Metric::Min => {
            duration::parse(text).map(|limit| limit.as_secs_f64() * 1e6)
        }
        Metric::ErrorRate => {
            let (digits, unit) = match text.strip_suffix('%') {
                Some(digits) => (digits.trim(), 0.01),
                None => (text, 1.0),
            };
            match digits.parse::<f64>() {
                Ok(value) if (0.0..1.0).contains(&(value * unit)) => Ok(value * unit),
                _ => Err(format!("`{text}` is not a share; write `1%` or `0.01`")),
            }
        }
        Metric::Rate => finite(text.trim_end_matches("/s"))
            .ok_or_else(|| format!("`{text}` is not a rate; write `100/s`")),
        Metric::Errors | Metric::Requests | Metric::Dropped => {
            let hint = match metric {
                Metric::Errors if text.ends_with('%') => "; a share of requests is `error_rate`",
                _ => "",
            };
            finite(text).ok_or_else(|| format!("`{text}` is not a number{hint}"))
        }
    }
}
