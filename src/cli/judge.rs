//! `bellwether judge`: recorded samples through exactly the code that judges a gate.

use super::exit::Exit;
use crate::objective::Objective;
use crate::objective::rule::Rule;
use crate::objective::slot::Slot;
use crate::objective::tally::{self, Arm, Sample, Watched};
use crate::objective::trial::Conclusion;
use crate::objective::verdict::{self, Judged};
use crate::replay::read::{self, Samples};
use crate::report::style::Style;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether judge samples.csv --objective 'p95 < 300ms' --objective 'error_rate < 1%'
  bellwether judge new.csv --baseline old.csv --objective 'p99 < 1s' --json
  k6 run --out csv=k6.csv script.js; bellwether judge k6.csv --objective 'p95 < 500ms'
  bellwether judge many-gates.csv --objective 'p95 < 300ms' --json | jq -r .verdict | sort | uniq -c

Files: those of `bellwether run --samples`, k6's `--out csv` and `--out json`, or CSV with the columns
t_ms,arm,latency_us,ok (arm: candidate or baseline); with a column `gate`, one verdict for each.

Rule (defaults):
  rollback=1%       how often a good deploy may be rolled back, however often it is looked at
  promote=5%        how often a bad deploy may be promoted
  indifference=1.5  a deploy is bad beyond this multiple of a limit
  worse=5%          how often a candidate like its baseline may be called worse
  warm-up=10s       evidence of this time (at most a quarter of the file) only finds a dead deploy
  warm-up-errors=10% more failures than this share in that time are no promotion
  allowance=1%      the share of requests of a smoke or a bake that may fail (in gates)
  block=2s          requests this close together may depend on one another
  dead=20%          more than this share of failures is dead
  dead-level=0.1%   how often a deploy that is not dead may be called dead
  requests=0        fewest requests for a promotion

The exit code is the verdict: 0 promote, 10 rollback, 20 hold or inconclusive; of several, the worst.")]
pub struct Arguments {
    #[command(flatten)]
    what: Recorded,
    /// Print JSON; one line for each gate where the file holds several
    #[arg(long)]
    json: bool,
}

/// Recorded samples, and how they are judged.
#[derive(Debug, clap::Args)]
pub struct Recorded {
    /// The file of samples, `-` for standard input
    pub samples: PathBuf,
    /// A file of samples of the version before, as the baseline
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// What must hold, such as 'p95 < 300ms'; can be repeated
    #[arg(long = "objective", value_name = "OBJECTIVE", required = true)]
    pub objectives: Vec<String>,
    /// Change the rule, such as `warm-up=5s`; can be repeated
    #[arg(long = "rule", value_name = "NAME=VALUE")]
    pub rule: Vec<String>,
}

/// What was read, ready to be judged.
#[derive(Debug)]
pub struct Ready {
    /// The objectives.
    pub objectives: Vec<Objective>,
    /// What they count.
    pub watched: Vec<Watched>,
    /// The rule.
    pub rule: Rule,
    /// The samples.
    pub samples: Samples,
}

impl Recorded {
    /// Reads rule, objectives and files; all mistakes at once.
    pub fn ready(&self) -> Result<Ready, Exit> {
        let mut mistakes = Vec::new();
        let mut rule = Rule::default();
        for written in &self.rule {
            if let Err(reason) = rule.set(written) {
                mistakes.push(format!("--rule {written}: {reason}"));
            }
        }
        let mut objectives = Vec::new();
        for written in &self.objectives {
            match Objective::parse(written) {
                Ok(objective) if objective.class.is_some() => mistakes.push(format!(
                    "--objective '{written}': recorded samples say whether a request failed, not how; use `error_rate` without `class`"
                )),
                Ok(objective) if tally::is_sequential(&objective) => objectives.push(objective),
                Ok(_) => mistakes.push(format!(
                    "--objective '{written}': a stream is judged by shares of requests; use a quantile such as `p95 < 300ms`, or `error_rate < 1%`"
                )),
                Err(reason) => mistakes.push(format!("--objective '{written}': {reason}")),
            }
        }
        let samples = match self.read() {
            Ok(samples) => Some(samples),
            Err(reason) => {
                mistakes.push(reason);
                None
            }
        };
        let mut watched = Vec::new();
        for objective in &objectives {
            let step = match (&objective.step, &samples) {
                (Some(name), Some(samples)) => {
                    let found = samples.steps.iter().position(|known| known == name);
                    if found.is_none() {
                        mistakes.push(format!(
                            "--objective '{}': the file holds no sample of the step `{name}`; it holds {}",
                            objective.text,
                            if samples.has_steps { samples.steps.join(", ") } else { "no steps".to_owned() }
                        ));
                    }
                    found.map(|place| place as u32)
                }
                _ => None,
            };
            watched.push(Watched::of(objective, step));
        }
        match samples {
            Some(samples) if mistakes.is_empty() => Ok(Ready {
                objectives,
                watched,
                rule,
                samples,
            }),
            _ => {
                for mistake in mistakes {
                    crate::cli::commands::complain(mistake);
                }
                Err(Exit::Usage)
            }
        }
    }

