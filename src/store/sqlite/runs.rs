//! Rows of runs: the summary of each scenario that a gate performed, as evidence.

use super::file::Sqlite;
use super::tables::Cached;
use crate::objective::Outcome;
use crate::record::run::RunRow;
use crate::run::Summary;
use crate::store::contract::Runs;
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::{OptionalExtension, Row, params};

/// An outcome that is kept as its word.
pub(super) fn outcome(row: &Row<'_>, column: usize) -> rusqlite::Result<Outcome> {
    let word: String = row.get(column)?;
    Outcome::of(&word).ok_or_else(|| {
        let problem = format!("an outcome cannot be `{word}`");
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            problem.into(),
        )
    })
}

#[async_trait]
impl Runs for Sqlite {
    async fn add_run(
        &self,
        gate_id: Option<i64>,
        phase: String,
        summary: Summary,
        now_ms: i64,
    ) -> Result<i64, StoreFault> {
        self.write(move |connection| {
            let text = serde_json::to_string(&summary).map_err(|error| StoreFault::Failed(error.to_string()))?;
            connection.run(
                "INSERT INTO runs (gate_id, phase, at_ms, scenario, outcome, summary) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![gate_id, phase, now_ms, summary.scenario, summary.outcome.word(), text],
            )?;
            Ok(connection.last_insert_rowid())
        })
        .await
    }

    async fn runs(&self, gate_id: Option<i64>, limit: u32) -> Result<Vec<RunRow>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, gate_id, phase, at_ms, scenario, outcome FROM runs WHERE ?1 IS NULL OR gate_id = ?1 ORDER BY id DESC LIMIT ?2",
            )?;
            let rows = statement.query_map(params![gate_id, limit], |row| {
                Ok(RunRow { id: row.get(0)?, gate_id: row.get(1)?, phase: row.get(2)?, at_ms: row.get(3)?, scenario: row.get(4)?, outcome: outcome(row, 5)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn run(&self, id: i64) -> Result<Option<Summary>, StoreFault> {
        self.read(move |connection| {
            let text: Option<String> = connection
                .one("SELECT summary FROM runs WHERE id = ?1", [id], |row| {
                    row.get(0)
                })
                .optional()?;
            text.map(|text| {
                serde_json::from_str(&text)
                    .map_err(|error| StoreFault::Unreadable(error.to_string()))
            })
            .transpose()
        })
        .await
    }
}
