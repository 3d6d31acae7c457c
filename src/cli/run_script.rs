//! A script in `bellwether run`: from a file, inputs and secrets to something that can be performed, and what it
//! comes to beside the objectives.
//!
//! Does not perform it. Invariant: what k6 would call passed, and was not measured, is none here.

use super::k6_summary;
use super::run_arguments::Arguments;
use crate::document::{Diagnostic, Diagnostics};
use crate::environment::needs::Supplied;
use crate::environment::settings::Environment;
use crate::k6::options::Found;
use crate::k6::secret_source::Sources;
use crate::k6::summary::{self, Circumstances};
use crate::load::Control;
use crate::load::run::Finished;
use crate::objective::Outcome;
use crate::run::Summary;
use crate::run::scripted;
use crate::scenario::plan::Load;
use crate::script::host::{Log, Said};
use crate::script::pointing::{pointed, told};
use crate::script::prepare::{Around, Ready, prepare};
use crate::script::{Program, Run, given, run};
use crate::secret::Redactor;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long resolved addresses are kept in a run.
const DNS_TTL: Duration = Duration::from_secs(30);
/// Options that make a script a load.
const SHAPES: [&str; 5] = ["scenarios", "duration", "iterations", "stages", "vus"];

/// A script, ready to be performed.
pub struct Script {
    /// What is performed.
    pub run: Arc<Run>,
    /// Its load; empty for once.
    pub loads: Vec<Load>,
    ready: Ready,
    given: BTreeSet<String>,
}

impl Script {
    /// Whether it ended the run at once.
    pub fn ended_itself(&self) -> bool {
        self.run.ended().aborted.is_some()
    }

    /// Lets it end the run.
    pub fn ends(&self, control: &Control) {
        let (run, control) = (self.run.clone(), control.clone());
        tokio::spawn(async move {
            run.over.notified().await;
            // At once, as in k6.
            run.halt();
            control.stop();
            control.stop();
        });
    }
}

/// Reads a script with everything that it is given.
pub fn script(
    path: &Path,
    arguments: &Arguments,
    environment: &Environment,
    supplied: &Supplied,
    found: &mut Diagnostics,
) -> Option<Script> {
    let redactor = Redactor::new(supplied.secrets.clone());
    if arguments.rate.is_some() || arguments.vus.is_some() || arguments.duration.is_some() {
        let text = format!(
            "`{}`: a script says itself how long and how often: `--rate`, `--vus` and `--duration` would throw its scenarios away",
            path.display()
        );
        let wrong = Diagnostic::error("bad-script", text);
        found.push(wrong.hint("`bellwether k6 run` takes k6's flags"));
        return None;
    }
    let mut env = given::env(environment, supplied.inputs.clone());
    let secrets = supplied.secrets.clone();
    let exposed = |(name, secret): (&String, &crate::secret::Secret)| {
        (name.clone(), secret.expose().to_owned())
    };
    env.extend(secrets.iter().map(exposed));
    let inputs = supplied.inputs.keys().cloned().collect();
    let log = log(redactor.clone(), arguments.quiet);
    let program = match Program::new(path, env) {
        Ok(program) => Arc::new(program.knowing(Sources::only(secrets.clone()))),
        Err(reason) => {
            found.push(Diagnostic::error("bad-script", redactor.clean(&reason)));
            return None;
        }
    };
    let clean = |text: &str| redactor.clean(text);
    let loaded = match run::look(&program, &log) {
        Ok(loaded) => loaded,
        Err(thrown) => {
            found.push(pointed(&program, &clean(&thrown.to_string())));
            return None;
        }
    };
    let options = loaded.options.as_object().cloned().unwrap_or_default();
    let is_load = SHAPES
        .iter()
        .any(|key| options.get(*key).is_some_and(|value| !value.is_null()));
    let around = Around {
        environment,
        secrets,
        is_strict: true,
        guard: None,
        dns_ttl: DNS_TTL,
    };
    let mut read = Found::default();
    let ready = prepare(program.clone(), log, loaded, &options, around, &mut read);
    found.append(told(&program, &read, &clean));
    let ready = ready?;
    let run = ready.run.clone();
    let scenarios = run.options.scenarios.iter();
    let loads = if is_load && !arguments.once {
        scenarios.map(|scenario| scenario.load.clone()).collect()
    } else {
        Vec::new()
    };
    Some(Script {
        run,
        loads,
        ready,
        given: inputs,
    })
}

/// What a script says goes to standard error, without secrets.
fn log(redactor: Redactor, quiet: bool) -> Log {
    Arc::new(move |said: &Said| {
        if quiet && said.level != "error" {
            return;
        }
        let word = if said.is_console {
            "console"
        } else {
            said.level
        };
        eprintln!("{word}: {}", redactor.clean(&said.text));
    })
}

/// Lets the script's own `handleSummary` write its files. What it would print is our report's place.
///
/// # Errors
/// Which file cannot be written.
pub async fn write_own(script: &Script, summary: &mut Summary) -> std::io::Result<()> {
    let run = &script.run;
    let (tally, duration_ms) = (run.counted(), run.elapsed_ms());
    let judged = summary::judge(&script.ready.thresholds, &tally, duration_ms / 1e3);
    let circumstances = Circumstances {
        duration_ms,
        terminals: (false, false),
        no_color: true,
        setup_data: run.handed(),
    };
    let data = summary::data(&tally, &run.options, &judged, &circumstances);
    let made = k6_summary::made(run, &data).await;
    // Whatever somebody wants to read of this run may not be there.
    if let Some(why) = &made.wrong {
        summary.reasons.push(run.binding.redactor.clean(why));
        summary.outcome = Outcome::all([summary.outcome, Outcome::Inconclusive]);
    }
    let mut files = made.files.unwrap_or_default();
    files.retain(|name, _| name != "stdout" && name != "stderr");
    let wrong = k6_summary::write(&files, &|text| run.binding.redactor.clean(text));
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(std::io::Error::other(wrong.join("; "))),
    }
}

/// Adds to a summary what the script itself asks for, and what speaks against a pass.
pub fn judge_too(script: &Script, finished: &Finished, summary: &mut Summary) {
    scripted::judge_too(&script.ready, finished, summary);
    let run = &script.run;
    let asked = run.program.asked();
    let names = |names: Vec<&String>| {
        names
            .into_iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let unread: Vec<&String> = script.given.difference(&asked).collect();
    if !unread.is_empty() {
        let text = format!(
            "warning: the script never read the inputs {}",
            names(unread)
        );
        summary.reasons.push(text);
    }
    let unset: Vec<&String> = asked
        .iter()
        .filter(|name| !run.program.env.contains_key(*name))
        .collect();
    if !unset.is_empty() {
        let text = format!(
            "warning: the script asked for {}, which nobody set",
            names(unset)
        );
        summary.reasons.push(text);
    }
}
