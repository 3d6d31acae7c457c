//! What pages and API share: a gate, a probe and the whole, as values to be shown.

use crate::objective::Outcome;
use crate::record::effect::Effect;
use crate::record::gate::Record;
use crate::record::run::RunRow;
use crate::record::state::Position;
use crate::run::observation::Observation;
use crate::watch::health::ProbeState;
use crate::watch::result::ProbeResult;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A gate in a list.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GateView {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub gate: String,
    /// The environment.
    pub environment: String,
    /// The version.
    pub version: String,
    /// The version to go back to.
    pub rollback_to: Option<String>,
    /// The commit.
    pub commit: String,
    /// Who deployed it.
    pub actor: String,
    /// Why it was deployed.
    pub reason: String,
    /// The pipeline's page.
    pub link: String,
    /// Whether it only rehearses.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsal: bool,
    /// The ticket of the change.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ticket: String,
    /// Pages that people want beside.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<String, String>,
    /// The phase, `acting`, `proving` or `done`.
    pub position: String,
    /// `promote`, `rollback` or `hold`, once reached.
    pub verdict: Option<String>,
    /// Why.
    pub reasons: Vec<String>,
    /// Whether the rollback is proven, once that is known.
    pub proven: Option<bool>,
    /// What the proof saw.
    pub proof_reasons: Vec<String>,
    /// From the verdict to the end of the rollback action, in milliseconds.
    pub action_ms: Option<i64>,
    /// From what triggered the rollback to healthy, in milliseconds.
    pub healthy_ms: Option<i64>,
    /// Targets of a rollback that it missed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
    /// What the deploy changed the database to, where nobody has consented to roll back all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated: Option<String>,
    /// When it started, RFC 3339.
    pub started: String,
    /// When the verdict was reached, RFC 3339.
    pub decided: Option<String>,
    /// Phases that ended: name, outcome, reasons.
    pub phases: Vec<PhaseView>,
    /// Why the verdict was not carried out, if it was to be and was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undone: Option<String>,
    /// Whether nothing is done, and only said: the environment does not say `enforce: true`.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether nothing is left to do.
    pub done: bool,
}

/// A phase that ended.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PhaseView {
    /// Its name.
    pub phase: String,
    /// Its outcome.
    pub outcome: String,
    /// Why.
    pub reasons: Vec<String>,
    /// When it ended, RFC 3339.
    pub ended: String,
}

/// A gate with everything that is known of it.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct GateDetail {
    /// The gate.
    #[serde(flatten)]
    pub gate: GateView,
    /// Its timeline: when, and what.
    pub timeline: Vec<TimelineView>,
    /// Its effects.
    pub signals: Vec<SignalView>,
    /// Its runs.
    pub runs: Vec<RunView>,
}

/// A line of a timeline.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TimelineView {
    /// When, RFC 3339.
    pub at: String,
    /// What.
    pub event: String,
}

/// An effect on its way, or settled.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SignalView {
    /// Its key.
    pub key: String,
    /// What delivers it.
    pub target: String,
    /// `pending`, `delivered` or `given_up`.
    pub state: String,
    /// Attempts.
    pub attempts: u32,
    /// What came back.
    pub result: String,
}

/// A run of a gate.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RunView {
    /// Its number.
    pub id: i64,
    /// The phase it belongs to.
    pub phase: String,
    /// The scenario.
    pub scenario: String,
    /// Its outcome.
    pub outcome: String,
    /// When it ended, RFC 3339.
    pub at: String,
}

/// A probe.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProbeView {
    /// Its name.
    pub name: String,
    /// The environment.
    pub environment: String,
    /// Its schedule.
    pub schedule: String,
    /// What it is shown with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `up`, `degraded`, `down`, `unknown`, `flapping`, `maintenance` or `paused`.
    pub health: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Share of kept results that passed, of those that were measured.
    pub availability: Option<f64>,
    /// The last outcome.
    pub last_outcome: Option<String>,
    /// Why it did not pass.
    pub last_reason: String,
    /// How long the last run took, in milliseconds.
    pub last_ms: Option<f64>,
}

/// A moment as people and machines read it.
pub fn time(ms: i64) -> String {
    crate::clock::exact_text_of(ms)
}

