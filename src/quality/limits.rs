//! What is wanted of a page: the least score of a category, the most of an audit; also as a `lighthouserc` asserts it.

use super::report::Report;
use serde_json::Value;

/// The categories that can be asked for.
pub const CATEGORIES: [&str; 4] = ["performance", "accessibility", "best-practices", "seo"];

/// One thing that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Of what.
    pub subject: Subject,
    /// How much.
    pub bound: Bound,
    /// Of which of several runs.
    pub of: Of,
    /// Whether it only warns.
    pub only_warns: bool,
}

/// Of what something is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A category.
    Category(String),
    /// An audit.
    Audit(String),
}

/// How much is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// At least so many points of 100.
    Points(f64),
    /// A value of no more than that.
    Most(f64),
    /// No more things found than that.
    Items(u64),
}

/// Which of several runs is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Of {
    /// The middle one.
    #[default]
    Median,
    /// The best.
    Best,
    /// The worst.
    Worst,
    /// That of the run which is nearest to the medians of first paint and interactive.
    Typical,
}

impl Limit {
    /// At least so many points of a category, in the median.
    pub fn points(category: &str, points: f64) -> Limit {
        Limit {
            subject: Subject::Category(category.to_owned()),
            bound: Bound::Points(points),
            of: Of::Median,
            only_warns: false,
        }
    }

    /// No more of an audit, in the median.
    pub fn most(audit: &str, most: f64) -> Limit {
        Limit {
            subject: Subject::Audit(audit.to_owned()),
            bound: Bound::Most(most),
            of: Of::Median,
            only_warns: false,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match &self.subject {
            Subject::Category(name) | Subject::Audit(name) => name,
        }
    }

    /// What a run says of it; none where it says nothing.
    pub fn value(&self, report: &Report) -> Option<f64> {
        match (&self.subject, self.bound) {
            (Subject::Category(name), _) => report.points(name),
            (Subject::Audit(name), Bound::Points(_)) => {
                let score = report.audits.get(name)?.score?;
                Some((score * 100.0).round())
            }
            (Subject::Audit(name), Bound::Most(_)) => report.value(name),
            (Subject::Audit(name), Bound::Items(_)) => {
                report.audits.get(name)?.items.map(|count| count as f64)
            }
        }
    }

    /// Whether less is better.
    pub fn is_most(&self) -> bool {
        !matches!(self.bound, Bound::Points(_))
    }

    /// Whether a value is good enough.
    pub fn holds(&self, value: f64) -> bool {
        match self.bound {
            Bound::Points(least) => value >= least,
            Bound::Most(most) => value <= most,
            Bound::Items(most) => value <= most as f64,
        }
    }
}

/// What a `lighthouserc` asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// How often.
    pub runs: Option<u64>,
    /// `mobile` or `desktop`.
    pub form: Option<String>,
    /// How the network and the processor are slowed.
    pub throttling: Option<String>,
    /// What it asserts.
    pub limits: Vec<Limit>,
    /// What of it is not understood: it would be a check that is not made.
    pub unknown: Vec<String>,
    /// What of it takes the best of several runs.
    pub optimistic: Vec<String>,
}

/// Reads a `lighthouserc`, as its own tool means it.
pub fn lighthouserc(file: &Value) -> Asked {
    let ci = &file["ci"];
    let collect = &ci["collect"];
    let settings = &collect["settings"];
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let desktop = (settings["preset"] == "desktop").then(|| "desktop".to_owned());
    let mut asked = Asked {
        runs: collect["numberOfRuns"].as_u64(),
        form: word(&settings["formFactor"]).or(desktop),
        throttling: word(&settings["throttlingMethod"]),
        ..Asked::default()
    };
    for key in ["preset", "assertMatrix", "budgetsFile"] {
        if !ci["assert"][key].is_null() {
            asked
                .unknown
                .push(format!("`assert.{key}`: write the assertions out"));
        }
    }
    let assertions = ci["assert"]["assertions"].as_object();
    for (name, assertion) in assertions.into_iter().flatten() {
        assertion_of(name, assertion, &mut asked);
    }
    asked
}

