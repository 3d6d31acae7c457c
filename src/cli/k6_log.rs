//! Where lines of a script go: as k6 writes them, or bare, or as JSON.

use super::k6_arguments::Arguments;
use crate::script::host::{Log, Said};
use crate::secret::Redactor;
use std::fs::File;
use std::io::{IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

#[derive(Clone, Copy)]
enum Form {
    Raw,
    Json,
    /// With the seconds since the start.
    Terminal,
    Text,
}

type Out = Mutex<Box<dyn Write + Send>>;

/// The log that was asked for, without secrets.
pub fn log(arguments: &Arguments, redactor: Redactor) -> Result<Log, String> {
    let open = |path: &str| -> Result<Box<dyn Write + Send>, String> {
        let file = File::create(path);
        let file = file.map_err(|error| format!("`{path}` cannot be written: {error}"))?;
        Ok(Box::new(file))
    };
    let out: Box<dyn Write + Send> = match arguments.log_output.as_str() {
        "stderr" => Box::new(std::io::stderr()),
        "stdout" => Box::new(std::io::stdout()),
        "none" => Box::new(std::io::sink()),
        other => match other.strip_prefix("file=") {
            Some(path) => open(path.split(',').next().unwrap_or(path))?,
            None => {
                return Err(format!(
                    "`{other}` is no output of a log; expected `stderr`, `stdout`, `none` or `file=PATH`"
                ));
            }
        },
    };
    let console = match &arguments.console_output {
        Some(path) => Some(Mutex::new(open(&path.display().to_string())?)),
        None => None,
    };
    let form = match arguments.log_format.as_deref() {
        Some("raw") => Form::Raw,
        Some("json") => Form::Json,
        _ if arguments.log_output == "stderr" && std::io::stderr().is_terminal() => Form::Terminal,
        _ => Form::Text,
    };
    let (verbose, began, out) = (arguments.verbose, Instant::now(), Out::new(out));
    Ok(Arc::new(move |said: &Said| {
        if said.level == "debug" && !verbose {
            return;
        }
        let text = redactor.clean(&said.text);
        let said = &Said {
            text,
            ..said.clone()
        };
        let (out, line) = match &console {
            Some(console) if said.is_console => (console, written(said, Form::Text, began)),
            _ => (&out, written(said, form, began)),
        };
        let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
        // A log that cannot be written must not end a test.
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }))
}

fn written(said: &Said, form: Form, began: Instant) -> String {
    let source = if said.is_console {
        " source=console"
    } else {
        ""
    };
    let quoted = || serde_json::Value::from(said.text.as_str()).to_string();
    match form {
        Form::Raw => said.text.clone(),
        Form::Json => {
            let mut line = serde_json::json!({
                "level": said.level, "msg": said.text, "time": crate::clock::now_text(),
            });
            if said.is_console {
                line["source"] = "console".into();
            }
            line.to_string()
        }
        Form::Terminal => {
            let word = match said.level {
                "error" => "ERRO",
                "warning" => "WARN",
                "debug" => "DEBU",
                _ => "INFO",
            };
            let seconds = began.elapsed().as_secs();
            format!("{word}[{seconds:04}] {:<44}{source}", said.text)
        }
        Form::Text => format!(
            "time=\"{}\" level={} msg={}{source}",
            crate::clock::now_text(),
            said.level,
            quoted()
        ),
    }
}
