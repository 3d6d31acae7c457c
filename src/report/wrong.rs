//! Whether anything is wrong now, and what is first: the question of the home page. Pure.
//!
//! Does not know where what it is given comes from, nor how it is drawn. Invariants: a rollback that is not
//! proven outweighs everything else; "nothing is wrong" is only said of what was looked at.

use super::view::Glimpse;
use crate::figures::{percent, plural};
use crate::net::form::encoded;
use crate::record::gate::Record;
use crate::record::state::{Position, Verdict};
use crate::severity::Severity;
use crate::watch::budget::Standing;
use crate::watch::incident::{Incident, Member};
use std::collections::BTreeMap;

/// How something is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// It is as it should be.
    Good,
    /// Nobody looks, and nobody has to.
    Calm,
    /// It cannot be told, or is on its way.
    Doubt,
    /// It is wrong.
    Bad,
}

impl Tone {
    /// Its word, as style sheets know it.
    pub fn word(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Calm => "calm",
            Tone::Doubt => "doubt",
            Tone::Bad => "bad",
        }
    }
}

/// How urgent something is, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A rollback whose success is not proven: nobody knows what is served.
    Unproven,
    /// A verdict that was not carried out, or waits for somebody.
    Undone,
    /// What somebody must act on now.
    Down,
    /// An error budget that burns.
    Burning,
    /// It cannot be told.
    Unknown,
    /// It works, but not as it should.
    Degraded,
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq)]
pub struct Wrong {
    /// How urgent it is.
    pub rank: Rank,
    /// How bad it is said to be.
    pub severity: Option<Severity>,
    /// What it is.
    pub subject: String,
    /// Its page.
    pub link: String,
    /// What is wrong, in a word or three.
    pub word: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Why, in a sentence.
    pub why: String,
    /// Who was told.
    pub told: Option<String>,
}

impl Wrong {
    /// How it is to be seen.
    pub fn tone(&self) -> Tone {
        match self.rank {
            Rank::Unproven | Rank::Undone | Rank::Down | Rank::Burning => Tone::Bad,
            Rank::Unknown | Rank::Degraded => Tone::Doubt,
        }
    }
}

/// What is wrong with the newest gate of a name, if anything.
pub fn of_gate(record: &Record) -> Option<Wrong> {
    let state = &record.state;
    let unproven = state.proof.as_ref().filter(|proof| !proof.proven);
    let reason = || state.reasons.first().cloned().unwrap_or_default();
    let (rank, word, why) = if let Some(proof) = unproven {
        let why = proof.reasons.first().cloned().unwrap_or_default();
        (Rank::Unproven, "rollback not proven", why)
    } else if let Some(why) = &state.undone {
        (Rank::Undone, "not carried out", why.clone())
    } else if state.position == Position::Consenting {
        (Rank::Undone, "waits for consent", reason())
    } else if state.verdict == Some(Verdict::Rollback) && state.dry_run && state.is_done() {
        (Rank::Undone, "would be rolled back", reason())
    } else if state.verdict == Some(Verdict::Hold) && state.is_done() {
        (Rank::Unknown, "held", reason())
    } else {
        return None;
    };
    Some(Wrong {
        rank,
        severity: None,
        subject: format!("{} {} of {}", record.gate, record.id, record.environment),
        link: format!("/gates/{}", record.id),
        word: word.to_owned(),
        since_ms: state.verdict_ms.or(Some(state.started_ms)),
        why,
        told: None,
    })
}

/// A gate that cannot be understood and is not done, or is the newest of its name: number, name, and why.
pub fn of_unreadable((id, gate, why): &(i64, String, String)) -> Wrong {
    Wrong {
        rank: Rank::Undone,
        severity: None,
        subject: format!("{gate} {id}"),
        link: format!("/gates/{id}"),
        word: "cannot be read".to_owned(),
        since_ms: None,
        why: why.clone(),
        told: None,
    }
}

/// What is wrong with a probe, if anything; of what is told, by subject.
pub fn of_probe(probe: &Glimpse, told: &BTreeMap<&str, (&Incident, &Member)>) -> Option<Wrong> {
    let rank = match probe.standing {
        "down" => Rank::Down,
        "flapping" | "unknown" => Rank::Unknown,
        "degraded" => Rank::Degraded,
        _ => return None,
    };
    let known = told.get(format!("probe/{}", probe.name).as_str());
    let condition = known.and_then(|(_, member)| member.condition.as_ref());
    Some(Wrong {
        rank,
        severity: condition.map(|condition| condition.severity),
        subject: probe.name.to_string(),
        link: page_of("probes", &probe.name),
        word: probe.standing.to_owned(),
        since_ms: (probe.since_ms > 0).then_some(probe.since_ms),
        why: probe.reason.to_string(),
        told: known.map(|(incident, member)| who(incident, member)),
    })
}

