//! The options of a script, read from what its `options` come to as JSON.
//!
//! Names, units and defaults are k6's. Every mistake is reported, by its path. What k6 knows and is not done
//! here is said, never ignored in silence.

use super::lines::SYSTEM_TAGS;
use super::metric::Kind;
use super::reaching::{Dns, barred, dns, hosts};
use super::scenarios::{self, Scenario};
use super::speaking::terms;
use super::threshold::{Key, Threshold};
use super::unit::TimeUnit;
use crate::net::barred::Barred;
use crate::net::hosts::Hosts;
use crate::net::tls_terms::Terms;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// Options with their values.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the names are k6's")]
pub struct Options {
    pub scenarios: Vec<Scenario>,
    pub thresholds: Vec<Watched>,
    pub tags: BTreeMap<String, String>,
    pub setup_timeout: Duration,
    pub teardown_timeout: Duration,
    pub min_iteration_duration: Duration,
    pub no_setup: bool,
    pub no_teardown: bool,
    pub no_cookies_reset: bool,
    pub no_connection_reuse: bool,
    pub no_vu_connection_reuse: bool,
    pub discard_response_bodies: bool,
    pub insecure_skip_tls_verify: bool,
    pub throw: bool,
    pub max_redirects: u32,
    pub batch: usize,
    pub batch_per_host: usize,
    pub rps: Option<f64>,
    pub user_agent: Option<String>,
    pub hosts: Hosts,
    pub barred: Barred,
    pub dns: Dns,
    /// How TLS is spoken.
    pub terms: Terms,
    pub handle_summary_timeout: Duration,
    /// Tags of k6 that samples do not have.
    pub left_out_tags: Vec<String>,
    pub summary_trend_stats: Vec<String>,
    pub summary_time_unit: TimeUnit,
}

/// Thresholds on one metric, or on a part of it.
#[derive(Debug, Clone)]
pub struct Watched {
    /// The key as it is written.
    pub source: String,
    /// The key.
    pub key: Key,
    /// What was written of each; read once the kind of the metric is known.
    pub written: Vec<Written>,
}

/// One threshold as it is written.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are k6's")]
pub struct Written {
    pub threshold: String,
    pub abort_on_fail: bool,
    pub delay_abort_eval: Duration,
}

impl Written {
    /// What it is on a metric of a kind.
    pub fn read(&self, kind: Kind) -> Result<Threshold, String> {
        let read = Threshold::parse(&self.threshold, kind)?;
        Ok(Threshold {
            abort_on_fail: self.abort_on_fail,
            delay_abort_ms: self.delay_abort_eval.as_millis() as u64,
            ..read
        })
    }
}

/// What stands in a summary of a trend where nothing else is asked for.
pub const TREND_STATS: [&str; 6] = ["avg", "min", "med", "max", "p(90)", "p(95)"];

/// Options that are done here.
const KNOWN: [&str; 37] = [
    "vus",
    "duration",
    "iterations",
    "stages",
    "scenarios",
    "thresholds",
    "tags",
    "setupTimeout",
    "teardownTimeout",
    "minIterationDuration",
    "noSetup",
    "noTeardown",
    "noCookiesReset",
    "noConnectionReuse",
    "noVUConnectionReuse",
    "discardResponseBodies",
    "insecureSkipTLSVerify",
    "throw",
    "maxRedirects",
    "batch",
    "batchPerHost",
    "rps",
    "userAgent",
    "hosts",
    "blockHostnames",
    "blacklistIPs",
    "dns",
    "tlsVersion",
    "tlsCipherSuites",
    "tlsAuth",
    "systemTags",
    "handleSummaryTimeout",
    "summaryTrendStats",
    "summaryTimeUnit",
    // These change nothing here: usage is not reported, and samples are not buffered.
    "metricSamplesBufferSize",
    "cloud",
    "ext",
];

/// Options that k6 knows, and that are not done here: a script that has them is not performed, since it would
/// be another test.
const MISSING: [&str; 5] = [
    "executionSegment",
    "executionSegmentSequence",
    "paused",
    "httpDebug",
    "linger",
];

/// What was found beside the options.
#[derive(Debug, Default)]
pub struct Found {
    /// Why nothing is performed.
    pub errors: Vec<String>,
    /// What is said, and stops nothing.
    pub warnings: Vec<String>,
}

