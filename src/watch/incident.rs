//! One trouble, from its first firing to its end: who is in it, who was told what, and when next.
//!
//! Pure: what is quiet is looked up by the [book](super::book). Invariant: one first message, one end, and
//! the end only for those who got a first message.

use super::alert::{Condition, Escalation, Level, Route, Severity};
use super::duty::Duty;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Time after the first message in which more of the same is collected.
const FIRST_NEWS_MS: i64 = 30_000;
/// Lines kept of what happened.
const LOG_MAX: usize = 100;

/// A subject in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What is wrong now; nothing once it has ended.
    pub condition: Option<Condition>,
    /// The worst that was wrong.
    pub worst: Condition,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Whether it ended because nobody watches it any more.
    #[serde(default)]
    pub is_gone: bool,
    /// Why nothing is told of it now.
    #[serde(default)]
    pub quiet: Option<String>,
    /// Whether people were told of it, since it is in trouble.
    pub is_told: bool,
    /// Whether people were told of it before: it was well meanwhile.
    #[serde(default)]
    pub was_told: bool,
    /// As what it was told.
    #[serde(default)]
    pub told_severity: Severity,
    /// When all was well last, before.
    pub good_ms: Option<i64>,
    /// Where to read more.
    #[serde(default)]
    pub facts: Vec<(String, String)>,
    /// Its page.
    #[serde(default)]
    pub link: Option<String>,
}

/// Who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgment {
    /// Who.
    pub by: String,
    /// When.
    pub at_ms: i64,
    /// What they said.
    pub comment: String,
}

/// Why somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Occasion {
    /// It began.
    Firing,
    /// More is in trouble, or it is worse.
    News,
    /// It lasts.
    Reminder,
    /// Nobody has acknowledged it.
    Escalated,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

impl Occasion {
    /// Its word, in keys and in what machines read.
    pub fn word(self) -> &'static str {
        match self {
            Occasion::Firing => "firing",
            Occasion::News => "news",
            Occasion::Reminder => "reminder",
            Occasion::Escalated => "escalated",
            Occasion::Acknowledged => "acknowledged",
            Occasion::Resolved => "resolved",
        }
    }

    /// Whether it says nothing any more once something later is to be said.
    pub fn is_overtaken(self) -> bool {
        matches!(self, Occasion::News | Occasion::Reminder)
    }
}

/// One trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number: part of its key at vendors, so that what it opened there is what it closes.
    pub id: i64,
    /// What its members have in common.
    pub group: String,
    /// How it is told.
    pub route: Route,
    /// When it began.
    pub opened_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Who is in it, by subject.
    pub members: BTreeMap<String, Member>,
    /// Who has it.
    pub acknowledged: Option<Acknowledgment>,
    /// Channels that were told of it.
    pub told: Vec<String>,
    /// When people were told first.
    pub first_told_ms: Option<i64>,
    /// When they were told last.
    pub last_told_ms: i64,
    /// The worst that they were told of.
    pub told_severity: Severity,
    /// Messages so far.
    pub messages: u64,
    /// Rungs of the ladder that were climbed, by their place.
    #[serde(deserialize_with = "rungs")]
    pub climbed: BTreeSet<usize>,
    /// What happened, newest last.
    #[serde(default)]
    pub log: Vec<(i64, String)>,
}

/// Rungs as they are kept: once it was only said how many.
fn rungs<'de, D: serde::Deserializer<'de>>(from: D) -> Result<BTreeSet<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        Count(usize),
        Places(BTreeSet<usize>),
    }
    Ok(match Kept::deserialize(from)? {
        Kept::Count(count) => (0..count).collect(),
        Kept::Places(places) => places,
    })
}

/// Something to be told of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The incident as it is at that moment.
    pub incident: Incident,
    /// Why.
    pub occasion: Occasion,
    /// To whom.
    pub channels: Vec<String>,
}

impl Incident {
    /// One that begins now.
    pub fn open(id: i64, level: &Level, now_ms: i64) -> Incident {
        Incident {
            id,
            group: level.group.clone(),
            route: level.route.clone(),
            opened_ms: now_ms,
            ended_ms: None,
            members: BTreeMap::new(),
            acknowledged: None,
            told: Vec::new(),
            first_told_ms: None,
            last_told_ms: 0,
            told_severity: Severity::Info,
            messages: 0,
            climbed: BTreeSet::new(),
            log: Vec::new(),
        }
    }

