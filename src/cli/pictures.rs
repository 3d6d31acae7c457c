//! Pictures of a run as files: a folder for each scenario and environment, and in it one for each start, with a list of
//! what they are.
//!
//! Invariant: only folders that this made are removed, and only those of runs that passed.

use crate::limits::PICTURED_RUNS;
use crate::objective::Outcome;
use crate::picture::baseline::plain;
use crate::picture::kept::Picture;
use crate::run::Summary;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The list of the pictures of a run.
const LIST: &str = "pictures.json";

/// What a folder of pictures holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Taken {
    /// The scenario.
    pub scenario: String,
    /// Where it ran.
    pub environment: String,
    /// When it started.
    pub started: String,
    /// Its files, and what each shows.
    pub pictures: Vec<(String, Picture)>,
}

/// What the folder of a run that passed ends with.
const PASSED: &str = "-pass";

/// Writes the pictures of a run, and removes those of older ones that passed.
///
/// # Errors
///
/// Which file cannot be written or removed.
pub(super) fn write(folder: &Path, summary: &Summary) -> std::io::Result<()> {
    let pictures: Vec<&Picture> = summary
        .steps
        .iter()
        .flat_map(|step| &step.pictures)
        .collect();
    if pictures.is_empty() {
        return Ok(());
    }
    let of_scenario = folder
        .join(plain(&summary.scenario))
        .join(plain(&summary.environment));
    std::fs::create_dir_all(&of_scenario).map_err(|why| about(&of_scenario, &why))?;
    let own = own_folder(&of_scenario, summary).map_err(|why| about(&of_scenario, &why))?;
    let mut taken = Taken {
        scenario: summary.scenario.clone(),
        environment: summary.environment.clone(),
        started: summary.started.clone(),
        pictures: Vec::new(),
    };
    for (number, picture) in pictures.into_iter().enumerate() {
        let name = format!("{:02}-{}", number + 1, plain(&picture.name));
        for one in picture.with_compared() {
            let Some(png) = &one.png else { continue };
            let file = match std::ptr::eq(one, picture) {
                true => format!("{name}.png"),
                false => format!("{name}-{}.png", plain(&one.name)),
            };
            let path = own.join(&file);
            std::fs::write(&path, png).map_err(|why| about(&path, &why))?;
            if std::ptr::eq(one, picture) {
                taken.pictures.push((file, picture.clone()));
            }
        }
    }
    let list = own.join(LIST);
    let text = serde_json::to_vec_pretty(&taken)?;
    std::fs::write(&list, text).map_err(|why| about(&list, &why))?;
    if summary.outcome == Outcome::Pass {
        let keep = summary.keeps_pictures.unwrap_or(PICTURED_RUNS).max(1);
        for old in passed(&of_scenario)?.into_iter().skip(keep as usize) {
            std::fs::remove_dir_all(&old).map_err(|why| about(&old, &why))?;
        }
    }
    Ok(())
}

/// A folder that no other run has: two of one second are told apart by a number.
fn own_folder(of_scenario: &Path, summary: &Summary) -> std::io::Result<PathBuf> {
    let (started, word) = (plain(&summary.started), summary.outcome.word());
    let mut number = 1;
    loop {
        let name = match number {
            1 => format!("{started}-{word}"),
            _ => format!("{started}-{number}-{word}"),
        };
        let folder = of_scenario.join(name);
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists && number < 1_000 => {
                number += 1;
            }
            Err(why) => return Err(why),
        }
    }
}

/// Folders of runs that passed, the newest first: their names begin with when they started.
fn passed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|why| about(folder, &why))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.starts_with("20") && name.ends_with(PASSED) && path.is_dir()
    });
    found.sort_unstable_by(|a, b| b.cmp(a));
    Ok(found)
}

/// What is in a folder of one run, or was written last by each scenario in each environment below it.
///
/// # Errors
///
/// What cannot be read, or that there is nothing.
pub(super) fn newest(folder: &Path) -> Result<Vec<(PathBuf, Taken)>, String> {
    let mut found: BTreeMap<(String, String), (PathBuf, Taken)> = BTreeMap::new();
    let mut open = vec![(folder.to_owned(), 0)];
    while let Some((next, depth)) = open.pop() {
        if let Some(taken) = taken(&next)? {
            let key = (taken.scenario.clone(), taken.environment.clone());
            let is_newer = |known: &(PathBuf, Taken)| known.1.started < taken.started;
            if found.get(&key).is_none_or(is_newer) {
                found.insert(key, (next, taken));
            }
        } else if depth < 3 {
            let entries = std::fs::read_dir(&next)
                .map_err(|why| format!("`{}` cannot be read: {why}", next.display()))?;
            let folders = entries.flatten().map(|entry| entry.path());
            open.extend(
                folders
                    .filter(|path| path.is_dir())
                    .map(|path| (path, depth + 1)),
            );
        }
    }
    match found.is_empty() {
        true => Err(format!(
            "`{}` holds no pictures of a run: `bellwether run --pictures` writes them",
            folder.display()
        )),
        false => Ok(found.into_values().collect()),
    }
}

fn taken(folder: &Path) -> Result<Option<Taken>, String> {
    let path = folder.join(LIST);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(format!("`{}` cannot be read: {why}", path.display())),
    };
    let taken = serde_json::from_slice(&text);
    taken
        .map(Some)
        .map_err(|why| format!("`{}` is no list of pictures: {why}", path.display()))
}

fn about(path: &Path, why: &std::io::Error) -> std::io::Error {
    std::io::Error::new(why.kind(), format!("`{}`: {why}", path.display()))
}
