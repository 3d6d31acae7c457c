//! The book of incidents: what fires becomes incidents, and incidents become messages.
//!
//! It is given levels and decides what is new, what belongs together, what is quiet (silenced, in
//! maintenance, explained by what it depends on) and what is to be told now. Pure: it is given the time, and
//! knows nothing of stores and channels. Invariant: whatever the order of levels, ticks and restarts, no
//! trouble that may be told stays untold, and none is told twice.

use super::alert::Level;
use super::duty::Duty;
use super::incident::{Acknowledgment, Incident, Occasion, Telling};
use super::silence::Silence;
use std::collections::{BTreeMap, BTreeSet};

/// How long trouble waits for what it depends on to be measured.
const HELD_MAX_MS: i64 = 120_000;
/// Hops from a subject to what explains it.
const DEPTH_MAX: usize = 8;

/// What is known of a subject.
#[derive(Debug)]
struct Known {
    level: Level,
    /// When its last trouble ended.
    well_ms: Option<i64>,
}

/// All incidents that are open, and what they follow from.
#[derive(Debug, Default)]
pub struct Book {
    open: BTreeMap<i64, Incident>,
    /// The incident of each subject that is in one.
    member_of: BTreeMap<String, i64>,
    known: BTreeMap<String, Known>,
    silences: Vec<Silence>,
    next_id: i64,
    duty: Duty,
    changed: BTreeSet<i64>,
    ended: Vec<Incident>,
    /// When the first look was: until a while later not all is known that was known before a restart.
    began_ms: Option<i64>,
}

impl Book {
    /// A book of incidents that were open, and silences in force; numbers go on from `next_id`.
    pub fn new(open: Vec<Incident>, silences: Vec<Silence>, next_id: i64) -> Book {
        let mut book = Book {
            silences,
            next_id,
            ..Book::default()
        };
        for incident in open {
            for (subject, _) in incident.firing() {
                book.member_of.insert(subject.clone(), incident.id);
            }
            book.next_id = book.next_id.max(incident.id + 1);
            book.open.insert(incident.id, incident);
        }
        book
    }

    /// What is so of a subject now, as it was measured at that time.
    pub fn put(&mut self, level: Level, now_ms: i64) {
        let before = self.known.get(&level.subject);
        let was_in_trouble = before.is_some_and(|known| known.level.condition.is_some());
        let well_ms = match was_in_trouble && level.condition.is_none() {
            true => Some(now_ms),
            false => before.and_then(|known| known.well_ms),
        };
        match self.member_of.get(&level.subject).copied() {
            Some(id) => {
                let incident = self.open.get_mut(&id);
                // It is told to others now, or as a part of something else.
                let moves = level.condition.is_some()
                    && incident.as_ref().is_some_and(|incident| {
                        incident.route != level.route || incident.group != level.group
                    });
                if let Some(incident) = incident {
                    let changed = match moves {
                        true => incident.end_of(&level.subject, true, now_ms),
                        false => incident.take(&level, now_ms),
                    };
                    if changed {
                        self.changed.insert(id);
                    }
                }
                if level.condition.is_none() || moves {
                    self.member_of.remove(&level.subject);
                }
                if moves {
                    self.join(&level, now_ms);
                }
            }
            None if level.condition.is_some() => self.join(&level, now_ms),
            None => {}
        }
        let known = Known { level, well_ms };
        self.known.insert(known.level.subject.clone(), known);
    }

    fn join(&mut self, level: &Level, now_ms: i64) {
        let same = |incident: &&mut Incident| {
            incident.group == level.group && incident.route == level.route
        };
        let id = match self.open.values_mut().find(same) {
            Some(incident) => {
                incident.take(level, now_ms);
                incident.id
            }
            None => {
                let id = self.next_id;
                self.next_id += 1;
                let mut incident = Incident::open(id, level, now_ms);
                incident.take(level, now_ms);
                self.open.insert(id, incident);
                id
            }
        };
        self.member_of.insert(level.subject.clone(), id);
        self.changed.insert(id);
    }

    /// Of those whose names begin with `kind`, only these are watched any more.
    pub fn only(&mut self, kind: &str, subjects: &BTreeSet<String>, now_ms: i64) {
        let is_gone = |subject: &String| subject.starts_with(kind) && !subjects.contains(subject);
        self.known.retain(|subject, _| !is_gone(subject));
        let gone: Vec<String> = self
            .member_of
            .keys()
            .filter(|at| is_gone(at))
            .cloned()
            .collect();
        for subject in gone {
            if let Some(id) = self.member_of.remove(&subject)
                && let Some(incident) = self.open.get_mut(&id)
                && incident.end_of(&subject, true, now_ms)
            {
                self.changed.insert(id);
            }
        }
    }

    /// Somebody has an incident. Nothing if there is none that is open, or somebody has it already.
    pub fn acknowledge(&mut self, id: i64, by: Acknowledgment) -> Option<Telling> {
        let incident = self.open.get_mut(&id)?;
        if incident.acknowledged.is_some() {
            return None;
        }
        let (now_ms, told) = (by.at_ms, incident.told.clone());
        incident.note(now_ms, format!("acknowledged by {}", by.by));
        incident.acknowledged = Some(by);
        self.changed.insert(id);
        let is_told = incident.first_told_ms.is_some();
        is_told.then(|| incident.telling(Occasion::Acknowledged, told, now_ms))
    }

    /// Silences that are in force, or will be, from now on.
    pub fn set_silences(&mut self, silences: Vec<Silence>) {
        self.silences = silences;
    }

    /// Who is on duty from now on, and what may wait.
    pub fn set_duty(&mut self, duty: Duty) {
        self.duty = duty;
    }

