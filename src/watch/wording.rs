//! How an incident is told: one text for one reader, whatever the channel.
//!
//! Pure. A message says what, since when, how long, when all was well last, what has changed and where to
//! read more; where many are in trouble, how many and what they have in common.

use super::incident::{Member, Occasion, Telling};
use crate::duration::show;
use crate::record::message::{IncidentReference, Message, Tone};
use std::collections::BTreeMap;
use std::time::Duration;

/// Members that are named one by one.
const NAMED_MAX: usize = 10;

/// What people see of a moment.
pub fn moment(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(String::new, |time| {
        time.format("%Y-%m-%d %H:%M:%S UTC").to_string()
    })
}

/// How long, to the second.
fn length(ms: i64) -> String {
    show(Duration::from_secs((ms.max(0) / 1000) as u64))
}

/// The name of a subject without its kind.
fn name(subject: &str) -> &str {
    subject.split_once('/').map_or(subject, |(_, name)| name)
}

/// What many of its kind are called.
fn plural(subject: &str) -> &str {
    match subject.split_once('/').map(|(kind, _)| kind) {
        Some("probe") => "probes",
        Some("heartbeat") => "heartbeats",
        Some("slo") => "objectives",
        Some("channel") => "channels",
        _ => "alerts",
    }
}

/// What is said of one or many with this word.
fn predicate(word: &str, many: bool) -> String {
    let said = match (word, many) {
        ("unknown", _) => "cannot be measured",
        ("missing", _) => "did not report",
        ("failed", _) => "failed",
        ("undelivered", _) => "cannot be delivered to",
        ("lacking", _) => "ran out",
        ("unreported", _) => "cannot be reported to",
        ("unfound", _) => "cannot find its targets",
        ("crowded", _) => "has more targets than it measures",
        ("burning", false) => "burns its error budget",
        ("burning", true) => "burn their error budgets",
        ("exhausted", false) => "has used up its error budget",
        ("exhausted", true) => "have used up their error budgets",
        ("unmeasured", false) => "is not measured",
        ("unmeasured", true) => "are not measured",
        (other, false) => return format!("is {other}"),
        (other, true) => return format!("are {other}"),
    };
    said.to_owned()
}

/// The members that a message is about: those that people may be told of, or at the end all they were.
fn members(telling: &Telling) -> Vec<(&String, &Member)> {
    let incident = &telling.incident;
    match telling.occasion {
        Occasion::Resolved => {
            let members = incident.members.iter();
            members
                .filter(|(_, member)| member.is_told || member.was_told)
                .collect()
        }
        _ => incident.audible().collect(),
    }
}

/// What most of them have in common: the word, and the reason if most share it.
fn common<'a>(members: &[(&'a String, &'a Member)]) -> (&'a str, Option<(&'a str, usize)>) {
    let mut words: BTreeMap<&str, usize> = BTreeMap::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, member) in members {
        let condition = member.condition.as_ref().unwrap_or(&member.worst);
        *words.entry(&condition.word).or_default() += 1;
        *reasons.entry(&condition.reason).or_default() += 1;
    }
    let most = |all: BTreeMap<&'a str, usize>| all.into_iter().max_by_key(|(_, count)| *count);
    let word = most(words).map_or("down", |(word, _)| word);
    (
        word,
        most(reasons).filter(|(reason, count)| *count > 1 && !reason.is_empty()),
    )
}

fn subject(telling: &Telling, members: &[(&String, &Member)]) -> String {
    let incident = &telling.incident;
    let (word, _) = common(members);
    let text = match members {
        [(subject, member)] if telling.occasion == Occasion::Resolved => match member.is_gone {
            true => format!("{} is no longer watched", name(subject)),
            false if member.worst.word == "down" => format!("{} is up again", name(subject)),
            false => format!("{} is well again", name(subject)),
        },
        [(subject, _)] => format!("{} {}", name(subject), predicate(word, false)),
        [] => format!("{} is in trouble", incident.group),
        [(subject, _), ..] if telling.occasion == Occasion::Resolved => {
            format!(
                "{} {} of {} are well again",
                members.len(),
                plural(subject),
                incident.group
            )
        }
        [(subject, _), ..] => format!(
            "{} {} of {} {}",
            members.len(),
            plural(subject),
            incident.group,
            predicate(word, true)
        ),
    };
    let severe = incident.told_severity >= super::alert::Severity::Error;
    match telling.occasion {
        Occasion::Resolved => format!("✅ {text}"),
        Occasion::Acknowledged => format!("👀 Acknowledged: {text}"),
        Occasion::Reminder => format!("🔁 Still: {text}"),
        Occasion::Escalated => format!("🚨 Not acknowledged: {text}"),
        _ if severe => format!("🚨 {text}"),
        _ => format!("⚠️ {text}"),
    }
}

