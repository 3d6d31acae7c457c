//! Rows of probes: their states, and their results for as long as they are kept.

use super::fault::StoreFault;
use super::outbox;
use super::sqlite::Store;
use crate::record::effect::NewEffect;
use crate::record::probe::{ProbeResult, ProbeState};
use rusqlite::{OptionalExtension, params};

impl Store {
    /// Commits a result with the state after it and the messages that it causes.
    pub async fn commit_probe(
        &self,
        probe: String,
        state: ProbeState,
        result: ProbeResult,
        effects: Vec<NewEffect>,
        now_ms: i64,
    ) -> Result<(), StoreFault> {
        self.write(move |connection| {
            let text = serde_json::to_string(&state)
                .map_err(|error| StoreFault::Failed(error.to_string()))?;
            connection.execute(
                "INSERT OR REPLACE INTO probe_states VALUES (?1, ?2)",
                params![probe, text],
            )?;
            connection.execute(
                "INSERT INTO probe_results VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    probe,
                    result.at_ms,
                    result.outcome,
                    result.duration_us,
                    result.reason
                ],
            )?;
            outbox::insert(connection, &effects, now_ms)?;
            Ok(())
        })
        .await
    }

    /// The state of a probe; a new one if it is not known.
    pub async fn probe_state(&self, probe: String) -> Result<ProbeState, StoreFault> {
        self.read(move |connection| {
            let text: Option<String> = connection
                .query_row(
                    "SELECT state FROM probe_states WHERE probe = ?1",
                    [probe],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(text
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default())
        })
        .await
    }

    /// The newest results of a probe, oldest first.
    pub async fn probe_results(
        &self,
        probe: String,
        limit: usize,
    ) -> Result<Vec<ProbeResult>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT at_ms, outcome, duration_us, reason FROM probe_results WHERE probe = ?1 ORDER BY at_ms DESC LIMIT ?2")?;
            let rows = statement.query_map(params![probe, limit as i64], |row| {
                Ok(ProbeResult { at_ms: row.get(0)?, outcome: row.get(1)?, duration_us: row.get(2)?, reason: row.get(3)? })
            })?;
            let mut results: Vec<ProbeResult> = rows.collect::<Result<_, _>>()?;
            results.reverse();
            Ok(results)
        })
        .await
    }
}
