//! Removes what has been kept long enough, a little at a time: the writer has other work.

use super::file::Sqlite;
use super::gates::headlines;
use super::tables::Cached;
use crate::record::history::forgettable;
use crate::store::contract::Retention;
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::Connection;

/// Rows that are removed in one transaction: the writer has other work.
const AT_ONCE_MAX: i64 = 500;
#[async_trait]
impl Retention for Sqlite {
    async fn prune_probe_results(&self, before_ms: i64) -> Result<usize, StoreFault> {
        let mut all = 0;
        loop {
            let some = move |connection: &Connection| {
                let sql = "DELETE FROM probe_results WHERE rowid IN (
                    SELECT rowid FROM probe_results WHERE at_ms < ?1 LIMIT ?2)";
                Ok(connection.run(sql, [before_ms, AT_ONCE_MAX])?)
            };
            // Bit by bit: whoever else writes comes in between.
            let removed = self.write(some).await?;
            all += removed;
            if removed < AT_ONCE_MAX as usize {
                return Ok(all);
            }
        }
    }

    async fn prune_evidence(&self, before_ms: i64) -> Result<usize, StoreFault> {
        self.write(move |connection| {
            let runs = "DELETE FROM runs WHERE id IN (
                SELECT runs.id FROM runs LEFT JOIN gates ON gates.id = runs.gate_id
                WHERE runs.at_ms < ?1 AND coalesce(gates.done, 1) = 1 LIMIT ?2)";
            // One that another waits for is kept until that one is settled too.
            let effects = "DELETE FROM outbox WHERE id IN (
                SELECT outbox.id FROM outbox LEFT JOIN gates ON gates.id = outbox.gate_id
                WHERE outbox.state IN ('delivered', 'given_up') AND outbox.created_ms < ?1 AND coalesce(gates.done, 1) = 1
                  AND NOT EXISTS (SELECT 1 FROM outbox AS later
                    WHERE later.after_key = outbox.key AND later.state = 'pending') LIMIT ?2)";
            let removed = connection.run(runs, [before_ms, AT_ONCE_MAX])?;
            Ok(removed + connection.run(effects, [before_ms, AT_ONCE_MAX])?)
        })
        .await
    }

    async fn prune_gates(&self, before_ms: i64) -> Result<usize, StoreFault> {
        self.write(move |connection| {
            let old = forgettable(&headlines(connection, "", &[])?, before_ms);
            let old = &old[..old.len().min(AT_ONCE_MAX as usize)];
            for id in old {
                for table in [
                    "gate_events",
                    "gate_notes",
                    "runs",
                    "outbox",
                    "locks",
                    "rollouts",
                ] {
                    connection
                        .prepare_cached(&format!("DELETE FROM {table} WHERE gate_id = ?1"))?
                        .execute([id])?;
                }
                connection.run("DELETE FROM gates WHERE id = ?1", [id])?;
            }
            Ok(old.len())
        })
        .await
    }
}
