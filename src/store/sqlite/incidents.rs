//! Rows of incidents and silences.

use super::effects;
use super::file::Sqlite;
use super::tables::Cached;
use crate::record::effect::NewEffect;
use crate::record::message::written;
use crate::store::contract::Incidents;
use crate::store::fault::StoreFault;
use crate::watch::incident::Incident;
use crate::watch::silence::Silence;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

/// Rows of JSON; what cannot be understood is left out, and told in the log.
fn list<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    sql: &str,
    value: i64,
) -> Result<Vec<T>, StoreFault> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([value], |row| row.get::<_, String>(0))?;
    let mut all = Vec::new();
    for row in rows {
        match serde_json::from_str(&row?) {
            Ok(value) => all.push(value),
            Err(error) => {
                tracing::error!(%error, "A row of incidents or silences cannot be understood");
            }
        }
    }
    Ok(all)
}

#[async_trait]
impl Incidents for Sqlite {
    async fn commit_incidents(
        &self,
        incidents: Vec<Incident>,
        new: Vec<NewEffect>,
        now_ms: i64,
    ) -> Result<(), StoreFault> {
        self.write(move |connection| {
            for incident in &incidents {
                connection.run(
                    "INSERT OR REPLACE INTO incidents VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![
                        incident.id,
                        incident.ended_ms.is_none(),
                        incident.opened_ms,
                        incident.ended_ms,
                        written(incident)
                    ],
                )?;
            }
            effects::insert(connection, &new, now_ms)?;
            Ok(())
        })
        .await
    }

    async fn open_incidents(&self) -> Result<(Vec<Incident>, i64), StoreFault> {
        self.read(|connection| {
            let sql = "SELECT record FROM incidents WHERE open = ?1 ORDER BY id";
            let open = list(connection, sql, 1)?;
            let sql = "SELECT coalesce(max(id), 0) + 1 FROM incidents";
            let next = connection.one(sql, [], |row| row.get(0))?;
            Ok((open, next))
        })
        .await
    }

    async fn incidents(&self, limit: u32) -> Result<Vec<Incident>, StoreFault> {
        self.read(move |connection| {
            let sql = "SELECT record FROM incidents ORDER BY id DESC LIMIT ?1";
            list(connection, sql, limit.into())
        })
        .await
    }

    async fn incident(&self, id: i64) -> Result<Option<Incident>, StoreFault> {
        self.read(move |connection| {
            let sql = "SELECT record FROM incidents WHERE id = ?1";
            let text: Option<String> = connection.one(sql, [id], |row| row.get(0)).optional()?;
            text.map(|text| {
                serde_json::from_str(&text)
                    .map_err(|error| StoreFault::Unreadable(error.to_string()))
            })
            .transpose()
        })
        .await
    }

    async fn add_silence(&self, mut silence: Silence) -> Result<Silence, StoreFault> {
        self.write(move |connection| {
            let sql = "INSERT INTO silences (until_ms, silence) VALUES (?1, '')";
            connection.run(sql, [silence.until_ms])?;
            silence.id = connection.last_insert_rowid();
            connection.run(
                "UPDATE silences SET silence = ?2 WHERE id = ?1",
                params![silence.id, written(&silence)],
            )?;
            Ok(silence)
        })
        .await
    }

    async fn end_silence(&self, id: i64, now_ms: i64) -> Result<bool, StoreFault> {
        self.write(move |connection| {
            let sql = "SELECT silence FROM silences WHERE id = ?1 AND until_ms > ?2";
            let values = params![id, now_ms];
            let text: Option<String> = connection.one(sql, values, |row| row.get(0)).optional()?;
            let Some(mut silence) =
                text.and_then(|text| serde_json::from_str::<Silence>(&text).ok())
            else {
                return Ok(false);
            };
            silence.until_ms = now_ms;
            connection.run(
                "UPDATE silences SET until_ms = ?2, silence = ?3 WHERE id = ?1",
                params![id, now_ms, written(&silence)],
            )?;
            Ok(true)
        })
        .await
    }

    async fn silences(&self, now_ms: i64) -> Result<Vec<Silence>, StoreFault> {
        self.read(move |connection| {
            let sql = "SELECT silence FROM silences WHERE until_ms > ?1 ORDER BY id";
            list(connection, sql, now_ms)
        })
        .await
    }
}
