//! Rows of gates: the record as JSON, its events, the last verified-good version.

use super::fault::StoreFault;
use super::notes::had_verdict;
use super::outbox;
use super::sqlite::Store;
use crate::record::effect::NewEffect;
use crate::record::gate::Record;
use crate::record::note::Note;
use crate::record::state::Verdict;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// What one step of a gate changes, committed as one.
#[derive(Debug, Clone)]
pub struct GateCommit {
    /// The record after the step.
    pub record: Record,
    /// The event, as people read it.
    pub event: String,
    /// Effects of the step.
    pub effects: Vec<NewEffect>,
}

/// What somebody wanted of a gate while a step of it was on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// To roll back.
    RollBack(Note),
    /// To call it off, and who.
    Cancel(String),
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let id: i64 = row.get(0)?;
    let text: String = row.get(1)?;
    let mut record: Record = serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })?;
    record.id = id;
    Ok(record)
}

fn json(record: &Record) -> Result<String, StoreFault> {
    serde_json::to_string(record).map_err(|error| StoreFault::Failed(error.to_string()))
}

fn add_event(connection: &Connection, id: i64, at_ms: i64, event: &str) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO gate_events VALUES (?1, ?2, ?3)",
        params![id, at_ms, event],
    )
}

/// What was accepted before a first verdict was committed, and is not what the verdict says.
fn wanted(connection: &Connection, record: &Record) -> Result<Option<Wanted>, StoreFault> {
    let Some(verdict) = record.state.verdict else {
        return Ok(None);
    };
    if had_verdict(connection, record.id)? {
        return Ok(None);
    }
    if verdict != Verdict::Rollback
        && let Some(order) = super::notes::order_of(connection, record.id)?
    {
        return Ok(Some(Wanted::RollBack(order)));
    }
    if verdict == Verdict::Hold || record.state.ordered.is_some() {
        return Ok(None);
    }
    let by: Option<String> = connection.query_row(
        "SELECT cancelled_by FROM gates WHERE id = ?1",
        [record.id],
        |row| row.get(0),
    )?;
    Ok(by.map(Wanted::Cancel))
}

/// Who supersedes the gates before.
pub fn superseded_by(id: i64) -> String {
    format!("gate {id}, which verifies a newer deploy")
}

impl Store {
    /// Makes a gate, and calls those of the same name off that are not done; its id is given by
    /// the store. One of the ids of a webhook that was seen before makes none, and gives the gate
    /// that it made then. Ids that start with `body/` are remembered for longer.
    pub async fn create_gate(
        &self,
        mut new: Record,
        webhooks: Vec<String>,
        now_ms: i64,
    ) -> Result<(Record, bool), StoreFault> {
        self.write(move |connection| {
            let [ids, bodies] = [crate::limits::WEBHOOK_MEMORY, crate::limits::REPLAY_MEMORY]
                .map(|memory| now_ms - memory.as_millis() as i64);
            connection.execute(
                "DELETE FROM webhooks_seen WHERE at_ms < ?1 AND (at_ms < ?2 OR id NOT LIKE 'body/%')",
                [ids, bodies],
            )?;
            for webhook in &webhooks {
                let seen: Option<i64> = connection
                    .query_row("SELECT gate_id FROM webhooks_seen WHERE id = ?1", [webhook], |row| row.get(0))
                    .optional()?;
                if let Some(id) = seen {
                    let known = connection.query_row("SELECT id, record FROM gates WHERE id = ?1", [id], record)?;
                    return Ok((known, false));
                }
            }
            connection.execute(
                "INSERT INTO gates (gate, environment, done, created_ms, updated_ms, record) VALUES (?1, ?2, 0, ?3, ?3, ?4)",
                params![new.gate, new.environment, now_ms, json(&new)?],
            )?;
            new.id = connection.last_insert_rowid();
            for webhook in &webhooks {
                connection.execute("INSERT INTO webhooks_seen VALUES (?1, ?2, ?3)", params![webhook, now_ms, new.id])?;
            }
            connection.execute(
                "UPDATE gates SET cancelled_by = ?3 WHERE gate = ?1 AND id <> ?2 AND done = 0",
                params![new.gate, new.id, superseded_by(new.id)],
            )?;
            add_event(connection, new.id, now_ms, "started")?;
            Ok((new, true))
        })
        .await
    }

    /// Notes that a gate is to be called off, so that a kill does not forget it. False if it has
    /// its verdict by now.
    pub async fn request_cancel(&self, id: i64, by: String) -> Result<bool, StoreFault> {
        self.write(move |connection| {
            let noted = connection.execute(
                "UPDATE gates SET cancelled_by = ?2
                 WHERE id = ?1 AND done = 0 AND json_extract(record, '$.state.verdict') IS NULL",
                params![id, by],
            )?;
            Ok(noted == 1)
        })
        .await
    }

