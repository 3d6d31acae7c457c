//! The commands of `bellwether`, what they share, and where the program begins.

use super::exit::Exit;
use super::{
    alert, backup, baseline, check, demo, docs, explain, gate, import, init, judge, k6, load,
    probe, ready, rules, run, run_arguments, serve,
};
use crate::config::file_shape::FILE;
use crate::document::shape::json_schema;
use crate::report::columns::fitted;
use crate::scenario::shape::SCENARIO;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

/// Verifies deploys, watches production, verifies under load: promote, roll back or hold, and the proof that the rollback worked.
#[derive(Debug, Parser)]
#[command(
    name = "bellwether",
    version,
    max_term_width = 100,
    after_help = "Examples:
  bellwether demo                                   watch it work on a built-in shop
  bellwether check scenarios/                       find mistakes without sending anything
  bellwether run smoke.yaml --env production        perform a scenario once
  bellwether run --url http://127.0.0.1:8080/ --rate 100 --duration 10s
  bellwether judge samples.csv --objective 'p95 < 300ms'
  bellwether serve --config bellwether.yaml         probes, gates, metrics and pages
  bellwether gate start api --version 1.4.2 --wait  verify a deploy; the exit code is the verdict

Exit codes:
  0 passed or promoted   1 our own fault   2 wrong usage   10 rollback   20 hold
  98 inconclusive   99 checks or objectives failed   104 invalid configuration   105 interrupted"
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a first configuration and scenario for your own service
    Init(init::Arguments),
    /// Validate configuration and scenarios without sending anything
    Check(check::Arguments),
    /// Make scenarios of files of Hurl, Postman, HAR, OpenAPI, blackbox_exporter, Gatus and curl
    Import(import::Arguments),
    /// Perform scenarios: once, or under their load
    Run(Box<run_arguments::Arguments>),
    /// Judge recorded samples as a gate would: promote, roll back, hold or inconclusive
    Judge(judge::Arguments),
    /// Run scripts of k6, as k6 does
    #[command(disable_help_flag = true)]
    K6(k6::Raw),
    /// See running loads, and pause, resume, scale or stop them
    Load(load::Arguments),
    /// Run the daemon: probes, gates, metrics, API and pages
    Serve(serve::Arguments),
    /// Ask whether a daemon is ready, for health checks and scripts
    Ready(ready::Arguments),
    /// Copy the state to a file, also while the daemon runs
    Backup(backup::Backup),
    /// Put a copy of the state back, while the daemon is stopped
    Restore(backup::Restore),
    /// Start, watch and explain gates of a running daemon
    Gate(Box<gate::Arguments>),
    /// List the probes of a running daemon, or run one now
    Probe(probe::Arguments),
    /// See, acknowledge and silence incidents; test channels
    Alert(alert::Arguments),
    /// Accept what a page looks like as what it must look like, and see what was accepted
    Baseline(baseline::Arguments),
    /// Write the objectives of a configuration for Prometheus, or as OpenSLO
    Rules(rules::Arguments),
    /// Watch it work on a built-in shop
    Demo(demo::Arguments),
    /// Print the JSON Schema of a file, for editors, or of what webhooks are sent
    Schema {
        /// Of what
        #[arg(value_parser = ["scenario", "configuration", "message"], default_value = "scenario")]
        kind: String,
    },
    /// Read the reference: language, configuration, API, metrics, commands
    Docs(docs::Arguments),
    /// Explain the code of a diagnostic, and how it is mended
    Explain(explain::Arguments),
    /// Print the completion script of a shell
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command of the process and gives its exit code.
pub fn main() -> ExitCode {
    super::pipes::prepare();
    crate::descriptors::raise_limit();
    // Only fails if a provider was installed before, and nobody else does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = super::usage::arguments();
    let exit = match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Judge(arguments) => judge::run(&arguments),
        Command::K6(raw) => k6::run(raw),
        Command::Load(arguments) => load::run(arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Ready(arguments) => ready::run(&arguments),
        Command::Backup(arguments) => backup::backup(&arguments),
        Command::Restore(arguments) => backup::restore(&arguments),
        Command::Gate(arguments) => gate::run(*arguments),
        Command::Probe(arguments) => probe::run(arguments),
        Command::Alert(arguments) => alert::run(arguments),
        Command::Baseline(arguments) => baseline::run(arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Schema { kind } => {
            let schema = match kind.as_str() {
                "message" => crate::reference::messages::schema(),
                "configuration" => json_schema("bellwether.yaml", &FILE),
                _ => json_schema("A Bellwether scenario", &SCENARIO),
            };
            println!(
                "{}",
                serde_json::to_string_pretty(&schema).unwrap_or_default()
            );
            Exit::Success
        }
        Command::Docs(arguments) => docs::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Completion { shell } => {
            // Made whole first: who reads only its beginning is no fault.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut program(), "bellwether", &mut script);
            print!("{}", String::from_utf8_lossy(&script));
            Exit::Success
        }
    };
    crate::browser::keeper::end_all();
    ExitCode::from(exit.code())
}

/// The program, as its arguments are parsed.
pub(super) fn program() -> clap::Command {
    Arguments::command()
}

/// Prints something as JSON, on standard output.
pub(super) fn print_json(value: &impl serde::Serialize) {
    println!(
        "{}",
        serde_json::to_string_pretty(value).unwrap_or_default()
    );
}

/// Says what went wrong, on standard error.
pub fn complain(message: impl std::fmt::Display) {
    let style = crate::report::style::Style::for_stream(&std::io::stderr());
    let text = format!("{} {message}", style.bad("error:"));
    eprintln!("{}", fitted(&text, style));
}

/// A runtime for commands that talk to others.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime needs only threads and an epoll descriptor")
}
