//! What people add to a gate while it runs: approvals, waivers, orders. And versions that were seen.

use super::file::Sqlite;
use super::tables::Cached;
use crate::record::history::{self, Migration};
use crate::record::note::{Note, NoteKind};
use crate::store::contract::Notes;
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

/// The order to roll back that somebody gave, if anybody did.
pub(super) fn order_of(connection: &Connection, gate_id: i64) -> Result<Option<Note>, StoreFault> {
    let sql = "SELECT note FROM gate_notes WHERE gate_id = ?1 AND kind = 'rollback' ORDER BY rowid LIMIT 1";
    let text: Option<String> = connection
        .one(sql, [gate_id], |row| row.get(0))
        .optional()?;
    text.map(|text| parsed(NoteKind::Rollback.word(), &text))
        .transpose()
}

fn parsed(kind: &str, text: &str) -> Result<Note, StoreFault> {
    let note: Note = serde_json::from_str::<serde_json::Value>(text)
        .and_then(|mut value| {
            if let Some(object) = value.as_object_mut() {
                object.remove("kind");
            }
            serde_json::from_value(value)
        })
        .map_err(|error| StoreFault::Unreadable(error.to_string()))?;
    let kind = NoteKind::of(kind)
        .ok_or_else(|| StoreFault::Unreadable(format!("a note cannot be a `{kind}`")))?;
    Ok(Note { kind, ..note })
}

#[async_trait]
impl Notes for Sqlite {
    async fn add_note(
        &self,
        gate_id: i64,
        note: Note,
        line: String,
        now_ms: i64,
    ) -> Result<bool, StoreFault> {
        self.write(move |connection| {
            let is_late = match note.kind {
                NoteKind::Consent => !waits_for_consent(connection, gate_id)?,
                _ => had_verdict(connection, gate_id)?,
            };
            if is_late {
                return Ok(false);
            }
            let text = serde_json::to_string(&note)
                .map_err(|error| StoreFault::Failed(error.to_string()))?;
            connection.run(
                "INSERT INTO gate_notes VALUES (?1, ?2, ?3, ?4)",
                params![gate_id, now_ms, note.kind.word(), text],
            )?;
            connection.run(
                "INSERT INTO gate_events VALUES (?1, ?2, ?3)",
                params![gate_id, now_ms, line],
            )?;
            Ok(true)
        })
        .await
    }

    async fn notes_of(&self, gate_id: i64) -> Result<Vec<Note>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT kind, note FROM gate_notes WHERE gate_id = ?1 ORDER BY rowid",
            )?;
            let rows: Vec<(String, String)> = statement
                .query_map([gate_id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?;
            rows.into_iter()
                .map(|(kind, text)| parsed(&kind, &text))
                .collect()
        })
        .await
    }

    async fn attested(
        &self,
        gate: String,
        since_ms: i64,
    ) -> Result<Vec<(i64, i64, Note)>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT gate_id, at_ms, note FROM gate_notes JOIN gates ON gates.id = gate_id \
                 WHERE kind = 'attestation' AND gate = ?1 AND at_ms >= ?2 ORDER BY gate_notes.rowid",
            )?;
            let rows: Vec<(i64, i64, String)> = statement
                .query_map(params![gate, since_ms], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            let kind = NoteKind::Attestation.word();
            rows.into_iter()
                .map(|(gate, at_ms, text)| Ok((gate, at_ms, parsed(kind, &text)?)))
                .collect()
        })
        .await
    }

    async fn fingerprints(
        &self,
        gate: String,
        environment: String,
        version: String,
    ) -> Result<Vec<Note>, StoreFault> {
        self.read(move |connection| {
            let kind = NoteKind::Fingerprint.word();
            let sql = "SELECT max(gate_id) FROM gate_notes JOIN gates ON gates.id = gate_id
                 WHERE kind = ?1 AND gate = ?2 AND environment = ?3
                   AND json_extract(record, '$.state.verdict') = 'promote'
                   AND json_extract(record, '$.facts.version') <> ?4";
            let newest: Option<i64> =
                connection.one(sql, params![kind, gate, environment, version], |row| {
                    row.get(0)
                })?;
            let mut statement = connection.prepare_cached(
                "SELECT note FROM gate_notes WHERE gate_id = ?1 AND kind = ?2 ORDER BY rowid",
            )?;
            let rows: Vec<String> = statement
                .query_map(params![newest, kind], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            rows.iter().map(|text| parsed(kind, text)).collect()
        })
        .await
    }

    async fn migrated_since(
        &self,
        gate: String,
        environment: String,
        target: String,
    ) -> Result<Vec<String>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT json_extract(record, '$.facts.version'),
                   json_extract(record, '$.state.verdict') IS 'promote',
                   coalesce(json_extract(record, '$.facts.migrated'), ''),
                   coalesce(json_extract(record, '$.state.consent.with_down'), 0)
                     AND coalesce(json_extract(record, '$.state.proof.proven'), 0)
                 FROM gates WHERE gate = ?1 AND environment = ?2 ORDER BY id",
            )?;
            let rows = statement.query_map(params![gate, environment], |row| {
                Ok(Migration {
                    version: row.get::<_, Option<String>>(0)?.unwrap_or_default(),
                    is_promoted: row.get(1)?,
                    to: row.get(2)?,
                    is_back: row.get(3)?,
                })
            })?;
            let history = rows.collect::<Result<Vec<_>, _>>()?;
            Ok(history::migrated_since(&history, &target))
        })
        .await
    }

    async fn answers_rollout(&self, gate_id: i64, rollout: String) -> Result<bool, StoreFault> {
        self.write(move |connection| {
            let first = "INSERT INTO rollouts VALUES (?1, ?2) ON CONFLICT (gate_id) DO NOTHING";
            connection.run(first, params![gate_id, rollout])?;
            let of = "SELECT rollout FROM rollouts WHERE gate_id = ?1";
            let known: String = connection.one(of, [gate_id], |row| row.get(0))?;
            Ok(known == rollout)
        })
        .await
    }

    async fn sighting(&self, gate: String) -> Result<Option<String>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .one(
                    "SELECT version FROM sightings WHERE gate = ?1",
                    [gate],
                    |row| row.get(0),
                )
                .optional()?)
        })
        .await
    }

    async fn saw(&self, gate: String, version: String, now_ms: i64) -> Result<(), StoreFault> {
        self.write(move |connection| {
            connection.run(
                "INSERT OR REPLACE INTO sightings VALUES (?1, ?2, ?3)",
                params![gate, version, now_ms],
            )?;
            Ok(())
        })
        .await
    }
}

fn waits_for_consent(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT json_extract(record, '$.state.position.at') = 'consenting' FROM gates WHERE id = ?1";
    connection.one(sql, [id], |row| row.get(0))
}

pub(super) fn had_verdict(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT json_extract(record, '$.state.verdict') IS NOT NULL FROM gates WHERE id = ?1";
    connection.one(sql, [id], |row| row.get(0))
}
