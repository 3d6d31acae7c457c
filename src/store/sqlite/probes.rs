//! Rows of probes: their states, their results for some time, and their history in rolled-up form.

use super::file::Sqlite;
use super::tables::Cached;
use crate::objective::Outcome;
use crate::record::message::written;
use crate::severity::Severity;
use crate::store::contract::{Probes, Stretch};
use crate::store::fault::StoreFault;
use crate::watch::health::Seen;
use crate::watch::result::{ProbeCommit, ProbeResult, Remembered};
use crate::watch::rollup::Bucket;
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::{BTreeMap, HashMap};

/// Bits of a result beside what it showed.
const FLAKY: i64 = 4;
const EXCLUDED: i64 = 8;
/// Where the severity stands, from 1 on; 0 for none.
const SEVERITY_SHIFT: u32 = 4;

/// Results that are rolled up in one transaction.
const AT_ONCE_MAX: usize = 5_000;
/// Lengths of the buckets, in seconds.
const SPANS: [i64; 3] = [60, 3_600, 86_400];

fn coded(result: &ProbeResult) -> i64 {
    let seen = match result.seen() {
        Seen::Passed => 0,
        Seen::Impaired => 1,
        Seen::Failed => 2,
        Seen::Unmeasured => 3,
    };
    let flags = i64::from(result.flaky) * FLAKY + i64::from(result.is_excluded) * EXCLUDED;
    let severity = result.severity.map_or(0, |severity| severity as i64 + 1);
    seen | flags | severity << SEVERITY_SHIFT
}

fn severity(code: i64) -> Option<Severity> {
    let place = usize::try_from((code >> SEVERITY_SHIFT) & 7).ok()?;
    Severity::ALL.get(place.checked_sub(1)?).copied()
}

/// The values of a probe whose way is followed, oldest first.
fn measured(
    connection: &Connection,
    probe: i64,
) -> rusqlite::Result<BTreeMap<String, Vec<(i64, f64)>>> {
    let mut all: BTreeMap<String, Vec<(i64, f64)>> = BTreeMap::new();
    let mut statement = connection.prepare_cached(
        "SELECT name, at_ms, value FROM measured WHERE probe = ?1 ORDER BY name, at_ms",
    )?;
    let rows = statement.query_map([probe], |row| {
        Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?)))
    })?;
    for row in rows {
        let (name, point) = row?;
        all.entry(name).or_default().push(point);
    }
    Ok(all)
}

fn seen(code: i64) -> Seen {
    match code & 3 {
        0 => Seen::Passed,
        1 => Seen::Impaired,
        2 => Seen::Failed,
        _ => Seen::Unmeasured,
    }
}

fn number_of(connection: &Connection, probe: &str) -> rusqlite::Result<i64> {
    let find = || {
        let sql = "SELECT id FROM probes WHERE name = ?1";
        connection.one(sql, [probe], |row| row.get(0)).optional()
    };
    if let Some(id) = find()? {
        return Ok(id);
    }
    connection.run("INSERT INTO probes (name) VALUES (?1)", [probe])?;
    Ok(connection.last_insert_rowid())
}

fn result(row: &rusqlite::Row<'_>) -> rusqlite::Result<ProbeResult> {
    let code: i64 = row.get(2)?;
    let seen = seen(code);
    Ok(ProbeResult {
        at_ms: row.get(1)?,
        outcome: match seen {
            Seen::Passed | Seen::Impaired => Outcome::Pass,
            Seen::Failed => Outcome::Fail,
            Seen::Unmeasured => Outcome::Inconclusive,
        },
        impaired: seen == Seen::Impaired,
        flaky: code & FLAKY != 0,
        is_excluded: code & EXCLUDED != 0,
        severity: severity(code),
        duration_us: row.get(3)?,
        reason: row.get::<_, Option<String>>(4)?.unwrap_or_default().into(),
    })
}

/// The newest results of probes, by one look at the newest rows of all: there is no index by probe, which
/// would cost more with each result than this does at a start.
fn newest(
    connection: &Connection,
    numbers: &HashMap<i64, String>,
    each: usize,
) -> rusqlite::Result<HashMap<i64, Vec<ProbeResult>>> {
    let mut found: HashMap<i64, Vec<ProbeResult>> = HashMap::new();
    let most = numbers.len().saturating_mul(each).saturating_mul(2);
    let mut statement = connection.prepare_cached(
        "SELECT probe, at_ms, outcome, duration_us, reason FROM results ORDER BY id DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(most).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let probe: i64 = row.get(0)?;
        if numbers.contains_key(&probe) {
            let results = found.entry(probe).or_default();
            if results.len() < each {
                results.push(result(row)?);
            }
        }
    }
    for results in found.values_mut() {
        results.reverse();
    }
    Ok(found)
}