    fn read(&self) -> Result<Samples, String> {
        let mut samples = open(&self.samples)?;
        if let Some(path) = &self.baseline {
            let before = open(path)?;
            if samples.has_gates || before.has_gates {
                return Err("--baseline goes with files of one gate; with a column `gate`, write both arms into one file".to_owned());
            }
            if before.count() == 0 {
                return Err(format!(
                    "`{}` holds no sample: nothing could be compared with it",
                    path.display()
                ));
            }
            add_baseline(&mut samples, before);
        }
        Ok(samples)
    }
}

fn open(path: &PathBuf) -> Result<Samples, String> {
    let name = path.display();
    let read = if path.as_os_str() == "-" {
        read::read(std::io::stdin().lock())
    } else {
        let file = std::fs::File::open(path)
            .map_err(|error| format!("`{name}` cannot be read: {error}"))?;
        read::read(file)
    };
    read.map_err(|reason| format!("`{name}`: {reason}"))
}

/// Sets another file beside the candidate: at its own times if both were recorded together, else
/// from the same start.
fn add_baseline(samples: &mut Samples, before: Samples) {
    let steps: Vec<u32> = before
        .steps
        .iter()
        .map(|name| {
            samples
                .steps
                .iter()
                .position(|known| known == name)
                .map_or(u32::MAX, |place| place as u32)
        })
        .collect();
    let baseline: Vec<Sample> = before
        .gates
        .into_iter()
        .flat_map(|(_, samples)| samples)
        .collect();
    if samples.gates.is_empty() {
        samples.gates.push((String::new(), Vec::new()));
    }
    let candidate = &mut samples.gates[0].1;
    let (first, last) = span(candidate);
    let (first_before, last_before) = span(&baseline);
    let together = last
        .min(last_before)
        .saturating_sub(first.max(first_before));
    let shift = if together * 2 >= last_before - first_before {
        0
    } else {
        crate::cli::commands::complain(
            "the files were not recorded at the same time: they are compared from their starts, and what changed in between counts as a difference",
        );
        first as i64 - first_before as i64
    };
    candidate.extend(baseline.into_iter().map(|sample| Sample {
        known_micros: sample.known_micros.saturating_add_signed(shift),
        step: steps.get(sample.step as usize).copied().unwrap_or(0),
        arm: Arm::Baseline,
        ..sample
    }));
}

/// The start of the first sample and the end of the last one.
fn span(samples: &[Sample]) -> (u64, u64) {
    let start = samples
        .iter()
        .map(|sample| sample.known_micros.saturating_sub(sample.latency_micros))
        .min();
    let end = samples.iter().map(|sample| sample.known_micros).max();
    (start.unwrap_or(0), end.unwrap_or(0))
}

/// The start of a gate: a clock that starts near zero is the gate's own.
fn origin(samples: &[Sample]) -> u64 {
    match span(samples).0 {
        near if near < 1_000_000 => 0,
        start => start,
    }
}

impl Ready {
    /// When the last request was sent, in seconds from the start of its gate.
    fn last_sent_s(&self, samples: &[Sample]) -> f64 {
        let sent = |sample: &Sample| sample.known_micros.saturating_sub(sample.latency_micros);
        let last = samples.iter().map(sent).max().unwrap_or(0);
        last.saturating_sub(origin(samples)) as f64 / 1e6
    }

