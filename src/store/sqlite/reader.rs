//! The thread that reads, on a connection of its own: who reads waits for no sync, and hears of no
//! fault of what others write. It sees what is committed.

use super::writer::guarded;
use crate::store::fault::StoreFault;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

/// A look at the database.
pub(super) type Look = Box<dyn FnOnce(&Connection) + Send>;

/// A look that tells what it saw.
pub(super) fn look<T: Send + 'static>(
    work: impl FnOnce(&Connection) -> Result<T, StoreFault> + Send + 'static,
    done: oneshot::Sender<Result<T, StoreFault>>,
) -> Look {
    Box::new(move |connection| {
        // The caller may have gone.
        let _ = done.send(alone(connection, work));
    })
}

/// Looks until the last handle is gone.
pub(super) fn work(connection: &Connection, waiting: &mut mpsc::Receiver<Look>) {
    while let Some(look) = waiting.blocking_recv() {
        look(connection);
    }
}

/// Does work in a transaction of its own.
pub(super) fn alone<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    let transaction = connection.unchecked_transaction()?;
    let result = guarded(&transaction, work)?;
    transaction.commit()?;
    Ok(result)
}
