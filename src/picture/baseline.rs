//! Baselines: pictures that somebody accepted, as files beside the scenario, so that they are reviewed and versioned
//! with it. Beside each stands who accepted it, when, and what drew it.
//!
//! Invariant: a picture without its record, or with that of another one, is no baseline.

use crate::hexadecimal::sha256;
use crate::limits::BROWSER_MESSAGE_BYTES_MAX;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of baselines beside scenarios.
const FOLDER: &str = "baselines";

/// Who accepted a picture, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// SHA-256 of the picture's bytes.
    pub sha256: String,
    /// What drew it: browser, system and fonts.
    pub drawn_by: String,
    /// Who accepted it.
    pub accepted_by: String,
    /// When, as RFC 3339.
    pub accepted: String,
    /// Which run it is of.
    pub of: String,
}

/// A picture that was accepted.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// Who accepted it, and what it is.
    pub record: Record,
    /// Its bytes.
    pub png: Arc<[u8]>,
}

/// Where the baseline of a picture is kept, below the scenario's folder: one for each environment, step and viewport.
pub fn file(scenario: &str, environment: &str, step: &str, (width, height): (u32, u32)) -> String {
    let [scenario, environment, step] = [scenario, environment, step].map(plain);
    format!("{FOLDER}/{scenario}/{environment}/{step}-{width}x{height}.png")
}

/// A name that every system takes as that of a file.
pub fn plain(name: &str) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_alphanumeric() || "-_.".contains(letter) => letter,
        _ => '-',
    };
    let name: String = name.chars().map(letter).take(80).collect();
    name.trim_matches(['-', '.']).to_owned()
}

/// Whether a name is that of a baseline, as [`file`] gives them.
pub fn is_file(name: &str) -> bool {
    let mut parts = name.split('/');
    let plain =
        |part: Option<&str>| part.is_some_and(|part| !part.is_empty() && plain(part) == part);
    parts.next() == Some(FOLDER)
        && plain(parts.next())
        && plain(parts.next())
        && parts
            .next()
            .is_some_and(|last| last.ends_with(".png") && plain(Some(last)))
        && parts.next().is_none()
}

fn record_of(picture: &Path) -> PathBuf {
    picture.with_extension("json")
}

/// Reads a baseline.
///
/// # Errors
///
/// Why there is none, in words.
pub fn read(folder: &Path, file: &str) -> Result<Baseline, String> {
    let path = folder.join(file);
    let absent = |why: &std::io::Error| why.kind() == std::io::ErrorKind::NotFound;
    let record = match plain_bytes(&record_of(&path), RECORD_BYTES_MAX) {
        Ok(record) => record,
        Err(why) if absent(&why) && !path.exists() => {
            return Err(format!("no baseline was accepted: there is no `{file}`"));
        }
        Err(why) if absent(&why) => {
            return Err(format!(
                "nobody accepted `{file}`: there is no record beside it"
            ));
        }
        Err(why) => return Err(format!("the record of `{file}` cannot be read: {why}")),
    };
    let record: Record = serde_json::from_slice(&record)
        .map_err(|why| format!("the record of `{file}` cannot be read: {why}"))?;
    let png = plain_bytes(&path, BROWSER_MESSAGE_BYTES_MAX as u64);
    let png = png.map_err(|why| format!("the baseline `{file}` cannot be read: {why}"))?;
    match sha256(&png) == record.sha256 {
        true => Ok(Baseline {
            record,
            png: png.into(),
        }),
        false => Err(format!(
            "nobody accepted `{file}` as it is now: its record is of another picture"
        )),
    }
}

/// Bytes of a record.
const RECORD_BYTES_MAX: u64 = 64 * 1024;

/// The bytes of a plain file that is not too large: whatever else has its name (a link, a pipe, a device) is none.
fn plain_bytes(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let file = options
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no plain file"));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > most {
        true => Err(std::io::Error::other("it is too large")),
        false => Ok(bytes),
    }
}