fn assertion_of(name: &str, assertion: &Value, asked: &mut Asked) {
    let nothing = Value::Null;
    let (level, options) = match assertion {
        Value::Array(both) => (
            both.first().and_then(Value::as_str),
            both.get(1).unwrap_or(&nothing),
        ),
        other => (other.as_str(), &nothing),
    };
    let only_warns = match level {
        Some("off") => return,
        Some("warn") => true,
        Some("error") => false,
        _ => {
            asked
                .unknown
                .push(format!("`{name}` is neither `off`, `warn` nor `error`"));
            return;
        }
    };
    let subject = match name.strip_prefix("categories:") {
        Some(category) => Subject::Category(category.to_owned()),
        None if name.contains([':', '.']) => {
            asked.unknown.push(format!("`{name}` looks into an audit"));
            return;
        }
        None => Subject::Audit(name.to_owned()),
    };
    let of = match options["aggregationMethod"].as_str() {
        Some("median") => Of::Median,
        Some("median-run") => Of::Typical,
        Some("pessimistic") => Of::Worst,
        None | Some("optimistic") => Of::Best,
        Some(other) => {
            asked
                .unknown
                .push(format!("`{name}`: `{other}` is no aggregation"));
            return;
        }
    };
    let number = |key: &str| options[key].as_f64();
    let mut bounds: Vec<Bound> = Vec::new();
    bounds.extend(number("minScore").map(|score| Bound::Points(score * 100.0)));
    bounds.extend(number("maxNumericValue").map(Bound::Most));
    bounds.extend(options["maxLength"].as_u64().map(Bound::Items));
    if let Some(other) = options
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .find(|key| {
            ![
                "minScore",
                "maxNumericValue",
                "maxLength",
                "aggregationMethod",
            ]
            .contains(&key.as_str())
        })
    {
        asked.unknown.push(format!("`{name}`: `{other}`"));
        return;
    }
    if bounds.is_empty() {
        // A level alone wants an audit to pass.
        bounds.push(Bound::Points(100.0));
    }
    if of == Of::Best && !only_warns {
        asked.optimistic.push(name.to_owned());
    }
    asked.limits.extend(bounds.into_iter().map(|bound| Limit {
        subject: subject.clone(),
        bound,
        of,
        only_warns,
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lighthouserc_is_read_as_its_own_tool_means_it() {
        let asked = lighthouserc(&json!({"ci": {
            "collect": {"numberOfRuns": 5, "settings": {"preset": "desktop", "throttlingMethod": "devtools"}},
            "assert": {"assertions": {
                "categories:performance": ["error", {"minScore": 0.9, "aggregationMethod": "median"}],
                "categories:best-practices": ["warn", {"minScore": 0.95}],
                "largest-contentful-paint": ["error", {"maxNumericValue": 2500, "aggregationMethod": "pessimistic"}],
                "errors-in-console": ["error", {"maxLength": 0, "aggregationMethod": "median-run"}],
                "is-on-https": "error",
                "uses-http2": "off",
            }},
        }}));
        assert_eq!(
            (
                asked.runs,
                asked.form.as_deref(),
                asked.throttling.as_deref()
            ),
            (Some(5), Some("desktop"), Some("devtools"))
        );
        let told: Vec<String> = asked
            .limits
            .iter()
            .map(|limit| {
                format!(
                    "{} {:?} {:?} {}",
                    limit.name(),
                    limit.bound,
                    limit.of,
                    limit.only_warns
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "performance Points(90.0) Median false",
                "best-practices Points(95.0) Best true",
                "largest-contentful-paint Most(2500.0) Worst false",
                "errors-in-console Items(0) Typical false",
                "is-on-https Points(100.0) Best false",
            ]
        );
        assert_eq!(asked.optimistic, ["is-on-https"]);
        assert!(asked.unknown.is_empty());
    }

    #[test]
    fn what_is_not_understood_is_named_since_it_would_not_be_checked() {
        let asked = lighthouserc(&json!({"ci": {"assert": {
            "preset": "lighthouse:recommended",
            "budgetsFile": "budgets.json",
            "assertions": {
                "resource-summary:script:size": ["error", {"maxNumericValue": 1}],
                "categories:performance": ["fail", {"minScore": 0.9}],
                "categories:seo": ["error", {"minscore": 0.9}],
                "speed-index": ["error", {"aggregationMethod": "mean"}],
            },
        }}}));
        assert_eq!(asked.unknown.len(), 6, "{:?}", asked.unknown);
        assert!(asked.limits.is_empty());
    }
}
