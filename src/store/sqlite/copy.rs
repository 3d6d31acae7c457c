//! The whole state as a file: taken while a daemon works on it, and put in its place while none does.
//!
//! Invariants: a copy is whole or not there, and nothing of another name or of another process is touched; at every moment of a
//! restoring the state is what it was or what it becomes; what was there before is never lost; what was on its way to others
//! when a copy was taken is not sent again from it.

use super::file::{lock, resolved};
use super::tables::{migrate, version_of};
use crate::store::fault::StoreFault;
use rusqlite::{Connection, OpenFlags};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
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

/// Connects to a file, by whatever name: none is taken for an address.
fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, StoreFault> {
    Ok(Connection::open_with_flags(
        path,
        flags & !OpenFlags::SQLITE_OPEN_URI,
    )?)
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
    let path = &resolved(path);
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let version = version_of(&connection, path).map_err(|fault| match fault {
        StoreFault::Failed(why) => broken(why),
        other => other,
    })?;
    if version < 1 {
        return Err(broken("it is empty, or of something else".to_owned()));
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

/// A new file of that name, which only its owner may read.
fn new_file(path: &Path) -> io::Result<File> {
    File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Gives a file a name that no other file has.
fn take_name(part: &Path, to: &Path) -> io::Result<()> {
    match std::fs::hard_link(part, to) {
        Ok(()) => std::fs::remove_file(part),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        // Some file systems know no links: there the name is taken first.
        Err(_) => {
            new_file(to)?;
            std::fs::rename(part, to)
        }
    }
}

/// Removes what is left of a file that was being written, and what SQLite wrote beside it.
fn tidy(part: &Path) {
    for end in BESIDE.iter().chain(&["-journal", ""]) {
        let _ = std::fs::remove_file(beside(part, end));
    }
}

/// Takes a copy of a state, also while a daemon works on it: as it was at one moment.
///
/// # Errors
///
/// The state cannot be read, or the copy not be written; then there is none.
pub fn take(state: &Path, to: &Path) -> Result<Contents, StoreFault> {
    if std::fs::symlink_metadata(to).is_ok() {
        let exists = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(failed("the backup is not written over", to, &exists));
    }
    if !state.exists() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        return Err(failed("there is no state", state, &missing));
    }
    let to = &resolved(to);
    // A name of this process alone: others may take copies, too.
    let part = beside(to, &format!(".{}.part", crate::ids::short()));
    let cannot = |what: &'static str| move |error: io::Error| failed(what, to, &error);
    new_file(&part).map_err(cannot("the backup cannot be written to"))?;
    let written = write(state, &part).and_then(|contents| {
        take_name(&part, to).map_err(cannot("the backup cannot be named"))?;
        synced(to).map_err(cannot("the backup cannot be kept"))?;
        Ok(contents)
    });
    if written.is_err() {
        // What is left of a copy that failed is no copy.
        tidy(&part);
    }
    written
}

fn write(state: &Path, part: &Path) -> Result<Contents, StoreFault> {
    let connection = connect(&resolved(state), OpenFlags::SQLITE_OPEN_READ_ONLY)?;
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
/// The copy is not sound, a daemon uses it or the state, there is a state and `replaces` does not say that it may go, or
/// it cannot be written; then nothing has changed.
pub fn put_back(
    from: &Path,
    state: &Path,
    replaces: bool,
    stamp: &str,
) -> Result<Restored, StoreFault> {
    // Before anything is touched: what is wrong with it is said of the file that was named.
    contents(from)?;
    let (from, state) = (&resolved(from), &resolved(state));
    let _lock = lock(state)?;
    let _source = match from != state && beside(from, ".lock").exists() {
        // What somebody writes to is copied by `backup`.
        true => Some(lock(from)?),
        false => None,
    };
    if state.exists() && !replaces {
        let exists = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(failed(
            "there is a state; `--replace` moves it aside:",
            state,
            &exists,
        ));
    }
    let part = beside(state, &format!(".{}.restoring", crate::ids::short()));
    let restored = prepared(from, &part, state).and_then(|given_up| {
        // What is on the disk by now is what counts.
        let contents = contents(&part)?;
        let before = match state.exists() {
            true => Some(set_aside(
                state,
                &beside(state, &format!(".before-{stamp}")),
            )?),
            false => None,
        };
        // From one to the other in one step: whoever is stopped before has the one, whoever is stopped after the other.
        std::fs::rename(&part, state)
            .map_err(|error| failed("the state cannot be put to", state, &error))?;
        synced(state).map_err(|error| failed("the state cannot be kept", state, &error))?;
        Ok(Restored {
            contents,
            given_up,
            before,
        })
    });
    if restored.is_err() {
        tidy(&part);
    }
    restored
}

/// Gives what is there a second name, under which it stays; all of it is in one file then.
fn set_aside(state: &Path, before: &Path) -> Result<PathBuf, StoreFault> {
    let aside = |error: io::Error| failed("the state cannot be kept as", before, &error);
    if beside(state, "-wal").exists() {
        let folded = connect(state, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|connection| {
            Ok(connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?)
        });
        if folded.is_err() {
            // It cannot be read any more: its parts stay beside each other, and the new one has none of them.
            for end in BESIDE.into_iter().filter(|end| beside(state, end).exists()) {
                std::fs::rename(beside(state, end), beside(before, end)).map_err(aside)?;
            }
        }
    }
    if std::fs::hard_link(state, before).is_err() {
        let mut kept = new_file(before).map_err(aside)?;
        let copied = File::open(state).and_then(|mut state| io::copy(&mut state, &mut kept));
        copied.map_err(aside)?;
    }
    synced(before).map_err(aside)?;
    Ok(before.to_owned())
}

/// A copy that nothing is sent from that may have been delivered since; it belongs to whom the state belongs to.
fn prepared(from: &Path, part: &Path, state: &Path) -> Result<usize, StoreFault> {
    let cannot = |error: io::Error| failed("the state cannot be copied to", part, &error);
    // What is not in the file yet is in those beside it.
    for end in ["", "-wal", "-journal"] {
        let source = beside(from, end);
        if source.exists() {
            let mut target = new_file(&beside(part, end)).map_err(cannot)?;
            let source =
                File::open(source).and_then(|mut source| io::copy(&mut source, &mut target));
            source.map_err(cannot)?;
        }
    }
    let mut connection = connect(part, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let broken = |why: String| StoreFault::Broken(from.to_owned(), why);
    migrate(&mut connection, from).map_err(|fault| broken(fault.to_string()))?;
    has_all(&connection).map_err(|missing| broken(format!("it has no {missing}")))?;
    let given_up = connection.execute(
        "UPDATE outbox SET state = 'given_up', result = 'restored from a backup: it may have been delivered since'
         WHERE state = 'pending'",
        [],
    )?;
    // One file again, whatever mode it is in.
    connection.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    drop(connection);
    belongs_as(part, state).map_err(cannot)?;
    synced(part).map_err(|error| failed("the state cannot be kept", part, &error))?;
    Ok(given_up)
}

/// Gives a file the owner and the mode of the state that it is to be, or of its folder where there is none.
fn belongs_as(part: &Path, state: &Path) -> io::Result<()> {
    let (like, mode) = match std::fs::metadata(state) {
        Ok(known) => (known.clone(), known.mode() & 0o777),
        Err(_) => (
            std::fs::metadata(state.parent().unwrap_or(Path::new("/")))?,
            0o600,
        ),
    };
    let own = std::fs::metadata(part)?;
    if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
        let given = std::os::unix::fs::chown(part, Some(like.uid()), Some(like.gid()));
        // In the place of a state that somebody uses it must be theirs.
        if state.exists() {
            given?;
        }
    }
    std::fs::set_permissions(part, std::fs::Permissions::from_mode(mode))
}

/// The columns of each table.
fn columns(connection: &Connection) -> rusqlite::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut statement = connection.prepare(
        "SELECT tables.name, columns.name FROM sqlite_master AS tables
           JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in rows {
        let (table, column): (String, String) = row?;
        all.entry(table).or_default().insert(column);
    }
    Ok(all)
}

/// Whether all tables are there with all of their columns; what is missing.
fn has_all(connection: &Connection) -> Result<(), String> {
    let wanted = || -> Result<_, StoreFault> {
        let mut fresh = Connection::open_in_memory()?;
        migrate(&mut fresh, Path::new("memory"))?;
        Ok((columns(&fresh)?, columns(connection)?))
    };
    let (wanted, found) = wanted().map_err(|fault| fault.to_string())?;
    for (table, wanted) in wanted {
        let Some(found) = found.get(&table) else {
            return Err(format!("table `{table}`"));
        };
        if let Some(column) = wanted.difference(found).next() {
            return Err(format!("column `{column}` in its table `{table}`"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state in a folder, with some facts.
    fn state(path: &Path, facts: usize) -> Connection {
        let mut connection = Connection::open(path).unwrap();
        connection
            .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
            .unwrap();
        migrate(&mut connection, path).unwrap();
        for fact in 0..facts {
            let sql = "INSERT INTO meta VALUES (?1, 'fact')";
            connection.execute(sql, [format!("fact {fact}")]).unwrap();
        }
        connection
    }

    fn facts(path: &Path) -> i64 {
        let connection = Connection::open(path).unwrap();
        let sql = "SELECT count(*) FROM meta WHERE value = 'fact'";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.ends_with(".lock")).collect()
    }

    #[test]
    fn what_stands_beside_a_copy_is_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let open = state(&at("live"), 50);
        std::fs::copy(at("live"), at("copy")).unwrap();
        std::fs::copy(at("live-wal"), at("copy-wal")).unwrap();
        assert!(std::fs::metadata(at("copy-wal")).unwrap().len() > 0);
        put_back(&at("copy"), &at("state"), false, "now").unwrap();
        assert_eq!(facts(&at("state")), 50);
        drop(open);
    }

    #[test]
    fn at_every_moment_the_state_is_the_one_or_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        drop(state(&at("good"), 3));
        // Somebody was killed: most of it is beside the file.
        let killed = state(&at("live"), 40);
        for end in ["", "-wal"] {
            std::fs::copy(beside(&at("live"), end), beside(&at("state"), end)).unwrap();
        }
        drop(killed);
        let part = at("part");
        prepared(&at("good"), &part, &at("state")).unwrap();
        assert_eq!(
            names(folder.path())
                .iter()
                .filter(|name| name.starts_with("state"))
                .count(),
            2
        );
        let before = set_aside(&at("state"), &at("before")).unwrap();
        // Stopped here, nothing is lost under either name, and nothing is beside them that the new one would take for its own.
        assert!(!at("state-wal").exists());
        std::fs::rename(&part, at("state")).unwrap();
        assert_eq!((facts(&at("state")), facts(&before)), (3, 40));
    }

    #[test]
    fn what_is_no_sound_state_is_not_put_in_the_place_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        drop(state(&at("state"), 7));
        for (name, sql, said) in [
            ("dropped", "DROP TABLE results", "no table `results`"),
            ("foreign", "DROP TABLE meta", "meta"),
            (
                "column",
                "ALTER TABLE silences RENAME COLUMN until_ms TO x",
                "`until_ms`",
            ),
            ("before", "PRAGMA user_version = -5", "something else"),
        ] {
            drop(state(&at(name), 1));
            let connection = Connection::open(at(name)).unwrap();
            connection.execute_batch(sql).unwrap();
            drop(connection);
            let fault = put_back(&at(name), &at("state"), true, "now").unwrap_err();
            assert!(fault.to_string().contains(said), "{name}: {fault}");
            assert_eq!(facts(&at("state")), 7);
        }
        let kept = names(folder.path());
        assert!(
            !kept.iter().any(|name| name.contains("restoring")),
            "{kept:?}"
        );
    }

    #[test]
    fn a_backup_touches_no_other_file_and_takes_no_name_for_an_address() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        drop(state(&at("s.part"), 5));
        std::fs::write(at("file:u.db.part"), "precious").unwrap();
        for name in ["s", "file:u.db"] {
            take(&at("s.part"), &at(name)).unwrap();
            assert_eq!(facts(&resolved(&at(name))), 5, "{name}");
            let mode = std::fs::metadata(at(name)).unwrap().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(std::fs::read(at("file:u.db.part")).unwrap(), b"precious");
        std::os::unix::fs::symlink(at("nowhere"), at("link")).unwrap();
        for there in ["s", "link", "file:u.db.part"] {
            assert!(take(&at("s.part"), &at(there)).is_err(), "{there}");
        }
        // One that appears meanwhile stays as it is.
        let part = at("mine");
        std::fs::write(&part, "new").unwrap();
        std::fs::write(at("other"), "old").unwrap();
        assert!(take_name(&part, &at("other")).is_err());
        assert_eq!(std::fs::read(at("other")).unwrap(), b"old");
    }

    #[test]
    fn a_state_is_one_by_whatever_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        drop(state(&at("state"), 5));
        drop(state(&at("copy"), 6));
        std::os::unix::fs::symlink(at("state"), at("link")).unwrap();
        let used = lock(&at("state")).unwrap();
        let fault = put_back(&at("copy"), &at("link"), true, "now").unwrap_err();
        assert!(matches!(fault, StoreFault::Taken(_)), "{fault}");
        drop(used);
        let restored = put_back(&at("copy"), &at("link"), true, "now").unwrap();
        assert_eq!((facts(&at("state")), facts(&at("link"))), (6, 6));
        assert_eq!(facts(&restored.before.unwrap()), 5);
    }
}
