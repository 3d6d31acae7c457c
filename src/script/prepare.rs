//! From a script that is loaded, and its options, to a run that can be performed.
//!
//! Sends nothing. Invariant: what is wrong is reported, all of it, and then there is no run.

use super::host::Log;
use super::program::Program;
use super::run::{Loaded, Run};
use crate::document::diagnostic::nearest;
use crate::document::{Diagnostics, Source};
use crate::environment::needs::Supplied;
use crate::environment::settings::Environment;
use crate::k6::objectives::objective;
use crate::k6::options::{self, Found, Options};
use crate::k6::tally::Tally;
use crate::k6::threshold::{Key, Threshold};
use crate::scenario;
use crate::scenario::Plan;
use crate::scenario::plan::{Executor, ScriptFile};
use crate::secret::{Redactor, Secret};
use crate::vu::guard::Guard;
use crate::vu::{Binding, Headings};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an arrival waits for a virtual user where its latency counts from when it should have come.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Thresholds with their keys.
pub type Thresholds = Vec<(String, Key, Threshold)>;

/// A script with its options, ready to be performed.
pub struct Ready {
    /// The script, its options and its log.
    pub run: Arc<Run>,
    /// Thresholds, read.
    pub thresholds: Thresholds,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not what it is given: secrets are among that.
        write!(out, "Ready({})", self.run.program.entry.display())
    }
}

impl Ready {
    /// The same with nothing counted.
    pub fn afresh(&self) -> Ready {
        self.afresh_under(Headings::default())
    }

    /// The same with nothing counted, whose steps have the numbers that they have in a list.
    pub fn afresh_under(&self, headings: Headings) -> Ready {
        Ready {
            run: Arc::new(self.run.afresh(headings)),
            thresholds: self.thresholds.clone(),
        }
    }
}

/// Where a script is performed.
pub struct Around<'a> {
    /// Its caps and certificates.
    pub environment: &'a Environment,
    /// What must not be shown.
    pub secrets: BTreeMap<String, Secret>,
    /// Whether latency counts from the intended start, and what failed is over every latency; in k6 no
    /// arrival waits, and what failed took no time.
    pub is_strict: bool,
    /// What a gate asks of every exchange; thresholds on all requests are objectives there.
    pub guard: Option<Guard>,
    /// How long addresses are kept.
    pub dns_ttl: Duration,
}

/// The run; nothing if anything stands against it.
pub fn prepare(
    program: Arc<Program>,
    log: Log,
    loaded: Loaded,
    options: &Map<String, Value>,
    around: Around<'_>,
    found: &mut Found,
) -> Option<Ready> {
    let is_strict = around.is_strict;
    let mut read = options::read(options, found);
    let mut metrics = loaded.metrics.clone();
    metrics.left_out_tags.clone_from(&read.left_out_tags);
    let thresholds = thresholds(&read, &mut metrics, found);
    for scenario in &mut read.scenarios {
        if !loaded.exports.contains(&scenario.exec) {
            let (name, exec) = (&scenario.load.name, &scenario.exec);
            let known = loaded.exports.iter().map(String::as_str);
            let near = nearest(exec, known);
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            found.errors.push(match is_written(options, name) {
                true => format!("`options.scenarios.{name}.exec`: `{exec}` is no function that the script exports{hint}"),
                false => format!("the script exports no function `{exec}`{hint}"),
            });
        }
        if let Executor::ConstantArrivalRate { open, .. }
        | Executor::RampingArrivalRate { open, .. } = &mut scenario.load.executor
        {
            open.max_wait = if is_strict { MAX_WAIT } else { Duration::ZERO };
        }
    }
    let binding = bound(&program, (&read, &thresholds), around, found)?;
    if !found.errors.is_empty() {
        return None;
    }
    let text = Value::Object(with_scenarios(options, &read)).to_string();
    let mut run = Run::new(
        program,
        (loaded.exports, metrics),
        (read, text),
        binding,
        log,
    );
    run.is_strict = is_strict;
    Some(Ready {
        run: Arc::new(run),
        thresholds,
    })
}

/// Whether options name a scenario; else it is what shortcuts come to.
fn is_written(options: &Map<String, Value>, name: &str) -> bool {
    let scenarios = options.get("scenarios").and_then(Value::as_object);
    scenarios.is_some_and(|scenarios| scenarios.contains_key(name))
}

