//! Keeps house: what has been kept long enough is removed, a little at a time.
//!
//! Never removed: a gate that is not done, the newest of its name, and those that tell which version
//! to go back to, and which not.

use super::fault::StoreFault;
use super::sqlite::Store;
use rusqlite::Connection;

/// Rows that are removed in one transaction: the writer has other work.
const AT_ONCE_MAX: i64 = 500;
/// Newest promotions of each gate and environment that are kept for as long as there is a file.
const PROMOTIONS_KEPT: i64 = 50;

impl Store {
    /// Removes results of probes that are older.
    pub async fn prune_probe_results(&self, before_ms: i64) -> Result<usize, StoreFault> {
        let mut all = 0;
        loop {
            let some = move |connection: &Connection| {
                let sql = "DELETE FROM probe_results WHERE rowid IN (
                    SELECT rowid FROM probe_results WHERE at_ms < ?1 LIMIT ?2)";
                Ok(connection.execute(sql, [before_ms, AT_ONCE_MAX])?)
            };
            // Bit by bit: whoever else writes comes in between.
            let removed = self.write(some).await?;
            all += removed;
            if removed < AT_ONCE_MAX as usize {
                return Ok(all);
            }
        }
    }

    /// Removes evidence of runs and settled effects that are older.
    pub async fn prune_evidence(&self, before_ms: i64) -> Result<usize, StoreFault> {
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
            let removed = connection.execute(runs, [before_ms, AT_ONCE_MAX])?;
            Ok(removed + connection.execute(effects, [before_ms, AT_ONCE_MAX])?)
        })
        .await
    }

    /// Removes gates that ended before, with everything that is kept of them.
    pub async fn prune_gates(&self, before_ms: i64) -> Result<usize, StoreFault> {
        self.write(move |connection| {
            connection.execute_batch("CREATE TEMP TABLE IF NOT EXISTS old (id INTEGER PRIMARY KEY)")?;
            connection.execute(
                "INSERT INTO old SELECT id FROM gates
                 WHERE done = 1 AND updated_ms < ?1
                   AND id NOT IN (SELECT max(id) FROM gates GROUP BY gate)
                   AND id NOT IN (SELECT id FROM (
                     SELECT id, row_number() OVER (PARTITION BY gate, environment ORDER BY id DESC) AS place
                     FROM gates WHERE json_extract(record, '$.state.verdict') = 'promote') WHERE place <= ?2)
                   AND NOT (json_extract(record, '$.state.verdict') = 'rollback' AND EXISTS (
                     SELECT 1 FROM gates AS good WHERE good.gate = gates.gate AND good.environment = gates.environment
                       AND json_extract(good.record, '$.state.verdict') = 'promote'
                       AND json_extract(good.record, '$.facts.version') = json_extract(gates.record, '$.facts.version')))
                   AND id NOT IN (SELECT gate_id FROM outbox WHERE state IN ('pending', 'withdrawn') AND gate_id IS NOT NULL)
                 ORDER BY id LIMIT ?3",
                [before_ms, PROMOTIONS_KEPT, AT_ONCE_MAX],
            )?;
            for table in ["gate_events", "gate_notes", "runs", "outbox", "locks"] {
                let sql = format!("DELETE FROM {table} WHERE gate_id IN (SELECT id FROM old)");
                connection.execute(&sql, [])?;
            }
            let removed =
                connection.execute("DELETE FROM gates WHERE id IN (SELECT id FROM old)", [])?;
            connection.execute("DELETE FROM old", [])?;
            Ok(removed)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use crate::record::gate::{Facts, Record};
    use crate::record::state::{Position, State, Verdict};
    use crate::store::gates::GateCommit;
    use crate::store::simulated::Simulated;

    #[tokio::test]
    async fn old_gates_go_but_never_the_version_to_go_back_to() {
        let store = Simulated::new().unwrap().boot(None);
        for (version, verdict) in [
            ("1", Verdict::Promote),
            ("2", Verdict::Hold),
            ("3", Verdict::Rollback),
            ("bad", Verdict::Promote),
            ("bad", Verdict::Rollback),
            ("4", Verdict::Hold),
        ] {
            let mut record = Record {
                id: 0,
                gate: "shop".to_owned(),
                environment: "production".to_owned(),
                facts: Facts {
                    version: version.to_owned(),
                    ..Facts::default()
                },
                rollback_to: None,
                state: State::new(None, 0),
            };
            record.state.verdict = Some(verdict);
            record.state.position = Position::Done;
            let (record, _) = store.create_gate(record, Vec::new(), 1).await.unwrap();
            let commit = GateCommit {
                record,
                event: "done".to_owned(),
                effects: Vec::new(),
            };
            store.commit_gate(commit, 2).await.unwrap();
        }
        assert_eq!(store.prune_gates(2).await.unwrap(), 0, "not old enough");
        assert_eq!(store.prune_gates(3).await.unwrap(), 2);
        let left = store.gates(10).await.unwrap();
        let versions: Vec<&str> = left
            .iter()
            .map(|record| record.facts.version.as_str())
            .collect();
        assert_eq!(
            versions,
            ["4", "bad", "bad", "1"],
            "the newest, the good one, and what shows that another is none"
        );
        let good = store
            .last_good("shop".to_owned(), "production".to_owned(), "5".to_owned())
            .await
            .unwrap();
        assert_eq!(good.as_deref(), Some("1"));
    }
}
