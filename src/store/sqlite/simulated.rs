//! A database in memory for simulations: it outlives the deaths of the process that uses it.
//!
//! It does jobs at once, on the caller's thread, counts them, and lets the process die at any of them.

use super::file::Sqlite;
use super::reader::alone;
use super::tables::{STATEMENTS, migrate};
use crate::store::contract::Store;
use crate::store::fault::StoreFault;
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// A database in memory that outlives simulated crashes of the process that uses it.
#[derive(Debug)]
pub struct Simulated {
    connection: Mutex<Connection>,
    instance: String,
    fuse: Mutex<Option<Fuse>>,
    /// Numbers of the jobs that changed something, counted since the last boot.
    changing: Mutex<(u64, Vec<u64>)>,
}

/// When the simulated process dies.
#[derive(Debug, Clone, Copy)]
pub struct Fuse {
    /// After so many more commits and reads.
    pub left: u64,
    /// Whether the last of them is still carried out; the process never hears of it.
    pub carried_out: bool,
}

impl Simulated {
    /// An empty database.
    pub fn new() -> Result<Arc<Simulated>, StoreFault> {
        let mut connection = Connection::open_in_memory()?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        let instance = migrate(&mut connection, Path::new("memory"))?;
        Ok(Arc::new(Simulated {
            connection: Mutex::new(connection),
            instance,
            fuse: Mutex::new(None),
            changing: Mutex::default(),
        }))
    }

    /// A handle for a process that starts now, and dies by the fuse.
    pub fn boot(self: &Arc<Simulated>, fuse: Option<Fuse>) -> Store {
        *self.fuse.lock().unwrap_or_else(PoisonError::into_inner) = fuse;
        *self.changing.lock().unwrap_or_else(PoisonError::into_inner) = Default::default();
        Sqlite::on(self.clone(), self.instance.clone())
    }

    /// Whether the process has died.
    pub fn is_dead(&self) -> bool {
        let fuse = self.fuse.lock().unwrap_or_else(PoisonError::into_inner);
        fuse.is_some_and(|fuse| fuse.left == 0)
    }

    /// Which of the jobs since the last boot changed something: where a death matters.
    pub fn commits(&self) -> Vec<u64> {
        self.changing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .clone()
    }

    /// Makes it impossible to write, or possible again.
    pub fn read_only(&self, read_only: bool) {
        let set = |connection: &mut Connection| {
            Ok(connection.pragma_update(None, "query_only", read_only)?)
        };
        // A pragma of a database in memory does not fail.
        let _ = self.look(set);
    }

    /// Looks at the database from outside of the simulated process.
    pub fn look<T>(
        &self,
        look: impl FnOnce(&mut Connection) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault> {
        look(
            &mut self
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Does a job, unless the process is dead; nothing if it dies of it.
    pub(super) fn call<T>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StoreFault>,
    ) -> Option<Result<T, StoreFault>> {
        {
            let mut fuse = self.fuse.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(fuse) = fuse.as_mut() {
                if fuse.left == 0 {
                    return None;
                }
                fuse.left -= 1;
                if fuse.left == 0 && !fuse.carried_out {
                    return None;
                }
            }
        }
        let (result, changed) = {
            let connection = self
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let before = connection.total_changes();
            let result = alone(&connection, job);
            (result, connection.total_changes() != before)
        };
        let mut changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        changing.0 += 1;
        if changed {
            let number = changing.0;
            changing.1.push(number);
        }
        drop(changing);
        (!self.is_dead()).then_some(result)
    }
}
