//! `bellwether.yaml` after reading: environments, probes, gates, channels.
//!
//! Knows the meaning of one configuration file. Secrets are still references here; they are
//! fetched by [`super::load::secrets`]. Scenario files are read by [`super::load`].

use crate::document::source::Source;
use crate::environment::settings::{Environment, SecretSource};
use crate::objective::Objective;
use crate::objective::rule::Rule;
use crate::pipeline::vendor::Vendor;
use crate::probe::schedule::Schedule;
use crate::record::state::Waiver;
use crate::scenario::expression::Expression;
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The whole configuration.
#[derive(Debug)]
pub struct File {
    /// The file it came from.
    pub source: Arc<Source>,
    /// The folder that its relative paths start from.
    pub folder: PathBuf,
    /// Address and port to listen on.
    pub listen: String,
    /// Bearer token of the API.
    pub token: Option<Template>,
    /// The address that people reach it under.
    pub public_url: Option<String>,
    /// The SQLite file.
    pub state: PathBuf,
    /// Where secrets are kept.
    pub secrets: BTreeMap<String, SecretSource>,
    /// Environments by name.
    pub environments: BTreeMap<String, Arc<Environment>>,
    /// Probes.
    pub probes: Vec<Probe>,
    /// Gates.
    pub gates: Vec<Gate>,
    /// Channels by name.
    pub channels: BTreeMap<String, Channel>,
}

/// A scenario on a schedule.
#[derive(Debug)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// The scenario's file.
    pub scenario: PathBuf,
    /// Where.
    pub environment: String,
    /// When.
    pub schedule: Schedule,
    /// Time for the whole scenario.
    pub timeout: Duration,
    /// Failures in a row before it is down.
    pub failures: u64,
    /// Successes in a row before it is up.
    pub successes: u64,
    /// Values of inputs.
    pub inputs: BTreeMap<String, String>,
    /// Channels.
    pub tell: Vec<String>,
}

impl File {
    /// A gate by its name.
    pub fn gate(&self, name: &str) -> Option<&Gate> {
        self.gates.iter().find(|gate| gate.name == name)
    }
}

/// What verifies a deploy.
#[derive(Debug)]
pub struct Gate {
    /// Its name.
    pub name: String,
    /// Where.
    pub environment: String,
    /// Services that must serve the version.
    pub services: Vec<String>,
    /// How the version is awaited.
    pub converge: Converge,
    /// Scenarios performed once.
    pub smoke: Vec<PathBuf>,
    /// Scenarios with a load.
    pub load: Vec<PathBuf>,
    /// Keep checking.
    pub bake: Option<Bake>,
    /// How loads are judged.
    pub rule: Rule,
    /// The environment beside it that serves the version before.
    pub baseline: Option<String>,
    /// Whether an inconclusive load is performed once more.
    pub extend: bool,
    /// Who must agree before a promotion.
    pub approval: Option<Approval>,
    /// Gates that must have promoted the same commit before.
    pub after: Vec<Prerequisite>,
    /// Gates whose deploys are rolled back together with this one's.
    pub together: Vec<String>,
    /// Failures that somebody answers for.
    pub waivers: Vec<Waiver>,
    /// Time for single phases, by their words.
    pub budgets: BTreeMap<String, Duration>,
    /// How often the served version is looked at, to start a gate when it changes.
    pub sighting: Option<Duration>,
    /// Values of inputs.
    pub inputs: BTreeMap<String, String>,
    /// Time for everything up to the verdict.
    pub budget: Duration,
    /// What proves a rollback.
    pub prove: Prove,
    /// After promote.
    pub on_promote: Vec<Action>,
    /// After rollback.
    pub on_rollback: Vec<Action>,
    /// Other ways to roll back, tried one after another.
    pub on_fallback: Vec<Action>,
    /// After hold.
    pub on_hold: Vec<Action>,
    /// Statuses on GitHub.
    pub github: Option<Github>,
    /// Signing key of the webhook that starts it.
    pub webhook: Option<Template>,
    /// Other webhooks that start it.
    pub triggers: Triggers,
    /// Channels.
    pub tell: Vec<String>,
}

/// Webhooks of others that start a gate.
#[derive(Debug, Default)]
pub struct Triggers {
    /// GitHub: the webhook's secret, the environment and the workflow that concern the gate.
    pub github: Option<(Template, String, String)>,
    /// Vercel: the webhook's secret.
    pub vercel: Option<Template>,
    /// Anybody else.
    pub mapped: Option<Mapped>,
    /// Whether Flagger may ask.
    pub flagger: bool,
}

/// JSON of anybody, mapped to facts.
#[derive(Debug)]
pub struct Mapped {
    /// The token that the sender shows in `x-webhook-token` or `x-gitlab-token`, or as a bearer.
    pub token: Template,
    /// When it concerns the gate.
    pub when: Option<Expression>,
    /// Facts by name.
    pub facts: BTreeMap<String, Expression>,
}

/// Who must agree.
#[derive(Debug, Clone, Copy)]
pub struct Approval {
    /// How many people.
    pub required: u64,
    /// How long they are waited for.
    pub timeout: Duration,
}

/// A gate that must have promoted the same commit before.
#[derive(Debug, Clone)]
pub struct Prerequisite {
    /// Its name.
    pub gate: String,
    /// Not longer ago than this.
    pub within: Duration,
    /// How long it is waited for while it still runs.
    pub wait: Duration,
}

