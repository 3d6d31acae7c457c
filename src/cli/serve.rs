//! `bellwether serve`: the daemon.

use super::{docs, exit::Exit};
use crate::config::given::Given;
use crate::daemon::{Daemon, StartFault};
use crate::report::style::Style;
use crate::telemetry::logs;
use std::path::PathBuf;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether serve
  bellwether serve --service api=https://staging.example.com --listen 127.0.0.1:9000
  bellwether serve --config /etc/bellwether/bellwether.yaml --log-format json

SIGHUP or `POST /api/v1/reload` reads the configuration again; a broken one changes nothing.
SIGTERM or Ctrl-C stops cleanly; gates go on at the next start. A second one stops at once.")]
pub struct Arguments {
    /// The configuration
    #[arg(
        long,
        value_name = "FILE",
        default_value = "bellwether.yaml",
        env = "BELLWETHER_CONFIG"
    )]
    config: PathBuf,
    /// Where a service is, instead of what the configuration says; of one environment or of all that have it
    #[arg(long = "service", value_name = "[ENVIRONMENT/]NAME=URL")]
    services: Vec<String>,
    /// The value of an input, in every environment
    #[arg(long = "input", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// The address to listen on, instead of what the configuration says
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// How logs are written
    #[arg(long, value_parser = ["auto", "text", "json"], default_value = "auto")]
    log_format: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    logs::start(&arguments.log_format);
    crate::supervisor::log_panics();
    ends_at_the_second_signal();
    crate::cli::commands::runtime().block_on(async {
        let end = asked_to_end();
        let given = Given {
            services: arguments.services.clone(),
            inputs: arguments.inputs.clone(),
            listen: arguments.listen.clone(),
        };
        match Daemon::start_with(&arguments.config, given, Some(docs::commands)).await {
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

/// Lets a second Ctrl-C or SIGTERM end the process, whatever keeps it: nothing that is committed is lost by
/// that. On a thread of its own, since what hangs may be the runtime.
fn ends_at_the_second_signal() {
    let waits = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let [mut pressed, mut terminated] =
                [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
            for _ in 0..2 {
                tokio::select! {
                    () = heard(&mut pressed) => {}
                    () = heard(&mut terminated) => {}
                }
            }
        });
        std::process::exit(i32::from(Exit::Interrupted.code()));
    };
    // Without it one still ends cleanly.
    let _ = std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(waits);
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
