//! Performs a phase within its time, and says who answers for it if it did not pass.

use super::context::{Ended, PhaseContext, valid_waivers};
use super::driver::{Driver, Handle, Outside, now_ms};
use super::event::Event;
use super::rehearsal;
use crate::load::Tick;
use crate::objective::Outcome;
use crate::objective::evidence::Evidence;
use crate::project::current::find;
use crate::project::gate::Gate;
use crate::record::gate::Record;
use crate::record::state::{Phase, Waiver};
use crate::run::Summary;
use crate::store::insist;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Time for teardown once the budget of a gate is spent.
const CLEAN_UP_WITHIN: Duration = Duration::from_secs(30);

impl Driver {
    pub(super) async fn perform(
        &self,
        record: &Record,
        phase: Phase,
        handle: &Handle,
    ) -> Option<Event> {
        let project = self.current.get();
        let Some((gate, environment)) = find(&project, record) else {
            return Some(gone(record, phase));
        };
        let earlier = if record.state.extended == Some(phase) {
            tokio::select! {
                found = self.earlier_evidence(record.id) => found,
                // Nothing is concluded from what is stopped.
                () = handle.control.stopped() => Ok(BTreeMap::new()),
            }
        } else {
            Ok(BTreeMap::new())
        };
        let earlier = match earlier {
            Ok(earlier) => earlier,
            Err(reason) => {
                // Nobody knows what the loads before have shown: more of the same proves nothing.
                let unknown = Ended::new(Outcome::Inconclusive, reason);
                return Some(ended(phase, unknown, false, Vec::new()));
            }
        };
        let time = left(gate, record, phase);
        let seen = Arc::default();
        let context = PhaseContext {
            project: &project,
            gate,
            environment,
            record,
            control: &handle.control,
            deadline: Instant::now() + time,
            live: &self.live,
            baseline: gate
                .baseline
                .as_ref()
                .and_then(|name| project.file.environments.get(name)),
            earlier: &earlier,
            store: &self.store,
            seen: &seen,
            noted: &handle.noted,
        };
        let metrics = self.metrics.clone();
        let mut on_tick = move |scenario: &str, tick: &Tick| metrics.run_tick(scenario, tick);
        let mut work = self.world.perform(phase, &context, &mut on_tick);
        let performed = tokio::select! {
            biased;
            performed = &mut work => Some(performed),
            () = tokio::time::sleep(time) => {
                // What it has begun is cleaned up, but not for ever.
                handle.control.stop();
                let _ = tokio::time::timeout(CLEAN_UP_WITHIN, work).await;
                None
            }
        };
        let performed = match performed {
            // In a time of its own: a failure that was measured is none the less one.
            Some(ended) if phase.measures() || phase.waits() => {
                Some(self.world.still(&context, ended).await)
            }
            performed => performed,
        };
        let performed = performed.map(|ended| rehearsal::rehearsed(&record.facts, phase, ended));
        if self.stopping.load(Relaxed) {
            return None;
        }
        if let Some(ended) = &performed {
            self.diagnose(&context, phase, ended).await;
        }
        match (handle.take_outside(), performed) {
            (Some(Outside::Cancel(by)), _) => Some(Event::Cancelled { by }),
            (Some(Outside::RollBack(order)), _) => Some(Event::RollbackOrdered(order)),
            (None, None) => Some(Event::BudgetExceeded),
            (None, Some(mut performed)) => {
                let runs = std::mem::take(&mut performed.runs);
                let held = runs.iter().any(|run| run.outcome == Outcome::Pass);
                let waived = self
                    .waivers(gate, record.id, phase, &performed, &runs)
                    .await;
                let mut all = std::mem::take(&mut performed.spoiled);
                all.extend(runs);
                // An extension goes on from them; any other verdict does not wait for its evidence.
                let is_needed = performed.is_open;
                self.keep_runs(record.id, phase.word(), all, is_needed)
                    .await;
                Some(ended(phase, performed, held, waived))
            }
        }
    }

    /// What is looked at where a phase did not pass, kept as evidence.
    async fn diagnose(&self, context: &PhaseContext<'_>, phase: Phase, ended: &Ended) {
        let is_wanted = !context.gate.diagnostics.is_empty() && !phase.waits();
        if is_wanted && ended.outcome != Outcome::Pass {
            let seen = self.world.diagnose(context).await;
            self.keep_runs(context.record.id, "diagnostics", seen, false)
                .await;
        }
    }

    /// Evidence of the loads that were inconclusive: the newest of each scenario, by its name, but
    /// none that nothing may be concluded from.
    async fn earlier_evidence(&self, id: i64) -> Result<BTreeMap<String, Evidence>, String> {
        let unreadable =
            |fault| format!("the evidence before the extension cannot be read: {fault}");
        let mut found = BTreeMap::new();
        let rows = insist("which loads there were", || self.store.runs(Some(id), 100)).await;
        let rows = rows.map_err(unreadable)?;
        for row in rows.iter().filter(|row| row.phase == Phase::Load.word()) {
            if found.contains_key(&row.scenario) {
                continue;
            }
            let run = insist("the evidence of a load", || self.store.run(row.id)).await;
            if let Some(evidence) = run.map_err(unreadable)?.and_then(|run| run.evidence)
                && !evidence.is_spoiled
            {
                found.insert(row.scenario.clone(), evidence);
            }
        }
        Ok(found)
    }

