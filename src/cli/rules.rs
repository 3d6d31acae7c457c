//! `bellwether rules`: the objectives of a configuration for Prometheus, or as OpenSLO.

use super::commands::complain;
use super::exit::Exit;
use crate::config::{load, rules};
use crate::document::Diagnostics;
use crate::report::style::Style;
use std::path::PathBuf;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether rules prometheus > slo.rules.yml        recording and alert rules
  bellwether rules openslo --config bellwether.yaml  the same objectives as OpenSLO v1

The rules count `bellwether_slo_runs_total`, which the daemon exposes, over the windows that it judges by itself.")]
pub struct Arguments {
    /// For whom
    #[arg(value_parser = ["prometheus", "openslo"])]
    form: String,
    /// The configuration
    #[arg(
        long,
        short,
        default_value = "bellwether.yaml",
        env = "BELLWETHER_CONFIG"
    )]
    config: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let mut found = Diagnostics::default();
    let project = load::configuration(&arguments.config, &mut found);
    let style = Style::for_stream(&std::io::stderr());
    eprint!("{}", found.render(style.color));
    let Some(project) = project else {
        return Exit::Invalid;
    };
    if project.file.slos.is_empty() {
        complain("the configuration has no `slos`, so there are no rules");
        return Exit::Inconclusive;
    }
    match arguments.form.as_str() {
        "openslo" => print!("{}", rules::openslo(&project)),
        _ => print!("{}", rules::prometheus(&project)),
    }
    Exit::Success
}
