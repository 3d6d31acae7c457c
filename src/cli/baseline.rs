//! `bellwether baseline`: which pictures pages must look like, and how one becomes that.
//!
//! Accepting copies what a run saw, and takes nothing anew: what is accepted is what somebody looked at.

use super::client::{Refusal, Server};
use super::commands::{complain, print_json, runtime};
use super::exit::Exit;
use super::pictures::{self, Taken};
use crate::picture::baseline::{self, Record};
use crate::picture::kept::{Comparison, Likeness, Picture};
use crate::run::Summary;
use clap::Subcommand;
use http::Method;
use std::path::{Path, PathBuf};

/// Arguments of the command.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  bellwether run scenarios/console.yaml --env staging --pictures pictures
  bellwether baseline accept pictures --by jane           # what the newest runs in this folder saw
  bellwether baseline accept 12 --step 'the dashboard'    # what run 12 of the daemon saw
  bellwether baseline list

Baselines are files beside the scenarios, in `baselines`: commit them with it.")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    server: Server,
    /// The folder of the scenarios, in which `baselines` is kept
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        default_value = "scenarios"
    )]
    folder: PathBuf,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Accept what a run saw as what its pages must look like from now on
    Accept {
        /// A folder of `run --pictures`, or the number of a run of the daemon
        from: String,
        /// Only the picture of this step; several may be named
        #[arg(long = "step", value_name = "STEP")]
        steps: Vec<String>,
        /// Who accepts it
        #[arg(long, env = "USER", default_value = "", hide_default_value = true)]
        by: String,
    },
    /// List what was accepted, by whom and when
    List,
}

/// A picture that can be accepted.
struct Candidate {
    picture: Picture,
    compared: Comparison,
    of: String,
    png: Vec<u8>,
}

/// Runs the command.
pub fn run(arguments: Arguments) -> Exit {
    let Arguments {
        command,
        server,
        folder,
        json,
    } = arguments;
    match command {
        Command::List => list(&folder, json),
        Command::Accept { by, .. } if by.trim().is_empty() => {
            complain("nobody accepts it: say who you are with `--by NAME`");
            Exit::Usage
        }
        Command::Accept { from, steps, by } => {
            let found = match from.parse::<i64>() {
                Ok(run) if !Path::new(&from).exists() => {
                    match runtime().block_on(of_run(&server, run, &steps)) {
                        Ok(found) => Ok(found),
                        Err(refusal) => return refusal.complain(),
                    }
                }
                _ => of_folder(Path::new(&from), &steps),
            };
            match found {
                Ok(found) => accept(&folder, found, &steps, by.trim(), json),
                Err(why) => {
                    complain(&why);
                    Exit::Usage
                }
            }
        }
    }
}

fn wanted(picture: &Picture, steps: &[String]) -> Option<Comparison> {
    let compared = picture.compared.as_deref()?;
    let is_wanted = steps.is_empty() || steps.contains(&picture.name);
    (is_wanted && compared.likeness != Likeness::Alike).then(|| compared.clone())
}

async fn of_run(server: &Server, run: i64, steps: &[String]) -> Result<Vec<Candidate>, Refusal> {
    let path = format!("/api/v1/runs/{run}");
    let summary: Summary = server.ask(Method::GET, &path, None).await?;
    let mut found = Vec::new();
    for picture in summary.steps.iter().flat_map(|step| &step.pictures) {
        let Some(compared) = wanted(picture, steps) else {
            continue;
        };
        let address = format!("/pictures/{}", picture.sha256);
        let png = server.send(Method::GET, &address, None).await?;
        found.push(Candidate {
            picture: picture.clone(),
            compared,
            of: format!(
                "run {run} of {}, started {}",
                summary.scenario, summary.started
            ),
            png: png.to_vec(),
        });
    }
    Ok(found)
}

fn of_folder(folder: &Path, steps: &[String]) -> Result<Vec<Candidate>, String> {
    let mut found = Vec::new();
    for (at, taken) in pictures::newest(folder)? {
        let Taken {
            scenario,
            started,
            pictures,
            ..
        } = taken;
        for (file, picture) in pictures {
            let Some(compared) = wanted(&picture, steps) else {
                continue;
            };
            let path = at.join(baseline::plain(&file));
            let png = std::fs::read(&path)
                .map_err(|why| format!("`{}` cannot be read: {why}", path.display()))?;
            found.push(Candidate {
                picture,
                compared,
                of: format!("{scenario}, started {started}"),
                png,
            });
        }
    }
    Ok(found)
}

fn accept(folder: &Path, found: Vec<Candidate>, steps: &[String], by: &str, json: bool) -> Exit {
    let absent = steps
        .iter()
        .filter(|step| found.iter().all(|one| one.picture.name != **step));
    let mut is_wrong = false;
    for step in absent {
        complain(format!(
            "no picture of `{step}` waits to be accepted: it is like its baseline, has none to be like, or the name is another"
        ));
        is_wrong = true;
    }
    for one in &found {
        // What comes from a file or a server names no place of its own.
        if !baseline::is_file(&one.compared.file) {
            complain(format!(
                "`{}` is no place for a baseline",
                one.compared.file
            ));
            is_wrong = true;
        }
        if crate::hexadecimal::sha256(&one.png) != one.picture.sha256 {
            complain(format!(
                "the picture of `{}` is not the one that the run took",
                one.picture.name
            ));
            is_wrong = true;
        }
    }
    if is_wrong {
        return Exit::Usage;
    }
    let mut done = Vec::new();
    for one in found {
        let record = Record {
            sha256: one.picture.sha256.clone(),
            drawn_by: one.compared.drawn_by.clone(),
            accepted_by: by.to_owned(),
            accepted: crate::clock::now_text(),
            of: one.of,
        };
        if let Err(why) = baseline::accept(folder, &one.compared.file, &one.png, &record) {
            complain(&why);
            return Exit::Inconclusive;
        }
        if !json {
            let path = folder.join(&one.compared.file);
            let (name, words) = (&one.picture.name, &one.compared.words);
            println!("accepted {name}: {}\n  before: {words}", path.display());
        }
        done.push(serde_json::json!({"step": one.picture.name, "file": one.compared.file, "record": record}));
    }
    if json {
        print_json(&done);
    } else if done.is_empty() {
        println!(
            "nothing to accept: every picture there is like its baseline, or has none to be like"
        );
    }
    Exit::Success
}

fn list(folder: &Path, json: bool) -> Exit {
    let all = match baseline::all(folder) {
        Ok(all) => all,
        Err(why) => {
            complain(format!("`{}`: {why}", folder.display()));
            return Exit::Usage;
        }
    };
    if json {
        let rows = all.into_iter().map(|(file, record)| match record {
            Ok(record) => serde_json::json!({"file": file, "record": record}),
            Err(why) => serde_json::json!({"file": file, "problem": why}),
        });
        print_json(&rows.collect::<Vec<_>>());
        return Exit::Success;
    }
    for (file, record) in &all {
        match record {
            Ok(record) => println!(
                "{file}\n  accepted by {}, {}; of {}; drawn by {}",
                record.accepted_by, record.accepted, record.of, record.drawn_by
            ),
            Err(why) => println!("{file}\n  {why}"),
        }
    }
    if all.is_empty() {
        println!("no baseline was accepted in `{}`", folder.display());
    }
    Exit::Success
}
