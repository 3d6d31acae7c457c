//! Pictures of a run as files: a folder for each scenario, and in it one for each start.
//!
//! Invariant: only folders that this made are removed, and only those of runs that passed.

use crate::limits::PICTURED_RUNS;
use crate::load::picture::Picture;
use crate::objective::Outcome;
use crate::run::Summary;
use std::path::{Path, PathBuf};

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
    let own = format!("{}-{}", plain(&summary.started), summary.outcome.word());
    let own = of_scenario.join(own);
    std::fs::create_dir_all(&own).map_err(|why| about(&own, &why))?;
    for (number, picture) in pictures.into_iter().enumerate() {
        let Some(png) = &picture.png else { continue };
        let path = own.join(format!("{:02}-{}.png", number + 1, plain(&picture.name)));
        std::fs::write(&path, png).map_err(|why| about(&path, &why))?;
    }
    if summary.outcome == Outcome::Pass {
        let keep = summary.keeps_pictures.unwrap_or(PICTURED_RUNS).max(1);
        for old in passed(&of_scenario)?.into_iter().skip(keep as usize) {
            std::fs::remove_dir_all(&old).map_err(|why| about(&old, &why))?;
        }
    }
    Ok(())
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

/// A name that every system takes as that of a file.
fn plain(name: &str) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_alphanumeric() || "-_.".contains(letter) => letter,
        _ => '-',
    };
    let name: String = name.chars().map(letter).take(80).collect();
    name.trim_matches(['-', '.']).to_owned()
}

fn about(path: &Path, why: &std::io::Error) -> std::io::Error {
    std::io::Error::new(why.kind(), format!("`{}`: {why}", path.display()))
}
