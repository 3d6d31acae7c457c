//! `bellwether gate`: start, watch and explain gates of a running daemon.

use super::client::{Refusal, Server};
use super::commands::print_json;
use super::exit::Exit;
use super::gate_list;
use super::gate_people;
use super::gate_wait::{phase, watch};
use crate::replay::curve::replay;
use crate::report::columns::fitted;
use crate::report::explain;
use crate::report::style::Style;
use crate::report::view::{GateDetail, GateView};
use crate::run::Summary;
use clap::Subcommand;
use http::Method;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether gate start api --version 1.4.2 --commit $GITHUB_SHA --actor $GITHUB_ACTOR --wait
  bellwether gate list
  bellwether gate wait 12 --until converge    # before the deploy: what must hold before it holds
  bellwether gate explain 12
  bellwether gate rollback api --by jane --reason 'checkout is broken' --wait
  bellwether gate calibrate yesterday.csv --objective 'p95 < 300ms' --length 2m

Exit codes of `start --wait` and `wait`: 0 promote, 10 rollback, 20 hold, or a promotion that was not carried out.")]
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
    /// Start a gate for a deploy: after it, or, where the gate has a `rollout`, right before it
    Start {
        /// The gate's name
        gate: String,
        /// The version that was deployed
        #[arg(long)]
        version: String,
        /// The version before, if you know it
        #[arg(long, default_value = "", hide_default_value = true)]
        previous_version: String,
        /// The commit
        #[arg(long, default_value = "", hide_default_value = true)]
        commit: String,
        /// Who deployed it
        #[arg(long, default_value = "", hide_default_value = true)]
        actor: String,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
        /// The pipeline's page
        #[arg(long, default_value = "", hide_default_value = true)]
        link: String,
        /// GitHub's number of the deployment
        #[arg(long, default_value = "", hide_default_value = true)]
        deployment: String,
        /// Verify outside of the windows, and say why; needs --actor, and is recorded
        #[arg(
            long,
            value_name = "REASON",
            default_value = "",
            hide_default_value = true
        )]
        break_glass: String,
        /// What the deploy changed the database to: then nothing rolls the application back alone and
        /// unasked
        #[arg(
            long,
            value_name = "MIGRATION",
            default_value = "",
            hide_default_value = true
        )]
        migrated: String,
        /// The ticket of the change; what a gate's `ticket` names by `${inputs.ticket}`
        #[arg(long, default_value = "", hide_default_value = true)]
        ticket: String,
        /// Only rehearse it: loads and bake of some seconds, nobody is asked, nothing is done; the verdict is
        /// never to promote, and says what it would have been
        #[arg(long = "rehearse")]
        rehearsal: bool,
        /// Go on without a precondition, and say why; needs --actor, and is recorded
        #[arg(long = "skip", value_name = "PRECONDITION=REASON", value_parser = skip)]
        skips: Vec<(String, String)>,
        /// Wait until it is done; the exit code is the verdict
        #[arg(long)]
        wait: bool,
        /// Wait at most so long; a gate that is not done by then counts as hold
        #[arg(long, default_value = "1h", value_parser = crate::duration::parse)]
        timeout: Duration,
    },
    /// Wait until a gate is done; the exit code is the verdict
    Wait {
        /// The gate's number
        id: i64,
        /// Wait only until it has come so far: with `converge`, what must hold before the deploy holds
        #[arg(long, value_name = "PHASE")]
        until: Option<String>,
        /// Wait at most so long; a gate that is not done by then counts as hold
        #[arg(long, default_value = "1h", value_parser = crate::duration::parse)]
        timeout: Duration,
    },
    /// Show a gate with its reasons
    Show {
        /// The gate's number
        id: i64,
    },
    /// List gates, the newest first
    List(gate_list::Wanted),
    /// Call a gate off; it ends in hold
    Cancel {
        /// The gate's number
        id: i64,
    },
    /// Say why a gate said what it said, in words and in a picture
    Explain {
        /// The gate's number
        id: i64,
    },
    #[command(flatten)]
    People(gate_people::Word),
    /// Roll the newest deploy of a gate back now, whatever is measured, and prove it. With --wait the exit code is 0 if
    /// the rollback is proven, and 20 if it is not
    Rollback {
        /// The gate's name
        gate: String,
        /// Who orders it; a token with a name says so itself
        #[arg(long, default_value = "", hide_default_value = true)]
        by: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// What is served now; needed to go further back than a rollback went
        #[arg(
            long,
            value_name = "VERSION",
            default_value = "",
            hide_default_value = true
        )]
        served: String,
        /// The version to go back to, if not the last that was proven good here
        #[arg(
            long,
            value_name = "VERSION",
            default_value = "",
            hide_default_value = true
        )]
        to: String,
        /// Wait until it is proven
        #[arg(long)]
        wait: bool,
    },
    /// Write the incident record of a gate: JSON, Markdown, and its evidence with hashes
    Incident {
        /// The gate's number
        id: i64,
        /// The folder, which must not exist yet
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Find out how often a rule would roll a healthy service back wrongly
    Calibrate(super::calibrate::Arguments),
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments {
        command,
        server,
        json,
    } = arguments;
    let decides = matches!(
        command,
        Command::Start { .. } | Command::Wait { .. } | Command::Rollback { .. }
    );
    let result = crate::cli::commands::runtime().block_on(async {
        match command {
            Command::Start { gate, version, previous_version, commit, actor, reason, link, deployment, break_glass, migrated, ticket, rehearsal, skips, wait, timeout } => {
                let skips: std::collections::BTreeMap<String, String> = skips.into_iter().collect();
                let body = serde_json::json!({
                    "gate": gate, "version": version, "previous_version": previous_version, "commit": commit,
                    "actor": actor, "reason": reason, "link": link, "deployment": deployment, "break_glass": break_glass,
                    "migrated": migrated, "ticket": ticket, "rehearsal": rehearsal, "skips": skips,
                });
                let started: GateView = server.ask(Method::POST, "/api/v1/gates", Some(body)).await?;
                let page = format!("{}/gates/{}", server.server.trim_end_matches('/'), started.id);
                if wait {
                    eprintln!("gate {} started: {page}", started.id);
                    return watch(&server, started.id, None, timeout, json, exit).await;
                }
                if json {
                    print_json(&started);
                } else {
                    println!("gate {} started: {page}", started.id);
                }
                Ok(Exit::Success)
            }
            Command::Wait { id, until, timeout } => {
                let until = match until.as_deref().map(phase).transpose() {
                    Ok(until) => until,
                    Err(reason) => {
                        crate::cli::commands::complain(reason);
                        return Ok(Exit::Usage);
                    }
                };
                watch(&server, id, until, timeout, json, exit).await
            }
            Command::Show { id } => {
                let detail: GateDetail = server.ask(Method::GET, &format!("/api/v1/gates/{id}"), None).await?;
                if json {
                    print_json(&detail);
                } else {
                    let style = Style::for_stream(&std::io::stdout());
                    print!("{}", fitted(&show(&detail, style), style));
                }
                Ok(Exit::Success)
            }
            Command::List(wanted) => {
                let all: Vec<GateView> = server.ask(Method::GET, "/api/v1/gates", None).await?;
                let has_any = !all.is_empty();
                let gates = wanted.of(all);
                if json {
                    print_json(&gates);
                } else {
                    gate_list::print(&gates, has_any, Style::for_stream(&std::io::stdout()));
                }
                Ok(Exit::Success)
            }
            Command::Explain { id } => explain(&server, id, json).await,
            Command::People(word) => gate_people::say(&server, word).await,
            Command::Rollback { gate, by, reason, served, to, wait } => {
                let body = serde_json::json!({ "by": by, "reason": reason, "version": served, "to": to });
                let ordered: GateView = server.ask(Method::POST, &format!("/api/v1/rollback/{gate}"), Some(body)).await?;
                if wait {
                    eprintln!("gate {} rolls `{gate}` back", ordered.id);
                    let within = Duration::from_secs(3600);
                    return watch(&server, ordered.id, None, within, json, exit_of_rollback).await;
                }
                eprintln!("gate {} rolls `{gate}` back", ordered.id);
                Ok(Exit::Success)
            }
            Command::Incident { id, out } => {
                let detail: GateDetail = server.ask(Method::GET, &format!("/api/v1/gates/{id}"), None).await?;
                super::incident::write(&server, &detail, &out).await
            }
            Command::Calibrate(arguments) => Ok(super::calibrate::run(&arguments, json)),
            Command::Cancel { id } => {
                server.send(Method::POST, &format!("/api/v1/gates/{id}/cancel"), None).await?;
                eprintln!("gate {id} is called off");
                Ok(Exit::Success)
            }
        }
    });
    result.unwrap_or_else(|refusal: Refusal| {
        crate::cli::commands::complain(&refusal);
        match refusal {
            // A pipeline that cannot ask must not go on as if it had been told yes.
            Refusal::Unreached(_) if decides => Exit::Hold,
            Refusal::Unreached(_) => Exit::Inconclusive,
            Refusal::Problem(..) => Exit::Usage,
        }
    })
}