/// The options, with the scenario that shortcuts stand for.
fn with_scenarios(options: &Map<String, Value>, read: &Options) -> Map<String, Value> {
    let mut options = options.clone();
    if !options.contains_key("scenarios") {
        let named = |scenario: &crate::k6::scenarios::Scenario| {
            let shape = json!({
                "executor": scenario.load.executor.name(),
                "exec": scenario.exec,
                "stages": options.get("stages"),
                "vus": options.get("vus"),
                "duration": options.get("duration"),
                "iterations": options.get("iterations"),
            });
            (scenario.load.name.clone(), shape)
        };
        let scenarios = read.scenarios.iter().map(named).collect();
        options.insert("scenarios".to_owned(), Value::Object(scenarios));
    }
    options
}

/// The thresholds of options, on metrics that are there.
pub(super) fn thresholds(options: &Options, metrics: &mut Tally, found: &mut Found) -> Thresholds {
    let mut all = Vec::new();
    let expected = "http_req_duration{expected_response:true}";
    if let Ok(key) = Key::parse(expected) {
        metrics.watch(expected, &key);
    }
    for watched in &options.thresholds {
        let at = format!("options.thresholds[{:?}]", watched.source);
        if !metrics.watch(&watched.source, &watched.key) {
            let metric = &watched.key.metric;
            let known = metrics
                .metrics
                .iter()
                .map(|known| known.metric.name.as_ref());
            let near = nearest(metric, known);
            let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let error = format!("`{at}`: there is no metric `{metric}`{hint}");
            found.errors.push(error);
            continue;
        }
        let Some(number) = metrics.number(&watched.key.metric) else {
            continue;
        };
        let kind = metrics.metrics[number].metric.kind;
        for written in &watched.written {
            match written.read(kind) {
                Ok(threshold) => all.push((watched.source.clone(), watched.key.clone(), threshold)),
                Err(reason) => found
                    .errors
                    .push(format!("`{at}`: `{}`: {reason}", written.threshold)),
            }
        }
    }
    all
}

/// A script as a plan, of which no step is performed: its name, its loads and its objectives, which are those
/// thresholds that are about all requests.
pub fn planned(program: &Program, options: &Options, thresholds: &Thresholds) -> Option<Plan> {
    let name = program.entry.file_name().unwrap_or_default();
    let name = Value::from(name.to_string_lossy().into_owned());
    let known = thresholds
        .iter()
        .filter_map(|(_, key, threshold)| objective(key, threshold));
    let known: Vec<String> = known.collect();
    let known = match known.is_empty() {
        true => String::new(),
        false => format!("objectives: {}\n", Value::from(known)),
    };
    let text =
        format!("name: {name}\nsteps:\n  - name: nothing\n    get: http://127.0.0.1/\n{known}");
    let mut wrong = Diagnostics::default();
    let plan = scenario::compile(&Source::new("script", text), program.folder(), &mut wrong)?;
    let loads = options.scenarios.iter();
    Some(Plan {
        load: loads.map(|scenario| scenario.load.clone()).collect(),
        script: Some(ScriptFile {
            path: program.entry.clone(),
            print: program.print(),
        }),
        ..plan
    })
}

/// Sockets for a script.
fn bound(
    program: &Program,
    (options, thresholds): (&Options, &Thresholds),
    around: Around<'_>,
    found: &mut Found,
) -> Option<Arc<Binding>> {
    let mut wrong = Diagnostics::default();
    let mut plan = planned(program, options, thresholds)?;
    if around.guard.is_none() {
        // Who judges at the end judges thresholds as they are written.
        plan.objectives.clear();
    }
    plan.connections.hosts = options.hosts.clone();
    plan.connections.barred = options.barred.clone();
    plan.connections.dns_ttl = options.dns.ttl;
    plan.connections.family = options.dns.family;
    plan.connections.spread = options.dns.spread;
    let mut environment = around.environment.clone();
    environment.caps.rate = match (environment.caps.rate, options.rps) {
        (Some(cap), Some(own)) => Some(cap.min(own)),
        (cap, own) => cap.or(own),
    };
    let supplied = Supplied::default();
    let binding = Binding::new(
        Arc::new(plan),
        &environment,
        &supplied,
        around.dns_ttl,
        &mut wrong,
    );
    match binding {
        Some(mut binding) => {
            binding.redactor = Redactor::new(around.secrets);
            let connector = Arc::get_mut(&mut binding.connector);
            let connector = connector.expect("nobody else has it yet");
            connector.tls.speak(options.terms.clone());
            Some(Arc::new(match around.guard {
                Some(guard) => binding.guarded(guard),
                None => binding,
            }))
        }
        None => {
            found.errors.push(wrong.render(false));
            None
        }
    }
}
