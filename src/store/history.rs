//! Reads the history of many probes as the counts of one objective.

use super::contract::{Store, Stretch};
use super::fault::StoreFault;
use crate::watch::budget::{Counts, Goal, History};
use std::collections::BTreeMap;

/// Reads stretches of time anew, from that in which a moment lies on; those before it stay.
///
/// # Errors
///
/// The store cannot be read.
pub async fn read(
    store: &Store,
    goal: &Goal,
    probes: &[&str],
    history: &mut History,
    from_s: i64,
) -> Result<(), StoreFault> {
    for (span, stretches) in [
        (Stretch::Minute, &mut history.minutes),
        (Stretch::Hour, &mut history.hours),
    ] {
        let first = from_s - from_s.rem_euclid(span.seconds());
        let mut read: BTreeMap<i64, Counts> = BTreeMap::new();
        for probe in probes {
            for (at, bucket) in store.history((*probe).to_owned(), span, first).await? {
                read.entry(at).or_default().add(goal.counts(&bucket));
            }
        }
        stretches.retain(|at, _| *at < first);
        stretches.append(&mut read);
    }
    Ok(())
}
