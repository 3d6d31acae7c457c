//! The thread that writes: jobs that wait together are committed together.
//!
//! One sync of the disk then serves them all, so that what is urgent does not queue behind the
//! syncs of what is not. Knows nothing of tables. Invariant: a job is done whole or not at all, and
//! nobody hears of a result before the disk has it.

use crate::store::fault::StoreFault;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// Jobs of one commit, at most: the last of them should not wait for long.
const TOGETHER_MAX: usize = 256;

/// Tells a caller the result, once it is known what became of the commit.
type Tell = Box<dyn FnOnce(Result<(), StoreFault>) + Send>;

/// What a job did: who is to be told, and why it failed, if it did.
pub(super) struct Done {
    tell: Tell,
    fault: Option<StoreFault>,
}

/// Work in a transaction that is open, or the fault for which there is none.
pub(super) type Job = Box<dyn FnOnce(Result<&Connection, StoreFault>) -> Done + Send>;

/// A job that tells its result.
pub(super) fn job<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
    done: oneshot::Sender<Result<T, StoreFault>>,
) -> Job {
    Box::new(move |connection| {
        let result = connection.and_then(|connection| whole(connection, work));
        Done {
            fault: result.as_ref().err().cloned(),
            tell: Box::new(move |committed| {
                // The caller may have gone; the work is done all the same.
                let _ = done.send(result.and_then(|result| committed.map(|()| result)));
            }),
        }
    })
}

/// Does jobs until the last handle is gone.
pub(super) fn work(connection: &Connection, waiting: &mut mpsc::Receiver<Job>) {
    let mut at_most = TOGETHER_MAX;
    while let Some(first) = waiting.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < at_most
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        at_most = match together(connection, jobs) {
            Ok(()) => (at_most * 2).min(TOGETHER_MAX),
            // What has no room must not take along what has.
            Err(_) => 1,
        };
    }
}

/// Does jobs in as few commits as may be; the first fault of a commit.
fn together(connection: &Connection, jobs: Vec<Job>) -> Result<(), StoreFault> {
    let mut jobs = jobs.into_iter();
    let mut outcome = Ok(());
    while jobs.len() > 0 {
        if let Err(fault) = begin(connection) {
            for job in jobs.by_ref() {
                (job(Err(fault.clone())).tell)(Ok(()));
            }
            // How many they were has no part in that.
            return Ok(());
        }
        let mut done: Vec<Done> = Vec::new();
        for job in jobs.by_ref() {
            done.push(job(Ok(connection)));
            if connection.is_autocommit() {
                // SQLite has ended the whole transaction, as it may on a full disk. Those after
                // this job get another one.
                break;
            }
        }
        let last = done.last().and_then(|done| done.fault.clone());
        let committed = commit(connection, last);
        for done in done {
            (done.tell)(committed.clone());
        }
        outcome = outcome.and(committed);
    }
    outcome
}

fn begin(connection: &Connection) -> Result<(), StoreFault> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    // At once, so that a writer from outside is waited for here, and by all of them only once.
    Ok(connection.execute_batch("BEGIN IMMEDIATE")?)
}

/// Commits. `last` is the fault of the last job, for which the transaction may be gone.
fn commit(connection: &Connection, last: Option<StoreFault>) -> Result<(), StoreFault> {
    if connection.is_autocommit() {
        let gone = || StoreFault::Failed("the transaction was ended".to_owned());
        return Err(last.unwrap_or_else(gone));
    }
    connection.execute_batch("COMMIT").map_err(|error| {
        // Whether SQLite has done so itself depends on the error.
        let _ = connection.execute_batch("ROLLBACK");
        StoreFault::from(error)
    })
}

/// Does work in a part of a transaction: what it did is taken back if it fails.
fn whole<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    connection.execute_batch("SAVEPOINT job")?;
    let result = guarded(connection, work);
    let end = match result {
        Ok(_) => "RELEASE job",
        Err(_) => "ROLLBACK TO job; RELEASE job",
    };
    let ended = connection.execute_batch(end).map_err(StoreFault::from);
    if ended.is_err() && !connection.is_autocommit() {
        // What is neither kept nor taken back for sure is taken back with all the others.
        let _ = connection.execute_batch("ROLLBACK");
    }
    result.and_then(|result| ended.map(|()| result))
}

