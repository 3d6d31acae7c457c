//! `bellwether alert`: what is wrong and who has it, silences, and a test of the channels.

use super::client::{Refusal, Server};
use super::commands::{complain, print_json};
use super::exit::Exit;
use crate::config::load;
use crate::delivery::means::Means;
use crate::document::Diagnostics;
use crate::net::form::pair;
use crate::project::file;
use crate::record::message::{IncidentReference, Message, Tone};
use crate::report::columns::{fitted, wrapped};
use crate::report::style::Style;
use crate::report::watching::{IncidentView, SilenceView};
use crate::web::alerts::{Acknowledge, MakeSilence};
use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether alert list
  bellwether alert ack 17 --comment 'looking at it'
  bellwether alert silence probe='api-*' environment=production --for 2h --comment 'moving house'
  bellwether alert routes --for probe=api-health
  bellwether alert test --config bellwether.yaml team-mail")]
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
    /// List incidents that are open, and silences in force
    List,
    /// Show an incident with its timeline
    Show {
        /// Its number
        id: i64,
    },
    /// List incidents that are over, too
    History,
    /// Say that you have an incident: reminders and escalation end
    Ack {
        /// Its number
        id: i64,
        /// What you do about it
        #[arg(long, default_value = "", hide_default_value = true)]
        comment: String,
        /// Who you are, where tokens have no names; needed there
        #[arg(long, env = "USER", default_value = "", hide_default_value = true)]
        by: String,
    },
    /// Tell nobody of what fits, for a while
    Silence {
        /// `label=value` or `label!=value`, with `*` in the value; all of them must fit
        #[arg(required = true)]
        matchers: Vec<String>,
        /// For how long: `2h`, `30m`
        #[arg(long = "for", value_name = "DURATION", value_parser = crate::duration::parse)]
        length: Duration,
        /// Why
        #[arg(long)]
        comment: String,
        /// Who you are, where tokens have no names; needed there
        #[arg(long, env = "USER", default_value = "", hide_default_value = true)]
        by: String,
    },
    /// End a silence now
    Unsilence {
        /// Its number
        id: i64,
    },
    /// Show who would be told of probes with these labels
    Routes {
        /// `label=value`; all probes where none is given
        #[arg(long = "for", value_name = "LABEL=VALUE")]
        labels: Vec<String>,
    },
    /// Send a firing and its resolve, and say what came back
    Test {
        /// Channels; all of them where none is named
        channels: Vec<String>,
        /// The configuration
        #[arg(
            long,
            value_name = "FILE",
            default_value = "bellwether.yaml",
            env = "BELLWETHER_CONFIG"
        )]
        config: PathBuf,
    },
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments {
        command,
        server,
        json,
    } = arguments;
    if let Command::Test { channels, config } = &command {
        return test(channels, config);
    }
    let asked = async { ask(command, &server, json).await };
    let result: Result<(), Refusal> = crate::cli::commands::runtime().block_on(asked);
    match result {
        Ok(()) => Exit::Success,
        Err(refusal) => refusal.complain(),
    }
}

