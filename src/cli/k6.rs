//! `bellwether k6`: the command of k6, so that `alias k6='bellwether k6'` works.
//!
//! Its own wrong usage has k6's exit code. What it does is in [`super::k6_run`].

use super::exit::Exit;
use super::k6_run;
use clap::{Parser, Subcommand};
use std::ffi::OsString;

/// Arguments as they come; they are read like k6 reads them.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Raw {
    /// What k6 would be given: `run`, `inspect` or `version`, and what follows; `--help` says more
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENTS"
    )]
    arguments: Vec<OsString>,
}

/// Runs scripts of k6.
#[derive(Debug, Parser)]
#[command(
    name = "bellwether k6",
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = MOVING
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const MOVING: &str = "Moving from k6:
  alias k6='bellwether k6'
  k6 run script.js                              as before: flags, K6_* variables, summary, exit codes
  k6 run -e BASE_URL=http://127.0.0.1:8080 --vus 5 --duration 30s script.js
  k6 inspect script.js                          the options, without sending anything
  k6 run --summary-export summary.json script.js

A script that k6 calls passed though nothing was measured gets one line on standard error that says so.

Not supported: TypeScript that is more than types (enum, namespace), archives,
devices, routes and several pages of one context of k6/browser, k6/x/*, k6/experimental/* but for csv, fs, streams and websockets, NTLM, requests in brotli and
compressed messages, outputs but for json and csv, execution segments, TLS 1.1 and older, keys with
a password, sources of secrets but for mock and file, imports from the network but for jslib's
k6-utils, k6-summary, url and formdata.

Exit codes:
  0 done   99 thresholds failed   100 setup timed out   101 teardown timed out   104 invalid options
  105 interrupted   107 the script threw   108 exec.test.abort()   110 exec.test.fail()   255 anything else";

#[derive(Debug, Subcommand)]
enum Command {
    /// Perform a script
    Run(Box<super::k6_arguments::Arguments>),
    /// Print the options of a script, without sending anything
    Inspect(Box<super::k6_arguments::Arguments>),
    /// Print the version
    Version,
}

/// Runs the command.
pub fn run(raw: Raw) -> Exit {
    let program = OsString::from("bellwether k6");
    let arguments = match Arguments::try_parse_from(std::iter::once(program).chain(raw.arguments)) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Nothing can be done where that cannot be printed.
            let _ = error.print();
            return Exit::K6(if error.use_stderr() { 255 } else { 0 });
        }
    };
    match arguments.command {
        Command::Run(arguments) => k6_run::run(&arguments),
        Command::Inspect(arguments) => k6_run::inspect(&arguments),
        Command::Version => {
            println!("bellwether k6 {}", env!("CARGO_PKG_VERSION"));
            Exit::Success
        }
    }
}