    /// Who called a gate off, if anybody did.
    pub async fn cancel_requested(&self, id: i64) -> Result<Option<String>, StoreFault> {
        self.read(move |connection| {
            let by = connection
                .query_row(
                    "SELECT cancelled_by FROM gates WHERE id = ?1",
                    [id],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(by.flatten())
        })
        .await
    }

    /// Commits a step of a gate: record, event, effects and last good version in one transaction.
    /// A first verdict is not committed if somebody was told before that another one comes: what
    /// they wanted comes back.
    pub async fn commit_gate(
        &self,
        commit: GateCommit,
        now_ms: i64,
    ) -> Result<Option<Wanted>, StoreFault> {
        self.write(move |connection| {
            let GateCommit {
                record,
                event,
                effects,
            } = commit;
            if let Some(wanted) = wanted(connection, &record)? {
                return Ok(Some(wanted));
            }
            super::withdraw::withdraw(connection, &record)?;
            connection.execute(
                "UPDATE gates SET record = ?2, done = ?3, updated_ms = ?4 WHERE id = ?1",
                params![record.id, json(&record)?, record.state.is_done(), now_ms],
            )?;
            add_event(connection, record.id, now_ms, &event)?;
            outbox::insert(connection, &effects, now_ms)?;
            if record.state.is_done() {
                connection.execute("DELETE FROM locks WHERE gate_id = ?1", [record.id])?;
            }
            Ok(None)
        })
        .await
    }

    /// One gate.
    pub async fn gate(&self, id: i64) -> Result<Option<Record>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .query_row("SELECT id, record FROM gates WHERE id = ?1", [id], record)
                .optional()?)
        })
        .await
    }

    /// The newest gates first.
    pub async fn gates(&self, limit: u32) -> Result<Vec<Record>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, record FROM gates ORDER BY id DESC LIMIT ?1")?;
            Ok(statement
                .query_map([limit], record)?
                .collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The newest gate of a name.
    pub async fn newest_gate(&self, gate: String) -> Result<Option<Record>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .query_row(
                    "SELECT id, record FROM gates WHERE gate = ?1 ORDER BY id DESC LIMIT 1",
                    [gate],
                    record,
                )
                .optional()?)
        })
        .await
    }

    /// Gates that are not done.
    pub async fn open_gates(&self) -> Result<Vec<Record>, StoreFault> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT id, record FROM gates WHERE done = 0 ORDER BY id")?;
            Ok(statement.query_map([], record)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Events of a gate: when, and what.
    pub async fn events_of(&self, id: i64) -> Result<Vec<(i64, String)>, StoreFault> {
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

    /// The last version that a gate proved good without a waiver and nobody rolled back since,
    /// other than `not`.
    pub async fn last_good(
        &self,
        gate: String,
        environment: String,
        not: String,
    ) -> Result<Option<String>, StoreFault> {
        self.read(move |connection| {
            let version = "json_extract(record, '$.facts.version')";
            let verdict = "json_extract(record, '$.state.verdict')";
            Ok(connection
                .query_row(
                    &format!(
                        "SELECT {version} FROM gates WHERE gate = ?1 AND environment = ?2 AND {verdict} = 'promote'
                           AND {version} <> ?3
                           AND NOT EXISTS (SELECT 1 FROM json_each(record, '$.state.phases') AS phase
                             WHERE json_extract(phase.value, '$.waived[0]') IS NOT NULL)
                           AND NOT EXISTS (
                             SELECT 1 FROM gates AS later WHERE later.gate = gates.gate AND later.id > gates.id
                               AND later.environment = gates.environment
                               AND json_extract(later.record, '$.state.verdict') = 'rollback'
                               AND json_extract(later.record, '$.facts.version') = json_extract(gates.record, '$.facts.version'))
                         ORDER BY id DESC LIMIT 1"
                    ),
                    [gate, environment, not],
                    |row| row.get(0),
                )
                .optional()?)
        })
        .await
    }

    /// The newest gate of a name with this commit (or version, where no commit is known) that was
    /// updated since a moment.
    pub async fn gate_of(
        &self,
        gate: String,
        commit: String,
        version: String,
        since_ms: i64,
    ) -> Result<Option<Record>, StoreFault> {
        self.read(move |connection| {
            Ok(connection
                .query_row(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::effect::EffectState;
    use crate::record::gate::Facts;
    use crate::record::note::NoteKind;
    use crate::record::state::{Phase, State};
    use crate::store::simulated::Simulated;

    async fn gate(store: &Store) -> Record {
        let new = Record {
            id: 0,
            gate: "shop".to_owned(),
            environment: "production".to_owned(),
            facts: Facts::default(),
            rollback_to: None,
            state: State::new(Some(Phase::Smoke), 0),
        };
        store.create_gate(new, Vec::new(), 0).await.unwrap().0
    }

    fn concluded(record: &Record, verdict: Verdict) -> GateCommit {
        let mut record = record.clone();
        record.state.verdict = Some(verdict);
        GateCommit {
            record,
            event: String::new(),
            effects: Vec::new(),
        }
    }

    fn order() -> Note {
        Note {
            kind: NoteKind::Rollback,
            by: "jane".to_owned(),
            reason: "it is broken".to_owned(),
            check: String::new(),
            until_ms: 0,
            gate: None,
        }
    }

    /// Whoever was told that it is accepted is not passed over by a verdict that was on its way.
    #[tokio::test]
    async fn what_was_accepted_comes_before_a_verdict_that_is_not_committed_yet() {
        let store = Simulated::new().unwrap().boot(None);
        for verdict in [Verdict::Promote, Verdict::Rollback] {
            let record = gate(&store).await;
            assert!(
                store
                    .request_cancel(record.id, "john".to_owned())
                    .await
                    .unwrap()
            );
            let commit = concluded(&record, verdict);
            let wanted = store.commit_gate(commit, 1).await.unwrap();
            assert_eq!(wanted, Some(Wanted::Cancel("john".to_owned())));
        }
        for verdict in [Verdict::Promote, Verdict::Hold] {
            let record = gate(&store).await;
            assert!(
                store
                    .add_note(record.id, order(), String::new(), 1)
                    .await
                    .unwrap()
            );
            let commit = concluded(&record, verdict);
            let wanted = store.commit_gate(commit, 1).await.unwrap();
            assert_eq!(wanted, Some(Wanted::RollBack(order())));
            // What the step becomes then is committed, and nothing is accepted any more.
            let commit = concluded(&record, Verdict::Rollback);
            assert_eq!(store.commit_gate(commit, 1).await.unwrap(), None);
            assert!(
                !store
                    .add_note(record.id, order(), String::new(), 1)
                    .await
                    .unwrap()
            );
            assert!(
                !store
                    .request_cancel(record.id, "john".to_owned())
                    .await
                    .unwrap()
            );
        }
    }

    /// A promotion that is on its way when a newer deploy is promoted is neither called back nor
    /// forgotten: its gate waits for it, and it is not tried again.
    #[tokio::test]
    async fn what_is_on_its_way_is_withdrawn_when_it_comes_back() {
        let store = Simulated::new().unwrap().boot(None);
        let ordered = |record: &Record, kind: &str| {
            let mut commit = concluded(record, Verdict::Promote);
            commit.effects = vec![NewEffect {
                key: format!("{} {kind}", record.id),
                gate_id: Some(record.id),
                after_key: None,
                target: format!("action:shop:promote:0:{kind}").parse().unwrap(),
                body: String::new(),
            }];
            commit
        };
        let old = gate(&store).await;
        for kind in ["command", "fly"] {
            store.commit_gate(ordered(&old, kind), 1).await.unwrap();
        }
        let running = store.effects_of(old.id).await.unwrap()[0].id;
        assert!(store.claim_attempt(running, 0).await.unwrap());
        let new = gate(&store).await;
        store
            .commit_gate(ordered(&new, "command"), 2)
            .await
            .unwrap();
        let states = || async {
            let effects = store.effects_of(old.id).await.unwrap();
            effects
                .into_iter()
                .map(|effect| (effect.is_on_its_way(), effect.state))
                .collect::<Vec<_>>()
        };
        let given_up = (false, EffectState::GivenUp);
        assert_eq!(states().await, [(true, EffectState::Withdrawn), given_up]);
        let text = "exit code 1".to_owned();
        store
            .attempt_ended(running, EffectState::Pending, 9, 3, text)
            .await
            .unwrap();
        assert_eq!(states().await, [given_up, given_up]);
        assert_eq!(store.due(100).await.unwrap().len(), 1, "only the new one");
    }

    #[tokio::test]
    async fn a_signed_body_is_remembered_longer_than_an_id() {
        let store = Simulated::new().unwrap().boot(None);
        let day = 24 * 3_600_000;
        let new = |ids: [&str; 1], now| {
            let ids = ids.map(str::to_owned).to_vec();
            let store = store.clone();
            async move {
                let record = gate(&store).await;
                store.create_gate(record, ids, now).await.unwrap().1
            }
        };
        assert!(new(["body/shop/1"], 0).await && new(["hook/shop/1"], 0).await);
        assert!(!new(["body/shop/1"], day).await, "a replay");
        assert!(
            new(["hook/shop/1"], day).await,
            "its time stamp is too old for a replay"
        );
    }
}
