//! What `bellwether run` is told on its command line.

use super::recording::Shown;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether run smoke.yaml --env production
  bellwether run . --env staging --verbose
  bellwether run load.yaml --json result.json --html report.html
  bellwether run --url http://127.0.0.1:8080/ --vus 50 --duration 10s
  bellwether run --url http://127.0.0.1:8080/ --rate 1000 --duration 30s --objective 'p95 < 300ms'
  bellwether run load.yaml --hdr run.hlog --api 127.0.0.1:9912

Without a load the scenario is performed once. Ctrl-C drains, runs teardown and reports (exit code 105);
a second Ctrl-C stops at once. On a terminal, p pauses and resumes a load, + and - scale it, 0 takes
it back to the plan, q stops it; with --api, `bellwether load` does the same from elsewhere.")]
pub struct Arguments {
    /// Scenario files, performed one after another; of a folder its scenarios, and no configuration
    #[arg(required_unless_present = "url")]
    pub files: Vec<PathBuf>,
    /// The environment of `bellwether.yaml`
    #[arg(long = "env", value_name = "NAME")]
    pub environment: Option<String>,
    /// The configuration; `bellwether.yaml` beside the scenario or above it by default
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A value for an input
    #[arg(long = "input", value_name = "NAME=VALUE")]
    pub inputs: Vec<String>,
    /// Base URL of a service, instead of the configuration's
    #[arg(long = "service", value_name = "NAME=URL")]
    pub services: Vec<String>,
    /// Perform the scenario once even if it has a load
    #[arg(long)]
    pub once: bool,
    /// Measure one URL, without a file
    #[arg(long, conflicts_with = "files")]
    pub url: Option<String>,
    /// Requests per second (open model)
    #[arg(long, conflicts_with = "vus", value_parser = positive)]
    pub rate: Option<f64>,
    /// Virtual users that loop (closed model)
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=crate::limits::VIRTUAL_USERS_MAX))]
    pub vus: Option<u64>,
    /// How long, such as `30s`
    #[arg(long, value_parser = crate::duration::parse)]
    pub duration: Option<Duration>,
    /// Virtual users of an open model at the most
    #[arg(long, value_name = "COUNT")]
    pub max_vus: Option<u64>,
    /// An objective beside the scenario's own
    #[arg(long = "objective", value_name = "TEXT")]
    pub objectives: Vec<String>,
    /// Worker threads; chosen by the size of the load by default
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub workers: Option<u64>,
    /// Write the result as JSON (`-` for standard output)
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the result as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write the result in the Common Test Report Format, as JSON
    #[arg(long, value_name = "FILE")]
    pub ctrf: Option<PathBuf>,
    /// Write the result as Markdown, for a pull request; a workflow of GitHub gets it as its summary anyway
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write a self-contained page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Say what changed since an earlier run, of which this is the JSON, and how certain that is
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// End with 99 if anything is worse than in the earlier run, for certain; with 98 if nothing could be compared
    #[arg(long, requires = "compare")]
    pub fail_on_regression: bool,
    /// Write one line for each sample, as CSV
    #[arg(long, value_name = "FILE")]
    pub samples: Option<PathBuf>,
    /// Write an HdrHistogram interval log, one line a second, that other tools read
    #[arg(long, value_name = "FILE")]
    pub hdr: Option<PathBuf>,
    /// Write every exchange as a recording (HAR 1.2) that browsers and `bellwether import har` read; secrets, cookies and
    /// credentials are hidden in it, and a load is recorded as far as 10,000 exchanges
    #[arg(long, value_name = "FILE")]
    pub har: Option<PathBuf>,
    /// Write pictures of pages into this folder, in one for each scenario and start; of those that passed the newest stay
    /// (`browser: { keep: N }`, 5)
    #[arg(long, value_name = "FOLDER")]
    pub pictures: Option<PathBuf>,
    /// Serve metrics, state and orders (pause, resume, scale, stop) while it runs, for this machine only
    #[arg(long, value_name = "ADDRESS", value_parser = local_address)]
    pub api: Option<SocketAddr>,
    /// Show each exchange in a line as it happens, of what is performed once
    #[arg(long, short)]
    pub verbose: bool,
    /// Show each exchange with headers, bodies and phases; secrets, cookies and credentials stay hidden
    #[arg(long)]
    pub trace: bool,
    /// Say nothing but errors
    #[arg(long, short, conflicts_with_all = ["verbose", "trace"])]
    pub quiet: bool,
}

impl Arguments {
    /// Whether people read the summary on standard output.
    pub(super) fn shows_summary(&self) -> bool {
        !self.quiet && self.json.as_deref() != Some(Path::new("-"))
    }

    /// How much of each exchange is shown.
    pub(super) fn shown(&self) -> Shown {
        match (self.trace, self.verbose) {
            (true, _) => Shown::Whole,
            (false, true) => Shown::Lines,
            (false, false) => Shown::Nothing,
        }
    }
}

pub(super) fn local_address(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => Ok(address),
        Ok(_) => Err("only an address of this machine itself, such as 127.0.0.1:9912".to_owned()),
        Err(_) => Err("an address and a port, such as 127.0.0.1:9912".to_owned()),
    }
}

pub(super) fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
        _ => Err("a rate is a number above 0".to_owned()),
    }
}