/// Accepts a picture as the baseline from now on: each file is written whole, the picture first, so that what stops in
/// the middle leaves no baseline rather than a wrong one.
///
/// # Errors
///
/// Which file cannot be written.
pub fn accept(folder: &Path, file: &str, png: &[u8], record: &Record) -> std::io::Result<()> {
    let path = folder.join(file);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    whole(&path, png)?;
    let mut text = serde_json::to_vec_pretty(record).map_err(std::io::Error::other)?;
    text.push(b'\n');
    whole(&record_of(&path), &text)
}

fn whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let about = |why: std::io::Error| {
        std::io::Error::new(why.kind(), format!("`{}`: {why}", path.display()))
    };
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).map_err(about)?;
    std::fs::rename(&beside, path).map_err(about)
}

/// All baselines below a folder, with what their records say.
///
/// # Errors
///
/// Which folder cannot be read.
pub fn all(folder: &Path) -> std::io::Result<Vec<(String, Result<Record, String>)>> {
    let mut files = Vec::new();
    let mut open = vec![folder.join(FOLDER)];
    while let Some(next) = open.pop() {
        let entries = match std::fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => continue,
            Err(why) => return Err(why),
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.strip_prefix(folder).ok().and_then(Path::to_str);
            if path.is_dir() {
                open.push(path);
            } else if let Some(name) = name.filter(|name| is_file(name)) {
                let record = read(folder, name).map(|baseline| baseline.record);
                files.push((name.to_owned(), record));
            }
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(png: &[u8]) -> Record {
        Record {
            sha256: sha256(png),
            drawn_by: "Chrome/156".to_owned(),
            accepted_by: "jane".to_owned(),
            accepted: "2026-11-29T10:00:00Z".to_owned(),
            of: "run 7".to_owned(),
        }
    }

    #[test]
    fn a_baseline_is_what_somebody_accepted_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let name = file("console", "staging", "the dashboard / all", (1280, 720));
        assert_eq!(
            name,
            "baselines/console/staging/the-dashboard---all-1280x720.png"
        );
        assert!(is_file(&name));
        let why = read(folder.path(), &name).unwrap_err();
        assert!(why.starts_with("no baseline was accepted"), "{why}");
        accept(folder.path(), &name, b"one", &record(b"one")).unwrap();
        let found = read(folder.path(), &name).unwrap();
        assert_eq!(
            (&found.png[..], found.record.accepted_by.as_str()),
            (&b"one"[..], "jane")
        );
        assert_eq!(
            all(folder.path()).unwrap(),
            [(name.clone(), Ok(record(b"one")))]
        );
        std::fs::write(folder.path().join(&name), b"two").unwrap();
        let why = read(folder.path(), &name).unwrap_err();
        assert!(why.starts_with("nobody accepted"), "{why}");
        std::fs::remove_file(record_of(&folder.path().join(&name))).unwrap();
        let why = read(folder.path(), &name).unwrap_err();
        assert!(why.contains("there is no record beside it"), "{why}");
        std::fs::write(record_of(&folder.path().join(&name)), b"{").unwrap();
        let why = read(folder.path(), &name).unwrap_err();
        assert!(why.contains("cannot be read"), "{why}");
        accept(folder.path(), &name, b"one", &record(b"one")).unwrap();
        for file in [
            record_of(&folder.path().join(&name)),
            folder.path().join(&name),
        ] {
            std::fs::remove_file(&file).unwrap();
            std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
            let why = read(folder.path(), &name).unwrap_err();
            assert!(why.contains("cannot be read"), "{why}");
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in [
            "baselines/a/b/../../../x.png",
            "/etc/passwd",
            "baselines/a/b/c.json",
            "baselines/a/b.png",
            "",
            "baselines/../b/c.png",
            "baselines//b/c.png",
            "other/a/b/c.png",
            "baselines/a/b/c/d.png",
        ] {
            assert!(!is_file(name), "{name}");
        }
        assert_eq!(plain("../../etc"), "etc");
    }
}