/// What is wrong with something else than a probe.
pub fn of_member(incident: &Incident, subject: &str, member: &Member) -> Option<Wrong> {
    let condition = member.condition.as_ref()?;
    Some(Wrong {
        rank: match condition.severity {
            Severity::Critical | Severity::Error => Rank::Down,
            Severity::Warning | Severity::Info => Rank::Degraded,
        },
        severity: Some(condition.severity),
        subject: subject.replacen('/', " ", 1),
        link: format!("/incidents/{}", incident.id),
        word: condition.word.clone(),
        since_ms: Some(condition.since_ms),
        why: condition.reason.clone(),
        told: Some(who(incident, member)),
    })
}

/// What is wrong with an error budget.
pub fn of_budget(name: &str, standing: &Standing) -> Option<Wrong> {
    let left = standing.remaining.unwrap_or(1.0);
    let spent = standing.counts.all() > 0 && left <= 0.0;
    let (rank, word, why) = match standing.burning {
        Some((pair, rate)) => (
            Rank::Burning,
            "burning",
            format!(
                "{rate:.1} times as fast as it lasts, and {} is too fast; {} left",
                pair.factor,
                percent(left.max(0.0))
            ),
        ),
        None if spent => (
            Rank::Degraded,
            "budget spent",
            format!("{} of the error budget is overdrawn", percent(-left)),
        ),
        None => return None,
    };
    Some(Wrong {
        rank,
        severity: None,
        subject: format!("slo {name}"),
        link: "/slos".to_owned(),
        word: word.to_owned(),
        since_ms: None,
        why,
        told: None,
    })
}

/// Who was told of something.
pub fn who(incident: &Incident, member: &Member) -> String {
    match (&incident.acknowledged, &member.quiet) {
        (Some(ack), _) => format!("{} has it", ack.by),
        (None, Some(quiet)) => quiet.clone(),
        (None, None) if incident.told.is_empty() => "nobody was told".to_owned(),
        (None, None) => format!("told {}", incident.told.join(", ")),
    }
}

/// The page of something by its name.
pub fn page_of(kind: &str, name: &str) -> String {
    format!("/{kind}/{}", encoded(name))
}

/// The most urgent first; of equals, what began last.
pub fn order(all: &mut [Wrong]) {
    all.sort_by(|one, other| {
        let severity = other.severity.cmp(&one.severity);
        let newest = other.since_ms.cmp(&one.since_ms);
        one.rank.cmp(&other.rank).then(severity).then(newest)
    });
}

/// The answer to "is anything wrong now?", in a sentence or some.
pub fn headline(all: &[Wrong], probes: &[Glimpse], gates: usize) -> (Tone, String) {
    let tone = all.iter().map(Wrong::tone).max();
    let Some(tone) = tone else {
        return calm(probes, gates);
    };
    let count = |rank: Rank| all.iter().filter(|wrong| wrong.rank == rank).count();
    let word = |word: &str| all.iter().filter(|wrong| wrong.word == word).count() as u64;
    let mut parts = Vec::new();
    match count(Rank::Unproven) {
        0 => {}
        1 => parts.push("A rollback is not proven".to_owned()),
        many => parts.push(format!("{many} rollbacks are not proven")),
    }
    match count(Rank::Undone) {
        0 => {}
        1 => parts.push("A verdict is not carried out".to_owned()),
        many => parts.push(format!("{many} verdicts are not carried out")),
    }
    let of_probes =
        |word: &str| probes.iter().filter(|probe| probe.standing == word).count() as u64;
    for state in ["down", "flapping", "unknown", "degraded"] {
        let count = of_probes(state);
        if count > 0 {
            let verb = if count == 1 { "is" } else { "are" };
            parts.push(format!("{} {verb} {state}", plural(count, "probe")));
        }
    }
    let burning = word("burning");
    if burning > 0 {
        let verb = if burning == 1 { "burns" } else { "burn" };
        parts.push(format!("{} {verb}", plural(burning, "error budget")));
    }
    if parts.is_empty() {
        let first = &all[0];
        parts.push(format!("{}: {}", first.subject, first.word));
        if all.len() > 1 {
            parts.push(format!("{} more", all.len() - 1));
        }
    }
    (tone, format!("{}.", parts.join(". ")))
}

