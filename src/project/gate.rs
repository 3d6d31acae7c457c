//! A gate as configured: what verifies a deploy.

use super::before::{Attestation, Precondition};
use super::counter::Counter;
use crate::objective::Objective;
use crate::objective::levels::Levels;
use crate::objective::rule::Rule;
use crate::objective::tally;
use crate::pipeline::action::{Action, ordered};
use crate::pipeline::github::Github;
use crate::pipeline::source::Sources;
use crate::pipeline::ticket::Ticket;
use crate::record::state::{Phase, Waiver};
use crate::record::target::Occasion;
use crate::scenario::Plan;
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// How long attestations are waited for where no approval says it.
const PEOPLE_WITHIN: Duration = Duration::from_secs(3600);

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
    /// What must hold before anything of the deploy is measured, in order.
    pub preconditions: Vec<Precondition>,
    /// What people must say before a promotion.
    pub attestations: Vec<Attestation>,
    /// Scenarios performed where a phase did not pass, as evidence.
    pub diagnostics: Vec<PathBuf>,
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
    /// Shares of error budgets that must be left, by the names of their SLOs.
    pub require_budget: BTreeMap<String, f64>,
    /// Gates whose deploys are rolled back together with this one's.
    pub together: Vec<String>,
    /// Gates that are promoted only together with this one.
    pub pair: Vec<String>,
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
    /// Tried once where a measurement fails, before anything is concluded.
    pub on_failure: Vec<Action>,
    /// Changes the database back, by consent and before a rollback.
    pub down: Vec<Action>,
    /// Whether the version before works on what a deploy makes of the database.
    pub migrates_compatibly: bool,
    /// Statuses on GitHub.
    pub github: Option<Github>,
    /// What is performed while it rolls out.
    pub rollout: Option<Rolling>,
    /// Secrets of its scenarios that are to be other ones at each release.
    pub rotated: Vec<String>,
    /// Where its record is attached.
    pub ticket: Option<Ticket>,
    /// Pages that people want beside.
    pub links: BTreeMap<String, String>,
    /// Signing key of the webhook that starts it.
    pub webhook: Option<Template>,
    /// Webhooks of others that start it, by the last part of their address.
    pub sources: Sources,
    /// Whether Flagger may ask.
    pub flagger: bool,
    /// Channels.
    pub tell: Vec<String>,
}

/// Who must agree.
#[derive(Debug, Clone, Copy)]
pub struct Approval {
    /// How many people.
    pub required: u64,
    /// Whether the one who deployed may be among them.
    pub by_actor: bool,
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

impl Gate {
    /// How long people are waited for.
    pub fn people_within(&self) -> Duration {
        let own = self.approval.map(|approval| approval.timeout);
        let budget = self.budgets.get(Phase::Approval.word()).copied();
        own.or(budget).unwrap_or(PEOPLE_WITHIN)
    }

    /// How long the other one of a pair is waited for.
    pub fn pair_within(&self) -> Duration {
        let budget = self.budgets.get(Phase::Pair.word()).copied();
        budget.unwrap_or(PEOPLE_WITHIN)
    }

    /// The files of its scenarios, each as often as it is named.
    pub fn scenarios(&self) -> impl Iterator<Item = &PathBuf> {
        let before = self.preconditions.iter().flat_map(|one| &one.scenarios);
        let baked = self.bake.iter().flat_map(|bake| &bake.scenarios);
        let measured = self.smoke.iter().chain(&self.load).chain(baked);
        let after = self.prove.smoke.iter().chain(&self.diagnostics);
        let rolling = self.rollout.iter().flat_map(|rollout| &rollout.scenarios);
        before.chain(rolling).chain(measured).chain(after)
    }

    /// How its error rate is shared out among its phases.
    pub fn levels(&self) -> Levels {
        let has = [
            !self.smoke.is_empty(),
            !self.load.is_empty(),
            self.bake.is_some(),
        ];
        Levels::of(self.rule.rollback_level, has)
    }

    /// The objectives of one of its loads: those of the scenario, and a share of errors where none of
    /// them counts all failures, since nothing is promoted of which nobody looked whether it works.
    pub fn objectives_of(&self, plan: &Plan) -> Vec<Objective> {
        let mut objectives = plan.objectives.clone();
        let counts_all =
            |objective: &Objective| objective.is_of_all() && tally::is_sequential(objective);
        if !objectives.iter().any(counts_all) {
            let share = self.rule.allowance * 100.0;
            objectives.extend(Objective::parse(&format!("error_rate < {share}%")).ok());
        }
        objectives
    }
}

/// What is performed while a version rolls out.
#[derive(Debug, Clone)]
pub struct Rolling {
    /// Scenarios of a round.
    pub scenarios: Vec<PathBuf>,
    /// Pause between the beginnings of two rounds.
    pub every: Duration,
    /// The longest time that may pass without a round that passes, if anything is asked of it.
    pub downtime: Option<Duration>,
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
    /// Objectives over all its requests.
    pub objectives: Vec<Objective>,
    /// Counters of others that are judged beside.
    pub counters: Vec<Counter>,
}

impl Bake {
    /// Rounds at the most.
    pub fn rounds(&self) -> u64 {
        let every = self.every.as_millis().max(1);
        (self.duration.as_millis() / every + 1) as u64
    }

    /// Into how many parts its level is shared out: rounds that fail again, rounds that fail too
    /// often, and each objective, those of counters among them.
    pub fn parts(&self) -> usize {
        2 + self.objectives.len() + self.counters.len()
    }
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

impl Gate {
    /// The actions of an occasion.
    pub fn actions(&self, occasion: Occasion) -> &[Action] {
        match occasion {
            Occasion::Promote => &self.on_promote,
            Occasion::Rollback => &self.on_rollback,
            Occasion::Fallback => &self.on_fallback,
            Occasion::Hold => &self.on_hold,
            Occasion::Remedy => &self.on_failure,
            Occasion::Down => &self.down,
        }
    }

    /// The action of a committed order: the one that was there then, wherever it stands now.
    /// Nothing if there is no such action any more.
    pub fn ordered(&self, occasion: Occasion, number: usize, identity: &str) -> Option<&Action> {
        ordered(self.actions(occasion), number, identity)
    }
}
