//! Rows of probes: their states, and their results for as long as they are kept.

use super::effects;
use super::file::Sqlite;
use super::runs::outcome;
use super::tables::Cached;
use crate::record::effect::NewEffect;
use crate::record::probe::{ProbeResult, ProbeState};
use crate::store::contract::Probes;
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

#[async_trait]
impl Probes for Sqlite {
    async fn commit_probe(
        &self,
        probe: String,
        state: ProbeState,
        result: ProbeResult,
        new: Vec<NewEffect>,
        now_ms: i64,
    ) -> Result<(), StoreFault> {
        self.write(move |connection| {
            let text = serde_json::to_string(&state)
                .map_err(|error| StoreFault::Failed(error.to_string()))?;
            connection.run(
                "INSERT OR REPLACE INTO probe_states VALUES (?1, ?2)",
                params![probe, text],
            )?;
            connection.run(
                "INSERT INTO probe_results VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    probe,
                    result.at_ms,
                    result.outcome.word(),
                    result.duration_us,
                    result.reason
                ],
            )?;
            effects::insert(connection, &new, now_ms)?;
            Ok(())
        })
        .await
    }

    async fn probe_state(&self, probe: String) -> Result<ProbeState, StoreFault> {
        self.read(move |connection| {
            let text: Option<String> = connection
                .one(
                    "SELECT state FROM probe_states WHERE probe = ?1",
                    [probe],
                    |row| row.get(0),
                )
                .optional()?;
            let Some(text) = text else {
                return Ok(ProbeState::default());
            };
            serde_json::from_str(&text).map_err(|error| StoreFault::Unreadable(error.to_string()))
        })
        .await
    }

    async fn probe_results(
        &self,
        probe: String,
        limit: usize,
    ) -> Result<Vec<ProbeResult>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT at_ms, outcome, duration_us, reason FROM probe_results WHERE probe = ?1 ORDER BY at_ms DESC LIMIT ?2")?;
            let rows = statement.query_map(params![probe, limit as i64], |row| {
                Ok(ProbeResult { at_ms: row.get(0)?, outcome: outcome(row, 1)?, duration_us: row.get(2)?, reason: row.get(3)? })
            })?;
            let mut results: Vec<ProbeResult> = rows.collect::<Result<_, _>>()?;
            results.reverse();
            Ok(results)
        })
        .await
    }
}
