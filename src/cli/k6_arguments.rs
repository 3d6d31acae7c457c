//! Flags of `k6 run`, and the options that they and the environment stand for.

use crate::k6::place::Place;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Arguments of `k6 run` and `k6 inspect`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are k6's flags")]
pub struct Arguments {
    /// The script; `-` reads it from standard input
    pub script: PathBuf,
    /// Virtual users
    #[arg(short = 'u', long, value_name = "N")]
    vus: Option<u64>,
    /// How long, such as `30s`
    #[arg(short, long, value_name = "TIME")]
    duration: Option<String>,
    /// Iterations that all virtual users share
    #[arg(short, long, value_name = "N")]
    iterations: Option<u64>,
    /// A stage, such as `10s:5`; may be repeated
    #[arg(short = 's', long = "stage", value_name = "TIME:N")]
    stages: Vec<String>,
    /// A variable of `__ENV`; may be repeated
    #[arg(short = 'e', long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Whether variables of the system are in `__ENV`
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", default_value = "true", action = clap::ArgAction::Set)]
    include_system_env_vars: bool,
    /// Secrets for `k6/secrets`: `mock=NAME=VALUE,…` or `file=PATH`, with `name=…` and `default`; may be repeated
    #[arg(long = "secret-source", value_name = "KIND=…")]
    pub secret_sources: Vec<String>,
    /// A configuration file with options as JSON
    #[arg(short, long, env = "K6_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A tag of all samples; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<String>,
    /// Requests per second at the most
    #[arg(long, value_name = "N")]
    rps: Option<u64>,
    /// Redirects that are followed
    #[arg(long, value_name = "N")]
    max_redirects: Option<u64>,
    /// Requests of a batch at once
    #[arg(long, value_name = "N")]
    batch: Option<u64>,
    /// The same for one host
    #[arg(long, value_name = "N")]
    batch_per_host: Option<u64>,
    /// The name that is sent as `User-Agent`
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<String>,
    /// Shortest time of an iteration
    #[arg(long, value_name = "TIME")]
    min_iteration_duration: Option<String>,
    /// Throw where a request fails
    #[arg(short = 'w', long)]
    throw: bool,
    /// Do not check certificates
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// A connection for each request
    #[arg(long)]
    no_connection_reuse: bool,
    /// Connections for each iteration
    #[arg(long)]
    no_vu_connection_reuse: bool,
    /// Read no bodies but those that are asked for
    #[arg(long)]
    discard_response_bodies: bool,
    /// Do not call `setup`
    #[arg(long)]
    no_setup: bool,
    /// Do not call `teardown`
    #[arg(long)]
    no_teardown: bool,
    /// Judge no thresholds
    #[arg(long, env = "K6_NO_THRESHOLDS")]
    pub no_thresholds: bool,
    /// `compact`, `full` or `disabled`
    #[arg(long, env = "K6_SUMMARY_MODE", value_parser = ["compact", "full", "disabled"], default_value = "compact")]
    pub summary_mode: String,
    /// Write the summary as JSON
    #[arg(long, env = "K6_SUMMARY_EXPORT", value_name = "FILE")]
    pub summary_export: Option<PathBuf>,
    /// Statistics of trends, such as `avg,p(99)`
    #[arg(long, value_name = "LIST")]
    summary_trend_stats: Option<String>,
    /// `s`, `ms` or `us`
    #[arg(long, value_name = "UNIT")]
    summary_time_unit: Option<String>,
    /// Write every sample: `json=FILE` or `csv=FILE`, compressed where its name ends in `.gz`; may be repeated
    #[arg(
        short = 'o',
        long = "out",
        env = "K6_OUT",
        value_delimiter = ',',
        value_name = "KIND=FILE"
    )]
    pub outs: Vec<String>,
    /// How moments are written in a table: unix, unix_milli, rfc3339 and so on
    #[arg(long, env = "K6_CSV_TIME_FORMAT", hide = true)]
    pub csv_time_format: Option<String>,
    /// The browser of `k6/browser`
    #[arg(
        long,
        env = "K6_BROWSER_EXECUTABLE_PATH",
        value_name = "FILE",
        hide = true
    )]
    pub browser_executable_path: Option<PathBuf>,
    /// Arguments of that browser, of which `no-sandbox` is understood
    #[arg(long, env = "K6_BROWSER_ARGS", hide = true)]
    pub browser_args: Option<String>,
    /// Write what `console` says to a file
    #[arg(long, env = "K6_CONSOLE_OUTPUT", value_name = "FILE")]
    pub console_output: Option<PathBuf>,
    /// `stderr`, `stdout`, `none` or `file=PATH`
    #[arg(long, env = "K6_LOG_OUTPUT", default_value = "stderr")]
    pub log_output: String,
    /// `raw` or `json`
    #[arg(long, env = "K6_LOG_FORMAT")]
    pub log_format: Option<String>,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// Show what `console.debug` says, too
    #[arg(short, long)]
    pub verbose: bool,
    /// Use no colors
    #[arg(long)]
    pub no_color: bool,
    /// Send no report of usage, which nobody sends here
    #[arg(long, hide = true)]
    no_usage_report: bool,
}

fn stage(text: &str) -> Value {
    let (time, target) = text.split_once(':').unwrap_or((text, ""));
    let target = target
        .parse::<u64>()
        .map_or(Value::from(target), Value::from);
    serde_json::json!({"duration": time, "target": target})
}

