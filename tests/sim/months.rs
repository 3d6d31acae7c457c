//! Months of incidents, made of chance: probes that fail alone and by the dozen, flap, depend on one another,
//! are silenced, in maintenance, renamed and removed; people who acknowledge; a process that dies before and
//! after its commits; a clock that is set. The real rules of states, incidents and silences, and a world that
//! keeps what is committed and reads what is told.

use bellwether::objective::Outcome;
use bellwether::watch::alert::{Condition, Escalation, Level, Route, Severity};
use bellwether::watch::book::Book;
use bellwether::watch::duty::{Duty, Rota};
use bellwether::watch::health::{Health, ProbeState, Rules, Seen};
use bellwether::watch::incident::{Acknowledgment, Incident, Occasion, Telling};
use bellwether::watch::silence::{Matcher, Silence};
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: i64 = 60_000;
const RULES: Rules = Rules {
    failures: 2,
    within: None,
    successes: 1,
    without_pass: 5,
};
/// How long trouble may last before it must have been told: waiting for a cause, and news in their time.
const TOLD_WITHIN: i64 = 10 * MINUTE;

struct Chance(fastrand::Rng);

impl Chance {
    fn one_in(&mut self, n: u32) -> bool {
        self.0.u32(..n) == 0
    }
}

#[derive(Clone, Default)]
struct Probe {
    state: ProbeState,
    breaks: bool,
    flaps: bool,
    in_maintenance: bool,
    /// Since when it is in trouble that may be told.
    audible_ms: Option<i64>,
}

struct World {
    chance: Chance,
    now_ms: i64,
    probes: BTreeMap<String, Probe>,
    silences: Vec<Silence>,
    book: Book,
    kept: BTreeMap<i64, Incident>,
    told: Vec<(i64, Occasion, BTreeSet<String>)>,
    /// Channels that were told of an incident.
    channels: BTreeMap<i64, BTreeSet<String>>,
    violations: Vec<String>,
}

fn host(name: &str) -> usize {
    name.bytes().map(usize::from).sum::<usize>() % 3
}

fn route() -> Route {
    Route {
        tell: vec!["chat".to_owned(), "rota".to_owned()],
        escalate: vec![Escalation {
            after_ms: 15 * MINUTE,
            tell: vec!["phone".to_owned()],
            severities: Vec::new(),
        }],
        wait_ms: 500,
        interval_ms: 5 * MINUTE,
        repeat_ms: 240 * MINUTE,
        is_digest: false,
    }
}

impl World {
    fn new(seed: u64) -> World {
        let names = (0..12).map(|number| format!("p{number}"));
        let mut probes: BTreeMap<String, Probe> =
            names.map(|name| (name, Probe::default())).collect();
        probes.insert("gateway".to_owned(), Probe::default());
        World {
            chance: Chance(fastrand::Rng::with_seed(seed)),
            now_ms: 1_800_000_000_000,
            probes,
            silences: Vec::new(),
            book: Book::new(Vec::new(), Vec::new(), 1),
            kept: BTreeMap::new(),
            told: Vec::new(),
            channels: BTreeMap::new(),
            violations: Vec::new(),
        }
    }

    /// At night what is less than critical waits; the phone goes round by the week.
    fn duty(&self) -> Duty {
        let now = chrono::DateTime::from_timestamp_millis(self.now_ms).unwrap();
        let hour = self.now_ms / (60 * MINUTE) % 24;
        let rota = Rota {
            zone: chrono_tz::Europe::Berlin,
            from: "2026-01-05T09:00:00".parse().unwrap(),
            channels: ["ann", "bob", "cem"].map(str::to_owned).to_vec(),
        };
        Duty {
            quiet_below: (!(6..22).contains(&hour)).then_some(Severity::Critical),
            on_call: [("rota".to_owned(), rota.on_call(now).unwrap().clone())].into(),
        }
    }

    fn level(&self, name: &str) -> Level {
        let probe = &self.probes[name];
        let state = &probe.state;
        let word = match state.health {
            _ if state.flapping => Some(("flapping", Severity::Warning)),
            Health::Down => Some(("down", Severity::Critical)),
            Health::Unknown if state.runs_without_pass() >= 2 => {
                Some(("unknown", Severity::Warning))
            }
            _ => None,
        };
        Level {
            subject: format!("probe/{name}"),
            labels: [("probe".to_owned(), name.to_owned())].into(),
            group: format!("host-{}", host(name)),
            route: route(),
            depends_on: match name {
                "gateway" => Vec::new(),
                other if host(other) == 0 => vec!["probe/gateway".to_owned()],
                _ => Vec::new(),
            },
            condition: word.map(|(word, severity)| Condition {
                word: word.to_owned(),
                severity,
                reason: "refused".to_owned(),
                since_ms: state.since_ms,
            }),
            explains: matches!(state.health, Health::Down | Health::Unknown),
            is_suspect: state.is_suspect(),
            is_unwatched: false,
            is_in_maintenance: probe.in_maintenance,
            seen_ms: state.seen_ms,
            good_ms: state.good_ms,
            facts: Vec::new(),
            link: None,
        }
    }

