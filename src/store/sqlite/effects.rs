//! Rows of the outbox: committed effects that are not yet, or no longer, on their way.

use super::file::Sqlite;
use super::gates::standing;
use super::tables::Cached;
use crate::record::effect::{Effect, EffectState, NewEffect, OVERTAKEN};
use crate::record::gate::Record;
use crate::record::withdrawal::withdrawn_by;
use crate::store::contract::Effects;
use crate::store::fault::StoreFault;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str =
    "id, key, gate_id, target, body, state, attempts, next_ms, created_ms, settled_ms, result";

/// Pending, due, and with all predecessors settled.
const DUE: &str = "state = 'pending' AND (next_ms <= ?1 OR next_ms > ?2) AND target NOT LIKE 'partner:%'
    AND (after_key IS NULL OR NOT EXISTS
      (SELECT 1 FROM outbox AS earlier WHERE earlier.key = outbox.after_key AND earlier.state = 'pending'))
    AND (chain IS NULL OR NOT EXISTS
      (SELECT 1 FROM outbox AS earlier WHERE earlier.chain = outbox.chain
       AND earlier.state IN ('pending', 'withdrawn') AND earlier.id < outbox.id))";
/// Rows that are looked at together, and of each target where they are more.
const TOGETHER_MAX: usize = 64;
const EACH_MAX: usize = 16;

fn state(word: &str) -> rusqlite::Result<EffectState> {
    EffectState::of(word).ok_or_else(|| {
        let problem = format!("an effect cannot be `{word}`");
        rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Text, problem.into())
    })
}

fn effect(row: &Row<'_>) -> rusqlite::Result<Effect> {
    Ok(Effect {
        id: row.get(0)?,
        key: row.get(1)?,
        gate_id: row.get(2)?,
        target: row
            .get::<_, String>(3)?
            .parse()
            .unwrap_or_else(|never| match never {}),
        body: row.get(4)?,
        state: state(&row.get::<_, String>(5)?)?,
        attempts: row.get(6)?,
        next_ms: row.get(7)?,
        created_ms: row.get(8)?,
        settled_ms: row.get(9)?,
        result: row.get(10)?,
    })
}

/// Adds effects inside a transaction; one that is there already stays as it is.
pub(super) fn insert(
    connection: &Connection,
    effects: &[NewEffect],
    now_ms: i64,
) -> rusqlite::Result<()> {
    for effect in effects {
        let chain = effect.chain.as_ref();
        if let Some(chain) = chain {
            connection.run(
                "UPDATE outbox SET state = 'given_up', settled_ms = ?2, result = ?3
                 WHERE chain = ?1 AND state = 'pending' AND attempts = 0 AND passing = 1",
                params![chain.name, now_ms, OVERTAKEN],
            )?;
        }
        connection.run(
            "INSERT INTO outbox (key, gate_id, after_key, target, body, state, attempts, next_ms, created_ms, result, chain, passing)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 0, ?6, ?6, '', ?7, ?8) ON CONFLICT (key) DO NOTHING",
            params![
                effect.key, effect.gate_id, effect.after_key, effect.target.to_string(), effect.body, now_ms,
                chain.map(|chain| &chain.name), chain.is_some_and(|chain| chain.is_passing),
            ],
        )?;
    }
    Ok(())
}

/// Everybody who has something pending, by their names alone: one look at the index for each.
fn targets(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE found (target) AS (
           SELECT min(target) FROM outbox WHERE state = 'pending'
           UNION ALL SELECT (SELECT min(target) FROM outbox WHERE state = 'pending' AND target > found.target)
             FROM found WHERE found.target IS NOT NULL)
         SELECT target FROM found WHERE target IS NOT NULL AND target NOT LIKE 'partner:%'",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn list(
    connection: &Connection,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<Effect>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE {condition}"))?;
    statement.query_map(values, effect)?.collect()
}

/// Keeps what has become of an effect.
fn save(connection: &Connection, effect: &Effect) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE outbox SET state = ?2, next_ms = ?3, settled_ms = ?4, result = ?5 WHERE id = ?1",
        )?
        .execute(params![
            effect.id,
            effect.state.word(),
            effect.next_ms,
            effect.settled_ms,
            effect.result
        ])?;
    Ok(())
}

/// Takes back the orders that this step of a gate makes late, once the step is kept.
pub(super) fn withdraw(connection: &Connection, record: &Record) -> Result<(), StoreFault> {
    let pending = "state = 'pending' AND target LIKE 'action:%' ORDER BY id";
    let orders = list(connection, pending, &[])?;
    let Some(by) = standing(connection, record.id)?.filter(|_| !orders.is_empty()) else {
        return Ok(());
    };
    for mut order in orders {
        let Some(owner) = standing(connection, order.gate_id.unwrap_or_default())? else {
            continue;
        };
        if let Some(why) = withdrawn_by(record, &by, &order, &owner) {
            order.withdraw(&why);
            save(connection, &order)?;
        }
    }
    Ok(())
}