    /// Notes what happened, for its timeline.
    pub fn note(&mut self, now_ms: i64, what: String) {
        if self.log.len() >= LOG_MAX {
            self.log.remove(1);
        }
        self.log.push((now_ms, what));
    }

    /// Takes what is so of a subject now. Whether anything changed.
    pub fn take(&mut self, level: &Level, now_ms: i64) -> bool {
        let Some(condition) = &level.condition else {
            return self.end_of(&level.subject, level.is_unwatched, now_ms);
        };
        let Some(member) = self.members.get_mut(&level.subject) else {
            self.members.insert(
                level.subject.clone(),
                Member {
                    labels: level.labels.clone(),
                    condition: Some(condition.clone()),
                    worst: condition.clone(),
                    ended_ms: None,
                    is_gone: false,
                    quiet: None,
                    is_told: false,
                    was_told: false,
                    told_severity: Severity::Info,
                    good_ms: level.good_ms,
                    facts: level.facts.clone(),
                    link: level.link.clone(),
                },
            );
            let subject = &level.subject;
            self.note(
                now_ms,
                format!("{subject} is {}: {}", condition.word, condition.reason),
            );
            return true;
        };
        if let Some(before) = &mut member.condition
            && (before.severity, before.since_ms) == (condition.severity, condition.since_ms)
            && before.word == condition.word
            && member.labels == level.labels
        {
            // What came back this time is no change, but the newest reason is the one to tell.
            before.reason.clone_from(&condition.reason);
            return false;
        }
        let was = member.condition.as_ref().map(|before| before.word.clone());
        if member.condition.is_none() {
            // It was well meanwhile: this is news, whatever was told before.
            member.was_told |= member.is_told;
            member.is_told = false;
            member.good_ms = level.good_ms;
            member.worst = condition.clone();
        }
        member.labels.clone_from(&level.labels);
        member.condition = Some(condition.clone());
        member.ended_ms = None;
        member.is_gone = false;
        if condition.severity >= member.worst.severity {
            member.worst = condition.clone();
        }
        if was.as_ref() != Some(&condition.word) {
            let text = format!(
                "{} is {}: {}",
                level.subject, condition.word, condition.reason
            );
            self.note(now_ms, text);
        }
        true
    }

    /// A subject's part in it is over. Whether it had any.
    pub fn end_of(&mut self, subject: &str, is_gone: bool, now_ms: i64) -> bool {
        let Some(member) = self.members.get_mut(subject) else {
            return false;
        };
        if member.condition.take().is_none() {
            return false;
        }
        member.ended_ms = Some(now_ms);
        member.is_gone = is_gone;
        let how = if is_gone {
            "is no longer watched"
        } else {
            "is well again"
        };
        self.note(now_ms, format!("{subject} {how}"));
        true
    }

    /// Members that are in trouble now.
    pub fn firing(&self) -> impl Iterator<Item = (&String, &Member)> {
        self.members
            .iter()
            .filter(|(_, member)| member.condition.is_some())
    }

    /// Members in trouble of which people may be told.
    pub fn audible(&self) -> impl Iterator<Item = (&String, &Member)> {
        self.firing().filter(|(_, member)| member.quiet.is_none())
    }

    /// The worst that is wrong now, whether or not people may be told of it.
    pub fn severity(&self) -> Severity {
        worst(self.firing())
    }

    /// What is to be told now, if anything is; it counts as told.
    pub fn tick(&mut self, duty: &Duty, now_ms: i64) -> Vec<Telling> {
        let mut tellings = Vec::new();
        if self.ended_ms.is_some() {
            return tellings;
        }
        // A clock that was set back must not hold anything up.
        self.opened_ms = self.opened_ms.min(now_ms);
        self.last_told_ms = self.last_told_ms.min(now_ms);
        self.first_told_ms = self.first_told_ms.map(|told| told.min(now_ms));
        if self.firing().next().is_none() {
            self.ended_ms = Some(now_ms);
            if self.first_told_ms.is_some() {
                tellings.push(self.telling(Occasion::Resolved, self.told.clone(), now_ms));
            }
            return tellings;
        }
        if self.audible().next().is_none() {
            return tellings;
        }
        let Some(first) = self.first_told_ms else {
            if now_ms >= self.opened_ms + self.route.wait_ms {
                self.first_told_ms = Some(now_ms);
                let tell = duty.channels(&self.route.tell);
                tellings.push(self.telling(Occasion::Firing, tell, now_ms));
            }
            return tellings;
        };
        if self.acknowledged.is_none() {
            for (place, rung) in self.rungs_left() {
                if now_ms >= first + rung.after_ms {
                    let tell = duty.channels(&rung.tell);
                    self.climbed.insert(place);
                    tellings.push(self.telling(Occasion::Escalated, tell, now_ms));
                }
            }
        }
        // What was told of those who are well again says nothing of those who are not.
        let firing = self.firing().filter(|(_, member)| member.is_told);
        let told = firing.map(|(_, member)| member.told_severity).max();
        let is_worse = told.is_none_or(|told| worst(self.audible()) > told);
        let has_more = self.audible().any(|(_, member)| !member.is_told);
        let may_be_told = now_ms >= self.news_ms();
        if has_more && may_be_told || is_worse && (may_be_told || !self.route.is_digest) {
            let tell = self.concerned(duty);
            tellings.push(self.telling(Occasion::News, tell, now_ms));
        } else if self.acknowledged.is_none() && now_ms >= self.last_told_ms + self.route.repeat_ms
        {
            let tell = self.concerned(duty);
            tellings.push(self.telling(Occasion::Reminder, tell, now_ms));
        }
        tellings
    }