fn remembered(
    connection: &Connection,
    probes: Vec<String>,
    each: usize,
) -> rusqlite::Result<BTreeMap<String, Remembered>> {
    let mut numbers = HashMap::new();
    let mut all = BTreeMap::new();
    for probe in probes {
        let sql = "SELECT state FROM probe_states WHERE probe = ?1";
        let text: Option<String> = connection.one(sql, [&probe], |row| row.get(0)).optional()?;
        let state = text.as_deref().map(serde_json::from_str).transpose();
        let (state, unreadable) = match state {
            Ok(state) => (state, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let sql = "SELECT id FROM probes WHERE name = ?1";
        let number: Option<i64> = connection.one(sql, [&probe], |row| row.get(0)).optional()?;
        numbers.extend(number.map(|number| (number, probe.clone())));
        let measured = match number {
            Some(number) => measured(connection, number)?,
            None => BTreeMap::new(),
        };
        let results = Vec::new();
        all.insert(
            probe,
            Remembered {
                state,
                unreadable,
                results,
                measured,
            },
        );
    }
    for (number, results) in newest(connection, &numbers, each)? {
        if let Some(found) = numbers.get(&number).and_then(|probe| all.get_mut(probe)) {
            found.results = results;
        }
    }
    Ok(all)
}

/// Adds hours up to days, in a state that was made before there were any.
pub(super) fn add_days(connection: &Connection) -> rusqlite::Result<()> {
    let mut days: BTreeMap<(i64, i64), Bucket> = BTreeMap::new();
    let mut statement =
        connection.prepare("SELECT probe, at_s, bucket FROM rollups WHERE span_s = 3600")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (probe, at_s): (i64, i64) = (row.get(0)?, row.get(1)?);
        let bytes: Vec<u8> = row.get(2)?;
        if let Some(hour) = Bucket::from_bytes(&bytes) {
            let day = at_s.div_euclid(86_400) * 86_400;
            days.entry((probe, day)).or_default().merge(&hour);
        }
    }
    for ((probe, at), bucket) in days {
        connection.execute(
            "INSERT OR REPLACE INTO rollups VALUES (?1, 86400, ?2, ?3)",
            params![probe, at, bucket.to_bytes()],
        )?;
    }
    Ok(())
}

#[async_trait]
impl Probes for Sqlite {
    async fn commit_probes(&self, commits: Vec<ProbeCommit>) -> Result<(), StoreFault> {
        self.write(move |connection| {
            // Of several runs of one probe the last state stands.
            let mut states = BTreeMap::new();
            let mut numbers: HashMap<&str, i64> = HashMap::new();
            for ProbeCommit { probe, state, result, measured } in &commits {
                if let Some(state) = state {
                    states.insert(probe, state);
                }
                let number = match numbers.get(&**probe) {
                    Some(number) => *number,
                    None => number_of(connection, probe)?,
                };
                numbers.insert(probe, number);
                let reason = (!result.reason.is_empty()).then_some(&*result.reason);
                connection.run(
                    "INSERT INTO results (probe, at_ms, outcome, duration_us, reason) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![number, result.at_ms, coded(result), result.duration_us, reason],
                )?;
                for (name, (at_ms, value)) in measured {
                    connection.run(
                        "INSERT OR REPLACE INTO measured VALUES (?1, ?2, ?3, ?4)",
                        params![number, &**name, at_ms, value],
                    )?;
                }
            }
            for (probe, state) in states {
                let text = written(state);
                connection.run(
                    "INSERT OR REPLACE INTO probe_states VALUES (?1, ?2)",
                    params![&**probe, text],
                )?;
            }
            Ok(())
        })
        .await
    }

    async fn remembered(
        &self,
        probes: Vec<String>,
        each: usize,
    ) -> Result<BTreeMap<String, Remembered>, StoreFault> {
        self.read(move |connection| Ok(remembered(connection, probes, each)?))
            .await
    }

    async fn roll_up(&self) -> Result<usize, StoreFault> {
        self.write(|connection| {
            let upto: String =
                connection.one("SELECT value FROM meta WHERE key = 'rolled_up'", [], |row| row.get(0))?;
            let upto: i64 = upto.parse().unwrap_or(0);
            let mut buckets: BTreeMap<(i64, i64, i64), Bucket> = BTreeMap::new();
            let (mut last, mut count) = (upto, 0);
            let mut statement = connection.prepare_cached(
                "SELECT id, probe, at_ms, outcome, duration_us FROM results WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let mut rows = statement.query(params![upto, AT_ONCE_MAX as i64])?;
            while let Some(row) = rows.next()? {
                last = row.get(0)?;
                count += 1;
                let (probe, at_ms, code): (i64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
                let micros = u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0);
                for span in SPANS {
                    let at = at_ms.div_euclid(span * 1_000) * span;
                    let bucket = buckets.entry((probe, span, at)).or_default();
                    bucket.add(seen(code), micros, code & EXCLUDED != 0, code & FLAKY != 0);
                }
            }
            for ((probe, span, at), mut bucket) in buckets {
                let sql = "SELECT bucket FROM rollups WHERE probe = ?1 AND span_s = ?2 AND at_s = ?3";
                let key = params![probe, span, at];
                let before: Option<Vec<u8>> = connection.one(sql, key, |row| row.get(0)).optional()?;
                if let Some(before) = before.as_deref().and_then(Bucket::from_bytes) {
                    bucket.merge(&before);
                }
                connection.run(
                    "INSERT OR REPLACE INTO rollups VALUES (?1, ?2, ?3, ?4)",
                    params![probe, span, at, bucket.to_bytes()],
                )?;
            }
            if count > 0 {
                connection.run(
                    "UPDATE meta SET value = ?1 WHERE key = 'rolled_up'",
                    [last.to_string()],
                )?;
            }
            Ok(count)
        })
        .await
    }

    async fn history(
        &self,
        probe: String,
        span: Stretch,
        from_s: i64,
    ) -> Result<Vec<(i64, Bucket)>, StoreFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT at_s, bucket FROM rollups
                 WHERE probe = (SELECT id FROM probes WHERE name = ?1) AND span_s = ?2 AND at_s >= ?3 ORDER BY at_s",
            )?;
            let rows = statement.query_map(params![probe, span.seconds(), from_s], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?))
            })?;
            let mut all = Vec::new();
            for row in rows {
                let (at, bytes) = row?;
                all.extend(Bucket::from_bytes(&bytes).map(|bucket| (at, bucket)));
            }
            Ok(all)
        })
        .await
    }
}
