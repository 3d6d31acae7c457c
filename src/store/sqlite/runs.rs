//! Rows of runs: the summary of each scenario that a gate performed, as evidence.

use super::file::Sqlite;
use super::tables::Cached;
use crate::limits::PICTURED_RUNS;
use crate::objective::Outcome;
use crate::picture::kept::Picture;
use crate::record::run::RunRow;
use crate::run::Summary;
use crate::store::contract::Runs;
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

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

/// Keeps the pictures of a run, and lets those go of older ones that passed and were rounds beside others: what a
/// release was judged by, or a rollback was proven by, stays as long as its gate.
fn keep_pictures(connection: &Connection, run: i64, summary: &Summary) -> rusqlite::Result<()> {
    let mut any = false;
    let pictures = summary.steps.iter().flat_map(|step| &step.pictures);
    for picture in pictures.flat_map(Picture::with_compared) {
        if let Some(png) = &picture.png {
            let sql = "INSERT OR IGNORE INTO pictures (run_id, sha256, png) VALUES (?1, ?2, ?3)";
            connection.run(sql, params![run, picture.sha256, &png[..]])?;
            any = true;
        }
    }
    if !any {
        return Ok(());
    }
    let keep = summary.keeps_pictures.unwrap_or(PICTURED_RUNS).max(1);
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    let sql = "DELETE FROM pictures WHERE run_id IN (
        SELECT id FROM runs WHERE EXISTS (SELECT 1 FROM pictures WHERE run_id = runs.id)
          AND phase NOT IN ('smoke', 'proof') AND scenario = ?1 AND outcome = 'pass' AND json_extract(summary, '$.environment') = ?2
        ORDER BY id DESC LIMIT -1 OFFSET ?3)";
    connection.run(sql, params![summary.scenario, summary.environment, keep])?;
    Ok(())
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
            let id = connection.last_insert_rowid();
            keep_pictures(connection, id, &summary)?;
            Ok(id)
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

    async fn picture(&self, sha256: String) -> Result<Option<Vec<u8>>, StoreFault> {
        self.read(move |connection| {
            let sql = "SELECT png FROM pictures WHERE sha256 = ?1 LIMIT 1";
            Ok(connection.one(sql, [sha256], |row| row.get(0)).optional()?)
        })
        .await
    }
}
