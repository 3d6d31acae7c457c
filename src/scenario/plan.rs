//! A scenario after compilation: everything that can be decided before the first request is decided.
//!
//! Knows steps and needs; loads are in `load_plan`. Does not know an environment's values or the network.
//! Invariant: step indexes are dense, and unique over setup, steps and teardown.

use super::browsing::Browsing;
use super::expression::Expression;
pub use super::load_plan::{Executor, Load, OpenModel, Spacing, Stage, end_of, is_closed};
use super::steps::action::Action;
use super::steps::browser::Browse;
use super::steps::http::HttpVersion;
use super::steps::wait::Pause;
use crate::document::source::{Source, Span};
use crate::net::barred::Barred;
use crate::net::family::Family;
use crate::net::hosts::Hosts;
use crate::net::redirect::is_absolute;
use crate::objective::Objective;
use crate::severity::Severity;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A compiled scenario.
#[derive(Debug)]
pub struct Plan {
    /// Its name.
    pub name: Arc<str>,
    /// What it shows, for people.
    pub description: String,
    /// The service that paths are relative to.
    pub service: Option<String>,
    /// The file it came from.
    pub source: Arc<Source>,
    /// The folder that its relative paths start from.
    pub folder: PathBuf,
    /// How long cookies live.
    pub cookies: CookieLife,
    /// How connections are used.
    pub connections: Connections,
    /// Data files.
    pub data: Vec<DataFile>,
    /// Steps before.
    pub setup: Vec<Step>,
    /// Steps of an iteration.
    pub steps: Vec<Step>,
    /// Steps after.
    pub teardown: Vec<Step>,
    /// Executors; empty for a smoke check.
    pub load: Vec<Load>,
    /// How pages are looked at.
    pub browsing: Browsing,
    /// Bytes of a body that checks and captures look at, at the most.
    pub body_limit: usize,
    /// Objectives.
    pub objectives: Vec<Objective>,
    /// Objectives that change no outcome.
    pub warnings: Vec<Objective>,
    /// Secrets that it needs.
    pub secrets: Vec<SecretNeed>,
    /// Inputs that it needs.
    pub inputs: Vec<InputNeed>,
    /// Groups of which at least one member must be present.
    pub one_of: Vec<Vec<String>>,
    /// Names of inputs and secrets that an expression reads.
    pub reads: Vec<String>,
    /// The script that is performed, and no step.
    pub script: Option<ScriptFile>,
}

/// The file of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptFile {
    /// Where it is.
    pub path: PathBuf,
    /// What tells it, and all that it reads, from another.
    pub print: u64,
}

/// Requests that a script is taken to make each time: nobody knows before.
const SCRIPT_REQUESTS: u64 = 20;

impl Plan {
    /// Requests of each step in one performance, any of which may make it fail: none of a pause, all of
    /// a repeat, one where rounds may fail until something holds.
    pub fn requests_of_steps(&self) -> Vec<u64> {
        if self.script.is_some() {
            return vec![SCRIPT_REQUESTS];
        }
        let requests = |step: &Step| match &step.repeat {
            _ if !step.is_measured() => 0,
            Some(Repeat {
                times, until: None, ..
            }) => *times,
            _ => 1,
        };
        self.all_steps().map(requests).collect()
    }

