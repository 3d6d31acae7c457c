//! The world that gates act on: what is served, what receivers got, and what must never happen.

use super::story::nature;
use bellwether::clock::{now, now_ms};
use bellwether::delivery::attempt::Delivery;
use bellwether::doing::Doing;
use bellwether::environment::settings::Environment;
use bellwether::gate::context::{Ended, PhaseContext};
use bellwether::gate::world::{OnTick, World as GateWorld};
use bellwether::load::Stop;
use bellwether::objective::Outcome;
use bellwether::outbox::courier::World as OutboxWorld;
use bellwether::project::file::Project;
use bellwether::record::announcement::Announcement;
use bellwether::record::effect::Effect;
use bellwether::record::state::Phase;
use bellwether::record::target::{Occasion, Target};
use bellwether::run::Summary;
use bellwether::store::sqlite::simulated::Simulated;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a deploy is like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Nature {
    Good,
    Bad(Phase),
    /// It cannot be told in this phase.
    Unclear(Phase),
    /// It cannot be told at first, but with more evidence.
    UnclearAtFirst(Phase),
}

#[derive(Debug)]
pub struct Inner {
    pub served: String,
    served_since_ms: i64,
    pub natures: BTreeMap<String, Nature>,
    /// Bad answers that receivers still have to give.
    pub mishaps: u64,
    /// Whether anything was going on when the database became read-only.
    pub was_busy: bool,
    pub violations: Vec<String>,
    sent: u64,
    /// Webhooks that were carried out, by key: receivers tell repeats by it.
    webhooks: BTreeSet<String>,
    /// What was carried out: gate, action, key.
    pub acts: Vec<(i64, String, String)>,
    /// Faults of our own that are still to come: a task that panics.
    faults: u64,
    looked: BTreeSet<(String, String)>,
    deployed: BTreeSet<usize>,
    chance: fastrand::Rng,
}

/// What a task dies of in a simulation: nobody wants to read of it.
pub struct SimulatedFault;

/// Keeps simulated faults out of the output.
pub fn hush() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !panic.payload().is::<SimulatedFault>() {
                before(panic);
            }
        }));
    });
}

#[derive(Debug)]
pub struct World {
    pub inner: Mutex<Inner>,
    database: Arc<Simulated>,
}

impl World {
    pub fn new(
        seed: u64,
        natures: BTreeMap<String, Nature>,
        mishaps: u64,
        database: Arc<Simulated>,
    ) -> Arc<World> {
        hush();
        Arc::new(World {
            inner: Mutex::new(Inner {
                served: "v0".to_owned(),
                served_since_ms: 0,
                natures,
                mishaps,
                was_busy: false,
                violations: Vec::new(),
                sent: 0,
                webhooks: BTreeSet::new(),
                acts: Vec::new(),
                // Of another stream than the rest, so that older stories stay as they were.
                faults: fastrand::Rng::with_seed(!seed).u64(..3),
                looked: BTreeSet::new(),
                deployed: BTreeSet::new(),
                chance: fastrand::Rng::with_seed(seed),
            }),
            database,
        })
    }

    /// A version is deployed, once.
    pub fn deploy(&self, number: usize, version: &str) {
        let mut inner = self.inner.lock().unwrap();
        if inner.deployed.insert(number) {
            version.clone_into(&mut inner.served);
            inner.served_since_ms = now_ms();
        }
    }

    /// How many deliveries were begun.
    pub fn sent(&self) -> u64 {
        self.inner.lock().unwrap().sent
    }

    /// Dies of a fault of our own, now and then: the process lives on.
    fn may_die(&self) {
        let mut inner = self.inner.lock().unwrap();
        if inner.faults > 0 && inner.chance.u8(..6) == 0 {
            inner.faults -= 1;
            drop(inner);
            std::panic::panic_any(SimulatedFault);
        }
    }

