//! `bellwether check`: every mistake of configuration and scenarios, without sending anything.

use super::exit::Exit;
use super::foreign;
use crate::browser::settings::Settings;
use crate::config::load;
use crate::document::{Diagnostic, Diagnostics, Severity, Source};
use crate::environment::fit;
use crate::figures::plural;
use crate::gate::forecast;
use crate::net::program::folders;
use crate::project::file::File;
use crate::report::style::Style;
use crate::scenario;
use crate::scenario::compile::folder_of;
use crate::scenario::plan::Step;
use crate::script::program::is_script;
use crate::script::{given, looking};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether check scenarios/
  bellwether check bellwether.yaml smoke.yaml login.js
  bellwether check . --json | jq '.diagnostics[]'")]
pub struct Arguments {
    /// Files and scripts, or folders whose .yaml and .yml files are checked
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Print the diagnostics as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Exit {
    let mut files = Vec::new();
    let mut found = Diagnostics::default();
    for path in &arguments.paths {
        if let Err(error) = collect(path, &mut files) {
            crate::cli::commands::complain(format!("`{}` cannot be read: {error}", path.display()));
            return Exit::Usage;
        }
    }
    files.sort();
    files.dedup();
    // What is named is checked; of what lies in a folder some is plainly somebody else's, and that is said.
    let is_named = |path: &PathBuf| arguments.paths.contains(path);
    let (named, found_there): (Vec<_>, Vec<_>) = files.into_iter().partition(is_named);
    let (ours, others) = foreign::apart(found_there);
    let mut files = [named, ours].concat();
    files.sort();
    if !arguments.json {
        others
            .iter()
            .for_each(|(path, whose)| foreign::tell(path, whose));
    }
    if files.is_empty() {
        crate::cli::commands::complain("there is no .yaml file here; nothing was checked");
        return Exit::Inconclusive;
    }
    let mut promises = Vec::new();
    for path in &files {
        promises.extend(file(path, &mut found));
    }
    let (errors, warnings) = (found.count(Severity::Error), found.count(Severity::Warning));
    if arguments.json {
        let report = serde_json::json!({
            "version": 1, "files": files.len(), "errors": errors, "warnings": warnings,
            "diagnostics": found.to_json(), "promises": promises,
            "left_out": others.iter().map(|(path, whose)| serde_json::json!({ "file": path, "why": whose })).collect::<Vec<_>>(),
        });
        println!(
            "{}",
            serde_json::to_string_pretty(&report).unwrap_or_default()
        );
    } else {
        let style = Style::for_stream(&std::io::stderr());
        eprint!("{}", found.render(style.color));
        // What cannot run promises nothing.
        for line in promises.iter().flatten().filter(|_| errors == 0) {
            eprintln!("{line}");
        }
        let line = format!(
            "{} checked: {}, {}",
            plural(files.len() as u64, "file"),
            plural(errors as u64, "error"),
            plural(warnings as u64, "warning")
        );
        eprintln!(
            "{}",
            if errors > 0 {
                style.bad(&line)
            } else {
                style.good(&line)
            }
        );
    }
    if errors > 0 {
        Exit::Invalid
    } else {
        Exit::Success
    }
}

/// A file, or the files of a folder and of those in it.
pub(super) fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !std::fs::metadata(path)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let hidden = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let yaml = path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml");
        // A link to a folder may lead back to where it stands, and whoever reads a pipe waits.
        let (is_link, is_folder) = (path.is_symlink(), path.is_dir());
        let is_pipe = std::fs::metadata(&path).is_ok_and(|it| !it.is_file() && !it.is_dir());
        if hidden || is_pipe || is_folder && is_link {
            continue;
        }
        if is_folder {
            collect(&path, files)?;
        } else if yaml {
            files.push(path);
        }
    }
    Ok(())
}

/// Checks a file; what the gates in it promise.
fn file(path: &Path, found: &mut Diagnostics) -> Vec<Vec<String>> {
    if is_script(path) {
        script_file(path, found);
        return Vec::new();
    }
    let Some(source) = load::source(path, found) else {
        return Vec::new();
    };
    if load::is_configuration(&source) {
        return load::configuration(path, found).map_or_else(Vec::new, |project| {
            let gates = project.file.gates.iter();
            gates
                .map(|gate| forecast::told(gate, &project.plans))
                .collect()
        });
    }
    scenario_file(path, &source, found);
    Vec::new()
}

/// A script, with what every environment of its configuration gives: addresses of services, inputs, and the names of secrets.
fn script_file(path: &Path, found: &mut Diagnostics) {
    let mut given = BTreeMap::new();
    let environments = nearest_file(path).map(|file| file.environments);
    for environment in environments.iter().flat_map(BTreeMap::values) {
        given.extend(given::supposed(environment));
    }
    looking::check(path, given, found);
}

/// The configuration that a file belongs to; quietly nothing where it is none.
fn nearest_file(path: &Path) -> Option<File> {
    let configuration = load::nearest_configuration(path)?;
    let mut quiet = Diagnostics::default();
    let source = load::source(&configuration, &mut quiet)?;
    crate::config::read::read(&source, &folder_of(&configuration), &mut quiet)
}

fn scenario_file(path: &Path, source: &Arc<Source>, found: &mut Diagnostics) {
    let Some(plan) = scenario::compile(source, &folder_of(path), found) else {
        return;
    };
    // Against every environment of its configuration that has its services.
    let environments = nearest_file(path).map(|file| file.environments);
    for environment in environments.iter().flat_map(BTreeMap::values) {
        fit::against(&plan, environment, found);
    }
    let named = environments.iter().flat_map(BTreeMap::values);
    let named: Vec<&Settings> = named.map(|environment| &environment.browser).collect();
    let folders = folders().collect::<Vec<_>>();
    let mut doubtful = |code: &'static str, step: &Step, why: String| {
        let diagnostic = Diagnostic::warning(code, why);
        found.push(diagnostic.at(&plan.source, step.span, "would be inconclusive here"));
    };
    let quality = plan.quality_step();
    let opens = plan.all_steps().find(|step| step.browse().is_some());
    if let Some(step) = opens.or(quality)
        && named.iter().all(|named| named.binary.is_none())
        && let Err(why) = Settings::default().find(&folders)
    {
        doubtful("no-browser", step, why);
    }
    if let Some(step) = quality
        && named.iter().all(|named| named.lighthouse.is_none())
        && let Err(why) = Settings::default().lighthouse(&plan.folder, &folders)
    {
        doubtful("no-lighthouse", step, why);
    }
}
