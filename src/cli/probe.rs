//! `bellwether probe`: list the probes of a running daemon, or run one now.

use super::client::{Refusal, Server};
use super::exit::Exit;
use crate::figures::show_micros;
use crate::report::columns::{Column, Paint, lines, wrapped};
use crate::report::style::Style;
use crate::report::text;
use crate::report::view::ProbeView;
use crate::run::Summary;
use clap::Subcommand;
use http::Method;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether probe list
  bellwether probe run api-health --json")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List probes with their states
    List,
    /// Run a probe now; the exit code is its outcome
    Run {
        /// The probe's name
        name: String,
    },
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments {
        command,
        server,
        json,
    } = arguments;
    let style = Style::for_stream(&std::io::stdout());
    let result: Result<Exit, Refusal> = crate::cli::commands::runtime().block_on(async {
        match command {
            Command::List => {
                let probes: Vec<ProbeView> =
                    server.ask(Method::GET, "/api/v1/probes", None).await?;
                if json {
                    println!(
                        "{}",
                        serde_json::to_string_pretty(&probes).unwrap_or_default()
                    );
                } else {
                    list(&probes, style);
                }
                Ok(Exit::Success)
            }
            Command::Run { name } => {
                let name = percent_encoding::utf8_percent_encode(
                    &name,
                    percent_encoding::NON_ALPHANUMERIC,
                )
                .to_string();
                let summary: Summary = server
                    .ask(Method::POST, &format!("/api/v1/probes/{name}/run"), None)
                    .await?;
                if json {
                    println!(
                        "{}",
                        serde_json::to_string_pretty(&summary).unwrap_or_default()
                    );
                } else {
                    print!("{}", text::render(&summary, style));
                }
                Ok(Exit::of(summary.outcome))
            }
        }
    });
    result.unwrap_or_else(|refusal| refusal.complain())
}

fn list(probes: &[ProbeView], style: Style) {
    if probes.is_empty() {
        println!("no probe is configured");
        return;
    }
    let plain = |text: &str| (text.to_owned(), Paint::Plain);
    let health = |probe: &ProbeView| {
        let paint = match probe.health.as_str() {
            "up" => Paint::Good,
            "down" => Paint::Bad,
            _ => Paint::Doubtful,
        };
        (probe.health.clone(), paint)
    };
    let took = |probe: &ProbeView| {
        let took = probe.last_ms.map(|ms| show_micros(ms * 1e3));
        (took.unwrap_or_default(), Paint::Plain)
    };
    let columns = vec![
        Column::texts("probe", 0, probes, |probe| plain(&probe.name)),
        Column::texts("state", 1, probes, health),
        Column::texts("environment", 3, probes, |probe| plain(&probe.environment)),
        Column::texts("when", 4, probes, |probe| plain(&probe.schedule)),
        Column::texts("last", 2, probes, took),
    ];
    let mut table = lines(columns, 0, style).into_iter();
    table.next().into_iter().for_each(|head| println!("{head}"));
    for (line, probe) in table.zip(probes) {
        println!("{line}");
        if !probe.last_reason.is_empty() {
            println!("{}", style.dim(&wrapped(&probe.last_reason, 2, style)));
        }
    }
}