/// How a version is awaited.
#[derive(Debug, Clone, Copy)]
pub struct Converge {
    /// Reads in a row.
    pub reads: u64,
    /// Pause between reads.
    pub every: Duration,
    /// Longest time.
    pub timeout: Duration,
}

/// Keep checking for a while.
#[derive(Debug)]
pub struct Bake {
    /// How long.
    pub duration: Duration,
    /// Pause between rounds.
    pub every: Duration,
    /// Scenarios of a round.
    pub scenarios: Vec<PathBuf>,
    /// Failed rounds in a row that end it.
    pub failures: u64,
    /// Objectives over all its requests.
    pub objectives: Vec<Objective>,
}

/// What proves a rollback.
#[derive(Debug)]
pub struct Prove {
    /// How the old version is awaited. Its timeout is that of the actions of a way, and again of
    /// the way's proof.
    pub converge: Converge,
    /// Scenarios that must pass on the old version.
    pub smoke: Vec<PathBuf>,
    /// Target for the action.
    pub action_target: Duration,
    /// Target from the verdict to healthy.
    pub healthy_target: Duration,
}

/// What a verdict makes us do.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// What it is known by in orders that were committed, wherever it stands in the configuration
    /// by then: its kind with its name, or with a digest of what is written where it has none.
    pub identity: String,
    /// What it is.
    pub kind: ActionKind,
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// Attempts at the most.
    pub attempts: u32,
}

impl Gate {
    /// The actions that a target of the outbox names: of `promote`, `rollback`, `fallback` or `hold`.
    pub fn actions(&self, word: &str) -> &[Action] {
        match word {
            "promote" => &self.on_promote,
            "rollback" => &self.on_rollback,
            "fallback" => &self.on_fallback,
            _ => &self.on_hold,
        }
    }

    /// The action of a committed order: the one that was there then, wherever it stands now.
    /// Nothing if there is no such action any more.
    pub fn ordered(&self, word: &str, number: usize, identity: &str) -> Option<&Action> {
        ordered(self.actions(word), number, identity)
    }
}

fn ordered<'a>(actions: &'a [Action], number: usize, identity: &str) -> Option<&'a Action> {
    let is_it = |action: &&Action| identity.is_empty() || action.identity == identity;
    actions
        .get(number)
        .filter(is_it)
        .or_else(|| actions.iter().find(is_it).filter(|_| !identity.is_empty()))
}

impl ActionKind {
    /// The word of the kind.
    pub fn word(&self) -> &'static str {
        match self {
            ActionKind::Command { .. } => "command",
            ActionKind::Webhook(_) => "webhook",
            ActionKind::Vendor(vendor, _) => vendor.key(),
        }
    }
}

/// Kinds of actions.
#[derive(Debug)]
pub enum ActionKind {
    /// A program.
    Command {
        /// Its words.
        words: Vec<Template>,
        /// Its working directory.
        folder: Option<PathBuf>,
    },
    /// A signed webhook.
    Webhook(Webhook),
    /// A platform that deploys, with its settings.
    Vendor(Vendor, BTreeMap<String, Template>),
}

/// A webhook that goes out.
#[derive(Debug)]
pub struct Webhook {
    /// Where.
    pub url: Template,
    /// Signing key.
    pub secret: Option<Template>,
}

/// Statuses on GitHub.
#[derive(Debug)]
pub struct Github {
    /// `owner/name`.
    pub repository: String,
    /// A token.
    pub token: Template,
    /// Name of the commit status.
    pub context: String,
    /// Whether a check run is made (a GitHub App's token).
    pub checks: bool,
    /// Whether an issue is opened for a rollback, once, and kept up to date.
    pub issues: bool,
    /// Base URL of the API.
    pub api: String,
}

/// Where people are told.
#[derive(Debug)]
pub enum Channel {
    /// E-mail.
    Email(Box<Email>),
    /// Slack.
    Slack(Template),
    /// A webhook.
    Webhook(Webhook),
}

/// E-mail over SMTP.
#[derive(Debug)]
pub struct Email {
    /// Host name.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Protection.
    pub security: Security,
    /// User name.
    pub user: Option<Template>,
    /// Password.
    pub password: Option<Template>,
    /// Sender.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// A further certificate authority.
    pub ca_file: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Clear text first, then TLS; refused where the server does not offer it.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// Clear text.
    None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_finds_its_action_wherever_it_stands_by_now() {
        let action = |name: &str| Action {
            name: name.to_owned(),
            identity: format!("command {name}"),
            kind: ActionKind::Command {
                words: Vec::new(),
                folder: None,
            },
            timeout: Duration::ZERO,
            attempts: 1,
        };
        let now = [action("new"), action("old")];
        let found = |number, identity| ordered(&now, number, identity).map(|it| it.name.as_str());
        assert_eq!(found(0, "command old"), Some("old"));
        assert_eq!(found(1, "command old"), Some("old"));
        assert_eq!(found(0, "webhook old"), None, "it is of another kind now");
        assert_eq!(found(0, "command gone"), None);
        // Rows of before have no identity.
        assert_eq!(found(1, ""), Some("old"));
        assert_eq!(found(7, ""), None);
    }
}
