//! `bellwether gate`: start, watch and explain gates of a running daemon.

use super::client::{Refusal, Server};
use super::exit::Exit;
use crate::report::style::Style;
use crate::web::view::{GateDetail, GateView};
use clap::Subcommand;
use http::Method;
use std::time::{Duration, Instant};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether gate start api --version 1.4.2 --commit $GITHUB_SHA --actor $GITHUB_ACTOR --wait
  bellwether gate list
  bellwether gate show 12

Exit codes of `start --wait` and `wait`: 0 promote, 10 rollback, 20 hold.")]
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
    /// Start a gate for a deploy
    Start {
        /// The gate's name
        gate: String,
        /// The version that was deployed
        #[arg(long)]
        version: String,
        /// The version before, if you know it
        #[arg(long, default_value = "")]
        previous_version: String,
        /// The commit
        #[arg(long, default_value = "")]
        commit: String,
        /// Who deployed it
        #[arg(long, default_value = "")]
        actor: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        /// The pipeline's page
        #[arg(long, default_value = "")]
        link: String,
        /// GitHub's number of the deployment
        #[arg(long, default_value = "")]
        deployment: String,
        /// Wait until it is done; the exit code is the verdict
        #[arg(long)]
        wait: bool,
        /// Wait at most so long; a gate that is not done by then counts as hold
        #[arg(long, default_value = "1h", value_parser = crate::config::duration::parse)]
        timeout: Duration,
    },
    /// Wait until a gate is done; the exit code is the verdict
    Wait {
        /// The gate's number
        id: i64,
        /// Wait at most so long; a gate that is not done by then counts as hold
        #[arg(long, default_value = "1h", value_parser = crate::config::duration::parse)]
        timeout: Duration,
    },
    /// Show a gate with its reasons
    Show {
        /// The gate's number
        id: i64,
    },
    /// List gates, the newest first
    List,
    /// Call a gate off; it ends in hold
    Cancel {
        /// The gate's number
        id: i64,
    },
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments {
        command,
        server,
        json,
    } = arguments;
    let result = super::runtime().block_on(async {
        match command {
            Command::Start { gate, version, previous_version, commit, actor, reason, link, deployment, wait, timeout } => {
                let body = serde_json::json!({
                    "gate": gate, "version": version, "previous_version": previous_version, "commit": commit,
                    "actor": actor, "reason": reason, "link": link, "deployment": deployment,
                });
                let started: GateView = server.ask(Method::POST, "/api/v1/gates", Some(body)).await?;
                if wait {
                    return watch(&server, started.id, timeout, json).await;
                }
                if json {
                    print_json(&started);
                } else {
                    println!("gate {} started: {}/gates/{}", started.id, server.server.trim_end_matches('/'), started.id);
                }
                Ok(Exit::Success)
            }
            Command::Wait { id, timeout } => watch(&server, id, timeout, json).await,
            Command::Show { id } => {
                let detail: GateDetail = server.ask(Method::GET, &format!("/api/v1/gates/{id}"), None).await?;
                if json {
                    print_json(&detail);
                } else {
                    print!("{}", show(&detail, Style::for_stream(&std::io::stdout())));
                }
                Ok(Exit::Success)
            }
            Command::List => {
                let gates: Vec<GateView> = server.ask(Method::GET, "/api/v1/gates", None).await?;
                if json {
                    print_json(&gates);
                } else {
                    list(&gates, Style::for_stream(&std::io::stdout()));
                }
                Ok(Exit::Success)
            }
            Command::Cancel { id } => {
                server.send(Method::POST, &format!("/api/v1/gates/{id}/cancel"), None).await?;
                eprintln!("gate {id} is called off");
                Ok(Exit::Success)
            }
        }
    });
    result.unwrap_or_else(|refusal: Refusal| {
        super::complain(&refusal);
        match refusal {
            // A pipeline that cannot ask must not go on as if it had been told yes.
            Refusal::Unreached(_) => Exit::Hold,
            Refusal::Problem(..) => Exit::Usage,
        }
    })
}

fn print_json(value: &impl serde::Serialize) {
    println!(
        "{}",
        serde_json::to_string_pretty(value).unwrap_or_default()
    );
}

/// The exit code of a verdict.
fn exit(gate: &GateView) -> Exit {
    match gate.verdict.as_deref() {
        Some("promote") => Exit::Success,
        Some("rollback") => Exit::Rollback,
        _ => Exit::Hold,
    }
}

async fn watch(server: &Server, id: i64, timeout: Duration, json: bool) -> Result<Exit, Refusal> {
    let style = Style::for_stream(&std::io::stderr());
    let end = Instant::now() + timeout;
    let mut shown = 0;
    let mut unreached: Option<Instant> = None;
    loop {
        match server
            .ask::<GateDetail>(Method::GET, &format!("/api/v1/gates/{id}"), None)
            .await
        {
            Ok(detail) => {
                unreached = None;
                for line in detail.timeline.iter().skip(shown) {
                    eprintln!(
                        "{} {}",
                        style.dim(line.at.get(11..19).unwrap_or_default()),
                        line.event
                    );
                }
                shown = shown.max(detail.timeline.len());
                if detail.gate.done {
                    if json {
                        print_json(&detail);
                    } else {
                        print!("{}", show(&detail, Style::for_stream(&std::io::stdout())));
                    }
                    return Ok(exit(&detail.gate));
                }
            }
            Err(Refusal::Unreached(reason)) => {
                // A daemon that is restarted comes back and goes on; only a long absence is an answer.
                let since = *unreached.get_or_insert_with(Instant::now);
                if since.elapsed() > Duration::from_secs(120) {
                    return Err(Refusal::Unreached(reason));
                }
            }
            Err(refusal) => return Err(refusal),
        }
        if Instant::now() >= end {
            super::complain(format!(
                "gate {id} is not done within {}; that counts as hold",
                crate::config::duration::show(timeout)
            ));
            return Ok(Exit::Hold);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn verdict_text(gate: &GateView, style: Style) -> String {
    match gate.verdict.as_deref() {
        Some("promote") => style.good("✓ promote"),
        Some("rollback") => style.bad("✗ rollback"),
        Some(other) => style.doubtful(&format!("? {other}")),
        None => style.doubtful(&format!("… {}", gate.position)),
    }
}

fn show(detail: &GateDetail, style: Style) -> String {
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
    for phase in &gate.phases {
        let mark = match phase.outcome.as_str() {
            "pass" => style.good("✓"),
            "fail" => style.bad("✗"),
            _ => style.doubtful("?"),
        };
        text.push_str(&format!(
            "  {mark} {:<9} {}\n",
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
            "    rollback action {} · verdict to healthy {}\n",
            seconds(gate.action_ms),
            seconds(gate.healthy_ms)
        )));
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

fn list(gates: &[GateView], style: Style) {
    if gates.is_empty() {
        println!("no gate has run yet");
    }
    for gate in gates {
        let proof = match gate.proven {
            Some(true) => style.good("proven"),
            Some(false) => style.bad("not proven"),
            None => String::new(),
        };
        println!(
            "{:>5}  {:<16} {:<14} {:<14} {proof} {}",
            gate.id,
            gate.gate,
            gate.version,
            verdict_text(gate, style),
            style.dim(gate.reasons.first().map_or("", String::as_str))
        );
    }
}
