//! Rows of jobs that report.

use super::file::Sqlite;
use super::tables::Cached;
use crate::record::message::written;
use crate::store::contract::Heartbeats;
use crate::store::fault::StoreFault;
use crate::watch::heartbeat::Heartbeat;
use async_trait::async_trait;
use rusqlite::params;
use std::collections::BTreeMap;

#[async_trait]
impl Heartbeats for Sqlite {
    async fn commit_heartbeat(&self, name: String, job: Heartbeat) -> Result<(), StoreFault> {
        self.write(move |connection| {
            let text = written(&job);
            connection.run(
                "INSERT OR REPLACE INTO heartbeats VALUES (?1, ?2)",
                params![name, text],
            )?;
            Ok(())
        })
        .await
    }

    async fn heartbeats(&self) -> Result<BTreeMap<String, Heartbeat>, StoreFault> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT name, state FROM heartbeats")?;
            let rows = statement.query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
            })?;
            let mut all = BTreeMap::new();
            for row in rows {
                let (name, text) = row?;
                match serde_json::from_str(&text) {
                    Ok(job) => drop(all.insert(name, job)),
                    Err(error) => {
                        tracing::error!(name, %error, "What is known of a heartbeat is begun anew");
                    }
                }
            }
            Ok(all)
        })
        .await
    }
}
