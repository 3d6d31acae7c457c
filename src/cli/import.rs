//! `bellwether import`: scenarios made of files that people already have.

use super::commands::complain;
use super::exit::Exit;
use crate::document::diagnostic::Diagnostics;
use crate::document::source::Source;
use crate::figures::plural;
use crate::import::draft::Draft;
use crate::import::har::Wanted;
use crate::import::kinds::{Beside, Format, import};
use crate::import::sound::errors;
use crate::import::writing::{shown, yaml};
use crate::report::style::Style;
use crate::scenario;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether import hurl tests/*.hurl -o scenarios/
  bellwether import postman shop.json --environment production.json
  bellwether import har login.har --host shop.example.com --think
  bellwether import openapi openapi.yaml
  bellwether import gatus config.yaml -o scenarios/
  pbpaste | bellwether import curl - -o -            what a browser copied, to standard output

What is not carried over is named, and stands as a comment where it was.

Exit codes:
  0 all of it was carried over   98 written, and something was left out (104 with --strict)
  2 wrong usage, or a file would be overwritten   104 a file is not what it should be")]
pub struct Arguments {
    /// What the files are
    format: Format,
    /// The files; `-` is standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder to write to; `-` prints
    #[arg(short, long, default_value = ".")]
    output: PathBuf,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
    /// Write nothing where something would be left out
    #[arg(long)]
    strict: bool,
    /// The environment of a Postman collection
    #[arg(long, value_name = "FILE")]
    environment: Option<PathBuf>,
    /// A host whose requests of a recording are taken; the first one's by default
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Take over the pauses of a recording
    #[arg(long)]
    think: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let mut exit = Exit::Success;
    let environment = match arguments.environment.as_deref().map(read).transpose() {
        Ok(environment) => environment,
        Err(why) => {
            complain(why);
            return Exit::Usage;
        }
    };
    let beside = Beside {
        environment,
        recording: Wanted {
            hosts: arguments.hosts.clone(),
            think: arguments.think,
        },
    };
    let mut names = BTreeSet::new();
    for path in &arguments.files {
        let worse = one(arguments, path, &beside, &mut names);
        // What could not be read at all outweighs what was left out.
        if exit == Exit::Success || worse != Exit::Success && worse != Exit::Inconclusive {
            exit = worse;
        }
    }
    exit
}

fn read(path: &Path) -> Result<Arc<Source>, String> {
    let wrong = |error: std::io::Error| format!("`{}` cannot be read: {error}", path.display());
    if path.as_os_str() != "-" {
        return Source::read(path).map_err(wrong);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(wrong)?;
    Ok(Source::new("standard input", text))
}

fn one(arguments: &Arguments, path: &Path, beside: &Beside, names: &mut BTreeSet<String>) -> Exit {
    let source = match read(path) {
        Ok(source) => source,
        Err(why) => {
            complain(why);
            return Exit::Usage;
        }
    };
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let stem = stem
        .filter(|stem| stem != "-")
        .unwrap_or_else(|| "imported".to_owned());
    let drafts = match import(arguments.format, &source, &stem, beside) {
        Ok(drafts) => drafts,
        Err(diagnostic) => {
            let mut found = Diagnostics::default();
            found.push(*diagnostic);
            eprint!(
                "{}",
                found.render(Style::for_stream(&std::io::stderr()).color)
            );
            return Exit::Invalid;
        }
    };
    let left = drafts.iter().map(|draft| draft.left.len()).sum::<usize>();
    if arguments.strict && left > 0 {
        for draft in &drafts {
            tell(draft, None);
        }
        complain("something would be left out, and --strict was asked for; nothing was written");
        return Exit::Invalid;
    }
    for draft in &drafts {
        if draft.steps.is_empty() {
            tell(draft, None);
            continue;
        }
        let exit = put(arguments, path, draft, names);
        if exit != Exit::Success {
            return exit;
        }
    }
    match left {
        0 => Exit::Success,
        _ => Exit::Inconclusive,
    }
}

/// Writes a draft, after a look at it as at any other scenario.
fn put(arguments: &Arguments, from: &Path, draft: &Draft, names: &mut BTreeSet<String>) -> Exit {
    let format = clap::ValueEnum::to_possible_value(&arguments.format);
    let format = format
        .map(|format| format.get_name().to_owned())
        .unwrap_or_default();
    let from = from
        .file_name()
        .map_or_else(|| "-".into(), |name| name.to_string_lossy());
    let text = yaml(draft, &format!("bellwether import {format} {from}"));
    if let Some(wrong) = wrong(&text, &draft.name, &arguments.output) {
        // A fault of ours: what we write must be what we read.
        complain(format!(
            "what was made of it is not valid; please report this, with the file:\n{wrong}"
        ));
        return Exit::Fault;
    }
    if arguments.output.as_os_str() == "-" {
        print!("{text}");
        tell(draft, None);
        return Exit::Success;
    }
    let path = arguments
        .output
        .join(format!("{}.yaml", unused(&draft.name, names)));
    if path.exists() && !arguments.force {
        complain(format!(
            "`{}` would be overwritten; say --force, or another folder with -o",
            path.display()
        ));
        return Exit::Usage;
    }
    let written =
        std::fs::create_dir_all(&arguments.output).and_then(|()| std::fs::write(&path, text));
    if let Err(error) = written {
        complain(format!("`{}` cannot be written: {error}", path.display()));
        return Exit::Fault;
    }
    tell(draft, Some(&path));
    Exit::Success
}

/// What a check finds wrong with it.
fn wrong(text: &str, name: &str, folder: &Path) -> Option<String> {
    let mut found = Diagnostics::default();
    let source = Source::new(format!("{name}.yaml"), text);
    scenario::compile(&source, folder, &mut found);
    let (missing, wrong) = errors(&found);
    if !missing.is_empty() {
        eprintln!(
            "{name}: a file that it names is not beside it yet; until then it does not pass `check`"
        );
    }
    (!wrong.is_empty()).then(|| found.render(false))
}

/// A name of a file that nothing else of this run is written to.
fn unused(name: &str, names: &mut BTreeSet<String>) -> String {
    let name = file_name(name);
    let again = (2..).map(|number| format!("{name}-{number}"));
    let all = std::iter::once(name.clone()).chain(again);
    // Some file systems take small and capital letters for the same.
    let mut free = all.filter(|name| !names.contains(&name.to_lowercase()));
    let free = free.next().unwrap_or_else(|| name.clone());
    names.insert(free.to_lowercase());
    free
}

fn file_name(name: &str) -> String {
    let plain = |letter: char| match letter.is_alphanumeric()
        || letter == '-'
        || letter == '_'
        || letter == '.'
    {
        true => letter,
        false => '-',
    };
    let name: String = name.chars().map(plain).take(100).collect();
    let name = name.trim_matches(['-', '.']).to_owned();
    if name.is_empty() {
        "imported".to_owned()
    } else {
        name
    }
}

fn tell(draft: &Draft, path: Option<&Path>) {
    let style = Style::for_stream(&std::io::stderr());
    let steps = plural(draft.steps.len() as u64, "step");
    let line = match path {
        Some(path) => format!("wrote {} ({steps})", path.display()),
        None => format!("{} ({steps})", draft.name),
    };
    eprintln!("{}", style.good(&line));
    for (at, left) in draft.left.iter().enumerate() {
        eprintln!(
            "  {} {}. {}",
            style.doubtful("not carried over"),
            at + 1,
            shown(left)
        );
    }
    let needs = |names: Vec<String>, what: &str| {
        if !names.is_empty() {
            eprintln!("  needs {what}: {}", names.join(", "));
        }
    };
    needs(draft.secrets.iter().cloned().collect(), "secrets");
    let open = draft
        .inputs
        .iter()
        .filter(|(_, about)| about.get("default").is_none());
    needs(open.map(|(name, _)| name.clone()).collect(), "inputs");
}