fn calm(probes: &[Glimpse], gates: usize) -> (Tone, String) {
    let up = probes.iter().filter(|probe| probe.standing == "up").count() as u64;
    let other = probes.len() as u64 - up;
    match (up, other, gates) {
        (0, 0, 0) => (Tone::Calm, "Nothing is watched yet.".to_owned()),
        (0, 0, _) => (
            Tone::Good,
            "Nothing is wrong with the newest gates; no probe is configured.".to_owned(),
        ),
        (0, other, _) => {
            let text = format!(
                "Nothing is measured now: {} paused, idle or in maintenance.",
                plural(other, "probe")
            );
            (Tone::Calm, text)
        }
        (1, 0, _) => (
            Tone::Good,
            "Nothing is wrong: the only probe is up.".to_owned(),
        ),
        (up, 0, _) => (
            Tone::Good,
            format!("Nothing is wrong: all {up} probes are up."),
        ),
        (up, other, _) => (
            Tone::Good,
            format!(
                "Nothing is wrong: {} up, {other} paused, idle or in maintenance.",
                plural(up, "probe")
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(name: &str, standing: &'static str) -> Glimpse {
        Glimpse {
            name: name.into(),
            environment: "production".to_owned(),
            group: None,
            standing,
            since_ms: 1_000,
            reason: "503 from the gateway".into(),
        }
    }

    fn wrong(rank: Rank, since_ms: i64) -> Wrong {
        Wrong {
            rank,
            severity: None,
            subject: "checkout 7 of production".to_owned(),
            link: "/gates/7".to_owned(),
            word: "rollback not proven".to_owned(),
            since_ms: Some(since_ms),
            why: String::new(),
            told: None,
        }
    }

    #[test]
    fn the_headline_says_the_worst_first_and_nothing_that_was_not_seen() {
        let none = BTreeMap::new();
        let said = |probes: &[Glimpse], more: &[Wrong]| {
            let mut all: Vec<Wrong> = probes
                .iter()
                .filter_map(|probe| of_probe(probe, &none))
                .collect();
            all.extend(more.iter().cloned());
            order(&mut all);
            let (tone, text) = headline(&all, probes, 0);
            format!("{}: {text}", tone.word())
        };
        assert_eq!(said(&[], &[]), "calm: Nothing is watched yet.");
        assert_eq!(
            said(&[probe("a", "paused")], &[]),
            "calm: Nothing is measured now: 1 probe paused, idle or in maintenance."
        );
        assert_eq!(
            said(&[probe("a", "up"), probe("b", "up")], &[]),
            "good: Nothing is wrong: all 2 probes are up."
        );
        let some = [
            probe("a", "up"),
            probe("b", "down"),
            probe("c", "unknown"),
            probe("d", "unknown"),
        ];
        assert_eq!(
            said(&some, &[]),
            "bad: 1 probe is down. 2 probes are unknown."
        );
        assert_eq!(
            said(&some, &[wrong(Rank::Unproven, 5)]),
            "bad: A rollback is not proven. 1 probe is down. 2 probes are unknown."
        );
        assert_eq!(
            said(&[probe("a", "degraded")], &[]),
            "doubt: 1 probe is degraded."
        );
    }

    #[test]
    fn what_is_unproven_comes_before_all_else_and_of_equals_what_is_new() {
        let mut all = [
            wrong(Rank::Down, 9),
            wrong(Rank::Degraded, 99),
            wrong(Rank::Unproven, 1),
            wrong(Rank::Unproven, 4),
        ];
        order(&mut all);
        let order: Vec<(Rank, Option<i64>)> = all
            .iter()
            .map(|wrong| (wrong.rank, wrong.since_ms))
            .collect();
        assert_eq!(
            order,
            [
                (Rank::Unproven, Some(4)),
                (Rank::Unproven, Some(1)),
                (Rank::Down, Some(9)),
                (Rank::Degraded, Some(99))
            ]
        );
    }

    #[test]
    fn names_are_safe_in_addresses() {
        assert_eq!(page_of("probes", "a/b <ü>"), "/probes/a%2Fb%20%3C%C3%BC%3E");
    }
}
