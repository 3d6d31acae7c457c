//! Structured logs on standard error: readable lines on a terminal, JSON elsewhere.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. `BELLWETHER_LOG` sets what is logged (`info` by default), `format` how:
/// `text`, `json` or `auto`.
pub fn start(format: &str) {
    let filter =
        EnvFilter::try_from_env("BELLWETHER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = std::io::stderr().is_terminal();
    let json = match format {
        "json" => true,
        "text" => false,
        _ => !terminal,
    };
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // Only fails if logging was started before; then it goes on as it is.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_ansi(terminal && !no_color).try_init()
    };
}