    /// All steps, in the order of their indexes.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.setup
            .iter()
            .chain(self.steps.iter())
            .chain(self.teardown.iter())
    }

    /// How many requests one iteration makes at least, as far as can be known before it runs.
    pub fn requests_per_iteration(&self) -> u64 {
        self.steps
            .iter()
            .filter(|step| step.is_measured() && step.when.is_none())
            .map(|step| match &step.repeat {
                Some(repeat) if repeat.until.is_none() => repeat.times,
                _ => 1,
            })
            .sum()
    }

    /// Whether anything of it is done in a browser.
    pub fn browses(&self) -> bool {
        self.all_steps().any(|step| step.browse().is_some())
    }

    /// A step that measures pages with Lighthouse, if there is one.
    pub fn quality_step(&self) -> Option<&Step> {
        self.all_steps().find(|step| step.measures_quality())
    }

    /// Services that its steps use by name.
    pub fn services(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .all_steps()
            .filter(|step| step.needs_service())
            .filter_map(|step| step.service.as_deref().or(self.service.as_deref()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// How virtual users use connections.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Connections {
    /// For how long one is used.
    pub reuse: Reuse,
    /// Virtual users that share an HTTP/2 connection at the most.
    pub streams: u64,
    /// Addresses of this machine that connections start from, in turn; empty for the system's choice.
    pub local_addresses: Vec<std::net::IpAddr>,
    /// Whether TLS sessions are taken up again.
    pub tls_resumption: bool,
    /// How long resolved addresses are kept, if the scenario says so.
    pub dns_ttl: Option<Duration>,
    /// The only family of addresses that is used, if the scenario says so.
    pub family: Option<Family>,
    /// Names that lead elsewhere.
    pub hosts: Hosts,
    /// Where nothing may be sent.
    pub barred: Barred,
    /// Whether each connection starts with any address of its host.
    pub spread: bool,
}

impl Default for Connections {
    fn default() -> Connections {
        Connections {
            reuse: Reuse::User,
            streams: 1,
            local_addresses: Vec::new(),
            tls_resumption: true,
            dns_ttl: None,
            family: None,
            hosts: Hosts::default(),
            barred: Barred::default(),
            spread: false,
        }
    }
}

/// For how long a connection is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reuse {
    /// As long as its virtual user lives.
    User,
    /// For one iteration.
    Iteration,
    /// For one request.
    Never,
}

/// How long cookies live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CookieLife {
    /// A new jar for each iteration.
    Iteration,
    /// One jar for the virtual user's life.
    User,
    /// None.
    Off,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// Its name.
    pub name: Arc<str>,
    /// Its number over the whole scenario.
    pub index: usize,
    /// Where it is written.
    pub span: Span,
    /// What it does.
    pub action: Action,
    /// Its service, if not the scenario's.
    pub service: Option<String>,
    /// Time for the whole of it.
    pub timeout: Duration,
    /// What must hold.
    pub checks: Vec<Expression>,
    /// What should hold.
    pub warnings: Vec<Expression>,
    /// Numbers in the reply, in the order written.
    pub measures: Vec<(Arc<str>, Expression)>,
    /// What is kept, in the order written.
    pub captures: Vec<(Arc<str>, Expression)>,
    /// Whether it is performed.
    pub when: Option<Expression>,
    /// How often.
    pub repeat: Option<Repeat>,
    /// Again while it fails.
    pub retry: Option<Retry>,
    /// Pause after it.
    pub think: Option<Pause>,
    /// A failure is shown but not counted.
    pub advisory: bool,
    /// Why it cannot hold yet; then it is advisory.
    pub pending: Option<String>,
    /// The step before, in whose place it stands.
    pub instead_of: Option<String>,
    /// Whether the next one stands in for it.
    pub has_stand_in: bool,
    /// How bad it is where it fails, if it says so.
    pub severity: Option<Severity>,
    /// Whether what comes back is kept as evidence.
    pub keeps: bool,
    /// Environments in which it may be performed; any where none is named.
    pub only_in: Vec<String>,
    /// The iteration goes on after a failure.
    pub go_on: bool,
    /// Whether checks or captures look at the body.
    pub wants_body: bool,
    /// The parts of the body that they look at, if they look at nothing else of it.
    pub paths: Vec<super::extract::Path>,
}

impl Step {
    /// Whether it makes a sample.
    pub fn is_measured(&self) -> bool {
        !matches!(self.action, Action::Wait(_))
    }

    /// Whether a check, a warning, a measure, a capture or an `until` of it uses a name.
    pub fn uses(&self, name: &str) -> bool {
        let named = self.measures.iter().chain(&self.captures);
        let until = self
            .repeat
            .iter()
            .filter_map(|repeat| repeat.until.as_ref());
        let mut all = self.checks.iter().chain(&self.warnings).chain(until);
        all.any(|expression| expression.uses(name))
            || named
                .into_iter()
                .any(|(_, expression)| expression.uses(name))
    }

    /// What it does in a browser, if it does.
    pub fn browse(&self) -> Option<&Browse> {
        match &self.action {
            Action::Browser(browse) => Some(browse),
            _ => None,
        }
    }