/// A gate.
pub fn gate(record: &Record) -> GateView {
    let state = &record.state;
    let proof = state.proof.as_ref();
    GateView {
        id: record.id,
        gate: record.gate.clone(),
        environment: record.environment.clone(),
        version: record.facts.version.clone(),
        rollback_to: record.rollback_to.clone(),
        commit: record.facts.commit.clone(),
        actor: record.facts.actor.clone(),
        reason: record.facts.reason.clone(),
        link: record.facts.link.clone(),
        rehearsal: record.facts.rehearsal,
        ticket: record.facts.ticket.clone(),
        links: record.facts.links.clone(),
        position: match state.position {
            Position::Measuring(phase) => phase.word(),
            Position::Remedying => "trying a remedy",
            Position::Consenting => "waiting for consent",
            Position::Locking => "waiting for the lock",
            Position::Acting => "acting",
            Position::Proving => "proving",
            Position::Done => "done",
        }
        .to_owned(),
        verdict: state.verdict.map(|verdict| verdict.word().to_owned()),
        reasons: state.reasons.clone(),
        proven: proof.map(|proof| proof.proven),
        proof_reasons: proof.map(|proof| proof.reasons.clone()).unwrap_or_default(),
        action_ms: proof.and_then(|proof| proof.action_ms),
        healthy_ms: proof.and_then(|proof| proof.healthy_ms),
        late: proof.map(|proof| proof.late.clone()).unwrap_or_default(),
        migrated: (state.asks_consent && state.consent.is_none())
            .then(|| record.migrations().join(", ")),
        started: time(state.started_ms),
        decided: state.verdict_ms.map(time),
        phases: state
            .phases
            .iter()
            .map(|phase| PhaseView {
                phase: phase.phase.word().to_owned(),
                outcome: phase.word().to_owned(),
                reasons: phase.reasons.clone(),
                ended: time(phase.ended_ms),
            })
            .collect(),
        undone: state.undone.clone(),
        dry_run: state.dry_run,
        done: state.is_done(),
    }
}

/// A gate with everything.
pub fn detail(
    record: &Record,
    events: &[(i64, String)],
    effects: &[Effect],
    runs: &[RunRow],
) -> GateDetail {
    GateDetail {
        gate: gate(record),
        timeline: events
            .iter()
            .map(|(at, event)| TimelineView {
                at: time(*at),
                event: event.clone(),
            })
            .collect(),
        signals: effects
            .iter()
            .map(|effect| SignalView {
                key: effect.key.clone(),
                target: effect.target.to_string(),
                state: effect.state.word().to_owned(),
                attempts: effect.attempts,
                result: effect.result.clone(),
            })
            .collect(),
        runs: runs.iter().rev().map(run).collect(),
    }
}

/// A run.
pub fn run(row: &RunRow) -> RunView {
    RunView {
        id: row.id,
        phase: row.phase.clone(),
        scenario: row.scenario.clone(),
        outcome: row.outcome.word().to_owned(),
        at: time(row.at_ms),
    }
}

/// A probe.
pub fn probe(view: &View) -> ProbeView {
    let counted = || {
        let results = view.results.iter();
        results.filter(|result| !result.is_excluded && result.outcome != Outcome::Inconclusive)
    };
    let passed = counted().filter(|result| result.outcome == Outcome::Pass);
    let (measured, passed) = (counted().count(), passed.count());
    let last = view.results.last();
    ProbeView {
        name: view.name.clone(),
        environment: view.environment.clone(),
        schedule: view.schedule.clone(),
        group: view.group.clone(),
        health: view.standing.to_owned(),
        since: match view.state.since_ms {
            0 => String::new(),
            since => time(since),
        },
        availability: (measured > 0).then(|| passed as f64 / measured as f64),
        last_outcome: last.map(|result| result.outcome.word().to_owned()),
        last_reason: last
            .map(|result| result.reason.to_string())
            .unwrap_or_default(),
        last_ms: last.map(|result| result.duration_us as f64 / 1e3),
    }
}

/// What a list of thousands shows of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// Its name.
    pub name: Arc<str>,
    /// Its environment.
    pub environment: String,
    /// What it is shown with.
    pub group: Option<String>,
    /// `up`, `degraded`, `down`, `unknown`, `flapping`, `maintenance`, `idle` or `paused`.
    pub standing: &'static str,
    /// Since when its health is what it is, in milliseconds since 1970; 0 where that is not known.
    pub since_ms: i64,
    /// Why its last run did not pass.
    pub reason: Arc<str>,
}

/// What the pages show of a probe.
#[derive(Debug, Clone)]
pub struct View {
    /// Its name.
    pub name: String,
    /// Its environment.
    pub environment: String,
    /// Its schedule, as people read it.
    pub schedule: String,
    /// What it is shown with.
    pub group: Option<String>,
    /// `up`, `degraded`, `down`, `unknown`, `flapping`, `maintenance` or `paused`.
    pub standing: &'static str,
    /// Its state.
    pub state: ProbeState,
    /// Its newest results, oldest first.
    pub results: Vec<ProbeResult>,
    /// The newest run.
    pub last: Option<Arc<Observation>>,
    /// The newest run that did not pass, since the process began.
    pub failing: Option<Arc<Observation>>,
    /// When that was.
    pub failing_ms: i64,
}