async fn ask(command: Command, server: &Server, json: bool) -> Result<(), Refusal> {
    let style = Style::for_stream(&std::io::stdout());
    match command {
        Command::List => {
            let incidents: Vec<IncidentView> =
                server.ask(Method::GET, "/api/v1/incidents", None).await?;
            let silences: Vec<SilenceView> =
                server.ask(Method::GET, "/api/v1/silences", None).await?;
            if json {
                print_json(&json!({ "incidents": incidents, "silences": silences }));
                return Ok(());
            }
            if incidents.is_empty() {
                println!("nothing is wrong");
            }
            incidents.iter().for_each(|incident| row(incident, style));
            for silence in &silences {
                let SilenceView {
                    id,
                    until,
                    author,
                    comment,
                    ..
                } = silence;
                let of = silence.matchers.join(" ");
                let line = format!("silence {id} until {until} by {author}: {of} ({comment})");
                println!("{}", fitted(&line, style));
            }
        }
        Command::History => {
            let path = "/api/v1/incidents?all=true";
            let incidents: Vec<IncidentView> = server.ask(Method::GET, path, None).await?;
            if json {
                print_json(&incidents);
            } else {
                incidents.iter().for_each(|incident| row(incident, style));
            }
        }
        Command::Show { id } => {
            let path = format!("/api/v1/incidents/{id}");
            let incident: IncidentView = server.ask(Method::GET, &path, None).await?;
            if json {
                print_json(&incident);
            } else {
                show(&incident, style);
            }
        }
        Command::Ack { id, comment, by } => {
            let body = json!(Acknowledge { by, comment });
            let path = format!("/api/v1/incidents/{id}/acknowledge");
            let incident: IncidentView = server.ask(Method::POST, &path, Some(body)).await?;
            let by = incident.acknowledged.as_deref().unwrap_or_default();
            println!("{by} has incident {id} ({})", incident.group);
        }
        Command::Silence {
            matchers,
            length,
            comment,
            by,
        } => {
            let seconds = length.as_secs();
            let body = json!(MakeSilence {
                matchers,
                seconds,
                by,
                comment
            });
            let silence: SilenceView = server
                .ask(Method::POST, "/api/v1/silences", Some(body))
                .await?;
            println!("silence {} until {}", silence.id, silence.until);
            if fits_nothing(server, &silence.matchers).await {
                complain(
                    "it fits no probe, heartbeat or objective that is there now: see `bellwether alert routes` for their names",
                );
            }
        }
        Command::Unsilence { id } => {
            server
                .send(Method::DELETE, &format!("/api/v1/silences/{id}"), None)
                .await?;
            println!("silence {id} is over");
        }
        Command::Routes { labels } => {
            let path = routes_of(&labels);
            let routes: Vec<Value> = server.ask(Method::GET, &path, None).await?;
            if json {
                print_json(&routes);
            } else {
                routes.iter().for_each(route);
            }
        }
        Command::Test { .. } => {}
    }
    Ok(())
}

/// Whether what is silenced by exact labels is not there. Patterns are not asked for.
async fn fits_nothing(server: &Server, matchers: &[String]) -> bool {
    // Services are labels of steps, which nobody lists.
    let exact = |text: &String| {
        !text.contains('*') && !text.contains("!=") && !text.starts_with("service=")
    };
    if !matchers.iter().all(exact) {
        return false;
    }
    let path = routes_of(matchers);
    let routes: Result<Vec<Value>, Refusal> = server.ask(Method::GET, &path, None).await;
    routes.is_ok_and(|routes| routes.is_empty())
}

/// Where it is asked who is told of what has these labels.
fn routes_of(labels: &[String]) -> String {
    let pairs = labels.iter().filter_map(|label| label.split_once('='));
    let query: Vec<String> = pairs.map(|(name, value)| pair(name, value)).collect();
    format!("/api/v1/alerts/routes?{}", query.join("&"))
}

fn row(incident: &IncidentView, style: Style) {
    let state = match (&incident.ended, &incident.acknowledged) {
        (Some(_), _) => style.good("resolved    "),
        (None, Some(_)) => style.doubtful("acknowledged"),
        (None, None) => style.bad("firing      "),
    };
    let firing = incident
        .members
        .iter()
        .filter(|member| member.ended.is_none());
    let what = match firing.clone().count() {
        0 => format!("{} in it", incident.members.len()),
        1 => {
            let member = firing.clone().next();
            member.map_or(String::new(), |member| {
                format!("{} is {}: {}", member.subject, member.state, member.reason)
            })
        }
        more => format!("{more} in trouble"),
    };
    let opened = incident.opened.get(..19).unwrap_or_default();
    let head = format!(
        "{:>5} {state} {:<8} {:<24} {}",
        incident.id,
        incident.severity,
        incident.group,
        opened.replace('T', " "),
    );
    println!("{}", fitted(&head, style));
    println!("{}", style.dim(&wrapped(&what, 6, style)));
}

fn show(incident: &IncidentView, style: Style) {
    row(incident, style);
    for member in &incident.members {
        let ended = member
            .ended
            .as_ref()
            .map_or(String::new(), |ended| format!(" until {ended}"));
        let quiet = member
            .quiet
            .as_ref()
            .map_or(String::new(), |quiet| format!(" ({quiet})"));
        let line = format!(
            "{} {} since {}{ended}{quiet}: {}",
            member.subject, member.state, member.since, member.reason
        );
        println!("{}", wrapped(&line, 6, style));
    }
    for line in &incident.timeline {
        let line = format!("      {} {}", style.dim(&line.at), line.event);
        println!("{}", fitted(&line, style));
    }
}

