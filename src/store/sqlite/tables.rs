//! The tables and their versions: what is newer, or not ours, is refused and left untouched.

use super::probes::add_days;
use crate::store::fault::StoreFault;
use rusqlite::Connection;
use std::path::Path;

/// Statements that are compiled once: a connection lives long, and its statements are few.
pub(super) const STATEMENTS: usize = 128;

/// Statements by their text, from the connection's cache.
pub(super) trait Cached {
    /// Changes rows; how many.
    fn run(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize>;

    /// Reads one row.
    fn one<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T>;
}

impl Cached for Connection {
    fn run(&self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        self.prepare_cached(sql)?.execute(values)
    }

    fn one<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.prepare_cached(sql)?.query_row(values, read)
    }
}

/// The version of the tables that this program writes.
pub const SCHEMA_VERSION: i64 = 7;

const SCHEMA: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE gates (
  id INTEGER PRIMARY KEY AUTOINCREMENT, gate TEXT NOT NULL, environment TEXT NOT NULL, done INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, cancelled_by TEXT, record TEXT NOT NULL) STRICT;
CREATE INDEX gates_open ON gates (done, gate);
CREATE TABLE gate_events (
  gate_id INTEGER NOT NULL REFERENCES gates (id), at_ms INTEGER NOT NULL, event TEXT NOT NULL) STRICT;
CREATE INDEX gate_events_of ON gate_events (gate_id);
CREATE TABLE last_good (
  gate TEXT NOT NULL, environment TEXT NOT NULL, version TEXT NOT NULL, commit_sha TEXT NOT NULL,
  gate_id INTEGER NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (gate, environment)) STRICT;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, gate_id INTEGER, after_key TEXT,
  target TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_ms INTEGER NOT NULL,
  created_ms INTEGER NOT NULL, settled_ms INTEGER, result TEXT NOT NULL) STRICT;
