//! The whole state as a file: taken while a daemon works on it, and put in its place while none does.
//!
//! Invariants: a copy is whole or not there; what was there before is never lost; what was on its way to others
//! when a copy was taken is not sent again from it.

use super::file::lock;
use super::tables::version_of;
use crate::store::fault::StoreFault;
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What is in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    /// The version of its tables.
    pub version: i64,
    /// Gates.
    pub gates: i64,
    /// Probes that were ever measured.
    pub probes: i64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// What restoring did.
#[derive(Debug, Clone)]
pub struct Restored {
    /// What is in it.
    pub contents: Contents,
    /// Effects that were on their way when the copy was taken, and are given up.
    pub given_up: usize,
    /// Where what was there before is now.
    pub before: Option<PathBuf>,
}

/// Other files of a database that is in use.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn failed(what: &str, path: &Path, error: &io::Error) -> StoreFault {
    StoreFault::Failed(format!("{what} `{}`: {error}", path.display()))
}

/// Keeps what was written, and its name.
fn synced(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// What is in a file, if it is a sound state of ours.
///
/// # Errors
///
/// It is not there, broken, of something else or of a newer program.
pub fn contents(path: &Path) -> Result<Contents, StoreFault> {
    let bytes = std::fs::metadata(path)
        .map_err(|error| failed("there is no", path, &error))?
        .len();
    let broken = |why: String| StoreFault::Broken(path.to_owned(), why);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let version = version_of(&connection, path).map_err(|fault| match fault {
        StoreFault::Failed(why) => broken(why),
        other => other,
    })?;
    if version == 0 {
        return Err(broken("it is empty".to_owned()));
    }
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if check != "ok" {
        return Err(broken(check));
    }
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM {table}");
        connection.query_row(&sql, [], |row| row.get(0))
    };
    Ok(Contents {
        version,
        gates: count("gates")?,
        probes: count("probe_states")?,
        bytes,
    })
}

/// Takes a copy of a state, also while a daemon works on it: as it was at one moment.
///
/// # Errors
///
/// The state cannot be read, or the copy not be written; then there is none.
pub fn take(state: &Path, to: &Path) -> Result<Contents, StoreFault> {
    if to.exists() {
        let exists = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(failed("the backup is not written over", to, &exists));
    }
    if !state.exists() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        return Err(failed("there is no state", state, &missing));
    }
    let part = beside(to, ".part");
    let written = write(state, &part).and_then(|contents| {
        std::fs::rename(&part, to)
            .map_err(|error| failed("the backup cannot be named", to, &error))?;
        synced(to).map_err(|error| failed("the backup cannot be kept", to, &error))?;
        Ok(contents)
    });
    if written.is_err() {
        // What is left of a copy that failed is no copy.
        let _ = std::fs::remove_file(&part);
    }
    written
}

fn write(state: &Path, part: &Path) -> Result<Contents, StoreFault> {
    let _ = std::fs::remove_file(part);
    // It is made before anything is in it, so that nobody else ever reads it.
    let file = File::create(part)
        .map_err(|error| failed("the backup cannot be written to", part, &error))?;
    let only_us = std::fs::Permissions::from_mode(0o600);
    file.set_permissions(only_us)
        .map_err(|error| failed("the backup cannot be closed to others", part, &error))?;
    let connection = Connection::open_with_flags(state, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    version_of(&connection, state)?;
    let name = part
        .to_str()
        .ok_or_else(|| StoreFault::Failed("the backup needs a name of letters".to_owned()))?;
    connection.execute("VACUUM INTO ?1", [name])?;
    contents(part)
}

/// Puts a copy in the place of a state that no daemon uses.
///
/// # Errors
///
/// The copy is not sound, a daemon uses the state, there is one and `replaces` does not say that it may go, or
/// it cannot be written; then nothing has changed.
pub fn put_back(
    from: &Path,
    state: &Path,
    replaces: bool,
    stamp: &str,
) -> Result<Restored, StoreFault> {
    let found = contents(from)?;
    let _lock = lock(state)?;
    if state.exists() && !replaces {
        let exists = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(failed(
            "there is a state; `--replace` moves it aside:",
            state,
            &exists,
        ));
    }
    let part = beside(state, ".restoring");
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(&part, end));
    }
    let given_up = prepared(from, &part).inspect_err(|_| {
        let _ = std::fs::remove_file(&part);
    })?;
    let before = state
        .exists()
        .then(|| beside(state, &format!(".before-{stamp}")));
    if let Some(before) = &before {
        let aside = |error: io::Error| failed("the state cannot be moved to", before, &error);
        for end in BESIDE.iter().copied().chain([""]) {
            let old = beside(state, end);
            if old.exists() {
                std::fs::rename(old, beside(before, end)).map_err(aside)?;
            }
        }
    }
    std::fs::rename(&part, state)
        .map_err(|error| failed("the state cannot be put to", state, &error))?;
    synced(state).map_err(|error| failed("the state cannot be kept", state, &error))?;
    Ok(Restored {
        contents: found,
        given_up,
        before,
    })
}

/// A copy that nothing is sent from that may have been delivered since.
fn prepared(from: &Path, part: &Path) -> Result<usize, StoreFault> {
    std::fs::copy(from, part)
        .map_err(|error| failed("the state cannot be copied to", part, &error))?;
    let connection = Connection::open(part)?;
    let given_up = connection.execute(
        "UPDATE outbox SET state = 'given_up', result = 'restored from a backup: it may have been delivered since'
         WHERE state = 'pending'",
        [],
    )?;
    // One file again, whatever mode it is in.
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    drop(connection);
    synced(part).map_err(|error| failed("the state cannot be kept", part, &error))?;
    Ok(given_up)
}