/// Does work whose panic is a fault of this work alone.
pub(super) fn guarded<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    // What it leaves half done in the database is taken back.
    let work = std::panic::AssertUnwindSafe(|| work(connection));
    std::panic::catch_unwind(work).unwrap_or_else(|_| {
        Err(StoreFault::Failed(
            "a fault of Bellwether itself: its place is in the log".to_owned(),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a job may come to.
    #[derive(Debug, Clone, Copy)]
    enum Fate {
        /// It succeeds.
        Kept,
        /// It writes, and fails then.
        Fails,
        /// It writes more than the disk holds.
        Fills,
        /// SQLite ends the whole transaction in it.
        Ends,
        /// It breaks a constraint that the commit looks at.
        Breaks,
        /// It panics.
        Panics,
    }

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE parents (id INTEGER PRIMARY KEY);
            CREATE TABLE kept (id INTEGER, data BLOB,
              parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
            PRAGMA foreign_keys = ON; PRAGMA max_page_count = 40";
        connection.execute_batch(tables).unwrap();
        connection
    }

    type Told = oneshot::Receiver<Result<(), StoreFault>>;

    fn jobs(fates: &[Fate]) -> (Vec<Job>, Vec<Told>) {
        let one = |(id, fate): (i64, &Fate)| {
            let fate = *fate;
            let (done, told) = oneshot::channel();
            let work = move |connection: &Connection| {
                let size = if matches!(fate, Fate::Fills) {
                    400_000
                } else {
                    10
                };
                connection.execute(
                    "INSERT INTO kept VALUES (?1, zeroblob(?2), NULL)",
                    [id, size],
                )?;
                match fate {
                    Fate::Kept | Fate::Fills => Ok(()),
                    Fate::Fails => Err(StoreFault::Failed("planted".to_owned())),
                    Fate::Ends => Ok(connection.execute_batch("ROLLBACK")?),
                    Fate::Breaks => Ok(connection.execute_batch("UPDATE kept SET parent = 1")?),
                    Fate::Panics => panic!("planted"),
                }
            };
            (job(work, done), told)
        };
        (0..).zip(fates).map(one).unzip()
    }

    fn kept(connection: &Connection) -> Vec<i64> {
        let mut statement = connection
            .prepare("SELECT id FROM kept ORDER BY id")
            .unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    fn succeeded(told: Vec<Told>) -> Vec<i64> {
        let results = told.into_iter().map(|mut told| told.try_recv().unwrap());
        let numbered = (0..).zip(results);
        numbered
            .filter(|(_, told)| told.is_ok())
            .map(|(id, _)| id)
            .collect()
    }

    #[test]
    fn nobody_is_told_before_the_commit() {
        let connection = database();
        let (mut jobs, mut told) = jobs(&[Fate::Kept]);
        let mut first = told.remove(0);
        let (done, mut last) = oneshot::channel();
        let is_told = move |_: &Connection| Ok(first.try_recv().is_ok());
        jobs.push(job(is_told, done));
        together(&connection, jobs).unwrap();
        assert!(!last.try_recv().unwrap().unwrap());
        assert_eq!(kept(&connection), [0]);
    }

    #[test]
    fn a_job_that_fails_takes_no_other_with_it_unless_sqlite_gives_all_up() {
        use Fate::{Breaks, Ends, Fails, Fills, Kept, Panics};
        for (fates, expected, all_well) in [
            (vec![Kept, Fails, Panics, Kept], vec![0, 3], true),
            // Those before it are told that they are not done; those after it are done.
            (vec![Kept, Fails, Fills, Kept, Kept], vec![3, 4], false),
            (vec![Kept, Ends, Fails, Kept], vec![3], false),
            (vec![Kept, Breaks, Kept], vec![], false),
        ] {
            let connection = database();
            let (jobs, told) = jobs(&fates);
            let committed = together(&connection, jobs);
            assert_eq!(succeeded(told), expected, "{fates:?}");
            assert_eq!(committed.is_ok(), all_well, "{fates:?}");
            assert_eq!(kept(&connection), expected, "{fates:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_what_is_kept(picks in proptest::collection::vec(0usize..5, 0..30)) {
            let fates: Vec<Fate> = picks
                .iter()
                .map(|pick| [Fate::Kept, Fate::Fails, Fate::Fills, Fate::Ends, Fate::Breaks][*pick])
                .collect();
            let connection = database();
            let (jobs, told) = jobs(&fates);
            let committed = together(&connection, jobs);
            prop_assert!(committed.is_ok() || picks.iter().any(|pick| *pick > 1));
            prop_assert_eq!(succeeded(told), kept(&connection));
            prop_assert!(connection.is_autocommit());
        }
    }
}