/// A precondition with the reason for going on without it.
fn skip(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, reason)) if !name.trim().is_empty() && !reason.trim().is_empty() => {
            Ok((name.trim().to_owned(), reason.trim().to_owned()))
        }
        _ => Err("write `--skip 'NAME=why it is gone on without'`".to_owned()),
    }
}

/// The exit code of a rollback that was ordered: it is done only once it is proven, and somebody must look at it if it
/// is not.
fn exit_of_rollback(gate: &GateView) -> Exit {
    match exit(gate) {
        Exit::Rollback if gate.proven == Some(true) => Exit::Success,
        Exit::Rollback => Exit::Hold,
        other => other,
    }
}

/// The exit code of a verdict.
pub(super) fn exit(gate: &GateView) -> Exit {
    match gate.verdict.as_deref() {
        // Whoever waits for the promotion must not go on as if it were there.
        Some("promote") if gate.undone.is_some() => Exit::Hold,
        Some("promote") => Exit::Success,
        // A pipeline that rolls back on it must not do so without the consent.
        Some("rollback") if gate.migrated.is_some() && gate.proven != Some(true) => Exit::Hold,
        Some("rollback") => Exit::Rollback,
        _ => Exit::Hold,
    }
}

async fn explain(server: &Server, id: i64, json: bool) -> Result<Exit, Refusal> {
    let detail: GateDetail = server
        .ask(Method::GET, &format!("/api/v1/gates/{id}"), None)
        .await?;
    let mut loads = Vec::new();
    for run in detail.runs.iter().filter(|run| run.phase == "load") {
        let summary: Summary = server
            .ask(Method::GET, &format!("/api/v1/runs/{}", run.id), None)
            .await?;
        loads.push(summary);
    }
    if json {
        let replayed: Vec<_> = loads
            .iter()
            .filter_map(|load| {
                let evidence = load.evidence.as_ref()?;
                let (curves, judged) = replay(evidence)?;
                let counts = load.not_counted().is_none();
                Some(serde_json::json!({ "counts": counts, "judged": judged, "curves": curves }))
            })
            .collect();
        print_json(&serde_json::json!({ "gate": detail.gate, "loads": replayed }));
        return Ok(Exit::Success);
    }
    let style = Style::for_stream(&std::io::stdout());
    print!("{}", fitted(&show(&detail, style), style));
    for load in &loads {
        let Some(evidence) = &load.evidence else {
            continue;
        };
        let name = style.bold(&format!("The load `{}`", load.scenario));
        if let Some(reason) = load.not_counted() {
            let line = format!("\n{name} does not count: {reason}");
            println!("{}", fitted(&line, style));
        } else {
            println!("\n{name}");
            print!("{}", fitted(&explain::evidence(evidence, style), style));
        }
    }
    Ok(Exit::Success)
}

