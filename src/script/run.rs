//! What all virtual users of a run of a script share: options, counts, what setup handed over, how it ends.
//!
//! Does not know how virtual users are driven. Invariant: what one thread counts is never lost: it is held here
//! from the moment on at which the thread begins.

use super::ask::{Outcome, Thrown};
use super::engine::Engine;
use super::host::{Host, Log};
use super::program::Program;
use super::user::ScriptUser;
use crate::k6::options::Options;
use crate::k6::secret_source::Sources;
use crate::k6::tally::Tally;
use crate::net::message::Fixed;
use crate::secret::Secret;
use crate::vu::{Binding, Heading, Headings, Part, Performers, Place, Shared};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// What is known of a script once it is loaded.
#[derive(Debug)]
pub struct Loaded {
    /// Its `options`, as JSON.
    pub options: Value,
    /// Names of its functions.
    pub exports: BTreeSet<String>,
    /// Its metrics, with nothing counted.
    pub metrics: Tally,
}

/// Reads a script with these values for `__ENV`, and loads it once, to know what it asks for.
pub fn read(
    path: &Path,
    env: BTreeMap<String, String>,
    secrets: BTreeMap<String, Secret>,
    log: &Log,
) -> Result<(Arc<Program>, Loaded), String> {
    let program = Program::new(path, env)?.knowing(Sources::only(secrets));
    let program = Arc::new(program);
    let loaded = look(&program, log).map_err(|thrown| thrown.to_string())?;
    Ok((program, loaded))
}

/// Loads a script once, to know what it asks for.
pub fn look(program: &Arc<Program>, log: &Log) -> Result<Loaded, Thrown> {
    let tally = Arc::<Mutex<Tally>>::default();
    let host = Host::new(program.clone(), None, log.clone(), tally.clone(), (0, 0));
    let plain = |message: String| Thrown {
        message,
        stack: String::new(),
    };
    let (engine, outcome) = Engine::start(host, "default").map_err(plain)?;
    drop(engine);
    let text = match outcome {
        Outcome::Returned(text) => text.unwrap_or_default(),
        Outcome::Thrown(thrown) => return Err(thrown),
        Outcome::Interrupted => return Err(plain("it was stopped while it was loaded".to_owned())),
        Outcome::Aborted(words) => return Err(plain(words)),
    };
    let known: Value = serde_json::from_str(&text).unwrap_or_default();
    let options = &known["options"];
    if !options.is_object() && !options.is_null() {
        let text = options.to_string();
        let shown: String = text.chars().take(40).collect();
        return Err(plain(format!(
            "`options` is {shown}: expected an object, such as `{{ vus: 1 }}`"
        )));
    }
    let names = known["exports"].as_array().into_iter().flatten();
    let metrics = tally.lock().unwrap_or_else(PoisonError::into_inner).anew();
    Ok(Loaded {
        exports: names.filter_map(Value::as_str).map(str::to_owned).collect(),
        options: known["options"].clone(),
        metrics,
    })
}

/// What all virtual users share.
pub struct Run {
    /// The script.
    pub program: Arc<Program>,
    /// Its options.
    pub options: Options,
    /// The same, as scripts see them.
    pub options_text: String,
    /// Names of its functions.
    pub exports: BTreeSet<String>,
    /// Caps, sockets and secrets.
    pub binding: Arc<Binding>,
    /// Headers of a request for which a script gives none.
    pub plain: OnceLock<Arc<Fixed>>,
    /// Where lines go.
    pub log: Log,
    /// Told when the script ends the run.
    pub over: Notify,
    /// Whether what failed is over every latency.
    pub is_strict: bool,
    headings: Headings,
    metrics: Tally,
    tallies: Mutex<Vec<Arc<Mutex<Tally>>>>,
    handed: Mutex<Option<String>>,
    began: (Instant, i64),
    progress: Vec<Progress>,
    /// Iterations that came to their end, and that were cut off.
    pub completed: AtomicU64,
    /// Iterations that were cut off.
    pub interrupted: AtomicU64,
    /// Iterations that threw, or could not begin.
    pub threw: AtomicU64,
    /// Virtual users in an iteration.
    pub active: AtomicU64,
    /// Virtual users that are there.
    pub users: AtomicU64,
    ended: Mutex<Ended>,
    halted: AtomicBool,
}

/// How far a scenario came.
#[derive(Debug, Default)]
struct Progress {
    /// Iterations that began.
    begun: AtomicU64,
    /// Those of them that came to their end.
    ended: AtomicU64,
    /// Those of these that failed.
    failed: AtomicU64,
    /// Whether its time is over.
    is_over: AtomicBool,
}