    /// A minute of the world.
    fn minute(&mut self) {
        self.now_ms += MINUTE;
        if self.chance.one_in(20_000) {
            // A clock that is set: what waits by it must not wait for ever.
            self.now_ms += if self.chance.one_in(2) {
                10 * MINUTE
            } else {
                -10 * MINUTE
            };
        }
        self.people();
        let outage = self.chance.one_in(3_000).then(|| self.chance.0.usize(..3));
        let names: Vec<String> = self.probes.keys().cloned().collect();
        for name in &names {
            let breaks = self.chance.one_in(4_000) || outage == Some(host(name));
            let mends = self.chance.one_in(25);
            let flaps = self.chance.one_in(20_000);
            let calms = self.chance.one_in(60);
            let enters = self.chance.one_in(8_000);
            let leaves = self.chance.one_in(90);
            let passes = self.chance.one_in(2);
            let probe = self.probes.get_mut(name).unwrap();
            probe.breaks = (probe.breaks || breaks) && !mends;
            probe.flaps = (probe.flaps || flaps) && !calms;
            probe.in_maintenance = (probe.in_maintenance || enters) && !leaves;
            let outcome = match (probe.breaks, probe.flaps && !passes) {
                (false, false) => Outcome::Pass,
                _ => Outcome::Fail,
            };
            let seen = Seen::of(outcome, false);
            probe.state = probe.state.after(seen, &RULES, self.now_ms).0;
            let level = self.level(name);
            self.book.put(level, self.now_ms);
        }
        // A tick and what follows are one commit; the process may die on either side of it.
        for pause in [0, 1_000, 20_000] {
            self.book.set_duty(self.duty());
            let tellings = self.book.tick(self.now_ms + pause);
            let changed = self.book.take_changed();
            if self.chance.one_in(5_000) {
                self.restart();
                continue;
            }
            for incident in changed {
                self.kept.insert(incident.id, incident);
            }
            for telling in tellings {
                self.tell(&telling);
            }
            if self.chance.one_in(5_000) {
                self.restart();
            }
        }
        self.look();
    }

    fn people(&mut self) {
        if self.chance.one_in(2_000) {
            let name = format!("p{}*", self.chance.0.u32(..2));
            self.silences.push(Silence {
                id: self.now_ms,
                matchers: vec![Matcher::parse(&format!("probe={name}")).unwrap()],
                from_ms: self.now_ms,
                until_ms: self.now_ms + i64::from(self.chance.0.u32(1..180)) * MINUTE,
                author: "ops".to_owned(),
                comment: String::new(),
            });
            self.book.set_silences(self.silences.clone());
        }
        if self.chance.one_in(30) {
            let open: Vec<i64> = self.book.open().map(|incident| incident.id).collect();
            if let Some(id) = open.first() {
                let by = Acknowledgment {
                    by: "ops".to_owned(),
                    at_ms: self.now_ms,
                    comment: String::new(),
                };
                if let Some(telling) = self.book.acknowledge(*id, by) {
                    self.tell(&telling);
                }
            }
        }
        if self.chance.one_in(20_000) {
            // A reload renames one, or removes it and adds another.
            let number = self.chance.0.u32(..12);
            if let Some(probe) = self.probes.remove(&format!("p{number}")) {
                let fresh = self.chance.one_in(2);
                let name = format!("p{}", number + 100);
                self.probes
                    .insert(name, if fresh { Probe::default() } else { probe });
            }
            let known = self
                .probes
                .keys()
                .map(|name| format!("probe/{name}"))
                .collect();
            self.book.only("probe/", &known, self.now_ms);
        }
    }

    fn restart(&mut self) {
        let open: Vec<Incident> = self
            .kept
            .values()
            .filter(|incident| incident.ended_ms.is_none())
            .map(|incident| {
                serde_json::from_str(&serde_json::to_string(incident).unwrap()).unwrap()
            })
            .collect();
        let next = self.kept.keys().max().map_or(1, |id| id + 1);
        self.book = Book::new(open, self.silences.clone(), next);
        let known = self
            .probes
            .keys()
            .map(|name| format!("probe/{name}"))
            .collect();
        self.book.only("probe/", &known, self.now_ms);
        for name in self.probes.keys().cloned().collect::<Vec<_>>() {
            let level = self.level(&name);
            self.book.put(level, self.now_ms);
        }
    }

    fn violation(&mut self, text: String) {
        self.violations.push(format!("{}: {text}", self.now_ms));
    }