/// Reads options.
pub fn read(options: &Map<String, Value>, found: &mut Found) -> Options {
    for key in options.keys().map(String::as_str) {
        if MISSING.contains(&key) {
            found
                .errors
                .push(format!("`options.{key}` is not supported"));
        } else if !KNOWN.contains(&key) {
            let near = crate::document::diagnostic::nearest(key, KNOWN.into_iter().chain(MISSING));
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            found.warnings.push(format!(
                "`options.{key}` is no option of k6, and is not used{hint}"
            ));
        }
    }
    let mut fields = Fields {
        path: "options".to_owned(),
        map: options,
        errors: &mut found.errors,
    };
    let stats = fields.strings("summaryTrendStats");
    let default = || TREND_STATS.map(str::to_owned).to_vec();
    let unit = fields.string("summaryTimeUnit").unwrap_or_default();
    let summary_time_unit = TimeUnit::of(&unit).unwrap_or_else(|| {
        fields.wrong("summaryTimeUnit", "expected `s`, `ms` or `us`");
        TimeUnit::Fitting
    });
    let rps = fields.number("rps").filter(|rate| *rate > 0.0);
    Options {
        summary_trend_stats: stats.unwrap_or_else(default),
        summary_time_unit,
        setup_timeout: fields
            .duration("setupTimeout")
            .unwrap_or(Duration::from_secs(60)),
        teardown_timeout: fields
            .duration("teardownTimeout")
            .unwrap_or(Duration::from_secs(60)),
        min_iteration_duration: fields.duration("minIterationDuration").unwrap_or_default(),
        no_setup: fields.flag("noSetup"),
        no_teardown: fields.flag("noTeardown"),
        no_cookies_reset: fields.flag("noCookiesReset"),
        no_connection_reuse: fields.flag("noConnectionReuse"),
        no_vu_connection_reuse: fields.flag("noVUConnectionReuse"),
        discard_response_bodies: fields.flag("discardResponseBodies"),
        insecure_skip_tls_verify: fields.flag("insecureSkipTLSVerify"),
        throw: fields.flag("throw"),
        max_redirects: fields.count("maxRedirects").unwrap_or(10) as u32,
        batch: fields.count("batch").unwrap_or(20).max(1) as usize,
        batch_per_host: fields.count("batchPerHost").unwrap_or(6).max(1) as usize,
        rps,
        user_agent: fields.string("userAgent"),
        hosts: hosts(&mut fields),
        barred: barred(&mut fields),
        dns: dns(&mut fields),
        terms: terms(&mut fields),
        handle_summary_timeout: fields
            .duration("handleSummaryTimeout")
            .unwrap_or(Duration::from_secs(120)),
        left_out_tags: left_out_tags(&mut fields),
        tags: fields.strings_by_name("tags"),
        thresholds: thresholds(&mut fields),
        scenarios: scenarios::read(&mut fields),
    }
}

/// Tags that k6 gives samples and that the options leave out.
fn left_out_tags(fields: &mut Fields<'_>) -> Vec<String> {
    let Some(wanted) = fields.strings("systemTags") else {
        return Vec::new();
    };
    for name in &wanted {
        if ["iter", "vu", "ip", "ocsp_status"].contains(&name.as_str()) {
            fields.wrong("systemTags", &format!("`{name}` is not supported"));
        } else if !SYSTEM_TAGS.contains(&name.as_str()) {
            let near = crate::document::diagnostic::nearest(name, SYSTEM_TAGS);
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            fields.wrong("systemTags", &format!("`{name}` is no tag of k6{hint}"));
        }
    }
    let left_out = SYSTEM_TAGS
        .iter()
        .filter(|name| !wanted.iter().any(|own| own == *name));
    left_out.map(|name| (*name).to_owned()).collect()
}

