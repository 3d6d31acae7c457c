//! What a script's own `handleSummary` makes of what was measured, and where it goes.
//!
//! Judges nothing. Invariant: a file that cannot be written is told by its name, and the others are written.

use crate::load::recorder::{Inner, SharedRecorder};
use crate::script::Run;
use crate::script::ask::Outcome;
use crate::script::host::Said;
use crate::vu::{IterationOutcome, Performers as _, Place};
use base64::Engine as _;
use serde_json::{Map, Value};
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// What `handleSummary` returned, and what went wrong in it.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// Files by their names; nothing where it returned none.
    pub files: Option<Map<String, Value>>,
    /// In words; what was thrown, and that it took too long, are said, too.
    pub wrong: Option<String>,
}

/// Performs `handleSummary`, where there is one.
pub(super) async fn made(run: &Arc<Run>, data: &Value) -> Made {
    if !run.exports.contains("handleSummary") {
        return Made::default();
    }
    let headings = run.headings();
    let recorder = SharedRecorder(Mutex::new(Inner::new(headings, Instant::now(), false)));
    let mut user = run.user(&run.gather(), Place::BESIDE, &Arc::default());
    let performed = user.summarize(data.to_string(), &recorder);
    let say = |text: String| {
        (run.log)(&Said {
            level: "error",
            text: text.clone(),
            is_console: false,
        });
        Made {
            files: None,
            wrong: Some(text),
        }
    };
    let failed_before = run.ended().failed.is_some();
    match tokio::time::timeout(run.options.handle_summary_timeout, performed).await {
        Ok((Outcome::Returned(text), came)) => {
            let files = text.map(|text| serde_json::from_str(&text).unwrap_or_default());
            let failed = run.ended().failed.filter(|_| !failed_before);
            let (files, odd) = match files {
                Some(Value::Object(files)) => (Some(files), None),
                None | Some(Value::Null) => (None, None),
                Some(_) => (
                    None,
                    Some("handleSummary() returned no mapping of files".to_owned()),
                ),
            };
            let broken = (came != IterationOutcome::Passed)
                .then(|| "a request or a check of handleSummary() failed".to_owned());
            let failed = failed.map(|words| format!("the script says that it failed: {words}"));
            Made {
                files,
                wrong: failed.or(broken).or(odd),
            }
        }
        Ok((Outcome::Thrown(thrown), _)) => say(format!("handleSummary() threw: {thrown}")),
        Ok((Outcome::Aborted(words), _)) => Made {
            files: None,
            wrong: Some(format!("handleSummary() ended the run: {words}")),
        },
        Ok((Outcome::Interrupted, _)) => say("handleSummary() was cut off".to_owned()),
        Err(_) => say("handleSummary() took too long".to_owned()),
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

/// Writes what `handleSummary` returned, texts as they are `cleaned`; what could not be written.
pub(super) fn write(files: &Map<String, Value>, cleaned: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, content) in files {
        let bytes = match String::from_utf8(content_of(content)) {
            Ok(text) => cleaned(&text).into_bytes(),
            Err(binary) => binary.into_bytes(),
        };
        let written = match name.as_str() {
            "stdout" => std::io::stdout().write_all(&bytes),
            "stderr" => std::io::stderr().write_all(&bytes),
            path => std::fs::write(path, bytes),
        };
        if let Err(error) = written {
            wrong.push(format!("`{name}` cannot be written: {error}"));
        }
    }
    wrong
}
