//! `bellwether serve`: the daemon.

use super::exit::Exit;
use crate::daemon::{Daemon, StartFault};
use crate::report::style::Style;
use crate::telemetry::logs;
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether serve
  bellwether serve --config /etc/bellwether/bellwether.yaml --log-format json

SIGHUP or `POST /api/v1/reload` reads the configuration again; a broken one changes nothing.
SIGTERM or Ctrl-C stops cleanly; gates go on at the next start.")]
pub struct Arguments {
    /// The configuration
    #[arg(
        long,
        value_name = "FILE",
        default_value = "bellwether.yaml",
        env = "BELLWETHER_CONFIG"
    )]
    config: PathBuf,
    /// How logs are written
    #[arg(long, value_parser = ["auto", "text", "json"], default_value = "auto")]
    log_format: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    logs::start(&arguments.log_format);
    crate::supervisor::log_panics();
    crate::cli::commands::runtime().block_on(async {
        let end = asked_to_end();
        match Daemon::start(&arguments.config).await {
            Ok(daemon) => {
                daemon.run(end).await;
                Exit::Success
            }
            Err(StartFault::Configuration(found)) => {
                let style = Style::for_stream(&std::io::stderr());
                eprint!("{}", found.render(style.color));
                crate::cli::commands::complain(
                    "the daemon did not start: its configuration cannot be used",
                );
                Exit::Invalid
            }
            Err(fault) => {
                crate::cli::commands::complain(format!("the daemon did not start: {fault}"));
                Exit::Fault
            }
        }
    })
}

/// Waits for Ctrl-C or SIGTERM, from the moment of the call on.
pub(super) fn asked_to_end() -> impl Future<Output = ()> {
    let [mut pressed, mut terminated] =
        [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
    async move {
        tokio::select! {
            () = heard(&mut pressed) => {}
            () = heard(&mut terminated) => {}
        }
    }
}

/// A signal that cannot be listened to never comes.
async fn heard(listening: &mut Option<Signal>) {
    match listening {
        Some(listening) => drop(listening.recv().await),
        None => std::future::pending().await,
    }
}