    async fn take_time(&self, most_ms: u64) {
        let millis = self.inner.lock().unwrap().chance.u64(1..=most_ms);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    /// An effect that leaves must be committed, and its attempt claimed.
    fn check_committed(&self, effect: &Effect) {
        let key = effect.key.clone();
        let row = self.database.look(move |connection| {
            Ok(connection
                .query_row(
                    "SELECT state, attempts FROM outbox WHERE key = ?1",
                    [key],
                    |row| Ok((row.get::<_, String>(0)?, row.get::<_, u32>(1)?)),
                )
                .ok())
        });
        let committed = matches!(&row, Ok(Some((state, attempts))) if state == "pending" && *attempts == effect.attempts + 1);
        if !committed && !self.database.is_dead() {
            self.violate(format!("{} left before its commit: {row:?}", effect.key));
        }
    }

    /// An effect belongs to a step of its gate: it is never committed without it. A message or a
    /// status needs a verdict, an action needs the lock.
    fn check_step(&self, effect: &Effect) {
        let id = effect.gate_id.unwrap_or_default();
        let found = self.database.look(move |connection| {
            let sql = "SELECT json_extract(record, '$.state.verdict'), json_extract(record, '$.state.position.at') FROM gates WHERE id = ?1";
            Ok(connection.query_row(sql, [id], |row| {
                Ok((row.get::<_, Option<String>>(0)?, row.get::<_, String>(1)?))
            })?)
        });
        if effect.target.is_action_of(Occasion::Promote, None) {
            self.check_newest(effect, id);
            self.check_served(effect);
        }
        let allowed = match &found {
            Ok((Some(_), position)) => {
                let waits = ["locking", "consenting"].contains(&position.as_str());
                !effect.target.acts() || !waits
            }
            // One that may still mend it, before anything is concluded.
            Ok((None, position)) if position == "remedying" => {
                effect.target.is_action_of(Occasion::Remedy, None)
            }
            _ => false,
        };
        if !allowed && !self.database.is_dead() {
            self.violate(format!(
                "{} left though its gate is at {found:?}",
                effect.key
            ));
        }
    }

    /// And only while what it is about is served, as far as could be seen a moment ago.
    fn check_served(&self, effect: &Effect) {
        let Ok(announcement) = serde_json::from_str::<Announcement>(&effect.body) else {
            return;
        };
        let inner = self.inner.lock().unwrap();
        let is_served = inner.served == announcement.record.facts.version;
        let was_so_long = now_ms() - inner.served_since_ms > 5_000;
        drop(inner);
        if effect.attempts == 0 && !is_served && was_so_long && !self.database.is_dead() {
            self.violate(format!(
                "{} left though another version is served",
                effect.key
            ));
        }
    }

    /// A promotion acts only while it is the newest word on its services.
    fn check_newest(&self, effect: &Effect, id: i64) {
        let against = self.database.look(move |connection| {
            let sql = "SELECT count(*) FROM gates AS own, gates AS other
                WHERE own.id = ?1 AND other.id <> own.id AND other.environment = own.environment
                  AND (other.id > own.id AND other.gate = own.gate
                    OR other.verdict_place > own.begun_place
                      AND json_extract(other.record, '$.state.verdict') = 'rollback')";
            Ok(connection.query_row(sql, [id], |row| row.get::<_, i64>(0))?)
        });
        if !matches!(against, Ok(0)) && !self.database.is_dead() {
            self.violate(format!("{} left though it is overtaken", effect.key));
        }
    }

    pub fn violate(&self, what: String) {
        self.inner.lock().unwrap().violations.push(what);
    }

    /// Carries an action out.
    fn act(&self, effect: &Effect, announcement: &Announcement) {
        let mut inner = self.inner.lock().unwrap();
        let record = &announcement.record;
        let Target::Action {
            occasion, number, ..
        } = &effect.target
        else {
            return;
        };
        let word = occasion.word();
        let what = format!("{word} {number}");
        let verdict = record.state.verdict.map_or("", |verdict| verdict.word());
        let fits = match word {
            "fallback" | "down" => verdict == "rollback",
            // What may mend it comes before anything is concluded.
            "remedy" => verdict.is_empty(),
            word => word == verdict,
        };
        if !fits {
            inner
                .violations
                .push(format!("{what} after the verdict {verdict}"));
        }
        let other_key = inner
            .acts
            .iter()
            .any(|(gate, known, key)| *gate == record.id && *known == what && *key != effect.key);
        if other_key {
            inner.violations.push(format!(
                "{what} of gate {} was ordered under two keys",
                record.id
            ));
        }
        let is_rollback = word == "rollback" || word == "fallback";
        let target = record.rollback_to.clone().unwrap_or_default();
        // The second rollback action is a program, which cannot tell a repeat; all others can.
        let is_program = word == "rollback" && *number == 1;
        if is_program {
            let before = inner.acts.iter().any(|(_, _, key)| *key == effect.key);
            if before && inner.served == target {
                inner.violations.push(format!(
                    "the program of gate {} rolled back twice",
                    record.id
                ));
            }
        } else if !inner.webhooks.insert(effect.key.clone()) {
            return;
        }
        let acted = inner.acts.iter().any(|(gate, what, key)| {
            *gate == record.id
                && *key != effect.key
                && (what == "rollback 1" || what.starts_with("fallback"))
        });
        if word == "fallback"
            && (record.state.failed_ways.is_empty() || (acted && inner.served == target))
        {
            inner.violations.push(format!(
                "{what} of gate {} though the way before did not fail",
                record.id
            ));
        }
        inner.acts.push((record.id, what, effect.key.clone()));
        if is_rollback && (is_program || word == "fallback") {
            if target.is_empty() {
                inner
                    .violations
                    .push(format!("gate {} rolled back to nothing", record.id));
            }
            inner.served = target;
        }
    }
}

impl OutboxWorld for World {
    fn deliver<'a>(&'a self, _: &'a Project, effect: &'a Effect) -> Doing<'a, Delivery> {
        Box::pin(async move {
            self.inner.lock().unwrap().sent += 1;
            self.check_committed(effect);
            self.check_step(effect);
            self.take_time(3_000).await;
            let Ok(announcement) = serde_json::from_str::<Announcement>(&effect.body) else {
                // A message of a channel.
                return Delivery::done("told".to_owned());
            };
            let is_program = effect.target.is_action_of(Occasion::Rollback, Some(1));
            let mishap = {
                let mut inner = self.inner.lock().unwrap();
                let happens = inner.mishaps > 0 && inner.chance.u8(..3) == 0;
                inner.mishaps -= u64::from(happens);
                happens
            };
            self.may_die();
            if mishap && is_program {
                return Delivery {
                    attempts_max: 3,
                    ..Delivery::again("exit code 1".to_owned(), None)
                };
            }
            if mishap && self.inner.lock().unwrap().chance.bool() {
                return Delivery::again("503".to_owned(), None);
            }
            if effect.target.acts() {
                self.act(effect, &announcement);
            }
            // It takes a while until the answer is here: the process may die in between.
            self.take_time(500).await;
            self.may_die();
            if mishap {
                Delivery::again("the answer was lost".to_owned(), None)
            } else {
                Delivery::done("ok".to_owned())
            }
        })
    }

    fn served<'a>(&'a self, _: &'a Environment, _: &'a str) -> Doing<'a, Option<String>> {
        Box::pin(async move { Some(self.inner.lock().unwrap().served.clone()) })
    }
}

