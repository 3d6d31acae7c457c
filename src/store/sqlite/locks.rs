//! Who acts on which services: at most one gate at a time, over restarts too.

use super::file::Sqlite;
use super::tables::Cached;
use crate::store::contract::Locks;
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};

#[async_trait]
impl Locks for Sqlite {
    async fn lock(
        &self,
        names: Vec<String>,
        gate_id: i64,
        now_ms: i64,
    ) -> Result<Option<i64>, StoreFault> {
        self.write(move |connection| {
            for name in &names {
                let holder: Option<i64> = connection
                    .one("SELECT gate_id FROM locks WHERE name = ?1", [name], |row| {
                        row.get(0)
                    })
                    .optional()?;
                if let Some(holder) = holder.filter(|holder| *holder != gate_id) {
                    return Ok(Some(holder));
                }
            }
            for name in &names {
                connection.run(
                    "INSERT OR REPLACE INTO locks VALUES (?1, ?2, ?3)",
                    params![name, gate_id, now_ms],
                )?;
            }
            Ok(None)
        })
        .await
    }
}
