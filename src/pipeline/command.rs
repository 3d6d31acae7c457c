//! A program as an action: no shell unless asked for, a time limit, its output kept as evidence.

use crate::delivery::attempt::Delivery;
use crate::net::program::{Invocation, run};
use crate::record::gate::{Record, inputs};
use crate::secret::Redactor;
use std::path::PathBuf;
use std::time::Duration;

/// Runs a program once. The facts of the gate are in `BELLWETHER_…` variables.
pub async fn perform(
    words: Vec<String>,
    folder: Option<PathBuf>,
    record: &Record,
    key: &str,
    timeout: Duration,
    redactor: &Redactor,
) -> Delivery {
    let mut environment: Vec<(String, String)> = inputs(record)
        .into_iter()
        .map(|(name, value)| (format!("BELLWETHER_{}", name.to_uppercase()), value))
        .collect();
    environment.push(("BELLWETHER_KEY".to_owned(), key.to_owned()));
    let invocation = Invocation {
        words,
        folder,
        environment,
        input: None,
    };
    match run(&invocation, timeout).await {
        Ok(finished) => {
            let output = redactor.clean(&format!("{}{}", finished.stdout, finished.stderr));
            let tail: String = output
                .trim()
                .chars()
                .rev()
                .take(2000)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect();
            let text = format!(
                "exit code {}{}{tail}",
                finished.code,
                if tail.is_empty() { "" } else { ": " }
            );
            if finished.code == 0 {
                Delivery::done(text)
            } else {
                Delivery::again(text, None)
            }
        }
        Err(fault) => Delivery::again(redactor.clean(&fault.to_string()), None),
    }
}
