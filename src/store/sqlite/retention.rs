//! Removes what has been kept long enough, a little at a time: the writer has other work.

use super::file::Sqlite;
use super::gates::headlines;
use super::tables::Cached;
use crate::record::history::forgettable;
use crate::store::contract::{Retention, Stretch};
use crate::store::fault::StoreFault;
use crate::watch::alert::ms;
use async_trait::async_trait;
use rusqlite::Connection;
use std::time::Duration;

/// Rows that are removed in one transaction: the writer has other work.
const AT_ONCE_MAX: i64 = 500;
/// What lies so far ahead of the oldest row that is kept was written by a clock that was wrong.
const FUTURE: Duration = Duration::from_secs(30 * 24 * 3600);

impl Sqlite {
    /// Removes until nothing is left to remove, bit by bit: whoever else writes comes in between.
    async fn bit_by_bit(
        &self,
        some: impl Fn(&Connection) -> rusqlite::Result<usize> + Clone + Send + 'static,
    ) -> Result<usize, StoreFault> {
        let mut all = 0;
        loop {
            let some = some.clone();
            let removed = self.write(move |connection| Ok(some(connection)?)).await?;
            all += removed;
            if removed < AT_ONCE_MAX as usize {
                return Ok(all);
            }
        }
    }
}

#[async_trait]
impl Retention for Sqlite {
    async fn prune_probe_results(&self, before_ms: i64) -> Result<usize, StoreFault> {
        // Rows are numbered in the order of their times, but for what a clock has done: only the first are
        // looked at, and what is far in the future goes too.
        let sql = "DELETE FROM results WHERE id IN (
            SELECT id FROM (SELECT id, at_ms FROM results
              WHERE id <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'rolled_up') ORDER BY id LIMIT ?2)
            WHERE at_ms < ?1 OR at_ms > ?3)";
        let future_ms = before_ms.saturating_add(ms(FUTURE));
        self.bit_by_bit(move |connection| connection.run(sql, [before_ms, AT_ONCE_MAX, future_ms]))
            .await
    }

    async fn prune_history(&self, span: Stretch, before_s: i64) -> Result<usize, StoreFault> {
        let sql = "DELETE FROM rollups WHERE (probe, span_s, at_s) IN (
            SELECT probe, span_s, at_s FROM rollups INDEXED BY rollups_age WHERE span_s = ?1 AND at_s < ?2 LIMIT ?3)";
        if span == Stretch::Minute {
            let before_ms = before_s.saturating_mul(1_000);
            let sql = "DELETE FROM measured WHERE (probe, name, at_ms) IN (
                SELECT probe, name, at_ms FROM measured INDEXED BY measured_age
                WHERE at_ms < ?1 OR at_ms > ?3 LIMIT ?2)";
            let future_ms = before_ms.saturating_add(2 * ms(FUTURE));
            self.bit_by_bit(move |connection| {
                connection.run(sql, [before_ms, AT_ONCE_MAX, future_ms])
            })
            .await?;
        }
        let span = span.seconds();
        self.bit_by_bit(move |connection| connection.run(sql, [span, before_s, AT_ONCE_MAX]))
            .await
    }

    async fn prune_incidents(&self, before_ms: i64) -> Result<usize, StoreFault> {
        self.bit_by_bit(move |connection| {
            let incidents = "DELETE FROM incidents WHERE id IN (
                SELECT id FROM incidents WHERE open = 0 AND ended_ms < ?1 LIMIT ?2)";
            connection.run("DELETE FROM silences WHERE until_ms < ?1", [before_ms])?;
            connection.run(incidents, [before_ms, AT_ONCE_MAX])
        })
        .await
    }

    async fn prune_audit(&self, before_ms: i64) -> Result<usize, StoreFault> {
        let sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_ms < ?1 LIMIT ?2)";
        self.bit_by_bit(move |connection| connection.run(sql, [before_ms, AT_ONCE_MAX]))
            .await
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
            let pictures = "DELETE FROM pictures WHERE run_id NOT IN (SELECT id FROM runs)";
            connection.run(pictures, [])?;
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