/// How the script itself ended the run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// At once, with these words.
    pub aborted: Option<String>,
    /// As failed, with these words.
    pub failed: Option<String>,
    /// Because `setup` threw, or took too long.
    pub setup: Option<Broke>,
    /// The same of `teardown`.
    pub teardown: Option<Broke>,
    /// Whether anything of `teardown` failed.
    pub left_behind: bool,
}

/// How a function that is called once broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broke {
    /// It threw.
    Threw(Thrown),
    /// It took too long.
    Late,
}

/// Where an arrival counts that nobody took, and an iteration that threw.
pub const ITERATION: usize = 0;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The steps of a run, of which the first is its iteration as a whole.
fn begun(headings: Headings) -> Headings {
    headings.announce(Heading {
        name: "iteration".into(),
        part: Part::Iteration,
        measured: true,
        advisory: false,
        checks: Vec::new(),
        warns_from: 0,
        measures: Vec::new(),
    });
    headings
}

impl Run {
    /// A run of a script that was loaded.
    pub fn new(
        program: Arc<Program>,
        (exports, metrics): (BTreeSet<String>, Tally),
        (options, options_text): (Options, String),
        binding: Arc<Binding>,
        log: Log,
    ) -> Run {
        Run {
            progress: options
                .scenarios
                .iter()
                .map(|_| Progress::default())
                .collect(),
            program,
            options,
            options_text,
            exports,
            binding,
            plain: OnceLock::new(),
            log,
            over: Notify::new(),
            is_strict: false,
            headings: begun(Headings::default()),
            metrics,
            tallies: Mutex::default(),
            handed: Mutex::default(),
            began: (Instant::now(), crate::clock::now_ms()),
            completed: AtomicU64::new(0),
            interrupted: AtomicU64::new(0),
            threw: AtomicU64::new(0),
            active: AtomicU64::new(0),
            users: AtomicU64::new(0),
            ended: Mutex::default(),
            halted: AtomicBool::new(false),
        }
    }

    /// The same with nothing counted: what one performance came to is none of the next one's. Its steps have the
    /// numbers that they have in a list.
    pub fn afresh(&self, headings: Headings) -> Run {
        let anew = Run::new(
            self.program.clone(),
            (self.exports.clone(), self.metrics.clone()),
            (self.options.clone(), self.options_text.clone()),
            self.binding.clone(),
            self.log.clone(),
        );
        Run {
            is_strict: self.is_strict,
            headings: begun(headings),
            ..anew
        }
    }

    /// Tags of all samples of a scenario.
    pub fn tags(&self, scenario: usize) -> Vec<(String, String)> {
        let own = |(name, value): (&String, &String)| (name.clone(), value.clone());
        let mut tags: Vec<_> = self.options.tags.iter().map(own).collect();
        if let Some(scenario) = self.options.scenarios.get(scenario) {
            tags.push(("scenario".to_owned(), scenario.load.name.clone()));
            tags.extend(scenario.tags.iter().map(own));
        }
        tags
    }

    /// A value of `__ENV` that its scenario sets.
    pub fn variable(&self, scenario: usize, name: &str) -> Option<String> {
        self.options.scenarios.get(scenario)?.env.get(name).cloned()
    }

    /// What `setup` returned, as JSON.
    pub fn handed(&self) -> Option<String> {
        locked(&self.handed).clone()
    }

    pub(super) fn hand_over(&self, data: Option<String>) {
        *locked(&self.handed) = data;
    }

    /// The number of the iteration that begins now, of its scenario.
    pub(super) fn begin(&self, scenario: usize) -> u64 {
        let own = self.progress.get(scenario);
        own.map_or(0, |own| own.begun.fetch_add(1, Relaxed))
    }

    /// Names of scenarios of which no iteration began, beside others.
    pub fn idle(&self) -> Vec<String> {
        let names = self.named(|own| own.begun.load(Relaxed) == 0);
        match names.len() < self.progress.len() {
            true => names,
            // That nothing at all was performed is said by whoever asked for it.
            false => Vec::new(),
        }
    }

    /// Ends the run at once.
    pub fn abort(&self, words: &str) {
        locked(&self.ended)
            .aborted
            .get_or_insert_with(|| words.to_owned());
        self.over.notify_one();
    }

    /// Nothing that is computed goes on, but for what tears down.
    pub fn halt(&self) {
        self.halted.store(true, Relaxed);
    }

    pub(super) fn is_halted(&self) -> bool {
        self.halted.load(Relaxed)
    }

    /// Names of scenarios that came so far.
    fn named(&self, came: impl Fn(&Progress) -> bool) -> Vec<String> {
        let scenarios = self.options.scenarios.iter().zip(&self.progress);
        let named = scenarios.filter(|(_, own)| came(own));
        named.map(|(one, _)| one.load.name.clone()).collect()
    }