fn verdict_text(gate: &GateView, style: Style) -> String {
    match gate.verdict.as_deref() {
        Some("promote") => style.good("✓ promote"),
        Some("rollback") => style.bad("✗ rollback"),
        Some(other) => style.doubtful(&format!("? {other}")),
        None => style.doubtful(&format!("… {}", gate.position)),
    }
}

pub(super) fn show(detail: &GateDetail, style: Style) -> String {
    let gate = &detail.gate;
    let mut text = format!(
        "\n{} {}  {} {}\n",
        style.bold(&gate.gate),
        gate.id,
        verdict_text(gate, style),
        style.dim(&gate.version)
    );
    for reason in &gate.reasons {
        text.push_str(&format!("  {reason}\n"));
    }
    if gate.verdict.is_some() && !gate.done {
        text.push_str(&format!(
            "  {}\n",
            style.dim(&format!("now: {}", gate.position))
        ));
    }
    if let Some(why) = &gate.undone {
        let lead = style.bad("✗ the verdict was NOT carried out:");
        text.push_str(&format!("  {lead} {why}\n"));
    }
    if gate.dry_run {
        text.push_str(&format!("  {}\n", style.doubtful(&dry_run(gate))));
    }
    if let Some(migrated) = gate.migrated.as_ref().filter(|_| !gate.done) {
        let lead = style.doubtful("? nothing is rolled back before somebody consents:");
        let id = gate.id;
        text.push_str(&format!(
            "  {lead} the database was changed to `{migrated}`\n    bellwether gate consent {id} --reason '…'   (--with-down to change the database back first)\n"
        ));
    }
    for phase in &gate.phases {
        let mark = match phase.outcome.as_str() {
            "pass" => style.good("✓"),
            "fail" => style.bad("✗"),
            "waived" => style.doubtful("w"),
            _ => style.doubtful("?"),
        };
        text.push_str(&format!(
            "  {mark} {:<13} {}\n",
            phase.phase,
            style.dim(&phase.reasons.join("; "))
        ));
    }
    if let Some(proven) = gate.proven {
        let words = if proven {
            style.good("✓ the rollback is proven")
        } else {
            style.bad("✗ the rollback is NOT proven")
        };
        text.push_str(&format!("  {words}\n"));
        for reason in &gate.proof_reasons {
            text.push_str(&format!("    {reason}\n"));
        }
        let seconds =
            |ms: Option<i64>| ms.map_or("-".to_owned(), |ms| format!("{:.1} s", ms as f64 / 1e3));
        text.push_str(&style.dim(&format!(
            "    rollback action {} · trigger to healthy {}\n",
            seconds(gate.action_ms),
            seconds(gate.healthy_ms)
        )));
    }
    for late in &gate.late {
        text.push_str(&format!("    {}\n", style.doubtful(late)));
    }
    for signal in &detail.signals {
        text.push_str(&style.dim(&format!(
            "  → {} {}: {}\n",
            signal.target,
            signal.state.replace('_', " "),
            signal.result.lines().next().unwrap_or_default()
        )));
    }
    text
}

/// What a dry run would have done.
fn dry_run(gate: &GateView) -> String {
    let word = match (gate.verdict.as_deref(), &gate.rollback_to) {
        (Some("rollback"), Some(version)) => format!("would have rolled back to {version}"),
        (Some("rollback"), None) => {
            "would have rolled back, but no version was ever proven good here".to_owned()
        }
        (Some("promote"), _) => "would have promoted".to_owned(),
        _ => "would have acted".to_owned(),
    };
    match gate.rehearsal {
        true => format!("rehearsal: {word}"),
        false => format!("dry run: {word}; the environment does not say `enforce: true`"),
    }
}
