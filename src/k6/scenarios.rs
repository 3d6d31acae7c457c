//! Scenarios of a script's options, or the shortcuts that stand for one, as loads.
//!
//! Does not know what an iteration does. Invariant: what is reported as wrong is never performed.

use super::options::Fields;
use crate::document::source::Span;
use crate::scenario::plan::{Executor, Load, OpenModel, Spacing, Stage};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::Duration;

/// One scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The function that an iteration performs.
    pub exec: String,
    /// What is in `__ENV` beside.
    pub env: BTreeMap<String, String>,
    /// Tags of its samples.
    pub tags: BTreeMap<String, String>,
    /// How it is driven.
    pub load: Load,
}

/// Executors, and the fields of each beside those of all.
const EXECUTORS: [(&str, &[&str]); 6] = [
    ("shared-iterations", &["vus", "iterations", "maxDuration"]),
    ("per-vu-iterations", &["vus", "iterations", "maxDuration"]),
    ("constant-vus", &["vus", "duration"]),
    ("ramping-vus", &["startVUs", "stages", "gracefulRampDown"]),
    (
        "constant-arrival-rate",
        &["rate", "timeUnit", "duration", "preAllocatedVUs", "maxVUs"],
    ),
    (
        "ramping-arrival-rate",
        &[
            "startRate",
            "timeUnit",
            "stages",
            "preAllocatedVUs",
            "maxVUs",
        ],
    ),
];

/// Fields of every scenario.
const COMMON: [&str; 7] = [
    "executor",
    "startTime",
    "gracefulStop",
    "env",
    "exec",
    "tags",
    "options",
];

const MAX_DURATION: Duration = Duration::from_secs(600);
const GRACEFUL: Duration = Duration::from_secs(30);

/// Reads them from the options.
pub fn read(options: &mut Fields<'_>) -> Vec<Scenario> {
    let shortcuts = ["iterations", "stages"].map(|key| options.has(key));
    if shortcuts == [true, true] || options.has("duration") && options.has("stages") {
        options.wrong(
            "stages",
            "it cannot stand beside `iterations` or `duration`",
        );
    }
    let Some(map) = options.map("scenarios") else {
        return vec![shortcut(options)];
    };
    for key in ["iterations", "duration", "stages"] {
        if options.has(key) {
            options.wrong(key, "it cannot stand beside `scenarios`");
        }
    }
    if map.is_empty() {
        options.wrong("scenarios", "there is none");
    }
    let mut all = Vec::new();
    for (name, value) in map {
        let at = format!("scenarios.{name}");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(fits) {
            options.wrong(&at, "a name has letters, digits, `_` and `-`");
        }
        let Value::Object(map) = value else {
            options.wrong(&at, "expected an object");
            continue;
        };
        let mut fields = Fields {
            path: format!("{}.{at}", options.path),
            map,
            errors: options.errors,
        };
        all.extend(scenario(name, &mut fields));
    }
    all
}

/// The scenario that `vus`, `duration`, `iterations` and `stages` stand for.
fn shortcut(options: &mut Fields<'_>) -> Scenario {
    let vus = options.count("vus");
    let executor = if options.has("iterations") {
        let (vus, iterations) = (vus.unwrap_or(1), options.count("iterations").unwrap_or(1));
        if iterations < vus {
            options.wrong("iterations", "there are fewer than virtual users");
        }
        Executor::SharedIterations {
            vus,
            iterations,
            max_duration: options.duration("duration").unwrap_or(MAX_DURATION),
        }
    } else if options.has("duration") {
        Executor::ConstantVus {
            vus: vus.unwrap_or(1),
            duration: options.duration("duration").unwrap_or_default(),
        }
    } else if options.has("stages") {
        Executor::RampingVus {
            start: vus.unwrap_or(1),
            stages: stages(options, 1.0),
            graceful_ramp_down: GRACEFUL,
        }
    } else if let Some(vus) = vus {
        Executor::SharedIterations {
            vus,
            iterations: vus,
            max_duration: MAX_DURATION,
        }
    } else {
        Executor::PerVuIterations {
            vus: 1,
            iterations: 1,
            max_duration: MAX_DURATION,
        }
    };
    Scenario {
        exec: "default".to_owned(),
        env: BTreeMap::new(),
        tags: BTreeMap::new(),
        load: load("default", Duration::ZERO, GRACEFUL, executor),
    }
}

fn load(name: &str, start: Duration, graceful_stop: Duration, executor: Executor) -> Load {
    Load {
        name: name.to_owned(),
        span: Span::default(),
        start,
        graceful_stop,
        executor,
    }
}