#[async_trait]
impl Effects for Sqlite {
    async fn enqueue(&self, effects: Vec<NewEffect>, now_ms: i64) -> Result<(), StoreFault> {
        self.write(move |connection| {
            insert(connection, &effects, now_ms)?;
            Ok(())
        })
        .await
    }

    async fn due(&self, now_ms: i64, away: Vec<String>) -> Result<Vec<Effect>, StoreFault> {
        self.read(move |connection| {
            let farthest = now_ms + crate::limits::DELIVERY_PAUSE_MAX.as_millis() as i64;
            // Usually few are pending, and one look shows all that is due.
            let condition = format!("{DUE} ORDER BY next_ms, id LIMIT {}", TOGETHER_MAX + 1);
            let mut all = list(connection, &condition, &[&now_ms, &farthest])?;
            if all.len() > TOGETHER_MAX {
                all.clear();
                // Each target has a part of its own, so that a backlog of one starves no other.
                let condition =
                    format!("{DUE} AND target = ?3 ORDER BY next_ms, id LIMIT {EACH_MAX}");
                for target in targets(connection)?
                    .iter()
                    .filter(|target| !away.contains(target))
                {
                    all.extend(list(connection, &condition, &[&now_ms, &farthest, target])?);
                }
            }
            all.retain(|effect| !away.contains(&effect.target.to_string()));
            all.sort_by_key(|effect| (!effect.target.acts(), effect.id));
            Ok(all)
        })
        .await
    }

    async fn partner_orders(&self) -> Result<Vec<Effect>, StoreFault> {
        self.read(move |connection| {
            Ok(list(
                connection,
                "state = 'pending' AND target LIKE 'partner:%' ORDER BY id",
                &[],
            )?)
        })
        .await
    }

    async fn pending(&self) -> Result<(Option<i64>, i64), StoreFault> {
        self.read(|connection| {
            Ok(connection.one(
                "SELECT min(next_ms), count(*) FROM outbox WHERE state = 'pending' AND target NOT LIKE 'partner:%'",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?)
        })
        .await
    }

    async fn claim_attempt(&self, id: i64, attempts: u32) -> Result<bool, StoreFault> {
        self.write(move |connection| {
            let claimed = connection.run(
                "UPDATE outbox SET attempts = attempts + 1, result = ''
                 WHERE id = ?1 AND state = 'pending' AND attempts = ?2",
                params![id, attempts],
            )?;
            Ok(claimed == 1)
        })
        .await
    }

    async fn attempt_ended(
        &self,
        id: i64,
        state: EffectState,
        next_ms: i64,
        now_ms: i64,
        result: String,
    ) -> Result<(), StoreFault> {
        self.write(move |connection| {
            let open = "id = ?1 AND state IN ('pending', 'withdrawn')";
            for mut effect in list(connection, open, &[&id])? {
                effect.attempt_ended(state, &result, next_ms, now_ms);
                save(connection, &effect)?;
            }
            Ok(())
        })
        .await
    }

    async fn note_cut_off(&self, now_ms: i64) -> Result<(), StoreFault> {
        self.write(move |connection| {
            let open = "state IN ('pending', 'withdrawn') AND attempts > 0 AND result = ''";
            for mut effect in list(connection, open, &[])? {
                effect.cut_off(now_ms);
                save(connection, &effect)?;
            }
            Ok(())
        })
        .await
    }

    async fn effects_of(&self, gate_id: i64) -> Result<Vec<Effect>, StoreFault> {
        self.read(move |connection| Ok(list(connection, "gate_id = ?1 ORDER BY id", &[&gate_id])?))
            .await
    }

    async fn effects_of_incident(&self, id: i64) -> Result<Vec<Effect>, StoreFault> {
        // All chains of it, by their beginning: `;` comes after `:`.
        let (from, to) = (format!("incident:{id}:"), format!("incident:{id};"));
        self.read(move |connection| {
            let within = "chain >= ?1 AND chain < ?2 ORDER BY id";
            Ok(list(connection, within, &[&from, &to])?)
        })
        .await
    }

    async fn effect(&self, key: String) -> Result<Option<Effect>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .one(
                    &format!("SELECT {COLUMNS} FROM outbox WHERE key = ?1"),
                    [key],
                    effect,
                )
                .optional()?)
        })
        .await
    }
}