    /// An iteration of a scenario came to its end.
    pub(super) fn iterated(&self, scenario: usize, has_failed: bool) {
        if let Some(own) = self.progress.get(scenario) {
            own.ended.fetch_add(1, Relaxed);
            own.failed.fetch_add(u64::from(has_failed), Relaxed);
        }
    }

    /// Names of scenarios of which each iteration that came to its end failed.
    pub fn failing(&self) -> Vec<String> {
        self.named(|own| {
            let ended = own.ended.load(Relaxed);
            ended > 0 && ended == own.failed.load(Relaxed)
        })
    }

    /// Whether nothing of a scenario is to go on.
    pub(super) fn is_over_for(&self, scenario: usize) -> bool {
        let own = self.progress.get(scenario);
        own.is_some_and(|own| own.is_over.load(Relaxed))
    }

    /// Makes the run a failed one, and lets it go on.
    pub fn fail(&self, words: &str) {
        locked(&self.ended)
            .failed
            .get_or_insert_with(|| words.to_owned());
    }

    pub(super) fn broke(&self, is_setup: bool, broke: Broke) {
        let mut ended = locked(&self.ended);
        if is_setup {
            ended.setup = Some(broke);
        } else {
            ended.teardown = Some(broke);
        }
    }

    /// Something of `teardown` failed.
    pub(super) fn left_behind(&self) {
        locked(&self.ended).left_behind = true;
    }

    /// How the script itself ended the run.
    pub fn ended(&self) -> Ended {
        locked(&self.ended).clone()
    }

    /// Milliseconds since it began.
    pub fn elapsed_ms(&self) -> f64 {
        self.began.0.elapsed().as_secs_f64() * 1e3
    }

    /// All that was counted so far.
    pub fn counted(&self) -> Tally {
        let mut all = self.metrics.clone();
        for tally in locked(&self.tallies).iter() {
            all.merge(&locked(tally));
        }
        all
    }

    /// A tally of its own for a thread.
    pub fn tally(&self) -> Arc<Mutex<Tally>> {
        let tally = Arc::new(Mutex::new(self.metrics.clone()));
        locked(&self.tallies).push(tally.clone());
        tally
    }

    /// What `k6/execution` tells beside what a virtual user knows.
    pub(super) fn fact(&self, scenario: usize, name: &str) -> Option<Value> {
        let own = self.options.scenarios.get(scenario);
        let count = |count: &AtomicU64| Some(Value::from(count.load(Relaxed)));
        match name {
            "options" => Some(Value::from(self.options_text.as_str())),
            "elapsed" => Some(Value::from(self.elapsed_ms())),
            "iterationsCompleted" => count(&self.completed),
            "iterationsInterrupted" => count(&self.interrupted),
            "vusActive" => count(&self.active),
            "vusInitialized" => count(&self.users),
            "scenario" => Some(Value::from(own?.load.name.as_str())),
            "executor" => Some(Value::from(own?.load.executor.name())),
            "scenarioStart" => {
                let start = own?.load.start.as_millis() as i64;
                Some(Value::from(self.began.1 + start))
            }
            "progress" => {
                let load = &own?.load;
                let since = self
                    .began
                    .0
                    .elapsed()
                    .saturating_sub(load.start)
                    .as_secs_f64();
                let whole = load.executor.length().as_secs_f64().max(1e-9);
                let begun = self.progress[scenario].begun.load(Relaxed) as f64;
                let progress = match load.executor.iterations_planned() {
                    Some(planned) if load.executor.rate_max().is_none() => begun / planned as f64,
                    _ => since / whole,
                };
                Some(Value::from(progress.clamp(0.0, 1.0)))
            }
            _ => None,
        }
    }
}

/// What virtual users of one thread use together.
#[derive(Clone)]
pub struct Together {
    /// Connections.
    pub shared: Arc<Shared>,
    /// What they count.
    pub tally: Arc<Mutex<Tally>>,
}

impl Performers for Arc<Run> {
    type User = ScriptUser;
    type Together = Together;
    type Handed = ();

    fn headings(&self) -> Headings {
        self.headings.clone()
    }

    fn first_step(&self) -> usize {
        ITERATION
    }

    fn set_over(&self, load: usize, is_over: bool) {
        if let Some(own) = self.progress.get(load) {
            own.is_over.store(is_over, Relaxed);
        }
    }

    fn users_max(&self) -> Option<u64> {
        self.binding.caps.users
    }

    fn gather(&self) -> Together {
        Together {
            shared: Shared::new(self.binding.clone()),
            tally: self.tally(),
        }
    }

    fn user(&self, together: &Together, place: Place, _: &Arc<()>) -> ScriptUser {
        ScriptUser::new(self.clone(), together, place)
    }
}
