//! Rows of gates: the record as JSON, its events, and what is known of the gates that were.

use super::effects;
use super::file::Sqlite;
use super::notes::{had_verdict, order_of};
use super::tables::Cached;
use crate::record::accepted::{Accepted, Wanted, superseded_by, wanted};
use crate::record::effect::NewEffect;
use crate::record::gate::Record;
use crate::record::history::{self, Headline};
use crate::record::standing::{self, Standing};
use crate::record::state::Position;
use crate::record::target::Occasion;
use crate::store::contract::{GateCommit, Gates};
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let id: i64 = row.get(0)?;
    let text: String = row.get(1)?;
    let mut record: Record = serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })?;
    record.id = id;
    Ok(record)
}

/// Records of rows. One that cannot be understood stops its own gate, and no other.
fn readable(
    rows: impl Iterator<Item = rusqlite::Result<Result<Record, String>>>,
) -> rusqlite::Result<Vec<Record>> {
    let mut records = Vec::new();
    for row in rows {
        match row? {
            Ok(record) => records.push(record),
            Err(fault) => tracing::error!(fault, "A gate in the state file is passed over"),
        }
    }
    Ok(records)
}

/// A record, or why it cannot be understood.
fn record_or_not(row: &Row<'_>) -> rusqlite::Result<Result<Record, String>> {
    match record(row) {
        Err(fault @ rusqlite::Error::FromSqlConversionFailure(..)) => Ok(Err(fault.to_string())),
        read => read.map(Ok),
    }
}

fn json(record: &Record) -> Result<String, StoreFault> {
    serde_json::to_string(record).map_err(|error| StoreFault::Failed(error.to_string()))
}

fn add_event(connection: &Connection, id: i64, at_ms: i64, event: &str) -> rusqlite::Result<usize> {
    connection.run(
        "INSERT INTO gate_events VALUES (?1, ?2, ?3)",
        params![id, at_ms, event],
    )
}

/// What people were told is accepted of this gate.
fn accepted(connection: &Connection, id: i64) -> Result<Accepted, StoreFault> {
    let by = "SELECT cancelled_by FROM gates WHERE id = ?1";
    Ok(Accepted {
        had_verdict: had_verdict(connection, id)?,
        order: order_of(connection, id)?,
        cancelled_by: connection.one(by, [id], |row| row.get(0))?,
    })
}