    /// Rungs that trouble as bad as this one has yet to climb: one that becomes worse climbs those of
    /// what it has become.
    fn rungs_left(&self) -> Vec<(usize, Escalation)> {
        let severity = worst(self.audible());
        let rungs = self.route.escalate.iter().cloned().enumerate();
        rungs
            .filter(|(place, rung)| !self.climbed.contains(place) && rung.is_for(severity))
            .collect()
    }

    /// When more of the same may be told.
    fn news_ms(&self) -> i64 {
        let pause = match self.first_told_ms == Some(self.last_told_ms) {
            true => FIRST_NEWS_MS.min(self.route.interval_ms),
            false => self.route.interval_ms,
        };
        self.last_told_ms + pause
    }

    /// When it is to be looked at again, if nothing else happens.
    pub fn next_ms(&self) -> i64 {
        let Some(first) = self.first_told_ms else {
            return self.opened_ms + self.route.wait_ms;
        };
        let mut next = i64::MAX;
        if self.acknowledged.is_none() {
            next = self.last_told_ms.saturating_add(self.route.repeat_ms);
            for (_, rung) in self.rungs_left() {
                next = next.min(first.saturating_add(rung.after_ms));
            }
        }
        if self.audible().any(|(_, member)| !member.is_told) {
            next = next.min(self.news_ms());
        }
        next
    }

    /// Who is to know how it goes on: who was told, and who is on duty now for those.
    fn concerned(&self, duty: &Duty) -> Vec<String> {
        let rungs = self.route.escalate.iter().enumerate();
        let climbed = rungs.filter(|(place, _)| self.climbed.contains(place));
        let named = climbed.flat_map(|(_, rung)| &rung.tell);
        let named: Vec<String> = self.route.tell.iter().chain(named).cloned().collect();
        let mut all = self.told.clone();
        for channel in duty.channels(&named) {
            if !all.contains(&channel) {
                all.push(channel);
            }
        }
        all
    }

    /// Notes that channels are told now, and gives what they are told.
    pub fn telling(&mut self, occasion: Occasion, channels: Vec<String>, now_ms: i64) -> Telling {
        self.messages += 1;
        self.last_told_ms = now_ms;
        self.told_severity = self.told_severity.max(worst(self.audible()));
        for channel in &channels {
            if !self.told.contains(channel) {
                self.told.push(channel.clone());
            }
        }
        for member in self.members.values_mut() {
            if let (Some(condition), None) = (&member.condition, &member.quiet) {
                member.told_severity = match member.is_told {
                    true => member.told_severity.max(condition.severity),
                    false => condition.severity,
                };
                member.is_told = true;
            }
        }
        let whom = if channels.is_empty() {
            "nobody is to be told".to_owned()
        } else {
            format!("told to {}", channels.join(", "))
        };
        self.note(now_ms, format!("{}: {whom}", occasion.word()));
        Telling {
            incident: self.clone(),
            occasion,
            channels,
        }
    }
}

/// The worst condition of members; the least of all where nothing is wrong.
fn worst<'a>(members: impl Iterator<Item = (&'a String, &'a Member)>) -> Severity {
    let conditions = members.filter_map(|(_, member)| member.condition.as_ref());
    let severities = conditions.map(|condition| condition.severity);
    severities.max().unwrap_or(Severity::Info)
}
