//! What one run of Lighthouse says of a page (its JSON, as of versions 10 to 13).

use serde_json::Value;
use std::collections::BTreeMap;

/// What one run says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// Version of Lighthouse.
    pub version: String,
    /// The page that was measured in the end.
    pub url: String,
    /// `mobile` or `desktop`.
    pub form: String,
    /// `simulate`, `devtools` or `provided`.
    pub throttling: String,
    /// How fast the machine was meanwhile; more is faster.
    pub benchmark: f64,
    /// Scores of categories, from 0 to 1; none where it could not be computed.
    pub categories: BTreeMap<String, Category>,
    /// What was looked at.
    pub audits: BTreeMap<String, Audit>,
    /// Why there is none: code and words.
    pub error: Option<(String, String)>,
    /// What it warns of.
    pub warnings: Vec<String>,
}

/// A category.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Category {
    /// From 0 to 1.
    pub score: Option<f64>,
    /// Audits that count for it, and how much.
    pub weights: Vec<(String, f64)>,
}

/// Something that was looked at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Audit {
    /// From 0 to 1; what does not apply to the page has nothing to lose by it.
    pub score: Option<f64>,
    /// What was measured: milliseconds, bytes, or a number.
    pub value: Option<f64>,
    /// How many things it found.
    pub items: Option<u64>,
    /// The same in its words.
    pub shown: String,
}

impl Report {
    /// Reads the JSON of a run.
    ///
    /// # Errors
    ///
    /// It is no report of Lighthouse.
    pub fn read(bytes: &[u8]) -> Result<Report, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|why| why.to_string())?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let version = text(&value["lighthouseVersion"]);
        if version.is_empty() {
            return Err("it names no version of Lighthouse".to_owned());
        }
        let error = &value["runtimeError"];
        let code = error["code"].as_str().filter(|code| *code != "NO_ERROR");
        let settings = &value["configSettings"];
        let named = |key: &str| value[key].as_object().into_iter().flatten();
        let warnings = value["runWarnings"].as_array().into_iter().flatten();
        Ok(Report {
            version,
            url: [&value["finalDisplayedUrl"], &value["finalUrl"]]
                .into_iter()
                .find_map(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            form: text(&settings["formFactor"]),
            throttling: text(&settings["throttlingMethod"]),
            benchmark: value["environment"]["benchmarkIndex"]
                .as_f64()
                .unwrap_or_default(),
            categories: named("categories")
                .map(|(name, category)| (name.clone(), self::category(category)))
                .collect(),
            audits: named("audits")
                .map(|(name, audit)| (name.clone(), self::audit(audit)))
                .collect(),
            error: code.map(|code| (code.to_owned(), text(&error["message"]))),
            warnings: warnings.map(text).collect(),
        })
    }

    /// The score of a category, from 0 to 100.
    pub fn points(&self, category: &str) -> Option<f64> {
        let score = self.categories.get(category)?.score?;
        Some((score * 100.0).round())
    }

    /// What was measured for an audit.
    pub fn value(&self, audit: &str) -> Option<f64> {
        self.audits.get(audit)?.value
    }
}

fn category(value: &Value) -> Category {
    let weights = value["auditRefs"].as_array().into_iter().flatten();
    let weights = weights.filter_map(|reference| {
        let weight = reference["weight"]
            .as_f64()
            .filter(|weight| *weight > 0.0)?;
        Some((reference["id"].as_str()?.to_owned(), weight))
    });
    Category {
        score: value["score"].as_f64(),
        weights: weights.collect(),
    }
}

fn audit(value: &Value) -> Audit {
    let items = value["details"]["items"].as_array();
    Audit {
        score: value["score"]
            .as_f64()
            .or((value["scoreDisplayMode"] == "notApplicable").then_some(1.0)),
        value: value["numericValue"].as_f64(),
        items: items.map(|items| items.len() as u64),
        shown: value["displayValue"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    }
}
