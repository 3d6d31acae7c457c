//! `bellwether ready`: whether a daemon is ready, for the health check of a container and for scripts.

use super::client::Server;
use super::commands::{complain, runtime};
use super::exit::Exit;
use http::Method;
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether ready                        of a container: HEALTHCHECK CMD [\"bellwether\", \"ready\"]
  bellwether ready --wait 30 && bellwether gate start api --version 1.4.2 --wait

The exit code is 0 if it is ready, and 98 if it is not, or cannot be reached.")]
pub struct Arguments {
    #[command(flatten)]
    server: Server,
    /// Wait until it is ready, for so many seconds at the most
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    wait: u32,
}

/// Between two looks.
const EVERY: Duration = Duration::from_millis(250);

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let Arguments { server, wait } = arguments;
    let within = Duration::from_secs(u64::from(*wait));
    runtime().block_on(async {
        let ends = tokio::time::Instant::now() + within;
        loop {
            match server.send(Method::GET, "/readyz", None).await {
                Ok(_) => {
                    println!("ready");
                    return Exit::Success;
                }
                Err(refusal) if tokio::time::Instant::now() >= ends => {
                    complain(refusal);
                    return Exit::Inconclusive;
                }
                Err(_) => tokio::time::sleep(EVERY).await,
            }
        }
    })
}
