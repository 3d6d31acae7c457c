//! Who acts on which services: at most one gate at a time, over restarts too.

use super::fault::StoreFault;
use super::sqlite::Store;
use rusqlite::{OptionalExtension, params};

impl Store {
    /// Takes all locks of these names for a gate, or none. Gives the gate that holds one of them,
    /// if another does. Taking them again is harmless.
    pub async fn lock(
        &self,
        names: Vec<String>,
        gate_id: i64,
        now_ms: i64,
    ) -> Result<Option<i64>, StoreFault> {
        self.write(move |connection| {
            for name in &names {
                let holder: Option<i64> = connection
                    .query_row("SELECT gate_id FROM locks WHERE name = ?1", [name], |row| {
                        row.get(0)
                    })
                    .optional()?;
                if let Some(holder) = holder.filter(|holder| *holder != gate_id) {
                    return Ok(Some(holder));
                }
            }
            for name in &names {
                connection.execute(
                    "INSERT OR REPLACE INTO locks VALUES (?1, ?2, ?3)",
                    params![name, gate_id, now_ms],
                )?;
            }
            Ok(None)
        })
        .await
    }
}
