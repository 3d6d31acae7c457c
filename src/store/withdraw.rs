//! Orders that must not come late, taken back in the transaction that makes them late.

use crate::record::gate::Record;
use crate::record::state::Verdict;
use rusqlite::{Connection, params};

/// Takes back promotions of the same gate before this one, ways of rolling back that are over, and
/// of a gate that is done all but webhooks, which only tell: nobody guards its services any more.
/// One that is on its way at this moment is not called back, but made the last attempt.
pub(super) fn withdraw(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let Some(verdict) = record.state.verdict else {
        return Ok(());
    };
    let over = |condition: &str| {
        format!(
            "UPDATE outbox SET
               state = CASE WHEN attempts > 0 AND result = '' THEN 'withdrawn' ELSE 'given_up' END,
               result = CASE WHEN attempts > 0 AND result = '' THEN '' ELSE 'withdrawn: ' || ?2 END
             WHERE state = 'pending' AND {condition}"
        )
    };
    let starts = "substr(target, 1, length(?1)) = ?1";
    let promotions = format!("action:{}:promote:", record.gate);
    match verdict {
        Verdict::Promote => connection.execute(
            &over(&format!("{starts} AND gate_id < ?3")),
            params![promotions, "a newer deploy is promoted", record.id],
        )?,
        Verdict::Rollback => connection.execute(
            &over(starts),
            params![promotions, "the deploy is rolled back"],
        )?,
        Verdict::Hold => 0,
    };
    let own = "gate_id = ?1 AND target LIKE 'action:%'";
    if record.state.is_done() {
        let all = match verdict {
            Verdict::Rollback => "",
            _ => "AND target NOT LIKE '%:webhook'",
        };
        connection.execute(
            &over(&format!("{own} {all}")),
            params![record.id, "the gate is done"],
        )?;
    } else if verdict == Verdict::Rollback && record.state.way > 0 {
        let this = format!("action:{}:fallback:{}:", record.gate, record.state.way - 1);
        connection.execute(
            &over(&format!("{own} AND substr(target, 1, length(?3)) <> ?3")),
            params![record.id, "another way is tried", this],
        )?;
    }
    Ok(())
}