impl World {
    fn outcome(&self, version: &str, phase: Phase, context: &PhaseContext<'_>) -> (Outcome, bool) {
        if phase == Phase::Preflight
            && context.record.facts.break_glass.is_empty()
            && let Some(windows) = &context.environment.windows
            && windows.objection(now()).is_some()
        {
            return (Outcome::Inconclusive, false);
        }
        let mut inner = self.inner.lock().unwrap();
        match nature(&inner.natures, &context.record.gate, version) {
            Some(Nature::Bad(at)) if at == phase => (Outcome::Fail, false),
            Some(Nature::Unclear(at)) if at == phase => (Outcome::Inconclusive, true),
            Some(Nature::UnclearAtFirst(at)) if at == phase => {
                let gate = format!("{} {}", version, context.record.id);
                if context.record.state.extended.is_some()
                    || !inner.looked.insert((gate, phase.word().to_owned()))
                {
                    (Outcome::Pass, false)
                } else {
                    (Outcome::Inconclusive, true)
                }
            }
            _ => (Outcome::Pass, false),
        }
    }
}

impl GateWorld for World {
    fn perform<'a>(
        &'a self,
        phase: Phase,
        context: &'a PhaseContext<'a>,
        _: OnTick<'a>,
    ) -> Doing<'a, Ended> {
        Box::pin(async move {
            let time = self.take_time(20_000);
            tokio::select! {
                () = time => {}
                () = context.control.stopped() => return Ended::new(Outcome::Inconclusive, "it was stopped"),
            }
            self.may_die();
            let (outcome, is_open) = self.outcome(&context.record.facts.version, phase, context);
            Ended {
                is_open,
                ..Ended::new(outcome, "as it is")
            }
        })
    }

    fn diagnose<'a>(&'a self, _: &'a PhaseContext<'a>) -> Doing<'a, Vec<Summary>> {
        Box::pin(async { Vec::new() })
    }

    fn still<'a>(&'a self, context: &'a PhaseContext<'a>, ended: Ended) -> Doing<'a, Ended> {
        Box::pin(async move {
            let served = self.inner.lock().unwrap().served.clone();
            if ended.outcome == Outcome::Pass && served != context.record.facts.version {
                return Ended::new(Outcome::Inconclusive, "another version is served");
            }
            ended
        })
    }

    fn prove<'a>(
        &'a self,
        context: &'a PhaseContext<'a>,
        deadline: Instant,
    ) -> Doing<'a, (bool, Vec<String>, Vec<Summary>)> {
        Box::pin(async move {
            let deadline = tokio::time::Instant::from_std(deadline);
            loop {
                let served = self.inner.lock().unwrap().served.clone();
                if Some(&served) == context.record.rollback_to.as_ref() {
                    return (true, vec![format!("{served} is served")], Vec::new());
                }
                if tokio::time::Instant::now() >= deadline || context.control.asked() != Stop::No {
                    return (false, vec![format!("{served} is served")], Vec::new());
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
    }
}