    /// The slots of one gate, and the rule for its length.
    pub fn slots(&self, samples: &[Sample]) -> Result<(Vec<Slot>, Rule), Exit> {
        let (_, end) = span(samples);
        let origin = origin(samples);
        let length = Duration::from_micros(end.saturating_sub(origin));
        match tally::slots(samples, &self.watched, origin) {
            Ok(slots) => Ok((slots, self.rule.within(length))),
            Err(reason) => {
                crate::cli::commands::complain(reason);
                Err(Exit::Usage)
            }
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let ready = match arguments.what.ready() {
        Ok(ready) => ready,
        Err(exit) => return exit,
    };
    let mut worst = Exit::Success;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let style = Style::for_stream(&std::io::stdout());
    if ready.samples.count() == 0 {
        crate::cli::commands::complain("the file holds no sample; nothing was judged");
    }
    let nothing = [(String::new(), Vec::new())];
    let gates = if ready.samples.gates.is_empty() {
        &nothing[..]
    } else {
        &ready.samples.gates
    };
    let mut counts = [0_u64; 4];
    for (name, samples) in gates {
        let (slots, rule) = match ready.slots(samples) {
            Ok(ready) => ready,
            Err(exit) => return exit,
        };
        let (mut judged, trial) = verdict::judge(rule, &ready.objectives, &slots, 1);
        if trial.called().is_none() {
            // At the end of the recording: when its last request was sent.
            judged.t_s = ready.last_sent_s(samples);
        }
        counts[judged.verdict as usize] += 1;
        worst = worse(worst, exit(judged.verdict));
        let written = match (arguments.json, ready.samples.has_gates) {
            (true, true) => writeln!(
                out,
                "{}",
                serde_json::json!({ "gate": gate_name(name), "verdict": judged.verdict, "t_s": judged.t_s })
            ),
            (true, false) => writeln!(
                out,
                "{}",
                serde_json::to_string_pretty(&judged).unwrap_or_default()
            ),
            (false, true) => writeln!(
                out,
                "{name:<20} {} after {} s  {}",
                mark(judged.verdict, style),
                judged.t_s,
                style.dim(judged.reasons.first().map_or("", String::as_str))
            ),
            (false, false) => write!(out, "{}", text(&judged, style)),
        };
        if written.is_err() {
            return Exit::Fault;
        }
    }
    if !arguments.json && ready.samples.has_gates {
        let line = format!(
            "{} gates: {} promote, {} rollback, {} hold, {} inconclusive",
            gates.len(),
            counts[0],
            counts[1],
            counts[2],
            counts[3]
        );
        if writeln!(out, "{}", style.bold(&line)).is_err() {
            return Exit::Fault;
        }
    }
    match out.flush() {
        Ok(()) => worst,
        Err(_) => Exit::Fault,
    }
}

fn exit(verdict: Conclusion) -> Exit {
    match verdict {
        Conclusion::Promote => Exit::Success,
        Conclusion::Rollback => Exit::Rollback,
        Conclusion::Hold | Conclusion::Inconclusive => Exit::Hold,
    }
}

fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit| match exit {
        Exit::Success => 0,
        Exit::Hold => 1,
        _ => 2,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// A number as a number, so that readers find their own key again.
fn gate_name(name: &str) -> serde_json::Value {
    match name.parse::<u64>() {
        Ok(number) if number.to_string() == name => number.into(),
        _ => name.into(),
    }
}

fn mark(verdict: Conclusion, style: Style) -> String {
    match verdict {
        Conclusion::Promote => style.good("✓ promote"),
        Conclusion::Rollback => style.bad("✗ rollback"),
        Conclusion::Hold => style.doubtful("? hold"),
        Conclusion::Inconclusive => style.doubtful("? inconclusive"),
    }
}

/// Odds as people read them.
fn odds(ln: f64) -> String {
    let odds = ln.exp();
    if ln > 13.8 {
        "over a million".to_owned()
    } else if odds >= 10.0 {
        format!("{odds:.0}")
    } else {
        format!("{odds:.2}")
    }
}

fn text(judged: &Judged, style: Style) -> String {
    let mut text = format!(
        "{} after {} s, {} requests\n",
        mark(judged.verdict, style),
        judged.t_s,
        judged.requests
    );
    for reason in &judged.reasons {
        text.push_str(&format!("  {reason}\n"));
    }
    for line in &judged.objectives {
        let state = match line.state.as_str() {
            "holds" => style.good("✓ holds "),
            "broken" => style.bad("✗ broken"),
            _ => style.doubtful("? open  "),
        };
        let standing = &line.standing;
        text.push_str(&format!(
            "\n{state} {}\n  {}\n",
            style.bold(&line.objective),
            line.reason
        ));
        let mut evidence = format!(
            "  evidence that it is broken: {} to 1 (needs {} to 1)",
            odds(standing.ln_broken),
            odds(standing.broken_at)
        );
        if standing.baseline.requests > 0 {
            evidence.push_str(&format!(
                "; that it is worse than the baseline: {} to 1",
                odds(standing.ln_worse)
            ));
        }
        text.push_str(&style.dim(&evidence));
        text.push('\n');
        if standing.candidate.requests > 0 {
            let mut line = format!(
                "  chance to see so few bad ones if it were bad: {:.2} %",
                100.0 * standing.level
            );
            if standing.design_effect > 1.3 {
                line.push_str(&format!(
                    "; {:.1} requests count as one, since they fail together",
                    standing.design_effect
                ));
            }
            text.push_str(&style.dim(&line));
            text.push('\n');
        }
    }
    text.push_str(&style.dim(&format!("\n{}\n", judged.guarantee)));
    text
}
