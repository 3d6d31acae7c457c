//! Rows of orders that people gave.

use super::file::Sqlite;
use super::tables::Cached;
use crate::record::audit::Audited;
use crate::store::contract::{Audit, Happened};
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::params;

#[async_trait]
impl Audit for Sqlite {
    async fn add_order(&self, order: Audited) -> Result<(), StoreFault> {
        self.write(move |connection| {
            let Audited {
                at_ms,
                by,
                order,
                status,
                ..
            } = &order;
            connection.run(
                "INSERT INTO audit (at_ms, actor, asked, status) VALUES (?1, ?2, ?3, ?4)",
                params![at_ms, by, order, status],
            )?;
            Ok(())
        })
        .await
    }

    async fn orders(&self, limit: u32) -> Result<Vec<Audited>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, at_ms, actor, asked, status FROM audit ORDER BY id DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], |row| {
                Ok(Audited {
                    id: row.get(0)?,
                    at_ms: row.get(1)?,
                    by: row.get(2)?,
                    order: row.get(3)?,
                    status: row.get(4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn happened(&self, limit: u32) -> Result<Vec<Happened>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT gate_events.at_ms, gate_events.gate_id, gates.gate, gate_events.event
                 FROM gate_events JOIN gates ON gates.id = gate_events.gate_id ORDER BY gate_events.rowid DESC LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], |row| {
                Ok(Happened {
                    at_ms: row.get(0)?,
                    gate_id: row.get(1)?,
                    gate: row.get(2)?,
                    event: row.get(3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