    /// Those who answer for a phase that did not pass: for the phase itself, or for each of its
    /// scenarios that did not. A waiver that has run out is none.
    async fn waivers(
        &self,
        gate: &Gate,
        id: i64,
        phase: Phase,
        ended: &Ended,
        runs: &[Summary],
    ) -> Vec<Waiver> {
        if ended.outcome == Outcome::Pass || ended.is_foreign {
            return Vec::new();
        }
        if phase == Phase::Preconditions {
            return ended.skipped.clone();
        }
        let notes = insist("the waivers", || self.store.notes_of(id)).await;
        let valid = valid_waivers(gate, notes.unwrap_or_default());
        let paths = match phase {
            Phase::Smoke => &gate.smoke,
            Phase::Load => &gate.load,
            // What fails in a bake, its objectives say: only the phase as a whole can be waived.
            _ => return matching(&valid, phase, &[], &[]),
        };
        let project = self.current.get();
        let planned: Vec<String> = paths
            .iter()
            .map(|path| {
                project
                    .plans
                    .get(path)
                    .map_or(String::new(), |plan| plan.name.to_string())
            })
            .collect();
        matching(&valid, phase, &planned, runs)
    }

    /// Keeps runs as evidence; if they are needed, however long that takes.
    pub(super) async fn keep_runs(
        &self,
        id: i64,
        phase: &str,
        runs: Vec<Summary>,
        is_needed: bool,
    ) {
        for run in runs {
            let keep = || {
                let (phase, run) = (phase.to_owned(), run.clone());
                self.store.add_run(Some(id), phase, run, now_ms())
            };
            let kept = if is_needed {
                insist("the evidence of a run", keep).await
            } else {
                keep().await
            };
            if let Err(fault) = kept {
                tracing::error!(id, phase, %fault, "The evidence of a run cannot be kept");
            }
        }
    }
}

/// Pure: which waivers let a phase go on; none if one of its scenarios neither passed nor has
/// somebody who answers for it, be it that it was never performed. Only what is measured can be
/// answered for: who must agree, when, and after what, is not waived.
fn matching(valid: &[Waiver], phase: Phase, planned: &[String], runs: &[Summary]) -> Vec<Waiver> {
    if !phase.measures() {
        return Vec::new();
    }
    let of_phase = |waiver: &&Waiver| waiver.is_for_phase(phase, planned);
    if let Some(waiver) = valid.iter().find(of_phase) {
        return vec![waiver.clone()];
    }
    let mut found = Vec::new();
    for name in planned {
        let mut of_it = runs.iter().filter(|run| run.scenario == *name).peekable();
        let passed = of_it.peek().is_some() && of_it.all(|run| run.outcome == Outcome::Pass);
        match valid.iter().find(|waiver| waiver.is_for_scenario(name)) {
            _ if passed => {}
            Some(waiver) => found.push(waiver.clone()),
            None => return Vec::new(),
        }
    }
    found
}

/// The gate is configured for its environment no more.
fn gone(record: &Record, phase: Phase) -> Event {
    let (gate, environment) = (&record.gate, &record.environment);
    let reason = format!("the gate `{gate}` is no longer configured for {environment}");
    let gone = Ended::new(Outcome::Inconclusive, reason);
    ended(phase, gone, false, Vec::new())
}

fn ended(phase: Phase, performed: Ended, held: bool, waived: Vec<Waiver>) -> Event {
    Event::PhaseEnded {
        phase,
        outcome: performed.outcome,
        reasons: performed.reasons,
        is_open: performed.is_open,
        held,
        waived,
        failing_ms: performed.failing_ms,
        holds: performed.holds,
    }
}

/// The time that is left for a phase: its own budget, and that of the whole gate.
fn left(gate: &Gate, record: &Record, phase: Phase) -> Duration {
    let remedy = record.state.remedy.as_ref();
    let begun_ms = remedy.and_then(|remedy| remedy.settled_ms);
    let begun_ms = begun_ms.unwrap_or(record.state.started_ms);
    let whole = gate.budget.as_millis() as i64 - (now_ms() - begun_ms);
    let whole = Duration::from_millis(whole.max(0) as u64);
    let waits = match phase {
        Phase::Approval => Some(gate.people_within()),
        Phase::Pair => Some(gate.pair_within()),
        _ => None,
    };
    if let Some(waits) = waits {
        // Others are not measured by the budget of the measurements.
        return waits + Duration::from_secs(5);
    }
    match gate.budgets.get(phase.word()) {
        Some(budget) => whole.min(*budget),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_for_one_scenario_does_not_cover_another_that_was_never_performed() {
        let waiver = |check: &str| Waiver {
            check: check.to_owned(),
            by: "jane".to_owned(),
            reason: "known".to_owned(),
            until_ms: 1,
        };
        let planned = ["a".to_owned(), "b".to_owned()];
        let of = |valid: &[Waiver]| matching(valid, Phase::Load, &planned, &[]).len();
        assert_eq!(of(&[waiver("a")]), 0);
        assert_eq!(of(&[waiver("a"), waiver("b")]), 2);
        assert_eq!(of(&[waiver("load")]), 1);
        assert_eq!(matching(&[waiver("a")], Phase::Bake, &[], &[]).len(), 0);
        // A name that is both is the scenario's.
        let smoke = ["smoke".to_owned(), "b".to_owned()];
        let of = |check: &str| matching(&[waiver(check)], Phase::Smoke, &smoke, &[]).len();
        assert_eq!((of("smoke"), of("phase/smoke")), (0, 1));
        for phase in [
            Phase::Preflight,
            Phase::Approval,
            Phase::Pair,
            Phase::Converge,
        ] {
            let waivers = [
                waiver(phase.word()),
                waiver(&format!("phase/{}", phase.word())),
            ];
            assert_eq!(matching(&waivers, phase, &[], &[]).len(), 0, "{phase:?}");
        }
    }
}
