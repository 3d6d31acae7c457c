//! What others must have done: gates before this one, and people who agree.

use super::context::PhaseContext;
use super::driver::now_ms;
use crate::delivery::means::Means;
use crate::document::Diagnostics;
use crate::duration::show;
use crate::load::Stop;
use crate::project::file;
use crate::project::gate::Prerequisite;
use crate::record::state::Verdict;
use crate::store::{StoreFault, history, insist};
use crate::watch::budget::{History, Standing, standing};
use std::path::Path;
use std::time::{Duration, Instant};

/// Time for a platform to answer in the preflight.
const PLATFORM_WITHIN: Duration = Duration::from_secs(20);
/// Pause between looks at another gate.
pub const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Whether every gate that comes before has promoted the same commit. Waits for those that run.
pub async fn promoted_before(context: &PhaseContext<'_>) -> Result<(), String> {
    for wanted in &context.gate.after {
        promoted(context, wanted).await?;
    }
    Ok(())
}

/// Reads the state, however long that takes, until the gate is stopped.
pub async fn read<T, F>(
    context: &PhaseContext<'_>,
    what: &str,
    look: impl FnMut() -> F,
) -> Result<T, String>
where
    F: Future<Output = Result<T, StoreFault>>,
{
    tokio::select! {
        found = insist(what, look) => found.map_err(|fault| format!("{what} cannot be read: {fault}")),
        () = context.control.stopped() => Err("it was stopped".to_owned()),
    }
}

async fn promoted(context: &PhaseContext<'_>, wanted: &Prerequisite) -> Result<(), String> {
    let facts = &context.record.facts;
    let what = if facts.commit.is_empty() {
        format!("version {}", facts.version)
    } else {
        format!("commit {}", facts.commit)
    };
    let deadline = Instant::now() + wanted.wait;
    loop {
        let since = now_ms() - wanted.within.as_millis() as i64;
        let look = || {
            let (gate, commit) = (wanted.gate.clone(), facts.commit.clone());
            let store = context.store;
            store.gate_of(gate, commit, facts.version.clone(), since)
        };
        let question = format!("whether `{}` promoted it", wanted.gate);
        match read(context, &question, look).await? {
            None => {
                return Err(format!(
                    "`{}` has not verified {what} in the last {}",
                    wanted.gate,
                    show(wanted.within)
                ));
            }
            Some(record) if record.state.verdict == Some(Verdict::Promote) => return Ok(()),
            Some(record) => {
                if let Some(verdict) = record.state.verdict {
                    return Err(format!(
                        "`{}` did not promote {what}: gate {} says {}",
                        wanted.gate,
                        record.id,
                        verdict.word()
                    ));
                }
                if Instant::now() >= deadline || context.control.asked() != Stop::No {
                    return Err(format!(
                        "gate {} of `{}` is not done with {what}",
                        record.id, wanted.gate
                    ));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// Which error budgets forbid a deploy: less is left than is asked for, or they burn now. What is not
/// known forbids it, too.
pub async fn budgets(context: &PhaseContext<'_>) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, least) in &context.gate.require_budget {
        let slos = &context.project.file.slos;
        let Some(slo) = slos.iter().find(|slo| slo.name == *name) else {
            problems.push(format!("there is no SLO `{name}`"));
            continue;
        };
        let probes: Vec<&str> = slo.probes_of(context.project).collect();
        let now_s = now_ms() / 1_000;
        let from_s = now_s - slo.goal.window.seconds();
        let look = || async {
            let mut kept = History::default();
            history::read(context.store, &slo.goal, &probes, &mut kept, from_s).await?;
            Ok(kept)
        };
        match read(context, &format!("the error budget of `{name}`"), look).await {
            Ok(kept) => problems.extend(budget(name, *least, &standing(&slo.goal, &kept, now_s))),
            Err(problem) => problems.push(problem),
        }
    }
    problems
}

fn budget(name: &str, least: f64, seen: &Standing) -> Option<String> {
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let Some(left) = seen.remaining else {
        return Some(format!(
            "nothing was measured for the SLO `{name}`, so its error budget is not known"
        ));
    };
    if let Some((_, rate)) = seen.burning {
        return Some(format!(
            "the error budget of `{name}` burns {rate:.1} times as fast as it may"
        ));
    }
    (left < least).then(|| {
        format!(
            "{} of the error budget of `{name}` is left, and {} is needed",
            percent(left),
            percent(least)
        )
    })
}

/// The secrets of the configuration, and sockets that trust the authority of a file.
pub fn means_of(context: &PhaseContext<'_>, ca_file: Option<&Path>) -> Result<Means, String> {
    let mut found = Diagnostics::default();
    let file = &context.project.file;
    Ok(Means {
        connector: file::connector(file, ca_file, Duration::ZERO)?,
        secrets: tokio::task::block_in_place(|| file::secrets(file, &mut found)),
    })
}

/// What is wrong with the actions of a verdict: programs, texts, credentials and targets are proven
/// before anything is measured, since a rollback that cannot be ordered is found out too late.
pub async fn actions(context: &PhaseContext<'_>) -> Vec<String> {
    let gate = context.gate;
    // Without a version to go back to there is no target that could be proven.
    let goes_back = context.record.rollback_to.is_some();
    let back = [&gate.on_rollback, &gate.on_fallback]
        .into_iter()
        .filter(|_| goes_back);
    let used: Vec<_> = back.chain([&gate.on_promote]).flatten().collect();
    if used.is_empty() || !context.environment.enforce {
        return Vec::new();
    }
    let means = match means_of(context, None) {
        Ok(means) => means,
        Err(reason) => return vec![reason],
    };
    let mut problems = Vec::new();
    for action in used {
        let found = action
            .obstacle(&means, context.record, PLATFORM_WITHIN)
            .await;
        if let Some(problem) = found {
            problems.push(format!(
                "the action `{}` could not be performed: {problem}",
                action.name
            ));
        }
    }
    problems
}
