//! The commands as a page, from what parses them.
//!
//! Does not know any command: it is given the program, as clap knows it.

use super::page::{Entry, Page, Section};
use clap::{Arg, Command};

/// The page of a program.
pub fn page(program: &Command) -> Page {
    let mut program = program.clone();
    program.build();
    let mut sections = Vec::new();
    add(&program, &mut sections);
    Page {
        name: "commands",
        title: "Commands",
        about: "Every command with its arguments and options. All may be left out but those that are needed.",
        sections,
    }
}

/// Text as it is written, without what a terminal paints it with.
fn plain(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn add(command: &Command, sections: &mut Vec<Section>) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let is_shown = |argument: &&Arg| {
        let everywhere = ["help", "version"].contains(&argument.get_id().as_str());
        !argument.is_hide_set() && !everywhere
    };
    let shown = command.get_arguments().filter(is_shown);
    let mut entries: Vec<Entry> = shown.map(argument).collect();
    if let Some(examples) = command.get_after_help() {
        let text = examples.to_string();
        let text = text.trim_start_matches("Examples:\n");
        let text = text.trim_start_matches("Example:\n");
        let lines = text
            .lines()
            .map(|line| line.strip_prefix("  ").unwrap_or(line));
        entries.push(Entry {
            name: "Examples".to_owned(),
            example: lines.collect::<Vec<_>>().join("\n"),
            ..Entry::default()
        });
    }
    sections.push(Section::new(name, plain(command.get_about())).with(entries));
    let subcommands = command.get_subcommands();
    subcommands
        .filter(|command| command.get_name() != "help" && !command.is_hide_set())
        .for_each(|command| add(command, sections));
}

fn argument(argument: &Arg) -> Entry {
    let values = argument.get_possible_values();
    let mut about = plain(argument.get_help());
    if !about.ends_with('.') {
        about.push('.');
    }
    if !values.is_empty() && argument.get_action().takes_values() {
        let values: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        about.push_str(&format!(" One of {}.", values.join(", ")));
    }
    if argument.get_action().takes_values() {
        let defaults = argument.get_default_values().iter();
        let defaults: Vec<_> = defaults.map(|value| value.to_string_lossy()).collect();
        let is_said = !argument.is_hide_default_value_set() && !defaults.concat().is_empty();
        if is_said {
            about.push_str(&format!(" By default `{}`.", defaults.join(" ")));
        }
        if let Some(variable) = argument.get_env() {
            about.push_str(&format!(" Also by {}.", variable.to_string_lossy()));
        }
    }
    let short = argument.get_short().map(|letter| format!("-{letter}, "));
    Entry {
        name: format!("{}{argument}", short.unwrap_or_default()),
        form: if argument.is_required_set() {
            "needed".to_owned()
        } else {
            String::new()
        },
        about,
        ..Entry::default()
    }
}