CREATE INDEX outbox_due ON outbox (state, next_ms);
CREATE INDEX outbox_gate ON outbox (gate_id);
CREATE TABLE webhooks_seen (id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, gate_id INTEGER) STRICT;
CREATE TABLE probe_states (probe TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;
CREATE TABLE probe_results (
  probe TEXT NOT NULL, at_ms INTEGER NOT NULL, outcome TEXT NOT NULL, duration_us INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE INDEX probe_results_of ON probe_results (probe, at_ms);
CREATE INDEX probe_results_age ON probe_results (at_ms);
CREATE TABLE runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, gate_id INTEGER, phase TEXT NOT NULL, at_ms INTEGER NOT NULL,
  scenario TEXT NOT NULL, outcome TEXT NOT NULL, summary TEXT NOT NULL) STRICT;
CREATE INDEX runs_gate ON runs (gate_id);
";

/// What the second version added.
const SCHEMA_2: &str = "
CREATE TABLE locks (name TEXT PRIMARY KEY, gate_id INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE gate_notes (
  gate_id INTEGER NOT NULL REFERENCES gates (id), at_ms INTEGER NOT NULL, kind TEXT NOT NULL, note TEXT NOT NULL) STRICT;
CREATE INDEX gate_notes_of ON gate_notes (gate_id);
CREATE TABLE sightings (gate TEXT PRIMARY KEY, version TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
DROP TABLE last_good;
";

/// What the third version added: which rollout a gate answers, and the order of verdicts, whatever the
/// clock does.
const SCHEMA_3: &str = "
CREATE TABLE rollouts (gate_id INTEGER PRIMARY KEY, rollout TEXT NOT NULL) STRICT;
ALTER TABLE gates ADD COLUMN begun_place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE gates ADD COLUMN verdict_place INTEGER;
UPDATE gates SET begun_place = id WHERE done = 1;
UPDATE gates SET verdict_place = id WHERE json_extract(record, '$.state.verdict') IS NOT NULL;
";

/// What the fourth version added: incidents and silences, the order of what a channel is told of one
/// incident, and history in rolled-up form. What was measured is told apart by number instead of name.
const SCHEMA_4: &str = "
ALTER TABLE outbox ADD COLUMN chain TEXT;
ALTER TABLE outbox ADD COLUMN passing INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_chain ON outbox (chain, id) WHERE chain IS NOT NULL;
CREATE INDEX outbox_target ON outbox (state, target, next_ms);
CREATE TABLE incidents (
  id INTEGER PRIMARY KEY, open INTEGER NOT NULL, opened_ms INTEGER NOT NULL, ended_ms INTEGER, record TEXT NOT NULL) STRICT;
CREATE INDEX incidents_open ON incidents (open, id);
CREATE TABLE heartbeats (name TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;
CREATE TABLE silences (
  id INTEGER PRIMARY KEY AUTOINCREMENT, until_ms INTEGER NOT NULL, silence TEXT NOT NULL) STRICT;
CREATE TABLE probes (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO probes (name) SELECT DISTINCT probe FROM probe_results;
CREATE TABLE results (
  id INTEGER PRIMARY KEY AUTOINCREMENT, probe INTEGER NOT NULL, at_ms INTEGER NOT NULL, outcome INTEGER NOT NULL,
  duration_us INTEGER NOT NULL, reason TEXT) STRICT;
INSERT INTO results (probe, at_ms, outcome, duration_us, reason)
  SELECT probes.id, at_ms, CASE outcome WHEN 'pass' THEN 0 WHEN 'fail' THEN 2 ELSE 3 END, duration_us, nullif(reason, '')
  FROM probe_results JOIN probes ON probes.name = probe_results.probe ORDER BY at_ms;
DROP TABLE probe_results;
CREATE TABLE rollups (
  probe INTEGER NOT NULL, span_s INTEGER NOT NULL, at_s INTEGER NOT NULL, bucket BLOB NOT NULL,
  PRIMARY KEY (probe, span_s, at_s)) STRICT, WITHOUT ROWID;
CREATE INDEX rollups_age ON rollups (span_s, at_s);
INSERT INTO meta VALUES ('rolled_up', '0');
";

/// Values of probes whose way is followed over hours.
const SCHEMA_5: &str = "
CREATE TABLE measured (
  probe INTEGER NOT NULL, name TEXT NOT NULL, at_ms INTEGER NOT NULL, value REAL NOT NULL,
  PRIMARY KEY (probe, name, at_ms)) STRICT, WITHOUT ROWID;
CREATE INDEX measured_age ON measured (at_ms);
";

/// Orders that people gave.
const SCHEMA_6: &str = "
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, asked TEXT NOT NULL,
  status INTEGER NOT NULL) STRICT;
CREATE INDEX gates_newest ON gates (gate, id);
";

/// Pictures of runs.
const SCHEMA_7: &str = "
CREATE TABLE pictures (
  run_id INTEGER NOT NULL, sha256 TEXT NOT NULL, png BLOB NOT NULL, PRIMARY KEY (run_id, sha256)) STRICT;
CREATE INDEX pictures_by ON pictures (sha256);
";

/// The version of the tables, 0 for an empty file. What is newer or not ours is refused.
pub(super) fn version_of(connection: &Connection, path: &Path) -> Result<i64, StoreFault> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > SCHEMA_VERSION {
        return Err(StoreFault::Newer(path.to_owned(), version));
    }
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    if version == 0 && tables > 0 {
        return Err(StoreFault::Broken(
            path.to_owned(),
            "it is a database of something else".to_owned(),
        ));
    }
    Ok(version)
}

pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<String, StoreFault> {
    let version = version_of(connection, path)?;
    if version < SCHEMA_VERSION {
        let transaction = connection.transaction()?;
        if version == 0 {
            transaction.execute_batch(SCHEMA)?;
            let instance = [crate::ids::short()];
            transaction.execute("INSERT INTO meta VALUES ('instance', ?1)", instance)?;
        }
        let later = [
            (2, SCHEMA_2),
            (3, SCHEMA_3),
            (4, SCHEMA_4),
            (5, SCHEMA_5),
            (6, SCHEMA_6),
            (7, SCHEMA_7),
        ];
        for (added, schema) in later {
            if version < added {
                transaction.execute_batch(schema)?;
            }
        }
        if version < 6 {
            add_days(&transaction)?;
        }
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
        transaction.commit()?;
    }
    Ok(
        connection.query_row("SELECT value FROM meta WHERE key = 'instance'", [], |row| {
            row.get(0)
        })?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::rollup::Bucket;

    #[test]
    fn hours_of_an_older_state_become_days() {
        let mut connection = Connection::open_in_memory().unwrap();
        for schema in [SCHEMA, SCHEMA_2, SCHEMA_3, SCHEMA_4, SCHEMA_5] {
            connection.execute_batch(schema).unwrap();
        }
        let hour = Bucket {
            passed: 3,
            failed: 1,
            latencies: [(7, 3)].into(),
            ..Bucket::default()
        };
        for at_s in [0_i64, 3_600, 86_400 - 3_600, 86_400] {
            let row = rusqlite::params![at_s, hour.to_bytes()];
            let sql = "INSERT INTO rollups VALUES (1, 3600, ?1, ?2)";
            connection.execute(sql, row).unwrap();
        }
        let sql = "INSERT INTO meta VALUES ('instance', 'old')";
        connection.execute(sql, []).unwrap();
        connection.pragma_update(None, "user_version", 5).unwrap();
        assert_eq!(
            migrate(&mut connection, Path::new("memory")).unwrap(),
            "old"
        );
        let day = |at_s: i64| -> Bucket {
            let sql = "SELECT bucket FROM rollups WHERE span_s = 86400 AND at_s = ?1";
            let bytes: Vec<u8> = connection.query_row(sql, [at_s], |row| row.get(0)).unwrap();
            Bucket::from_bytes(&bytes).unwrap()
        };
        assert_eq!((day(0).passed, day(0).failed), (9, 3));
        assert_eq!(day(0).latencies, [(7, 9)].into());
        assert_eq!(day(86_400), hour);
    }
}
