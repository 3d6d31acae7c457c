//! The gates that were: which version is good to go back to, and which gates may be forgotten.
//!
//! Pure. Does not know how they are kept. Invariant: never forgotten is a gate that is not done, the
//! newest of its name, and those that tell which version to go back to, and which not.

use super::state::Verdict;
use std::collections::{HashMap, HashSet};

/// What is known of a gate without its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub gate: String,
    /// The environment.
    pub environment: String,
    /// The version that it verified.
    pub version: String,
    /// Its verdict.
    pub verdict: Option<Verdict>,
    /// Whether it looked at the version that was served.
    pub saw_version: bool,
    /// Whether any of its failures was waived.
    pub waived: bool,
    /// Whether its verdict was to be carried out, and was not.
    pub undone: bool,
    /// Whether it is done.
    pub done: bool,
    /// When it last changed.
    pub updated_ms: i64,
    /// Whether anything that it ordered is not settled.
    pub owes: bool,
}

/// Newest promotions of each gate and environment that are kept for as long as there is a store.
const PROMOTIONS_KEPT: usize = 50;

/// The last version that a gate saw and proved good without a waiver, was promoted as decided, and nobody
/// rolled back since; other than `not`. `history` holds the gates of one name and environment.
pub fn last_good<'a>(history: &'a [Headline], not: &str) -> Option<&'a str> {
    let mut newest_first: Vec<&Headline> = history.iter().collect();
    newest_first.sort_by_key(|gate| std::cmp::Reverse(gate.id));
    let mut rolled_back = HashSet::new();
    for gate in newest_first {
        let version = gate.version.as_str();
        match gate.verdict {
            Some(Verdict::Rollback) => {
                rolled_back.insert(version);
            }
            Some(Verdict::Promote)
                if gate.saw_version
                    && !gate.waived
                    && !gate.undone
                    && version != not
                    && !rolled_back.contains(version) =>
            {
                return Some(version);
            }
            _ => {}
        }
    }
    None
}

/// The gates that ended before a moment and may be forgotten with all that is kept of them, oldest
/// first. `history` holds all gates.
pub fn forgettable(history: &[Headline], before_ms: i64) -> Vec<i64> {
    let mut newest_first: Vec<&Headline> = history.iter().collect();
    newest_first.sort_by_key(|gate| std::cmp::Reverse(gate.id));
    let promotion = |gate: &Headline| gate.verdict == Some(Verdict::Promote);
    let good: HashSet<(&str, &str, &str)> = newest_first
        .iter()
        .filter(|gate| promotion(gate))
        .map(|gate| (&*gate.gate, &*gate.environment, &*gate.version))
        .collect();
    let mut names = HashSet::new();
    let mut promotions: HashMap<(&str, &str), usize> = HashMap::new();
    let mut forgotten = Vec::new();
    for gate in newest_first {
        let is_newest = names.insert(&*gate.gate);
        let tells = match gate.verdict {
            Some(Verdict::Promote) => {
                let place = promotions
                    .entry((&*gate.gate, &*gate.environment))
                    .or_default();
                *place += 1;
                *place <= PROMOTIONS_KEPT
            }
            Some(Verdict::Rollback) => {
                good.contains(&(&*gate.gate, &*gate.environment, &*gate.version))
            }
            _ => false,
        };
        if gate.done && gate.updated_ms < before_ms && !is_newest && !tells && !gate.owes {
            forgotten.push(gate.id);
        }
    }
    forgotten.reverse();
    forgotten
}

/// What a gate said of the database, and whether that still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The version that it was about.
    pub version: String,
    /// Whether that version was promoted.
    pub is_promoted: bool,
    /// What the database was changed to; empty where it was not.
    pub to: String,
    /// Whether it was changed back, by consent and with a proof.
    pub is_back: bool,
}

/// Pure: what the database was changed to since a version was promoted, in order; all that is known where
/// nobody knows that version. `history` has the oldest first.
pub fn migrated_since(history: &[Migration], target: &str) -> Vec<String> {
    let is_target = |one: &&Migration| one.is_promoted && one.version == target;
    let newest_first = history.iter().rev().take_while(|one| !is_target(one));
    let standing = newest_first.filter(|one| !one.to.is_empty() && !one.is_back);
    let mut found: Vec<String> = standing.map(|one| one.to.clone()).collect();
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(gates: &[(&str, Verdict)]) -> Vec<Headline> {
        (1..)
            .zip(gates)
            .map(|(id, (version, verdict))| Headline {
                id,
                gate: "shop".to_owned(),
                environment: "production".to_owned(),
                version: (*version).to_owned(),
                verdict: Some(*verdict),
                saw_version: !version.ends_with("unseen"),
                waived: version.ends_with("waived"),
                undone: version.ends_with("undone"),
                done: true,
                updated_ms: 2,
                owes: false,
            })
            .collect()
    }

    #[test]
    fn a_version_is_good_until_somebody_rolled_it_back() {
        use Verdict::{Hold, Promote, Rollback};
        let gates = [
            ("1", Promote),
            ("2", Promote),
            ("2", Rollback),
            ("3 waived", Promote),
            ("3 undone", Promote),
            ("3 unseen", Promote),
            ("4", Hold),
        ];
        let history = history(&gates);
        assert_eq!(last_good(&history, "5"), Some("1"));
        assert_eq!(last_good(&history, "1"), None, "never itself");
        assert_eq!(last_good(&history[..2], "5"), Some("2"));
    }

    #[test]
    fn old_gates_go_but_never_those_that_tell_which_version_is_good() {
        use Verdict::{Hold, Promote, Rollback};
        let gates = [
            ("1", Promote),
            ("2", Hold),
            ("3", Rollback),
            ("bad", Promote),
            ("bad", Rollback),
            ("4", Hold),
        ];
        let mut history = history(&gates);
        assert_eq!(forgettable(&history, 2), [] as [i64; 0], "not old enough");
        assert_eq!(forgettable(&history, 3), [2, 3]);
        history[1].owes = true;
        history[2].done = false;
        assert_eq!(forgettable(&history, 3), [] as [i64; 0]);
    }

    #[test]
    fn changes_of_the_database_stand_until_they_are_changed_back() {
        let of = |version: &str, is_promoted, to: &str, is_back| Migration {
            version: version.to_owned(),
            is_promoted,
            to: to.to_owned(),
            is_back,
        };
        let history = [
            of("1", true, "V1", false),
            of("2", false, "V2", false),
            of("3", false, "V3", true),
            of("4", false, "", false),
        ];
        assert_eq!(migrated_since(&history, "1"), ["V2"]);
        assert_eq!(migrated_since(&history, "unknown"), ["V1", "V2"]);
        assert!(migrated_since(&[], "1").is_empty());
    }
}