fn pairs(all: &[String]) -> Map<String, Value> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (name.to_owned(), Value::from(value))
    };
    all.iter().map(pair).collect()
}

impl Arguments {
    /// What `__ENV` holds.
    pub fn variables(
        &self,
        system: impl Iterator<Item = (String, String)>,
    ) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        if self.include_system_env_vars {
            all.extend(system);
        }
        for text in &self.env {
            let pair = text.split_once('=');
            let (name, value) = match pair {
                Some((name, value)) => (name.to_owned(), value.to_owned()),
                // As in k6: the system's own.
                None => (
                    text.clone(),
                    std::env::var_os(text)
                        .unwrap_or_default()
                        .to_string_lossy()
                        .into_owned(),
                ),
            };
            all.insert(name, value);
        }
        all
    }

    /// Names that were given for `__ENV`.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        self.env
            .iter()
            .map(|text| text.split('=').next().unwrap_or(text))
    }

    /// The options of the command line.
    pub fn place(&self) -> Place {
        let mut options = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                options.insert(key.to_owned(), value);
            }
        };
        put("vus", self.vus.map(Value::from));
        put("duration", self.duration.clone().map(Value::from));
        put("iterations", self.iterations.map(Value::from));
        let stages: Vec<Value> = self.stages.iter().map(|text| stage(text)).collect();
        put("stages", (!stages.is_empty()).then(|| Value::from(stages)));
        put(
            "tags",
            (!self.tags.is_empty()).then(|| Value::Object(pairs(&self.tags))),
        );
        put("rps", self.rps.map(Value::from));
        put("maxRedirects", self.max_redirects.map(Value::from));
        put("batch", self.batch.map(Value::from));
        put("batchPerHost", self.batch_per_host.map(Value::from));
        put("userAgent", self.user_agent.clone().map(Value::from));
        put(
            "minIterationDuration",
            self.min_iteration_duration.clone().map(Value::from),
        );
        put(
            "summaryTimeUnit",
            self.summary_time_unit.clone().map(Value::from),
        );
        let stats = self.summary_trend_stats.as_ref();
        let stats = stats.map(|text| text.split(',').map(str::trim).map(Value::from).collect());
        put("summaryTrendStats", stats);
        for (key, is_set) in [
            ("throw", self.throw),
            ("insecureSkipTLSVerify", self.insecure_skip_tls_verify),
            ("noConnectionReuse", self.no_connection_reuse),
            ("noVUConnectionReuse", self.no_vu_connection_reuse),
            ("discardResponseBodies", self.discard_response_bodies),
            ("noSetup", self.no_setup),
            ("noTeardown", self.no_teardown),
        ] {
            put(key, is_set.then_some(Value::Bool(true)));
        }
        Place {
            name: "the command line",
            options,
        }
    }
}

/// Variables of the system.
pub fn system() -> impl Iterator<Item = (String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

/// Options of variables such as `K6_VUS`.
pub fn of_variables(variables: impl Iterator<Item = (String, String)>) -> Place {
    let known = [
        ("K6_VUS", "vus"),
        ("K6_DURATION", "duration"),
        ("K6_ITERATIONS", "iterations"),
        ("K6_STAGES", "stages"),
        ("K6_RPS", "rps"),
        ("K6_MAX_REDIRECTS", "maxRedirects"),
        ("K6_BATCH", "batch"),
        ("K6_BATCH_PER_HOST", "batchPerHost"),
        ("K6_USER_AGENT", "userAgent"),
        ("K6_MIN_ITERATION_DURATION", "minIterationDuration"),
        ("K6_THROW", "throw"),
        ("K6_INSECURE_SKIP_TLS_VERIFY", "insecureSkipTLSVerify"),
        ("K6_NO_CONNECTION_REUSE", "noConnectionReuse"),
        ("K6_NO_VU_CONNECTION_REUSE", "noVUConnectionReuse"),
        ("K6_DISCARD_RESPONSE_BODIES", "discardResponseBodies"),
        ("K6_NO_SETUP", "noSetup"),
        ("K6_NO_TEARDOWN", "noTeardown"),
        ("K6_SETUP_TIMEOUT", "setupTimeout"),
        ("K6_TEARDOWN_TIMEOUT", "teardownTimeout"),
        ("K6_NO_COOKIES_RESET", "noCookiesReset"),
        ("K6_SUMMARY_TREND_STATS", "summaryTrendStats"),
        ("K6_SUMMARY_TIME_UNIT", "summaryTimeUnit"),
    ];
    let texts = [
        "duration",
        "userAgent",
        "minIterationDuration",
        "setupTimeout",
        "teardownTimeout",
        "summaryTimeUnit",
    ];
    let mut options = Map::new();
    for (name, text) in variables {
        let Some((_, key)) = known.iter().find(|(known, _)| *known == name) else {
            continue;
        };
        let value = match *key {
            "stages" => text.split(',').map(|text| stage(text.trim())).collect(),
            "summaryTrendStats" => text.split(',').map(str::trim).map(Value::from).collect(),
            key if texts.contains(&key) => Value::from(text),
            // Numbers and flags; what is neither is refused where it is read.
            _ => serde_json::from_str(&text).unwrap_or(Value::from(text)),
        };
        options.insert((*key).to_owned(), value);
    }
    Place {
        name: "the environment",
        options,
    }
}
