//! Rows of the outbox: committed effects that are not yet, or no longer, on their way.

use super::fault::StoreFault;
use super::sqlite::Store;
use crate::record::effect::{CUT_OFF, Effect, EffectState, NewEffect};
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str =
    "id, key, gate_id, target, body, state, attempts, next_ms, created_ms, settled_ms, result";

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
pub fn insert(connection: &Connection, effects: &[NewEffect], now_ms: i64) -> rusqlite::Result<()> {
    for effect in effects {
        connection.execute(
            "INSERT INTO outbox (key, gate_id, after_key, target, body, state, attempts, next_ms, created_ms, result)
             VALUES (?1, ?2, ?3, ?4, ?5, 'pending', 0, ?6, ?6, '') ON CONFLICT (key) DO NOTHING",
            params![effect.key, effect.gate_id, effect.after_key, effect.target.to_string(), effect.body, now_ms],
        )?;
    }
    Ok(())
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

impl Store {
    /// Adds effects on their own.
    pub async fn enqueue(&self, effects: Vec<NewEffect>, now_ms: i64) -> Result<(), StoreFault> {
        self.write(move |connection| {
            insert(connection, &effects, now_ms)?;
            Ok(())
        })
        .await
    }

    /// Pending effects for others that are due, whose predecessor is settled; actions first. A
    /// moment that is further away than any pause was set by a clock that has jumped since: it is due.
    pub async fn due(&self, now_ms: i64) -> Result<Vec<Effect>, StoreFault> {
        self.read(move |connection| {
            let farthest = now_ms + crate::limits::DELIVERY_PAUSE_MAX.as_millis() as i64;
            Ok(list(
                connection,
                "state = 'pending' AND (next_ms <= ?1 OR next_ms > ?2) AND target NOT LIKE 'partner:%'
                 AND (after_key IS NULL OR NOT EXISTS
                   (SELECT 1 FROM outbox AS earlier WHERE earlier.key = outbox.after_key AND earlier.state = 'pending'))
                 ORDER BY target NOT LIKE 'action:%', id LIMIT 64",
                &[&now_ms, &farthest],
            )?)
        })
        .await
    }

    /// Pending orders to gates that are rolled back together with another.
    pub async fn partner_orders(&self) -> Result<Vec<Effect>, StoreFault> {
        self.read(move |connection| {
            Ok(list(
                connection,
                "state = 'pending' AND target LIKE 'partner:%' ORDER BY id",
                &[],
            )?)
        })
        .await
    }

    /// When the next pending effect for others is due, and how many are pending.
    pub async fn pending(&self) -> Result<(Option<i64>, i64), StoreFault> {
        self.read(|connection| {
            Ok(connection.query_row(
                "SELECT min(next_ms), count(*) FROM outbox WHERE state = 'pending' AND target NOT LIKE 'partner:%'",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?)
        })
        .await
    }

    /// Claims an attempt, before it is made. Only one who knows the row as it is now gets it, so a
    /// row that was settled meanwhile is never carried out again.
    pub async fn claim_attempt(&self, id: i64, attempts: u32) -> Result<bool, StoreFault> {
        self.write(move |connection| {
            let claimed = connection.execute(
                "UPDATE outbox SET attempts = attempts + 1, result = ''
                 WHERE id = ?1 AND state = 'pending' AND attempts = ?2",
                params![id, attempts],
            )?;
            Ok(claimed == 1)
        })
        .await
    }

    /// Settles an effect, or sets its next attempt.
    pub async fn attempt_ended(
        &self,
        id: i64,
        state: EffectState,
        next_ms: i64,
        now_ms: i64,
        result: String,
    ) -> Result<(), StoreFault> {
        self.write(move |connection| {
            // One that was withdrawn meanwhile is not tried again.
            connection.execute(
                "UPDATE outbox SET next_ms = ?3,
                   result = CASE WHEN state = 'withdrawn' AND ?2 <> 'delivered' THEN 'withdrawn: ' ELSE '' END || ?5,
                   state = CASE WHEN state = 'withdrawn' AND ?2 = 'pending' THEN 'given_up' ELSE ?2 END,
                   settled_ms = CASE WHEN state = 'withdrawn' OR ?2 <> 'pending' THEN ?4 END
                 WHERE id = ?1 AND state IN ('pending', 'withdrawn')",
                params![id, state.word(), next_ms, now_ms, result],
            )?;
            Ok(())
        })
        .await
    }

    /// Notes that attempts of a process before this one are on their way no more: to be called
    /// before anything is claimed or withdrawn.
    pub async fn note_cut_off(&self, now_ms: i64) -> Result<(), StoreFault> {
        self.write(move |connection| {
            connection.execute(
                "UPDATE outbox SET
                   settled_ms = CASE WHEN state = 'withdrawn' THEN ?1 END,
                   state = CASE WHEN state = 'withdrawn' THEN 'given_up' ELSE state END,
                   result = CASE WHEN state = 'withdrawn' THEN 'withdrawn: ' ELSE '' END || ?2
                 WHERE state IN ('pending', 'withdrawn') AND attempts > 0 AND result = ''",
                params![now_ms, CUT_OFF],
            )?;
            Ok(())
        })
        .await
    }

    /// The effects of a gate, in order.
    pub async fn effects_of(&self, gate_id: i64) -> Result<Vec<Effect>, StoreFault> {
        self.read(move |connection| Ok(list(connection, "gate_id = ?1 ORDER BY id", &[&gate_id])?))
            .await
    }

    /// An effect by its key.
    pub async fn effect(&self, key: String) -> Result<Option<Effect>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .query_row(
                    &format!("SELECT {COLUMNS} FROM outbox WHERE key = ?1"),
                    [key],
                    effect,
                )
                .optional()?)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::simulated::Simulated;

    #[tokio::test]
    async fn what_cannot_be_told_does_not_hold_up_what_is_to_be_done() {
        let store = Simulated::new().unwrap().boot(None);
        let effect = |number: usize, target: &str| NewEffect {
            key: format!("{number}"),
            gate_id: None,
            after_key: None,
            target: target.parse().unwrap(),
            body: String::new(),
        };
        let mut effects: Vec<_> = (0..100)
            .map(|number| effect(number, "channel:team"))
            .collect();
        effects.push(effect(100, "action:shop:rollback:0:command"));
        effects.push(effect(101, "partner:console"));
        store.enqueue(effects, 1_000).await.unwrap();
        let due = store.due(1_000).await.unwrap();
        assert_eq!(due[0].target.to_string(), "action:shop:rollback:0:command");
        assert!(due.iter().all(|effect| effect.target.word() != "partner"));
        assert_eq!(store.partner_orders().await.unwrap().len(), 1);
        // A clock that is set back by a day does not delay anything by a day.
        let day = 24 * 3_600_000;
        assert_eq!(store.due(1_000 - day).await.unwrap()[0].id, due[0].id);
        assert!(store.due(900).await.unwrap().is_empty());
    }
}