fn thresholds(fields: &mut Fields<'_>) -> Vec<Watched> {
    let Some(map) = fields.map("thresholds") else {
        return Vec::new();
    };
    let mut all: Vec<Watched> = Vec::new();
    for (source, value) in map {
        let at = format!("thresholds[{source:?}]");
        let key = match Key::parse(source) {
            Ok(key) => key,
            Err(reason) => {
                fields.wrong(&at, &reason);
                continue;
            }
        };
        if let Some(known) = all.iter().find(|known| known.key == key) {
            // k6 would keep one set of them, and lose the other.
            let reason = format!("it is the same as `{}`; write them as one", known.source);
            fields.wrong(&at, &reason);
            continue;
        }
        let Value::Array(list) = value else {
            fields.wrong(&at, "expected an array, such as `['p(95)<500']`");
            continue;
        };
        let mut written = Vec::new();
        for one in list {
            match one {
                Value::String(text) => written.push(Written {
                    threshold: text.clone(),
                    abort_on_fail: false,
                    delay_abort_eval: Duration::ZERO,
                }),
                Value::Object(map) => {
                    let mut inner = Fields {
                        path: format!("options.{at}"),
                        map,
                        errors: fields.errors,
                    };
                    let threshold = inner.string("threshold").unwrap_or_default();
                    written.push(Written {
                        threshold,
                        abort_on_fail: inner.flag("abortOnFail"),
                        delay_abort_eval: inner.duration("delayAbortEval").unwrap_or_default(),
                    });
                }
                _ => fields.wrong(&at, "expected strings, or objects with `threshold`"),
            }
        }
        all.push(Watched {
            source: source.clone(),
            key,
            written,
        });
    }
    all
}

/// Fields of an object, read with their mistakes.
pub struct Fields<'a> {
    /// Where the object stands.
    pub path: String,
    /// The object.
    pub map: &'a Map<String, Value>,
    /// Mistakes so far.
    pub errors: &'a mut Vec<String>,
}

impl<'a> Fields<'a> {
    /// Reports a mistake of a field.
    pub fn wrong(&mut self, key: &str, reason: &str) {
        self.errors.push(format!("`{}.{key}`: {reason}", self.path));
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Whether it is there.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Whatever it is.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.get(key)
    }

    /// A text.
    pub fn string(&mut self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.wrong(key, "expected a string");
                None
            }
        }
    }

    /// A number.
    pub fn number(&mut self, key: &str) -> Option<f64> {
        let number = self.get(key)?.as_f64();
        if number.is_none() {
            self.wrong(key, "expected a number");
        }
        number
    }

    /// A whole number from 0.
    pub fn count(&mut self, key: &str) -> Option<u64> {
        let value = self.get(key)?;
        let whole = |number: f64| {
            (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as u64)
        };
        let count = value.as_f64().and_then(whole);
        if count.is_none() {
            self.wrong(key, &format!("`{value}` is not a whole number from 0"));
        }
        count
    }

    /// A length of time: a text, or a number of milliseconds.
    pub fn duration(&mut self, key: &str) -> Option<Duration> {
        let read = match self.get(key)? {
            Value::String(text) => crate::duration::parse(text),
            Value::Number(number) => {
                let milliseconds = number.as_f64().unwrap_or(-1.0);
                if (0.0..3.2e11).contains(&milliseconds) {
                    Ok(Duration::from_secs_f64(milliseconds / 1e3))
                } else {
                    Err(format!("`{number}` is no number of milliseconds"))
                }
            }
            _ => Err("expected a duration such as `\"30s\"`, or milliseconds".to_owned()),
        };
        read.map_err(|reason| self.wrong(key, &reason)).ok()
    }

    /// Yes or no.
    pub fn flag(&mut self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.wrong(key, "expected `true` or `false`");
                false
            }
        }
    }

    /// A list of texts.
    pub fn strings(&mut self, key: &str) -> Option<Vec<String>> {
        let Value::Array(list) = self.get(key)? else {
            self.wrong(key, "expected an array of strings");
            return None;
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let strings: Option<Vec<_>> = list.iter().map(text).collect();
        if strings.is_none() {
            self.wrong(key, "expected an array of strings");
        }
        strings
    }

    /// An object.
    pub fn map(&mut self, key: &str) -> Option<&'a Map<String, Value>> {
        match self.get(key)? {
            Value::Object(map) => Some(map),
            _ => {
                self.wrong(key, "expected an object");
                None
            }
        }
    }

    /// A list of objects.
    pub fn list(&mut self, key: &str) -> Option<&'a Vec<Value>> {
        match self.get(key)? {
            Value::Array(list) => Some(list),
            _ => {
                self.wrong(key, "expected an array");
                None
            }
        }
    }

    /// Texts by name; numbers and flags are written out.
    pub fn strings_by_name(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for (name, value) in self.map(key).into_iter().flatten() {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => {
                    self.wrong(&format!("{key}.{name}"), "expected a string");
                    continue;
                }
            };
            all.insert(name.clone(), text);
        }
        all
    }
}
