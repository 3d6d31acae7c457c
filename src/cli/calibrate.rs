//! `bellwether gate calibrate`: what a rule really does on a service.

use super::exit::Exit;
use super::judge::Recorded;
use crate::config::load;
use crate::document::Diagnostics;
use crate::figures::percent;
use crate::gate::forecast;
use crate::replay::calibrate::{Calibration, calibrate};
use crate::report::style::Style;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether run api.yaml --samples healthy.csv        record a healthy service, the longer the better
  bellwether gate calibrate healthy.csv --objective 'p95 < 300ms' --length 2m
  bellwether gate calibrate one.csv --baseline other.csv --objective 'p95 < 300ms'   A/A: the same version twice

Every rollback that it counts is a wrong one. Exit code 0 if the rate seen is within the rule, else 99;
98 if no gate could be cut.")]
pub struct Arguments {
    #[command(flatten)]
    what: Recorded,
    /// Length of the gates that the series is cut into
    #[arg(long, default_value = "2m", value_parser = crate::duration::parse)]
    length: Duration,
    /// Say what the whole gates of a configuration promise, too
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How much later each gate starts than the one before
    #[arg(long, default_value = "10s", value_parser = crate::duration::parse)]
    stride: Duration,
}

/// Runs the command.
pub fn run(arguments: &Arguments, json: bool) -> Exit {
    let ready = match arguments.what.ready() {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let mut all = Calibration::default();
    let mut level = ready.rule.rollback_level;
    for (_, samples) in &ready.samples.gates {
        let (slots, _) = match ready.slots(samples) {
            Ok(ready) => ready,
            Err(exit) => return exit,
        };
        let rule = ready.rule.within(arguments.length);
        level = rule.rollback_level;
        let found = calibrate(
            rule,
            &ready.objectives,
            &slots,
            arguments.length,
            arguments.stride,
        );
        all.add(&found);
    }
    if let Some(path) = &arguments.config
        && let Err(exit) = whole_gates(path)
    {
        return exit;
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&all).unwrap_or_default());
    } else {
        print(&all, level);
    }
    let rate = all.rollback as f64 / all.gates.max(1) as f64;
    match all.gates {
        0 => {
            crate::cli::commands::complain(format!(
                "the recording is shorter than one gate of {}; nothing was calibrated",
                crate::duration::show(arguments.length)
            ));
            Exit::Inconclusive
        }
        _ if rate > level => Exit::Failed,
        _ => Exit::Success,
    }
}

/// What whole gates promise: a load is a part of each.
fn whole_gates(path: &Path) -> Result<(), Exit> {
    let mut found = Diagnostics::default();
    let project = load::configuration(path, &mut found);
    let Some(project) = project.filter(|_| !found.has_errors()) else {
        let style = Style::for_stream(&std::io::stderr());
        eprint!("{}", found.render(style.color));
        return Err(Exit::Invalid);
    };
    for gate in &project.file.gates {
        for line in forecast::told(gate, &project.plans) {
            eprintln!("{line}");
        }
    }
    Ok(())
}

fn print(all: &Calibration, level: f64) {
    let style = Style::for_stream(&std::io::stdout());
    let share = |count: u64| percent(count as f64 / all.gates.max(1) as f64);
    println!(
        "{} gates cut, {} of them without overlap",
        all.gates, all.independent
    );
    let line = format!(
        "  rolled back wrongly  {:>5}  {}",
        all.rollback,
        share(all.rollback)
    );
    let good = all.rollback as f64 <= level * all.gates as f64;
    println!(
        "{}",
        if good {
            style.good(&line)
        } else {
            style.bad(&line)
        }
    );
    println!(
        "  promoted             {:>5}  {}",
        all.promote,
        share(all.promote)
    );
    println!(
        "  held                 {:>5}  {}",
        all.hold,
        share(all.hold)
    );
    println!(
        "  inconclusive         {:>5}  {}",
        all.inconclusive,
        share(all.inconclusive)
    );
    let bound = format!(
        "The rule allows {}. From {} independent gates, the true rate is at most {} (95 %).",
        percent(level),
        all.independent,
        percent(all.rollback_at_most)
    );
    println!("{}", style.dim(&bound));
    if let Some(at) = all.first_rollback_s {
        println!(
            "The first wrong rollback is of the gate that starts at {at} s; longer blocks (`--rule block=5s`) help against bursts."
        );
    }
}
