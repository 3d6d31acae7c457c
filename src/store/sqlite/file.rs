//! The SQLite file: a thread that writes, a thread that reads, one process.
//!
//! Every commit is synced to the disk before anything that depends on it leaves the process.

use super::reader::{self, Look};
use super::simulated::Simulated;
use super::tables::{STATEMENTS, migrate, version_of};
use super::writer::{self, Job};
use crate::store::contract::{Contract, Store};
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::Connection;
use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Where jobs are done.
#[derive(Debug)]
enum Place {
    /// On threads of their own.
    Threads {
        writes: mpsc::Sender<Job>,
        reads: mpsc::Sender<Look>,
    },
    /// At once, for simulations.
    Here(Arc<Simulated>),
}

/// The file, open.
#[derive(Debug)]
pub struct Sqlite {
    place: Place,
    instance: String,
}

/// Jobs that may wait for a thread; more callers wait themselves.
const JOBS_WAITING_MAX: usize = 1024;

impl Sqlite {
    /// A handle on a database in memory, whose jobs are done at once.
    pub(super) fn on(simulated: Arc<Simulated>, instance: String) -> Store {
        Store::new(Sqlite {
            instance,
            place: Place::Here(simulated),
        })
    }

    /// Opens the file, making it if it is not there.
    pub fn open(path: &Path) -> Result<Store, StoreFault> {
        let lock = Arc::new(lock(path)?);
        ours(path)?;
        let mut connection = connect(path)?;
        let instance = migrate(&mut connection, path)?;
        let reading = connect(path)?;
        reading.pragma_update(None, "query_only", true)?;
        let (writes, mut waiting) = mpsc::channel(JOBS_WAITING_MAX);
        start("store", &lock, move || {
            writer::work(&connection, &mut waiting);
        })?;
        let (reads, mut waiting) = mpsc::channel(JOBS_WAITING_MAX);
        start("store reads", &lock, move || {
            reader::work(&reading, &mut waiting);
        })?;
        Ok(Store::new(Sqlite {
            place: Place::Threads { writes, reads },
            instance,
        }))
    }

    /// Runs a job in a transaction, which is kept if the job succeeds. Comes back once it is
    /// synced to the disk.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        match &self.place {
            Place::Threads { writes, .. } => asked(writes, |done| writer::job(job, done)).await,
            Place::Here(simulated) => here(simulated, job).await,
        }
    }

    /// Looks at what is committed.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, StoreFault> {
        match &self.place {
            Place::Threads { reads, .. } => asked(reads, |done| reader::look(look, done)).await,
            Place::Here(simulated) => here(simulated, look).await,
        }
    }
}

#[async_trait]
impl Contract for Sqlite {
    fn instance(&self) -> &str {
        &self.instance
    }

    async fn caught_up(&self) {
        // Whether it has failed is told to those who asked for it.
        let _ = self.write(|_| Ok(())).await;
    }
}

async fn asked<T, J>(
    queue: &mpsc::Sender<J>,
    job: impl FnOnce(oneshot::Sender<Result<T, StoreFault>>) -> J,
) -> Result<T, StoreFault> {
    let closed = || StoreFault::Failed("the store is closed".to_owned());
    let (done, result) = oneshot::channel();
    queue.send(job(done)).await.map_err(|_| closed())?;
    result.await.map_err(|_| closed())?
}

async fn here<T>(
    simulated: &Simulated,
    job: impl FnOnce(&Connection) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    match simulated.call(job) {
        Some(result) => result,
        // The dead wait for ever.
        None => std::future::pending().await,
    }
}

/// Starts a thread that holds the lock until the last handle is gone, so that no second daemon
/// slips in between.
fn start(
    name: &str,
    lock: &Arc<File>,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), StoreFault> {
    let lock = lock.clone();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let _lock = lock;
            work();
        })
        .map(drop)
        .map_err(|error| StoreFault::Failed(error.to_string()))
}

/// A path without links, whether or not its file is there: one state has one name.
pub(super) fn resolved(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize();
    match (folder, path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// The lock of whoever uses a state.
pub(super) fn lock(path: &Path) -> Result<File, StoreFault> {
    let mut name = resolved(path).into_os_string();
    name.push(".lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(PathBuf::from(name))
        .map_err(|error| StoreFault::Closed(path.to_owned(), closed(path, &error)))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreFault::Taken(path.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(StoreFault::Broken(path.to_owned(), error.to_string()))
        }
    }
}

/// The number of the user that we are.
fn user() -> libc::uid_t {
    // SAFETY: a plain system call that cannot fail.
    unsafe { libc::geteuid() }
}

/// Why nothing can be written where the state is to be, and who cannot.
fn closed(path: &Path, error: &std::io::Error) -> String {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let user = user();
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("the folder `{}` is not there: make it", folder.display())
        }
        std::io::ErrorKind::PermissionDenied => format!(
            "the user {user} may not write to the folder `{0}`: `chown {user} {0}`, or name another place",
            folder.display()
        ),
        _ => format!(
            "nothing can be written to the folder `{}`: {error}",
            folder.display()
        ),
    }
}

/// Makes the file if it is not there: nobody else reads it, whose evidence may be anything that was answered.
fn ours(path: &Path) -> Result<(), StoreFault> {
    let opened = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    match opened {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let user = user();
            let why = format!(
                "the user {user} may not read and write it: `chown {user} {}`",
                path.display()
            );
            Err(StoreFault::Closed(path.to_owned(), why))
        }
        // What else is wrong, the database says better.
        _ => Ok(()),
    }
}

fn connect(path: &Path) -> Result<Connection, StoreFault> {
    let broken = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => StoreFault::Full(error.to_string()),
        _ => StoreFault::Broken(path.to_owned(), error.to_string()),
    };
    let connection = Connection::open(path).map_err(broken)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Before the mode of the journal is changed: that is written to the file.
    version_of(&connection, path).map_err(|fault| match fault {
        StoreFault::Failed(reason) => StoreFault::Broken(path.to_owned(), reason),
        fault => fault,
    })?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY;")
        .map_err(broken)?;
    Ok(connection)
}