fn line(member: &(&String, &Member), occasion: Occasion, now_ms: i64) -> String {
    let (subject, member) = member;
    let name = name(subject);
    match (occasion, &member.condition) {
        (Occasion::Resolved, _) | (_, None) => {
            let ended = member.ended_ms.unwrap_or(now_ms);
            let since = member.worst.since_ms;
            format!(
                "{name} was {} from {} to {} ({}).",
                member.worst.word,
                moment(since),
                moment(ended),
                length(ended - since)
            )
        }
        (_, Some(condition)) => {
            let reason = match condition.reason.as_str() {
                "" => String::new(),
                reason => format!(": {reason}"),
            };
            format!(
                "{name} {} since {}{reason}",
                predicate(&condition.word, false),
                moment(condition.since_ms)
            )
        }
    }
}

fn lines(telling: &Telling, members: &[(&String, &Member)], explained: &[&str]) -> Vec<String> {
    let (incident, occasion) = (&telling.incident, telling.occasion);
    let mut lines = Vec::new();
    if let Some(ack) = &incident.acknowledged
        && occasion != Occasion::Resolved
    {
        let comment = match ack.comment.as_str() {
            "" => String::new(),
            comment => format!(": {comment}"),
        };
        lines.push(format!("{} has it{comment}", ack.by));
    }
    if members.len() > 1
        && let (_, Some((reason, count))) = common(members)
        && occasion != Occasion::Resolved
    {
        lines.push(match count == members.len() {
            true => format!("All for the same reason: {reason}"),
            false => format!("{count} of them for the same reason: {reason}"),
        });
    }
    let now_ms = incident.last_told_ms;
    let named = members.iter().take(NAMED_MAX);
    lines.extend(named.map(|member| line(member, occasion, now_ms)));
    if members.len() > NAMED_MAX {
        lines.push(format!("… and {} more", members.len() - NAMED_MAX));
    }
    if !explained.is_empty() {
        let mut names: Vec<&str> = explained
            .iter()
            .take(5)
            .map(|subject| name(subject))
            .collect();
        if explained.len() > names.len() {
            names.push("…");
        }
        lines.push(format!(
            "It explains {} more, of which nobody is told: {}",
            explained.len(),
            names.join(", ")
        ));
    }
    lines
}

/// A label that all members share.
fn shared(members: &[(&String, &Member)], label: &str) -> Option<String> {
    let (_, first) = members.first()?;
    let value = first.labels.get(label)?;
    let same = |(_, member): &(&String, &Member)| member.labels.get(label) == Some(value);
    members.iter().all(same).then(|| value.clone())
}

fn facts(
    telling: &Telling,
    members: &[(&String, &Member)],
    changed: Option<String>,
) -> Vec<(String, String)> {
    let incident = &telling.incident;
    let mut facts = vec![("Incident".to_owned(), incident.id.to_string())];
    for (title, label) in [
        ("Environment", "environment"),
        ("Service", "service"),
        ("Group", "group"),
    ] {
        if let Some(value) = shared(members, label) {
            facts.push((title.to_owned(), value));
        }
    }
    facts.push((
        "Severity".to_owned(),
        incident.told_severity.word().to_owned(),
    ));
    // The trouble of the first of them, not the time at which somebody was told.
    let began = members.iter().map(|(_, member)| member.worst.since_ms);
    let began = began.min().unwrap_or(incident.opened_ms);
    facts.push(("Since".to_owned(), moment(began)));
    let end = incident.ended_ms.unwrap_or(incident.last_told_ms);
    if end - began >= 1_000 {
        facts.push(("Lasted".to_owned(), length(end - began)));
    }
    if let [(_, member)] = members
        && let Some(good) = member.good_ms
    {
        facts.push(("Last good".to_owned(), moment(good)));
    }
    if let Some(changed) = changed {
        facts.push(("Newest deploy".to_owned(), changed));
    }
    let mut known: Vec<(String, String)> = Vec::new();
    for fact in members.iter().flat_map(|(_, member)| &member.facts) {
        if !known.contains(fact) && known.len() < NAMED_MAX {
            known.push(fact.clone());
        }
    }
    facts.extend(known);
    facts
}

/// What is told. `explained` are the subjects that are quiet because of this incident, `changed` is the newest
/// deploy of what is in trouble, `pages` how the addresses of incidents begin, `instance` what no other
/// installation is called.
pub fn message(
    telling: &Telling,
    explained: &[&str],
    changed: Option<String>,
    pages: &str,
    instance: &str,
) -> Message {
    let members = members(telling);
    let incident = &telling.incident;
    let tone = match telling.occasion {
        Occasion::Resolved => Tone::Good,
        _ if incident.told_severity >= super::alert::Severity::Error => Tone::Bad,
        _ => Tone::Warning,
    };
    Message {
        subject: subject(telling, &members),
        tone,
        lines: lines(telling, &members, explained),
        facts: facts(telling, &members, changed),
        link: Some(format!("{pages}{}", incident.id)),
        at_ms: match telling.occasion {
            Occasion::Resolved => incident.ended_ms.unwrap_or(incident.last_told_ms),
            _ => incident.last_told_ms,
        },
        gate: None,
        incident: Some(IncidentReference {
            key: format!("bellwether-{instance}-{}", incident.id),
            event: telling.occasion.word().to_owned(),
            severity: incident.told_severity.word().to_owned(),
            group: incident.group.clone(),
            opened_ms: incident.opened_ms,
            ended_ms: incident.ended_ms,
            count: members.len() as u64,
        }),
    }
}