    /// What is to be told now.
    pub fn tick(&mut self, now_ms: i64) -> Vec<Telling> {
        let mut tellings = Vec::new();
        self.began_ms.get_or_insert(now_ms);
        let ids: Vec<i64> = self.open.keys().copied().collect();
        for id in ids {
            self.quieten(id, now_ms);
            let Some(incident) = self.open.get_mut(&id) else {
                continue;
            };
            let told = incident.tick(&self.duty, now_ms);
            if !told.is_empty() {
                self.changed.insert(id);
            }
            tellings.extend(told);
            if incident.ended_ms.is_some()
                && let Some(incident) = self.open.remove(&id)
            {
                self.changed.remove(&id);
                self.ended.push(incident);
            }
        }
        tellings
    }

    /// Notes of each member in trouble whether it may be told.
    fn quieten(&mut self, id: i64, now_ms: i64) {
        let Some(incident) = self.open.get(&id) else {
            return;
        };
        let quiet: Vec<(String, Option<String>)> = incident
            .firing()
            .map(|(subject, member)| {
                let since_ms = member.condition.as_ref().map_or(now_ms, |it| it.since_ms);
                let severity = member.condition.as_ref().map(|it| it.severity);
                if severity.is_some_and(|severity| self.duty.is_quiet(severity)) {
                    return (subject.clone(), Some("quiet hours".to_owned()));
                }
                let quiet = match self.known.contains_key(subject) || !self.is_young(now_ms) {
                    true => self.quiet(subject, &member.labels, since_ms, now_ms),
                    // Nobody has said yet what is so of it since a restart.
                    false => member.quiet.clone(),
                };
                (subject.clone(), quiet)
            })
            .collect();
        if let Some(incident) = self.open.get_mut(&id) {
            for (subject, quiet) in quiet {
                if let Some(member) = incident.members.get_mut(&subject)
                    && member.quiet != quiet
                {
                    member.quiet = quiet;
                    self.changed.insert(id);
                }
            }
        }
    }

    /// Whether it began so short a time ago that not all is known yet.
    fn is_young(&self, now_ms: i64) -> bool {
        let began_ms = self.began_ms.unwrap_or(now_ms);
        (0..HELD_MAX_MS).contains(&(now_ms - began_ms))
    }

    /// Why nothing is told of a subject now.
    fn quiet(
        &self,
        subject: &str,
        labels: &BTreeMap<String, String>,
        since_ms: i64,
        now_ms: i64,
    ) -> Option<String> {
        let known = self.known.get(subject);
        if known.is_some_and(|known| known.level.is_in_maintenance) {
            return Some("in maintenance".to_owned());
        }
        let mut silences = self.silences.iter();
        if let Some(silence) = silences.find(|silence| silence.covers(labels, now_ms)) {
            return Some(format!("silenced by {} ({})", silence.author, silence.id));
        }
        let known = known?;
        for on in &known.level.depends_on {
            if let Some(cause) = self.cause(on, DEPTH_MAX) {
                return Some(format!("explained by {cause}"));
            }
            let Some(it) = self.known.get(on) else {
                if self.is_young(now_ms) {
                    return Some(format!("waits for {on} to be measured"));
                }
                continue;
            };
            // Who is measured rarely cannot be waited for.
            let may_wait = now_ms < since_ms + HELD_MAX_MS;
            if may_wait && (it.level.is_suspect || it.level.seen_ms.unwrap_or(0) < since_ms) {
                return Some(format!("waits for {on} to be measured"));
            }
            let back_ms = it.well_ms.unwrap_or(i64::MIN);
            if known.level.seen_ms.unwrap_or(0) < back_ms && now_ms < back_ms + HELD_MAX_MS {
                return Some(format!("to be measured again, now that {on} is well"));
            }
        }
        None
    }

    /// What is in trouble among a subject and all that it depends on.
    fn cause(&self, subject: &str, depth: usize) -> Option<String> {
        let known = self.known.get(subject)?;
        let deeper = |on: &String| self.cause(on, depth - 1);
        if depth > 0
            && let Some(root) = known.level.depends_on.iter().find_map(deeper)
        {
            return Some(root);
        }
        let is_cause = known.level.explains && known.level.condition.is_some();
        is_cause.then(|| subject.to_owned())
    }

    /// When something is to be told if nothing else happens; soon while anything is held back.
    pub fn next_ms(&self, now_ms: i64) -> Option<i64> {
        let mut next: Option<i64> = None;
        let mut at = |ms: i64| next = Some(next.map_or(ms, |next| next.min(ms)));
        for incident in self.open.values() {
            let quiet = incident
                .firing()
                .filter(|(_, member)| member.quiet.is_some());
            if quiet.count() > 0 {
                at(now_ms + 1_000);
            }
            if incident.audible().next().is_some() || incident.firing().next().is_none() {
                at(incident.next_ms());
            }
        }
        next
    }

    /// Incidents that changed since this was asked last, those that ended among them.
    pub fn take_changed(&mut self) -> Vec<Incident> {
        let changed = std::mem::take(&mut self.changed);
        let mut all: Vec<Incident> = changed
            .iter()
            .filter_map(|id| self.open.get(id).cloned())
            .collect();
        all.append(&mut self.ended);
        all
    }

    /// Incidents that are open.
    pub fn open(&self) -> impl Iterator<Item = &Incident> {
        self.open.values()
    }

    /// Silences that are in force or to come.
    pub fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// Subjects that are quiet because of this one.
    pub fn explained_by(&self, subject: &str) -> Vec<&str> {
        let quiet = format!("explained by {subject}");
        self.open
            .values()
            .flat_map(Incident::firing)
            .filter(|(_, member)| member.quiet.as_deref() == Some(quiet.as_str()))
            .map(|(subject, _)| subject.as_str())
            .collect()
    }
}