    /// Somebody reads a message.
    fn tell(&mut self, telling: &Telling) {
        let (id, occasion) = (telling.incident.id, telling.occasion);
        let before: Vec<Occasion> = self
            .told
            .iter()
            .filter(|(told, ..)| *told == id)
            .map(|(_, occasion, _)| *occasion)
            .collect();
        let is_first = before.is_empty();
        if (occasion == Occasion::Firing) != is_first {
            self.violation(format!("{occasion:?} of {id} after {before:?}"));
        }
        if before.contains(&Occasion::Resolved) {
            self.violation(format!("{occasion:?} of {id} after its end"));
        }
        let about: BTreeSet<String> = match occasion {
            Occasion::Resolved => telling.incident.members.keys().cloned().collect(),
            _ => telling
                .incident
                .audible()
                .map(|(subject, _)| subject.clone())
                .collect(),
        };
        if occasion != Occasion::Resolved && occasion != Occasion::Acknowledged {
            for subject in &about {
                let name = subject.trim_start_matches("probe/");
                if self.silenced(name)
                    || self
                        .probes
                        .get(name)
                        .is_some_and(|probe| probe.in_maintenance)
                {
                    self.violation(format!("{occasion:?} of {name}, which is quiet"));
                }
            }
            for (subject, member) in telling.incident.audible() {
                let severity = member.condition.as_ref().map(|it| it.severity);
                if severity.is_some_and(|severity| self.duty().is_quiet(severity)) {
                    self.violation(format!("{occasion:?} of {subject} at night"));
                }
            }
            if about.is_empty() {
                self.violation(format!("{occasion:?} of {id} about nothing"));
            }
        }
        if occasion == Occasion::Resolved
            && let Some((subject, _)) = telling.incident.firing().next()
        {
            self.violation(format!("{id} is over, and {subject} is not"));
        }
        let now: BTreeSet<String> = telling.channels.iter().cloned().collect();
        let known = self.channels.entry(id).or_default();
        let misses = occasion == Occasion::Resolved && now != *known;
        known.extend(now.iter().cloned());
        if misses {
            self.violation(format!("the end of {id} goes to {now:?}"));
        }
        if now.contains("rota") {
            self.violation(format!("nobody is called for {id}"));
        }
        self.told.push((id, occasion, about));
    }

    fn silenced(&self, name: &str) -> bool {
        let labels: BTreeMap<String, String> = [("probe".to_owned(), name.to_owned())].into();
        self.silences
            .iter()
            .any(|silence| silence.covers(&labels, self.now_ms))
    }

    /// Whether all that people should know they know.
    fn look(&mut self) {
        let gateway = &self.probes["gateway"];
        let is_gateway_well = gateway.state.health == Health::Up && !gateway.state.is_suspect();
        for name in self.probes.keys().cloned().collect::<Vec<_>>() {
            let level = self.level(&name);
            let is_quiet = self.silenced(&name)
                || level.is_in_maintenance
                || level
                    .condition
                    .as_ref()
                    .is_some_and(|it| self.duty().is_quiet(it.severity))
                || !level.depends_on.is_empty() && !is_gateway_well;
            let now_ms = self.now_ms;
            let probe = self.probes.get_mut(&name).unwrap();
            if level.condition.is_none() || is_quiet {
                probe.audible_ms = None;
                continue;
            }
            let since_ms = *probe.audible_ms.get_or_insert(now_ms);
            if since_ms > now_ms {
                probe.audible_ms = Some(now_ms);
            }
            if now_ms - since_ms < TOLD_WITHIN {
                continue;
            }
            let subject = format!("probe/{name}");
            let knows = self.book.open().any(|incident| {
                incident.first_told_ms.is_some()
                    && incident
                        .members
                        .get(&subject)
                        .is_some_and(|member| member.is_told)
            });
            if !knows {
                let of: Vec<_> = self
                    .book
                    .open()
                    .filter(|incident| incident.members.contains_key(&subject))
                    .collect();
                let text = format!("nobody knows of {name}: {of:#?}");
                self.violation(text);
            }
        }
    }
}

/// Stories that are lived, and how long each is.
const STORIES: u64 = 24;
const DAYS: u64 = 60;

fn count(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |count| count.parse().unwrap())
}

#[test]
fn months_of_incidents_are_told_once_in_order_and_whole() {
    let seeds: Vec<u64> = match std::env::var("SIM_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..count("SIM_STORIES", STORIES)).collect(),
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let totals = std::sync::Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for first in 0..threads {
            let (seeds, totals) = (&seeds, &totals);
            scope.spawn(move || {
                for seed in seeds.iter().skip(first).step_by(threads) {
                    let mut world = World::new(*seed);
                    for _ in 0..count("SIM_DAYS", DAYS) * 24 * 60 {
                        world.minute();
                        assert!(
                            world.violations.is_empty(),
                            "SIM_SEED={seed}: {:#?}",
                            world.violations
                        );
                    }
                    for (_, occasion, _) in &world.told {
                        *totals
                            .lock()
                            .unwrap()
                            .entry(occasion.word())
                            .or_insert(0_u64) += 1;
                    }
                }
            });
        }
    });
    let totals = totals.into_inner().unwrap();
    if std::env::var("SIM_SEED").is_err() {
        // A story in which something never happens would find nothing.
        for occasion in ["firing", "news", "escalated", "acknowledged", "resolved"] {
            assert!(
                totals.get(occasion).is_some_and(|count| *count > 100),
                "{totals:?}"
            );
        }
    }
}