    /// Whether it measures a page with Lighthouse.
    pub fn measures_quality(&self) -> bool {
        matches!(self.action, Action::Quality(_))
    }

    /// Whether it speaks HTTP/3.
    pub fn is_three(&self) -> bool {
        matches!(&self.action, Action::Http(http) if http.version == HttpVersion::Three)
    }

    /// Whether its address is relative to a service.
    pub fn needs_service(&self) -> bool {
        match &self.action {
            Action::Http(http) => {
                !is_absolute(http.url.start()) && http.url.start().starts_with('/')
            }
            Action::WebSocket(conversation) => conversation.needs_service(),
            Action::Events(followed) => followed.needs_service(),
            Action::Grpc(call) => call.needs_service(),
            Action::Browser(browse) => browse.needs_service(),
            Action::Quality(quality) => quality.needs_service(),
            _ => false,
        }
    }

    /// Whether a check of its own looks at the status.
    pub fn checks_status(&self) -> bool {
        self.checks.iter().any(|check| check.uses("status"))
    }
}

/// A repetition.
#[derive(Debug)]
pub struct Repeat {
    /// How often at most.
    pub times: u64,
    /// Stop as soon as this holds.
    pub until: Option<Expression>,
    /// Pause between rounds.
    pub every: Duration,
}

/// A retry with back-off.
#[derive(Debug)]
pub struct Retry {
    /// Attempts in all.
    pub attempts: u64,
    /// First pause.
    pub delay: Duration,
    /// Growth of the pause.
    pub factor: f64,
    /// Longest pause.
    pub max_delay: Duration,
}

impl Retry {
    /// The pause after attempt `done` (from 1).
    pub fn pause(&self, done: u64) -> Duration {
        let factor = self.factor.max(1.0).powf(done.saturating_sub(1) as f64);
        Duration::try_from_secs_f64(self.delay.as_secs_f64() * factor)
            .unwrap_or(self.max_delay)
            .min(self.max_delay)
    }
}

/// A data file, read.
#[derive(Debug)]
pub struct DataFile {
    /// The name under `data`.
    pub name: String,
    /// Rows, shared by all virtual users.
    pub rows: Arc<Vec<serde_json::Value>>,
    /// Which row an iteration gets.
    pub pick: Pick,
}

impl DataFile {
    /// Its name and the columns that any of its rows has; none where a row has no columns at all.
    pub fn columns(&self) -> (String, BTreeSet<String>) {
        let mut columns = BTreeSet::new();
        for row in self.rows.iter() {
            let Some(row) = row.as_object() else {
                return (self.name.clone(), BTreeSet::new());
            };
            let new = row.keys().filter(|name| !columns.contains(*name));
            let new: Vec<String> = new.cloned().collect();
            columns.extend(new);
        }
        (self.name.clone(), columns)
    }
}

/// Which row an iteration gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The next one over the whole run.
    Next,
    /// A random one.
    Random,
    /// The virtual user's own.
    User,
}

/// A secret that a scenario needs.
#[derive(Debug)]
pub struct SecretNeed {
    /// Its name.
    pub name: String,
    /// Where it is written.
    pub span: Span,
    /// Environment variables, in order.
    pub env: Vec<String>,
    /// A file.
    pub file: Option<PathBuf>,
    /// A command.
    pub command: Vec<String>,
    /// Whether it may be absent.
    pub optional: bool,
    /// Fewest characters.
    pub min_length: Option<u64>,
    /// Exact number of bytes after base64.
    pub base64_bytes: Option<u64>,
    /// A pattern for the whole of it.
    pub matches: Option<regex::Regex>,
    /// Placeholder texts.
    pub refuse: Vec<String>,
    /// How long it must be good yet, of a JSON Web Token.
    pub valid_for: Option<Duration>,
}

/// An input that a scenario needs.
#[derive(Debug)]
pub struct InputNeed {
    /// Its name.
    pub name: String,
    /// Where it is written.
    pub span: Span,
    /// Environment variables, in order.
    pub env: Vec<String>,
    /// Its default.
    pub default: Option<String>,
    /// Whether it may be absent.
    pub optional: bool,
    /// A pattern for the whole of it.
    pub matches: Option<regex::Regex>,
}
