//! How a run of `k6 run` ends: thresholds, the summary, files, the exit code, and what is not right about it.

use super::exit::Exit;
use super::k6_arguments::Arguments;
use crate::k6::metric::BuiltIn;
use crate::k6::summary::{self, Circumstances, Judged};
use crate::k6::summary_text;
use crate::k6::tally::{Tally, Value as Counting};
use crate::k6::threshold::Aggregate;
use crate::load::recorder::{Inner, SharedRecorder};
use crate::load::run::Finished;
use crate::report::style::Style;
use crate::script::ask::Outcome;
use crate::script::host::Said;
use crate::script::prepare::Ready;
use crate::script::run::{Broke, Ended};
use crate::vu::{Performers as _, Place};
use base64::Engine as _;
use serde_json::Value;
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Instant;

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
        let made = match run.exports.contains("handleSummary") {
            true => handled(ready, &data).await,
            false => None,
        };
        match made {
            Some(files) => wrote = write_all(&files),
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

/// What `handleSummary` returned; nothing where it threw, or returned nothing.
async fn handled(ready: &Ready, data: &Value) -> Option<serde_json::Map<String, Value>> {
    let run = &ready.run;
    let headings = run.headings();
    let recorder = SharedRecorder(Mutex::new(Inner::new(headings, Instant::now(), false)));
    let mut user = run.user(&run.gather(), Place::BESIDE, &Arc::default());
    let performed = user.summarize(data.to_string(), &recorder);
    let say = |text: String| {
        (run.log)(&Said {
            level: "error",
            text,
            is_console: false,
        });
    };
    match tokio::time::timeout(run.options.handle_summary_timeout, performed).await {
        Ok(Outcome::Returned(Some(text))) => match serde_json::from_str(&text) {
            Ok(Value::Object(files)) => Some(files),
            _ => None,
        },
        Ok(Outcome::Thrown(thrown)) => {
            say(format!("handleSummary() threw: {thrown}"));
            None
        }
        Ok(_) => None,
        Err(_) => {
            say("handleSummary() took too long".to_owned());
            None
        }
    }
}

/// What is to be written: a text, bytes, or whatever else as JSON.
fn content_of(content: &Value) -> Vec<u8> {
    let bytes = content.get("__bytes").and_then(Value::as_str);
    let bytes =
        bytes.and_then(|bytes| base64::engine::general_purpose::STANDARD.decode(bytes).ok());
    match (bytes, content) {
        (Some(bytes), _) => bytes,
        (None, Value::String(text)) => text.clone().into_bytes(),
        (None, other) => other.to_string().into_bytes(),
    }
}

/// Writes what `handleSummary` returned; whether all of it could be written.
fn write_all(files: &serde_json::Map<String, Value>) -> bool {
    let mut all = true;
    for (name, content) in files {
        let bytes = content_of(content);
        let written = match name.as_str() {
            "stdout" => std::io::stdout().write_all(&bytes),
            "stderr" => std::io::stderr().write_all(&bytes),
            path => std::fs::write(path, bytes),
        };
        if let Err(error) = written {
            eprintln!("error: `{name}` cannot be written: {error}");
            all = false;
        }
    }
    all
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