fn route(route: &Value) {
    let names = |value: &Value| -> String {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
        if names.is_empty() {
            "nobody".to_owned()
        } else {
            names.join(", ")
        }
    };
    print!(
        "{}: {}",
        ["probe", "heartbeat", "slo"]
            .iter()
            .find_map(|kind| route[*kind].as_str())
            .unwrap_or_default(),
        names(&route["tell"])
    );
    if route["now"] != route["tell"] {
        print!(" (now {})", names(&route["now"]));
    }
    for rung in route["escalate"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
    {
        let after = Duration::from_millis(rung["after_ms"].as_u64().unwrap_or(0));
        print!(
            "; after {} {}",
            crate::duration::show(after),
            names(&rung["tell"])
        );
    }
    if route["depends_on"]
        .as_array()
        .is_some_and(|on| !on.is_empty())
    {
        print!(
            "; nobody while {} is in trouble",
            names(&route["depends_on"])
        );
    }
    println!();
}

/// Sends a firing and its resolve through channels.
fn test(channels: &[String], config: &Path) -> Exit {
    let style = Style::for_stream(&std::io::stderr());
    let mut found = Diagnostics::default();
    let project = load::configuration(config, &mut found);
    let secrets = project
        .as_ref()
        .map(|project| file::secrets(&project.file, &mut found))
        .unwrap_or_default();
    let (Some(project), false) = (project, found.has_errors()) else {
        eprint!("{}", found.render(style.color));
        return Exit::Invalid;
    };
    let duty = project.file.alerts.duty(crate::clock::now());
    let names: Vec<String> = if channels.is_empty() {
        project.file.channels.keys().cloned().collect()
    } else {
        duty.channels(channels)
    };
    if names.is_empty() {
        crate::cli::commands::complain("the configuration has no channel; nothing was sent");
        return Exit::Inconclusive;
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| !project.file.channels.contains_key(*name))
    {
        crate::cli::commands::complain(format!(
            "there is no channel `{unknown}`; known: {}",
            project
                .file
                .channels
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(", ")
        ));
        return Exit::Usage;
    }
    let connector = match file::connector(&project.file, None, Duration::ZERO) {
        Ok(connector) => connector,
        Err(reason) => {
            crate::cli::commands::complain(reason);
            return Exit::Fault;
        }
    };
    let means = Means { connector, secrets };
    let mut all = true;
    crate::cli::commands::runtime().block_on(async {
        for name in &names {
            let id = crate::ids::short();
            for message in test_messages(&id) {
                let event = message.incident.as_ref().map_or("", |it| it.event.as_str());
                let key = format!("bw_test_{id}_{event}");
                let delivery = project.file.channels[name]
                    .tell(&means, &message, &key)
                    .await;
                let text = means.redactor().clean(&delivery.text);
                let mark = if delivery.delivered {
                    style.good("✓")
                } else {
                    style.bad("✗")
                };
                let line = format!("{mark} {name} ({event}): {text}");
                println!("{}", fitted(&line, style));
                all &= delivery.delivered;
            }
        }
    });
    if all { Exit::Success } else { Exit::Failed }
}

/// A firing, and its resolve.
fn test_messages(id: &str) -> [Message; 2] {
    let now_ms = crate::clock::now_ms();
    let one = |event: &str, subject: &str, tone, ended_ms| Message {
        subject: subject.to_owned(),
        tone,
        lines: vec!["This channel works. No action is needed.".to_owned()],
        facts: vec![("Sent".to_owned(), crate::clock::now_text())],
        link: None,
        at_ms: now_ms,
        gate: None,
        incident: Some(IncidentReference {
            key: format!("bellwether-test-{id}"),
            event: event.to_owned(),
            severity: "info".to_owned(),
            group: "Bellwether".to_owned(),
            opened_ms: now_ms,
            ended_ms,
            count: 1,
        }),
    };
    [
        one("firing", "⚠️ Bellwether test message", Tone::Warning, None),
        one(
            "resolved",
            "✅ Bellwether test message is over",
            Tone::Good,
            Some(now_ms),
        ),
    ]
}