fn scenario(name: &str, fields: &mut Fields<'_>) -> Option<Scenario> {
    let Some(word) = fields.string("executor") else {
        fields.wrong("executor", "it is missing");
        return None;
    };
    let Some((_, own)) = EXECUTORS.iter().find(|(known, _)| *known == word) else {
        let names = EXECUTORS.map(|(name, _)| name);
        let near = crate::document::diagnostic::nearest(&word, names);
        let hint = near.map_or(format!("expected one of {}", names.join(", ")), |near| {
            format!("did you mean `{near}`?")
        });
        fields.wrong("executor", &format!("`{word}` is no executor; {hint}"));
        return None;
    };
    let known = || COMMON.into_iter().chain(own.iter().copied());
    for key in fields.map.keys() {
        if !known().any(|known| known == key) {
            let near = crate::document::diagnostic::nearest(key, known());
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            fields.wrong(key, &format!("it is no field of `{word}`{hint}"));
        }
    }
    if let Some(options) = fields.map.get("options")
        && options["browser"]["type"] != "chromium"
    {
        let why = "the only one is `{ browser: { type: 'chromium' } }`";
        fields.wrong("options", why);
    }
    let before = fields.errors.len();
    let executor = executor(&word, fields);
    let start = fields.duration("startTime").unwrap_or_default();
    let graceful_stop = fields.duration("gracefulStop").unwrap_or(GRACEFUL);
    let scenario = Scenario {
        exec: fields
            .string("exec")
            .unwrap_or_else(|| "default".to_owned()),
        env: fields.strings_by_name("env"),
        tags: fields.strings_by_name("tags"),
        load: load(name, start, graceful_stop, executor),
    };
    (fields.errors.len() == before).then_some(scenario)
}

fn executor(word: &str, fields: &mut Fields<'_>) -> Executor {
    match word {
        "shared-iterations" | "per-vu-iterations" => {
            let vus = positive(fields, "vus", Some(1));
            let iterations = positive(fields, "iterations", Some(1));
            let max_duration = fields.duration("maxDuration").unwrap_or(MAX_DURATION);
            if word == "per-vu-iterations" {
                return Executor::PerVuIterations {
                    vus,
                    iterations,
                    max_duration,
                };
            }
            if iterations < vus {
                fields.wrong("iterations", "there are fewer than virtual users");
            }
            Executor::SharedIterations {
                vus,
                iterations,
                max_duration,
            }
        }
        "constant-vus" => Executor::ConstantVus {
            vus: positive(fields, "vus", Some(1)),
            duration: long(fields),
        },
        "ramping-vus" => Executor::RampingVus {
            start: fields.count("startVUs").unwrap_or(1),
            stages: stages(fields, 1.0),
            graceful_ramp_down: fields.duration("gracefulRampDown").unwrap_or(GRACEFUL),
        },
        "constant-arrival-rate" => {
            let unit = unit(fields);
            Executor::ConstantArrivalRate {
                rate_per_second: positive(fields, "rate", None) as f64 / unit,
                duration: long(fields),
                open: open(fields),
            }
        }
        _ => {
            let unit = unit(fields);
            Executor::RampingArrivalRate {
                start_per_second: fields.count("startRate").unwrap_or(0) as f64 / unit,
                stages: stages(fields, unit),
                open: open(fields),
            }
        }
    }
}

/// A whole number from 1; without a default it must be there.
fn positive(fields: &mut Fields<'_>, key: &str, default: Option<u64>) -> u64 {
    if !fields.has(key) {
        let Some(default) = default else {
            fields.wrong(key, "it is missing");
            return 1;
        };
        return default;
    }
    match fields.count(key) {
        Some(0) => {
            fields.wrong(key, "expected 1 or more");
            1
        }
        count => count.unwrap_or(1),
    }
}

fn long(fields: &mut Fields<'_>) -> Duration {
    if !fields.has("duration") {
        fields.wrong("duration", "it is missing");
    }
    let duration = fields
        .duration("duration")
        .unwrap_or(Duration::from_secs(1));
    if duration < Duration::from_secs(1) {
        fields.wrong("duration", "expected one second or more");
    }
    duration
}

fn unit(fields: &mut Fields<'_>) -> f64 {
    let unit = fields
        .duration("timeUnit")
        .unwrap_or(Duration::from_secs(1));
    if unit.is_zero() {
        fields.wrong("timeUnit", "expected more than 0");
        return 1.0;
    }
    unit.as_secs_f64()
}

fn open(fields: &mut Fields<'_>) -> OpenModel {
    if !fields.has("preAllocatedVUs") {
        fields.wrong("preAllocatedVUs", "it is missing");
    }
    let users = fields.count("preAllocatedVUs").unwrap_or(1);
    let max_users = fields.count("maxVUs").unwrap_or(users);
    if max_users < users.max(1) {
        fields.wrong(
            "maxVUs",
            "expected as many as `preAllocatedVUs`, and 1 at the least",
        );
    }
    OpenModel {
        users,
        max_users,
        // k6 lets no arrival wait.
        max_wait: Duration::ZERO,
        spacing: Spacing::Even,
    }
}

fn stages(fields: &mut Fields<'_>, unit: f64) -> Vec<Stage> {
    let Some(list) = fields.list("stages") else {
        fields.wrong("stages", "it is missing");
        return Vec::new();
    };
    let mut all = Vec::new();
    let nothing = Map::new();
    for (number, value) in list.iter().enumerate() {
        let mut stage = Fields {
            path: format!("{}.stages[{number}]", fields.path),
            map: value.as_object().unwrap_or(&nothing),
            errors: fields.errors,
        };
        for key in ["duration", "target"] {
            if !stage.has(key) {
                stage.wrong(key, "it is missing");
            }
        }
        all.push(Stage {
            duration: stage.duration("duration").unwrap_or_default(),
            target: stage.count("target").unwrap_or(0) as f64 / unit,
        });
    }
    if list.is_empty() {
        fields.wrong("stages", "there is none");
    }
    all
}
