//! `bellwether backup` and `bellwether restore`: the state as a file, taken while the daemon runs.

use super::commands::complain;
use super::exit::Exit;
use crate::config::load;
use crate::document::diagnostic::Diagnostics;
use crate::figures::plural;
use crate::store::sqlite::copy::{self, Contents};
use std::path::{Path, PathBuf};

/// Where the state is.
#[derive(Debug, clap::Args)]
pub struct Whose {
    /// The configuration that names the state
    #[arg(
        long,
        value_name = "FILE",
        default_value = "bellwether.yaml",
        env = "BELLWETHER_CONFIG"
    )]
    config: PathBuf,
    /// The state itself, instead of what the configuration says
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
}

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether backup /backups/bellwether-$(date +%F).db
  bellwether backup copy.db --state /var/lib/bellwether/bellwether.db

The daemon may run: the copy is the state as it was at one moment. It holds no secret, but whatever replies
were kept as evidence: only its owner may read it.")]
pub struct Backup {
    /// The file to write; one that is there is not written over
    to: PathBuf,
    #[command(flatten)]
    whose: Whose,
}

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether restore /backups/bellwether-2026-11-01.db
  bellwether restore copy.db --replace

The daemon must be stopped. What was on its way to others when the copy was taken is given up, since it may
have been delivered since; gates that had not ended go on. Two daemons on copies of one state would speak with
the same voice: run one of them.")]
pub struct Restore {
    /// The copy
    from: PathBuf,
    #[command(flatten)]
    whose: Whose,
    /// Move the state that is there aside
    #[arg(long)]
    replace: bool,
}

impl Whose {
    /// The file of the state.
    fn path(&self) -> Result<PathBuf, Exit> {
        if let Some(state) = &self.state {
            return Ok(state.clone());
        }
        let mut found = Diagnostics::default();
        match load::configuration(&self.config, &mut found) {
            Some(project) => Ok(project.file.state.clone()),
            None => {
                eprint!("{}", found.render(false));
                complain("the configuration does not say where the state is; `--state FILE` does");
                Err(Exit::Invalid)
            }
        }
    }
}

fn said(contents: Contents) -> String {
    let megabytes = contents.bytes as f64 / 1e6;
    format!(
        "{}, {}, {megabytes:.1} MB, tables version {}",
        plural(contents.gates.unsigned_abs(), "gate"),
        plural(contents.probes.unsigned_abs(), "probe"),
        contents.version
    )
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

/// Runs `backup`.
pub fn backup(arguments: &Backup) -> Exit {
    let state = match arguments.whose.path() {
        Ok(state) => state,
        Err(exit) => return exit,
    };
    match copy::take(&state, &arguments.to) {
        Ok(contents) => {
            println!(
                "Wrote {} from {}: {}",
                shown(&arguments.to),
                shown(&state),
                said(contents)
            );
            Exit::Success
        }
        Err(fault) => {
            complain(fault);
            Exit::Fault
        }
    }
}

/// Runs `restore`.
pub fn restore(arguments: &Restore) -> Exit {
    let state = match arguments.whose.path() {
        Ok(state) => state,
        Err(exit) => return exit,
    };
    let stamp = crate::clock::now().format("%Y%m%dT%H%M%S%3fZ").to_string();
    match copy::put_back(&arguments.from, &state, arguments.replace, &stamp) {
        Ok(restored) => {
            println!(
                "Restored {} from {}: {}",
                shown(&state),
                shown(&arguments.from),
                said(restored.contents)
            );
            if restored.given_up > 0 {
                let effects = plural(restored.given_up as u64, "effect");
                println!(
                    "{effects} that had not been delivered is given up: it may have been delivered since"
                );
            }
            if let Some(before) = &restored.before {
                println!("What was there before is {}", shown(before));
            }
            Exit::Success
        }
        Err(fault) => {
            complain(fault);
            Exit::Fault
        }
    }
}
