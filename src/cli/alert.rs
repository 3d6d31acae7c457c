//! `bellwether alert test`: send a test message through the channels of a configuration.

use super::exit::Exit;
use crate::config::load;
use crate::delivery::means::Means;
use crate::document::Diagnostics;
use crate::net::connect::Connector;
use crate::net::tls::Settings;
use crate::project::file;
use crate::record::message::{Message, Tone};
use crate::report::style::Style;
use clap::Subcommand;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  bellwether alert test --config bellwether.yaml team-mail")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a test message, and say what came back
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
    let Command::Test { channels, config } = arguments.command;
    let style = Style::for_stream(&std::io::stderr());
    let mut found = Diagnostics::default();
    let project = load::configuration(&config, &mut found);
    let secrets = project
        .as_ref()
        .map(|project| file::secrets(&project.file, &mut found))
        .unwrap_or_default();
    let (Some(project), false) = (project, found.has_errors()) else {
        eprint!("{}", found.render(style.color));
        return Exit::Invalid;
    };
    let names: Vec<&String> = if channels.is_empty() {
        project.file.channels.keys().collect()
    } else {
        channels.iter().collect()
    };
    if names.is_empty() {
        crate::cli::commands::complain("the configuration has no channel; nothing was sent");
        return Exit::Inconclusive;
    }
    if let Some(unknown) = names
        .iter()
        .find(|name| !project.file.channels.contains_key(**name))
    {
        crate::cli::commands::complain(format!("there is no channel `{unknown}`"));
        return Exit::Usage;
    }
    let settings = match Settings::new(None) {
        Ok(settings) => settings,
        Err(reason) => {
            crate::cli::commands::complain(reason);
            return Exit::Fault;
        }
    };
    let means = Means {
        connector: Connector::new(settings, Duration::ZERO),
        secrets,
    };
    let message = Message {
        subject: "✅ Bellwether test message".to_owned(),
        tone: Tone::Good,
        lines: vec!["This channel works. No action is needed.".to_owned()],
        facts: vec![("Sent".to_owned(), crate::clock::now_text())],
        link: None,
    };
    let mut all = true;
    crate::cli::commands::runtime().block_on(async {
        for name in names {
            let key = format!("bw_test_{}", crate::ids::short());
            let delivery = project.file.channels[name]
                .tell(&means, &message, &key)
                .await;
            let text = means.redactor().clean(&delivery.text);
            let mark = if delivery.delivered {
                style.good("✓")
            } else {
                style.bad("✗")
            };
            println!("{mark} {name}: {text}");
            all &= delivery.delivered;
        }
    });
    if all { Exit::Success } else { Exit::Failed }
}
