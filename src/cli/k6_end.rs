//! How a run of `k6 run` ends: thresholds, the summary, files, the exit code, and what is not right about it.

use super::commands::complain;
use super::exit::Exit;
use super::k6_arguments::Arguments;
use super::k6_summary;
use crate::k6::metric::BuiltIn;
use crate::k6::summary::{self, Circumstances, Judged};
use crate::k6::summary_text;
use crate::k6::tally::{Tally, Value as Counting};
use crate::k6::threshold::Aggregate;
use crate::load::run::Finished;
use crate::report::style::Style;
use crate::script::host::Said;
use crate::script::prepare::Ready;
use crate::script::run::{Broke, Ended};
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::Ordering::Relaxed;

/// What a run came to.
pub struct Over {
    /// What our own engine saw.
    pub finished: Finished,
    /// What was counted.
    pub tally: Tally,
    /// How long all of it took.
    pub seconds: f64,
    /// Whether somebody pressed Ctrl-C.
    pub interrupted: bool,
    /// Whether a threshold ended it.
    pub broken: bool,
}

/// Judges, shows, writes, and gives the exit code.
pub async fn end(arguments: &Arguments, ready: &Ready, over: Over, export: Option<File>) -> Exit {
    let run = &ready.run;
    let judged = if arguments.no_thresholds {
        Vec::new()
    } else {
        summary::judge(&ready.thresholds, &over.tally, over.seconds)
    };
    let out = std::io::stdout().is_terminal();
    let style = Style::for_stream(&std::io::stdout());
    let no_color = arguments.no_color || (out && !style.color);
    let circumstances = Circumstances {
        duration_ms: over.seconds * 1e3,
        terminals: (out, std::io::stderr().is_terminal()),
        no_color,
        setup_data: run.handed(),
    };
    let mut wrote = true;
    if arguments.summary_mode != "disabled" {
        let data = summary::data(&over.tally, &run.options, &judged, &circumstances);
        match k6_summary::made(run, &data).await.files {
            Some(files) => {
                let wrong = k6_summary::write(&files, &str::to_owned);
                wrong.iter().for_each(complain);
                wrote = wrong.is_empty();
            }
            None => {
                let seen = judged.iter().map(|one| {
                    let key = (one.source.clone(), one.threshold.source.clone());
                    (key, one.verdict.seen)
                });
                let text = summary_text::render(&data, &seen.collect(), "", out && !no_color);
                print!("{text}");
            }
        }
        if let Some(mut file) = export {
            let flat = summary::export(&over.tally, &run.options, &judged, over.seconds);
            let text = serde_json::to_string_pretty(&flat).unwrap_or_default();
            if let Err(error) = file.write_all(text.as_bytes()) {
                eprintln!("error: the summary cannot be written: {error}");
                wrote = false;
            }
        }
    }
    let ended = run.ended();
    say_broken(ready, &ended);
    let exit = exit(&ended, &over, &judged, wrote);
    let notes = notes(arguments, ready, &over, &judged);
    if !notes.is_empty() {
        eprintln!("note: k6 would not say it, but {}", notes.join("; "));
    }
    exit
}

fn say_broken(ready: &Ready, ended: &Ended) {
    let say = |text: String| {
        (ready.run.log)(&Said {
            level: "error",
            text,
            is_console: false,
        });
    };
    for (name, broke) in [("setup", &ended.setup), ("teardown", &ended.teardown)] {
        match broke {
            Some(Broke::Threw(thrown)) => say(format!("{name}() threw: {thrown}")),
            Some(Broke::Late) => say(format!("{name}() took longer than its timeout")),
            None => {}
        }
    }
    if let Some(words) = &ended.aborted {
        say(words.clone());
    }
    if let Some(words) = &ended.failed {
        say(format!("test failed: {words}"));
    }
}

fn exit(ended: &Ended, over: &Over, judged: &[Judged], wrote: bool) -> Exit {
    let code = match (&ended.setup, &ended.teardown) {
        (Some(Broke::Late), _) => 100,
        (Some(Broke::Threw(_)), _) => 107,
        _ if ended.aborted.is_some() => 108,
        _ if over.broken => 99,
        _ if over.interrupted => 105,
        (None, Some(Broke::Late)) => 101,
        (None, Some(Broke::Threw(_))) => 107,
        _ if ended.failed.is_some() => 110,
        _ if judged.iter().any(|one| !one.verdict.holds) => 99,
        // k6 goes on; who asked for a file must know that there is none.
        _ if !wrote => 255,
        _ => 0,
    };
    if code == 0 {
        Exit::Success
    } else {
        Exit::K6(code)
    }
}

/// What is not right about a result, whatever its exit code says.
fn notes(arguments: &Arguments, ready: &Ready, over: &Over, judged: &[Judged]) -> Vec<String> {
    let mut notes = Vec::new();
    let value = |metric: BuiltIn| &over.tally.metrics[metric as usize].value;
    let iterations = value(BuiltIn::Iterations).samples();
    let requests = value(BuiltIn::HttpReqs).samples();
    let threw = ready.run.threw.load(Relaxed);
    if iterations == 0 {
        notes.push("no iteration came to its end".to_owned());
    }
    if threw > 0 {
        notes.push(format!("{threw} of {iterations} iterations threw"));
    }
    if let Counting::Rate { passes, total } = value(BuiltIn::HttpReqFailed)
        && *total > 0
        && passes == total
    {
        notes.push(format!("all {total} requests failed"));
    }
    if let Counting::Rate { passes, total } = value(BuiltIn::Checks) {
        match (total, passes) {
            (0, _) if requests > 0 => notes.push("nothing was checked".to_owned()),
            (total, 0) if *total > 0 => notes.push(format!("all {total} checks failed")),
            _ => {}
        }
    }
    for one in judged.iter().filter(|one| {
        let is_count = matches!(one.threshold.aggregate, Aggregate::Count);
        !one.verdict.measured && one.verdict.holds && !is_count
    }) {
        notes.push(format!(
            "`{}: {}` holds because nothing was measured",
            one.source, one.threshold.source
        ));
    }
    if over.finished.recorded.dropped > 0 {
        let dropped = over.finished.recorded.dropped;
        notes.push(format!(
            "{dropped} arrivals were dropped, and are in no latency"
        ));
    }
    let asked = ready.run.program.asked();
    let unread: Vec<&str> = arguments
        .given()
        .filter(|name| !asked.contains(*name))
        .collect();
    if !unread.is_empty() {
        notes.push(format!("the script never read {}", unread.join(", ")));
    }
    notes
}