/// What is known of gates without their evidence. The condition begins with `WHERE`, or is empty.
pub(super) fn headlines(
    connection: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<Headline>, StoreFault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, gate, environment, json_extract(record, '$.facts.version'),
           json_extract(record, '$.state.verdict'), done, updated_ms,
           EXISTS (SELECT 1 FROM json_each(record, '$.state.phases') AS phase
             WHERE json_extract(phase.value, '$.waived[0]') IS NOT NULL),
           json_extract(record, '$.state.undone') IS NOT NULL,
           EXISTS (SELECT 1 FROM outbox
             WHERE outbox.gate_id = gates.id AND outbox.state IN ('pending', 'withdrawn')),
           EXISTS (SELECT 1 FROM json_each(record, '$.state.phases') AS phase
             WHERE json_extract(phase.value, '$.phase') = 'converge'
               AND json_extract(phase.value, '$.outcome') = 'pass')
         FROM gates {condition}"
    ))?;
    let rows = statement.query_map(values, |row| {
        let verdict: Option<String> = row.get(4)?;
        Ok(Headline {
            id: row.get(0)?,
            gate: row.get(1)?,
            environment: row.get(2)?,
            version: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            verdict: verdict.and_then(|word| serde_json::from_value(word.into()).ok()),
            done: row.get(5)?,
            updated_ms: row.get(6)?,
            waived: row.get(7)?,
            undone: row.get(8)?,
            owes: row.get(9)?,
            saw_version: row.get(10)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where gates stand that are in an environment and fulfill a condition.
fn standings(
    connection: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<Standing>, StoreFault> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT id, record, begun_place, verdict_place FROM gates WHERE {condition}"
    ))?;
    let rows = statement.query_map(values, |row| {
        Ok((record_or_not(row)?, row.get::<_, i64>(2)?, row.get(3)?))
    })?;
    let mut all = Vec::new();
    for row in rows {
        match row? {
            (Ok(record), begun, place) => all.push(Standing::of(&record, begun, place)),
            (Err(fault), ..) => tracing::error!(fault, "A gate in the state file is passed over"),
        }
    }
    Ok(all)
}

/// Where one gate stands.
pub(super) fn standing(connection: &Connection, id: i64) -> Result<Option<Standing>, StoreFault> {
    Ok(standings(connection, "id = ?1", &[&id])?.pop())
}

/// Why a promotion is no longer the newest word on its services. Those that may say so began after
/// it, or decided after it.
fn overtaken(connection: &Connection, record: &Record) -> Result<Option<String>, StoreFault> {
    let Some(own) = standing(connection, record.id)? else {
        return Ok(Some("where it stands cannot be understood".to_owned()));
    };
    let since = "environment = ?1 AND (id > ?2 OR verdict_place > ?3)";
    let others = standings(
        connection,
        since,
        &[&record.environment, &record.id, &own.begun],
    )?;
    Ok(standing::overtaken(&own, &others))
}

/// The place of a verdict that is committed now.
const NEXT_PLACE: &str = "(SELECT coalesce(max(verdict_place), 0) + 1 FROM gates)";

#[async_trait]
impl Gates for Sqlite {
    async fn create_gate(
        &self,
        mut new: Record,
        webhooks: Vec<String>,
        now_ms: i64,
    ) -> Result<(Record, bool), StoreFault> {
        self.write(move |connection| {
            let [ids, bodies] = [crate::limits::WEBHOOK_MEMORY, crate::limits::REPLAY_MEMORY]
                .map(|memory| now_ms - memory.as_millis() as i64);
            connection.run(
                "DELETE FROM webhooks_seen WHERE at_ms < ?1 AND (at_ms < ?2 OR id NOT LIKE 'body/%')",
                [ids, bodies],
            )?;
            for webhook in &webhooks {
                let seen: Option<i64> = connection
                    .one("SELECT gate_id FROM webhooks_seen WHERE id = ?1", [webhook], |row| row.get(0))
                    .optional()?;
                if let Some(id) = seen {
                    let known = connection.one("SELECT id, record FROM gates WHERE id = ?1", [id], record)?;
                    return Ok((known, false));
                }
            }
            connection.run(
                "INSERT INTO gates (gate, environment, done, created_ms, updated_ms, record, begun_place)
                 VALUES (?1, ?2, 0, ?3, ?3, ?4, (SELECT coalesce(max(verdict_place), 0) FROM gates))",
                params![new.gate, new.environment, now_ms, json(&new)?],
            )?;
            new.id = connection.last_insert_rowid();
            for webhook in &webhooks {
                connection.run("INSERT INTO webhooks_seen VALUES (?1, ?2, ?3)", params![webhook, now_ms, new.id])?;
            }
            connection.run(
                "UPDATE gates SET cancelled_by = ?3 WHERE gate = ?1 AND id <> ?2 AND done = 0",
                params![new.gate, new.id, superseded_by(new.id)],
            )?;
            add_event(connection, new.id, now_ms, "started")?;
            effects::withdraw(connection, &new)?;
            Ok((new, true))
        })
        .await
    }

    async fn request_cancel(&self, id: i64, by: String) -> Result<bool, StoreFault> {
        self.write(move |connection| {
            let noted = connection.run(
                "UPDATE gates SET cancelled_by = ?2
                 WHERE id = ?1 AND done = 0 AND json_extract(record, '$.state.verdict') IS NULL",
                params![id, by],
            )?;
            Ok(noted == 1)
        })
        .await
    }

    async fn cancel_requested(&self, id: i64) -> Result<Option<String>, StoreFault> {
        self.read(move |connection| {
            let by = connection
                .one(
                    "SELECT cancelled_by FROM gates WHERE id = ?1",
                    [id],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(by.flatten())
        })
        .await
    }

    async fn commit_gate(
        &self,
        commit: GateCommit,
        now_ms: i64,
    ) -> Result<Option<Wanted>, StoreFault> {
        self.write(move |connection| {
            let GateCommit {
                record,
                event,
                effects: new,
            } = commit;
            if record.state.verdict.is_some()
                && let Some(wanted) = wanted(&record, accepted(connection, record.id)?)
            {
                return Ok(Some(wanted));
            }
            let promotes = |effect: &NewEffect| effect.target.is_action_of(Occasion::Promote, None);
            if new.iter().any(promotes)
                && let Some(why) = overtaken(connection, &record)?
            {
                return Ok(Some(Wanted::Overtaken(why)));
            }
            connection.run(
                "UPDATE gates SET record = ?2, done = ?3, updated_ms = ?4 WHERE id = ?1",
                params![record.id, json(&record)?, record.state.is_done(), now_ms],
            )?;
            if record.state.verdict.is_some() {
                let sql = format!(
                    "UPDATE gates SET verdict_place = {NEXT_PLACE} WHERE id = ?1 AND verdict_place IS NULL"
                );
                connection.prepare_cached(&sql)?.execute([record.id])?;
                effects::withdraw(connection, &record)?;
            }
            add_event(connection, record.id, now_ms, &event)?;
            effects::insert(connection, &new, now_ms)?;
            // One that measures again after a remedy guards nothing by then.
            let measures = matches!(record.state.position, Position::Measuring(_));
            if record.state.is_done() || measures {
                connection.run("DELETE FROM locks WHERE gate_id = ?1", [record.id])?;
            }
            Ok(None)
        })
        .await
    }

    async fn gate(&self, id: i64) -> Result<Option<Record>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .one("SELECT id, record FROM gates WHERE id = ?1", [id], record)
                .optional()?)
        })
        .await
    }

    async fn gates(&self, limit: u32) -> Result<Vec<Record>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, record FROM gates ORDER BY id DESC LIMIT ?1")?;
            Ok(readable(statement.query_map([limit], record_or_not)?)?)
        })
        .await
    }

    async fn newest_gates(&self) -> Result<Vec<Record>, StoreFault> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, record FROM gates WHERE id IN (SELECT max(id) FROM gates GROUP BY gate) ORDER BY id DESC",
            )?;
            Ok(readable(statement.query_map([], record_or_not)?)?)
        })
        .await
    }

    async fn newest_gate(&self, gate: String) -> Result<Option<Record>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .one(
                    "SELECT id, record FROM gates WHERE gate = ?1 ORDER BY id DESC LIMIT 1",
                    [gate],
                    record,
                )
                .optional()?)
        })
        .await
    }

    async fn open_gates(&self) -> Result<Vec<Record>, StoreFault> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, record FROM gates WHERE done = 0 ORDER BY id")?;
            Ok(readable(statement.query_map([], record_or_not)?)?)
        })
        .await
    }

    async fn unreadable_gates(
        &self,
        newest_too: bool,
    ) -> Result<Vec<(i64, String, String)>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, record, gate FROM gates WHERE done = 0
                   OR (?1 AND id IN (SELECT max(id) FROM gates GROUP BY gate)) ORDER BY id",
            )?;
            let rows = statement.query_map([newest_too], |row| {
                let fault = record_or_not(row)?.err();
                Ok((row.get(0)?, row.get(2)?, fault))
            })?;
            let rows: Vec<(i64, String, Option<String>)> = rows.collect::<Result<_, _>>()?;
            let rows = rows.into_iter();
            Ok(rows
                .filter_map(|(id, gate, fault)| Some((id, gate, fault?)))
                .collect())
        })
        .await
    }

    async fn events_of(&self, id: i64) -> Result<Vec<(i64, String)>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at_ms, event FROM gate_events WHERE gate_id = ?1 ORDER BY rowid",
            )?;
            Ok(statement
                .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn last_good(
        &self,
        gate: String,
        environment: String,
        not: String,
    ) -> Result<Option<String>, StoreFault> {
        self.read(move |connection| {
            let condition = "WHERE gate = ?1 AND environment = ?2";
            let history = headlines(connection, condition, &[&gate, &environment])?;
            Ok(history::last_good(&history, &not).map(str::to_owned))
        })
        .await
    }

    async fn gate_of(
        &self,
        gate: String,
        commit: String,
        version: String,
        since_ms: i64,
    ) -> Result<Option<Record>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .one(
                    "SELECT id, record FROM gates WHERE gate = ?1 AND updated_ms >= ?4
                       AND ((?2 <> '' AND json_extract(record, '$.facts.commit') = ?2)
                         OR (?2 = '' AND json_extract(record, '$.facts.version') = ?3))
                     ORDER BY id DESC LIMIT 1",
                    params![gate, commit, version, since_ms],
                    record,
                )
                .optional()?)
        })
        .await
    }
}
