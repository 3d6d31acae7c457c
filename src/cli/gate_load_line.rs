//! How far the loads of a gate are, in one line that is rewritten while somebody waits on a terminal.
//!
//! Elsewhere nothing is shown: what is over stands in the timeline. What cannot be asked is left out.

use super::client::Server;
use crate::figures::show_micros;
use crate::load::live::LoadState;
use crate::report::columns::cut;
use crate::report::style::Style;
use crate::report::view::GateView;
use http::Method;
use std::io::{IsTerminal as _, Write as _};

/// The line, if it is there.
#[derive(Debug, Default)]
pub(super) struct LoadLine {
    is_shown: bool,
}

impl LoadLine {
    /// Takes it away before something else is written.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            eprint!("\r\x1b[2K");
        }
    }

    /// Shows how far the loads in the environment of a gate are.
    pub async fn show(&mut self, server: &Server, gate: &GateView) {
        let stream = std::io::stderr();
        if !stream.is_terminal() {
            return;
        }
        let loads: Vec<LoadState> = match server.ask(Method::GET, "/api/v1/loads", None).await {
            Ok(loads) => loads,
            Err(_) => return,
        };
        let ours = loads
            .iter()
            .filter(|load| load.environment == gate.environment);
        let lines: Vec<String> = ours.map(line).collect();
        self.clear();
        if lines.is_empty() {
            return;
        }
        let width = Style::for_stream(&stream).width;
        eprint!(
            "{}",
            cut(
                &format!("         {}", lines.join(" | ")),
                width.saturating_sub(1)
            )
        );
        // Progress that cannot be shown is no reason to stop.
        let _ = stream.lock().flush();
        self.is_shown = true;
    }
}

impl Drop for LoadLine {
    fn drop(&mut self) {
        self.clear();
    }
}

fn line(load: &LoadState) -> String {
    let done = load.elapsed_s.min(load.planned_s);
    let paused = if load.paused { " · paused" } else { "" };
    format!(
        "{} {done:.0}/{:.0} s · {} requests · {}/s · p95 {} · {} failed{paused}",
        load.scenario,
        load.planned_s,
        load.requests,
        load.rate,
        show_micros(load.p95_us as f64),
        load.errors,
    )
}
