//! The thread that writes: jobs that wait together are committed together.
//!
//! One sync of the disk then serves them all, so that what is urgent does not queue behind the
//! syncs of what is not. Knows nothing of tables. Invariant: a job is done whole or not at all, and
//! nobody hears of a result before the disk has it.

use super::sqlite::StoreFault;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// Jobs of one commit, at most: the last of them should not wait for long.
const TOGETHER_MAX: usize = 256;

/// Tells a caller the result, once it is known what became of the commit.
type Tell = Box<dyn FnOnce(Result<(), StoreFault>) + Send>;

/// Work in a transaction that is open, or the fault for which there is none.
pub(super) type Job = Box<dyn FnOnce(Result<&Connection, StoreFault>) -> Tell + Send>;

/// A job that tells its result.
pub(super) fn job<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
    done: oneshot::Sender<Result<T, StoreFault>>,
) -> Job {
    Box::new(move |connection| {
        let result = connection.and_then(|connection| whole(connection, work));
        Box::new(move |committed| {
            // The caller may have gone; the work is done all the same.
            let _ = done.send(result.and_then(|result| committed.map(|()| result)));
        })
    })
}

/// Does jobs until the last handle is gone.
pub(super) fn work(connection: &Connection, waiting: &mut mpsc::Receiver<Job>) {
    while let Some(first) = waiting.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < TOGETHER_MAX
            && let Ok(job) = waiting.try_recv()
        {
            jobs.push(job);
        }
        together(connection, jobs);
    }
}

fn together(connection: &Connection, jobs: Vec<Job>) {
    let mut jobs = jobs.into_iter();
    while jobs.len() > 0 {
        if let Err(error) = connection.execute_batch("BEGIN") {
            let fault = StoreFault::from(error);
            for job in jobs.by_ref() {
                job(Err(fault.clone()))(Ok(()));
            }
            return;
        }
        let mut done = Vec::new();
        for job in jobs.by_ref() {
            done.push(job(Ok(connection)));
            if connection.is_autocommit() {
                // SQLite has ended the whole transaction, as it may on a full disk. Those after
                // this job get another one.
                break;
            }
        }
        let committed = commit(connection);
        for tell in done {
            tell(committed.clone());
        }
    }
}

fn commit(connection: &Connection) -> Result<(), StoreFault> {
    if connection.is_autocommit() {
        let reason = "the commit was given up, since another part of it failed";
        return Err(StoreFault::Failed(reason.to_owned()));
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
    let result = work(connection);
    let end = match result {
        Ok(_) => "RELEASE job",
        Err(_) => "ROLLBACK TO job; RELEASE job",
    };
    let ended = connection.execute_batch(end);
    match result {
        // Of a transaction that is gone there is nothing left to take back.
        Err(fault) => Err(fault),
        Ok(result) => Ok(ended.map(|()| result)?),
    }
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
    }

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE kept (id INTEGER, data BLOB); PRAGMA max_page_count = 40";
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
                connection.execute("INSERT INTO kept VALUES (?1, zeroblob(?2))", [id, size])?;
                match fate {
                    Fate::Kept | Fate::Fills => Ok(()),
                    Fate::Fails => Err(StoreFault::Failed("planted".to_owned())),
                    Fate::Ends => Ok(connection.execute_batch("ROLLBACK")?),
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
        together(&connection, jobs);
        assert!(!last.try_recv().unwrap().unwrap());
        assert_eq!(kept(&connection), [0]);
    }

    #[test]
    fn a_job_that_fails_takes_no_other_with_it_unless_sqlite_gives_all_up() {
        use Fate::{Ends, Fails, Fills, Kept};
        for (fates, expected) in [
            (vec![Kept, Fails, Kept], vec![0, 2]),
            // Those before it are told that they are not done; those after it are done.
            (vec![Kept, Fails, Fills, Kept, Kept], vec![3, 4]),
            (vec![Kept, Ends, Fails, Kept], vec![3]),
        ] {
            let connection = database();
            let (jobs, told) = jobs(&fates);
            together(&connection, jobs);
            assert_eq!(succeeded(told), expected, "{fates:?}");
            assert_eq!(kept(&connection), expected, "{fates:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_told_is_what_is_kept(picks in proptest::collection::vec(0usize..4, 0..30)) {
            let fates: Vec<Fate> = picks
                .iter()
                .map(|pick| [Fate::Kept, Fate::Fails, Fate::Fills, Fate::Ends][*pick])
                .collect();
            let connection = database();
            let (jobs, told) = jobs(&fates);
            together(&connection, jobs);
            prop_assert_eq!(succeeded(told), kept(&connection));
            prop_assert!(connection.is_autocommit());
        }
    }
}
