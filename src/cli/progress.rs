//! Progress of a load: one line that is rewritten on a terminal, a plain line now and then elsewhere.

use crate::figures::show_micros;
use crate::load::Tick;
use crate::load::control::Orders;
use crate::report::columns::cut;
use crate::report::style::Style;
use crate::run::summary::Quantiles;
use crate::scenario::plan::{Executor, Load, end_of};
use std::io::{IsTerminal, Write};

/// Seconds between plain lines.
const PLAIN_EVERY: u64 = 10;

/// Shows how far a load is.
#[derive(Debug)]
pub struct Progress {
    name: String,
    seconds: u64,
    terminal: bool,
    quiet: bool,
    shown: bool,
    requests: u64,
    errors: u64,
}

impl Progress {
    /// Progress of a scenario's load.
    pub fn new(name: &str, loads: &[Load], quiet: bool, keys: bool) -> Progress {
        let progress = Progress {
            name: name.to_owned(),
            seconds: end_of(loads).as_secs_f64().ceil() as u64,
            terminal: std::io::stderr().is_terminal(),
            quiet,
            shown: false,
            requests: 0,
            errors: 0,
        };
        if !quiet {
            let hint = if keys {
                "; p pauses, + and - scale, q stops"
            } else {
                ""
            };
            eprintln!("{name}: {}{hint}", planned(loads, progress.seconds));
        }
        progress
    }

    /// Seconds for which iterations are started.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// Shows a second that is over.
    pub fn tick(&mut self, tick: &Tick, orders: &Orders) {
        self.requests += tick.requests;
        self.errors += tick.errors;
        if self.quiet || (!self.terminal && !(tick.second + 1).is_multiple_of(PLAIN_EVERY)) {
            return;
        }
        let now = Quantiles::of(&tick.latency);
        // What is still under way after the last second is part of it.
        let done = (tick.second + 1).min(self.seconds.max(1));
        let mut line = format!(
            "{} {done}/{} s · {} requests · {}/s · p50 {} p95 {} · {} failed · {} active",
            bar(done, self.seconds),
            self.seconds,
            self.requests,
            tick.requests,
            show_micros(now.p50 as f64),
            show_micros(now.p95 as f64),
            self.errors,
            tick.active,
        );
        if orders.paused.is_some() {
            line.push_str(" · paused");
        }
        if (orders.scale - 1.0).abs() > f64::EPSILON {
            line.push_str(&format!(" · scaled to {:.0} %", orders.scale * 100.0));
        }
        if tick.waiting > 0 {
            line.push_str(&format!(" · {} waiting", tick.waiting));
        }
        if self.terminal {
            // A line that is wrapped could not be taken back.
            let width = Style::for_stream(&std::io::stderr()).width;
            eprint!("\r\x1b[2K{}", cut(&line, width.saturating_sub(1)));
            // Progress that cannot be shown is no reason to stop.
            let _ = std::io::stderr().flush();
            self.shown = true;
        } else {
            eprintln!("{}: {line}", self.name);
        }
    }

    /// Leaves a clean terminal behind.
    pub fn done(&mut self) {
        if self.shown {
            eprint!("\r\x1b[2K");
            self.shown = false;
        }
    }
}

fn planned(loads: &[Load], seconds: u64) -> String {
    if let [
        Load {
            executor:
                Executor::Breakpoint {
                    start_per_second,
                    max_per_second,
                    step_duration,
                    ..
                },
            ..
        },
    ] = loads
    {
        let step = crate::duration::show(*step_duration);
        return format!(
            "searching from {start_per_second}/s to {max_per_second}/s, {step} at each rate"
        );
    }
    let kinds: Vec<&str> = loads.iter().map(|load| load.executor.name()).collect();
    format!("{} for up to {seconds} s", kinds.join(", "))
}

fn bar(done: u64, all: u64) -> String {
    let filled = (done.min(all) * 20 / all.max(1)) as usize;
    format!("{}{}", "█".repeat(filled), "░".repeat(20 - filled))
}
