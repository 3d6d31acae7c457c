//! `bellwether load`: see running loads, and pause, resume, scale or stop them.

use super::client::{Refusal, Server};
use super::exit::Exit;
use crate::figures::show_micros;
use crate::load::live::LoadState;
use crate::report::style::Style;
use crate::web::loads::Order;
use clap::Subcommand;
use http::Method;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether run load.yaml --api 127.0.0.1:9912     in one terminal
  bellwether load list --server http://127.0.0.1:9912
  bellwether load scale 1.5 --server http://127.0.0.1:9912
  bellwether load pause                             the load of a gate of the daemon")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
    /// Which load, by its number; may be left out while only one is running
    #[arg(long, global = true, value_name = "ID")]
    id: Option<u64>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List running loads with what they do this second
    List,
    /// Start nothing new until told to resume; the plan waits
    Pause,
    /// Go on where the plan was held
    Resume,
    /// Multiply the planned rates and numbers of virtual users; 1 is as planned
    Scale {
        /// From 0.01 to 100
        factor: f64,
    },
    /// Let running iterations finish, then end; the second time at once
    Stop,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Exit {
    let result = crate::cli::commands::runtime().block_on(perform(arguments));
    result.unwrap_or_else(|refusal| refusal.complain())
}

async fn perform(arguments: Arguments) -> Result<Exit, Refusal> {
    let Arguments {
        command,
        server,
        id,
        json,
    } = arguments;
    let loads: Vec<LoadState> = server.ask(Method::GET, "/api/v1/loads", None).await?;
    let order = match command {
        Command::List => {
            show(&loads, json);
            return Ok(Exit::Success);
        }
        Command::Pause => Order::Pause,
        Command::Resume => Order::Resume,
        Command::Scale { factor } => Order::Scale { factor },
        Command::Stop => Order::Stop,
    };
    let id = match (id, loads.as_slice()) {
        (Some(id), _) => id,
        (None, [only]) => only.id,
        (None, []) => return Err(Refusal::Problem(404, "no load is running".to_owned())),
        (None, many) => {
            let ids: Vec<String> = many.iter().map(|load| load.id.to_string()).collect();
            let text = format!(
                "several loads are running; say which with `--id`: {}",
                ids.join(", ")
            );
            return Err(Refusal::Problem(409, text));
        }
    };
    let body = serde_json::to_value(order).ok();
    let path = format!("/api/v1/loads/{id}");
    let state: LoadState = server.ask(Method::POST, &path, body).await?;
    show(&[state], json);
    Ok(Exit::Success)
}

fn show(loads: &[LoadState], json: bool) {
    if json {
        println!(
            "{}",
            serde_json::to_string_pretty(loads).unwrap_or_default()
        );
        return;
    }
    if loads.is_empty() {
        println!("no load is running");
    }
    let style = Style::for_stream(&std::io::stdout());
    for load in loads {
        let doing = match (load.stopping, load.paused) {
            (true, _) => style.doubtful("stopping"),
            (_, true) => style.doubtful("paused"),
            _ => style.good("running"),
        };
        println!(
            "{:>3} {doing} {}  {:.0} of {:.0} s · {}/s · p95 {} · {} of {} failed · {} active, {} waiting · scale {}",
            load.id,
            style.bold(&load.scenario),
            load.elapsed_s,
            load.planned_s,
            load.rate,
            show_micros(load.p95_us as f64),
            load.errors,
            load.requests,
            load.active,
            load.waiting,
            load.scale,
        );
    }
}
