//! A story: what is deployed and what people do, and its telling over as many lives of the process
//! as it takes.

use super::world::{Nature, World};
use bellwether::clock;
use bellwether::config::load;
use bellwether::document::Diagnostics;
use bellwether::gate::driver::Driver;
use bellwether::gate::policy::policy;
use bellwether::outbox::courier::Courier;
use bellwether::project::current::Current;
use bellwether::project::file::Project;
use bellwether::record::gate::{Facts, Record};
use bellwether::record::state::{Consent, Order, Phase, Verdict};
use bellwether::store::Store;
use bellwether::store::sqlite::simulated::{Fuse, Simulated};
use bellwether::supervisor::Supervisor;
use bellwether::telemetry::metrics::Metrics;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;

/// When the process dies.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    Never,
    At {
        at: u64,
        carried_out: bool,
    },
    ByChance,
    /// It does not die, but its database cannot be written for ten minutes.
    ReadOnly,
}

#[derive(Debug, Clone)]
enum Deed {
    /// Which gates verify it.
    Deploy(String, Vec<&'static str>),
    Cancel,
    RollBack(&'static str),
    /// Somebody puts an older version back, and tells nobody.
    PutBack(String),
    /// Somebody consents to whatever waits for it, with the database first or not.
    Consent(bool),
}

/// A story, made of a seed.
#[derive(Debug)]
pub struct Story {
    seed: u64,
    natures: BTreeMap<String, Nature>,
    deeds: Vec<(u64, Deed)>,
    mishaps: u64,
    glass: bool,
    /// Versions that change the database.
    migrated: BTreeSet<String>,
}

/// What became of it.
#[derive(Debug)]
pub struct Told {
    pub violations: Vec<String>,
    pub verdicts: Vec<&'static str>,
    /// Numbers of the jobs of the last life that changed something.
    pub commits: Vec<u64>,
    /// Whether anything was going on when the database became read-only.
    pub was_busy: bool,
}

/// The first moment of every story: a Saturday, inside of a freeze.
const START_MS: i64 = 1_795_200_000_000;
/// No story is longer.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// Reads and commits that are counted where the process does not die.
const FUSE_LONG: u64 = 1_000_000_000;

fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap().keep();
        std::fs::write(folder.join("smoke.yaml"), "name: smoke\nservice: api\nsteps: [ { get: /, check: [ status == 200 ] } ]\n").unwrap();
        let gate = |name: &str, environment: &str, more: &str| {
            format!(
                "  {name}:\n    environment: {environment}\n    services: [ api ]\n    smoke: [ smoke.yaml ]\n    bake: {{ duration: 1s }}\n    prove: {{ timeout: 5m }}\n    tell: [ team ]\n    actions:\n      promote: [ {{ webhook: {{ url: \"http://hooks/promote\" }} }} ]\n      hold: [ {{ webhook: {{ url: \"http://hooks/hold\" }} }} ]\n      rollback: [ {{ webhook: {{ url: \"http://hooks/rollback\" }} }}, {{ command: [ roll, back ], attempts: 3 }} ]\n{more}"
            )
        };
        let text = format!(
            "environments:\n  production:\n    enforce: true\n    services: {{ api: {{ url: \"http://api\", version: {{ path: /version }} }} }}\n  frozen:\n    enforce: true\n    windows: {{ zone: UTC, freezes: [ {{ from: 2020-01-01, to: 2099-12-31 }} ] }}\n    services: {{ api: {{ url: \"http://api\", version: {{ path: /version }} }} }}\nchannels: {{ team: {{ slack: {{ url: \"http://team\" }} }} }}\ngates:\n{}{}",
            gate("open", "production", "      fallback: [ { webhook: { url: \"http://hooks/fallback\" } } ]\n      down: [ { webhook: { url: \"http://hooks/down\" } } ]\n"),
            gate("second", "production", "      remedy: [ { webhook: { url: \"http://hooks/remedy\" } } ]\n") + &gate("frozen", "frozen", "")
        );
        std::fs::write(folder.join("bellwether.yaml"), text).unwrap();
        folder
    })
}

fn project() -> Arc<Project> {
    static PROJECT: OnceLock<Arc<Project>> = OnceLock::new();
    let read = || {
        let mut found = Diagnostics::default();
        let project = load::configuration(&folder().join("bellwether.yaml"), &mut found);
        Arc::new(project.unwrap_or_else(|| panic!("{}", found.render(false))))
    };
    PROJECT.get_or_init(read).clone()
}

impl Story {
    pub fn of(seed: u64) -> Story {
        let mut chance = fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let gate = if chance.bool() { "open" } else { "frozen" };
        // Of another stream than the rest: what the other gate on the same service is for.
        let mut other = fastrand::Rng::with_seed(!seed.wrapping_mul(0xD1B5_4A32_D192_ED03));
        // And one of its own for what is done to the database.
        let mut third = fastrand::Rng::with_seed(!seed.wrapping_mul(0xA24B_AED4_963E_E407));
        let mut migrated = BTreeSet::new();
        let phases = [Phase::Preflight, Phase::Converge, Phase::Smoke, Phase::Bake];
        let mut natures = BTreeMap::new();
        let mut deeds = Vec::new();
        let mut at = 0;
        for number in 0..chance.u64(1..=4) {
            let version = format!("v{number}");
            let phase = phases[chance.usize(1..4)];
            // The first one is good more often, so that there is something to go back to.
            let nature = match chance.u8(..10) {
                0..=3 => Nature::Good,
                4..=6 if number > 0 => Nature::Bad(phase),
                7 => Nature::Unclear(phase),
                8 => Nature::UnclearAtFirst(phase),
                _ if number == 0 => Nature::Good,
                _ => Nature::Bad(phase),
            };
            natures.insert(version.clone(), nature);
            let mut gates = vec![gate];
            if gate == "open" && other.bool() {
                // It looks at the same deploy, at the same time, and may see something else.
                let sees = match other.u8(..4) {
                    0 => Nature::Bad(phases[other.usize(1..4)]),
                    1 => Nature::Unclear(phases[other.usize(1..4)]),
                    _ => nature,
                };
                natures.insert(format!("second {version}"), sees);
                gates.push("second");
                other.shuffle(&mut gates);
                if other.u8(..3) == 0 {
                    let late = at + other.u64(20_000..100_000);
                    deeds.push((late, Deed::PutBack(format!("older than v{number}"))));
                }
                if other.u8(..4) == 0 {
                    let late = at + other.u64(..200_000);
                    deeds.push((late, Deed::RollBack("second")));
                }
            }
            if third.u8(..4) == 0 {
                migrated.insert(version.clone());
                for _ in 0..third.u8(..3) {
                    let late = at + third.u64(..300_000);
                    deeds.push((late, Deed::Consent(third.bool())));
                }
            }
            deeds.push((at, Deed::Deploy(version, gates)));
            match chance.u8(..10) {
                0 => deeds.push((at + chance.u64(..60_000), Deed::Cancel)),
                1 => deeds.push((at + chance.u64(..200_000), Deed::RollBack(gate))),
                _ => {}
            }
            // Mostly one after another; sometimes the next comes before this one is done.
            at += if chance.u8(..4) == 0 {
                chance.u64(1_000..30_000)
            } else {
                chance.u64(600_000..1_200_000)
            };
        }
        deeds.sort_by_key(|(at, _)| *at);
        Story {
            seed,
            natures,
            deeds,
            mishaps: chance.u64(..4),
            glass: chance.u8(..10) > 0,
            migrated,
        }
    }

    pub fn play(&self, death: Death) -> Told {
        fastrand::seed(self.seed);
        let database = Simulated::new().unwrap();
        let world = World::new(
            self.seed,
            self.natures.clone(),
            self.mishaps,
            database.clone(),
        );
        let mut chance = fastrand::Rng::with_seed(self.seed ^ 0xDEAD);
        let mut deaths = match death {
            Death::Never | Death::ReadOnly => 0,
            Death::At { .. } => 1,
            Death::ByChance => chance.u64(..4),
        };
        let mut clock_ms = 0_u64;
        let mut done = 0;
        let mut commits;
        loop {
            let fuse = match death {
                _ if deaths == 0 => Fuse {
                    left: FUSE_LONG,
                    carried_out: true,
                },
                Death::At { at, carried_out } => Fuse {
                    left: at,
                    carried_out,
                },
                _ => Fuse {
                    // Early on, or anywhere in the story.
                    left: if chance.bool() {
                        chance.u64(1..150)
                    } else {
                        chance.u64(1..1_500)
                    },
                    carried_out: chance.bool(),
                },
            };
            let store = database.boot(Some(fuse));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let life = Life {
                story: self,
                world: &world,
                store,
                database: &database,
                read_only: matches!(death, Death::ReadOnly),
            };
            let (ended, now_ms) = runtime.block_on(life.live(clock_ms, &mut done));
            drop(runtime);
            clock_ms = now_ms;
            commits = database.commits();
            if ended {
                break;
            }
            deaths = deaths.saturating_sub(1);
            // The process is back after a while.
            clock_ms += chance.u64(100..20_000);
        }
        let mut violations = std::mem::take(&mut world.inner.lock().unwrap().violations);
        let records = self.records(&database);
        violations.extend(self.wrong(&records, &world, &database));
        let verdicts = records
            .iter()
            .filter_map(|record| Some(record.state.verdict?.word()))
            .collect();
        let was_busy = world.inner.lock().unwrap().was_busy;
        if !violations.is_empty() {
            violations.extend(timeline(&database));
        }
        Told {
            violations,
            verdicts,
            commits,
            was_busy,
        }
    }

    fn records(&self, database: &Arc<Simulated>) -> Vec<Record> {
        let store = database.boot(None);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let mut records = runtime.block_on(store.gates(100)).unwrap();
        records.reverse();
        records
    }

    /// What must be true in the end, whatever happened.
    fn wrong(&self, records: &[Record], world: &World, database: &Arc<Simulated>) -> Vec<String> {
        let mut wrong = Vec::new();
        let project = project();
        let acts = world.inner.lock().unwrap().acts.clone();
        for record in records {
            let (id, state) = (record.id, &record.state);
            let gate = project
                .file
                .gates
                .iter()
                .find(|gate| gate.name == record.gate)
                .unwrap();
            let phases = policy(
                gate,
                &project.file.environments[&gate.environment],
                record,
                &project.plans,
            )
            .phases;
            if !state.is_done() {
                wrong.push(format!("gate {id} never came to an end: {state:?}"));
            }
            if let Some(broken) = state.broken_invariant(&phases) {
                wrong.push(format!("gate {id}: {broken}"));
            }
            let nature = nature(&self.natures, &record.gate, &record.facts.version);
            let good = matches!(nature, Some(Nature::Good | Nature::UnclearAtFirst(_)));
            let bad = matches!(nature, Some(Nature::Bad(_)));
            let frozen_out = record.gate == "frozen" && record.facts.break_glass.is_empty();
            match state.verdict {
                Some(Verdict::Promote) if !good || frozen_out => {
                    wrong.push(format!("gate {id} promoted what it must not: {state:?}"));
                }
                Some(Verdict::Rollback) if !bad && state.ordered.is_none() => {
                    wrong.push(format!("gate {id} rolled back a deploy that is not bad"));
                }
                Some(Verdict::Rollback) if record.rollback_to.is_some() => {
                    let ordered = acts
                        .iter()
                        .any(|(gate, what, _)| *gate == id && what.starts_with("rollback"));
                    let asked = state.asks_consent && state.consent.is_none();
                    let down = state.consent.as_ref().is_some_and(|it| it.with_down);
                    if asked && ordered {
                        wrong.push(format!(
                            "gate {id} rolled back without the consent: {state:?}"
                        ));
                    }
                    if !ordered && !asked && !down {
                        wrong.push(format!("gate {id} never ordered its rollback: {state:?}"));
                    }
                    if state.proof.is_none() {
                        wrong.push(format!("gate {id} rolled back without a proof"));
                    }
                }
                Some(Verdict::Promote | Verdict::Hold) => {
                    let word = state.verdict.map_or("", Verdict::word);
                    let count = acts
                        .iter()
                        .filter(|(gate, what, _)| *gate == id && what.starts_with(word))
                        .count();
                    // What was not carried out is told.
                    let may_lack = state.undone.is_some() && is_told(database, id);
                    if count != 1 && !(count == 0 && may_lack) {
                        wrong.push(format!(
                            "gate {id} has its {word} carried out {count} times: {state:?}"
                        ));
                    }
                }
                _ => {}
            }
        }
        let open: i64 = database
            .look(|connection| {
                Ok(connection.query_row(
                    "SELECT count(*) FROM outbox WHERE state IN ('pending', 'withdrawn')",
                    [],
                    |row| row.get(0),
                )?)
            })
            .unwrap();
        let held: i64 = database
            .look(|connection| {
                Ok(connection.query_row("SELECT count(*) FROM locks", [], |row| row.get(0))?)
            })
            .unwrap();
        if open > 0 {
            wrong.push(format!("{open} effects were never settled"));
        }
        if held > 0 {
            wrong.push(format!("{held} locks are held by nobody"));
        }
        wrong
    }
}

/// One life of the process.
struct Life<'a> {
    story: &'a Story,
    world: &'a Arc<World>,
    store: Store,
    database: &'a Arc<Simulated>,
    read_only: bool,
}

impl Life<'_> {
    /// Lives until the story is over (true) or the process dies (false); and the story's time then.
    async fn live(self, clock_ms: u64, done: &mut usize) -> (bool, u64) {
        clock::simulate(START_MS + clock_ms as i64);
        let started = tokio::time::Instant::now();
        let current = Arc::new(Current::shared(project()));
        let metrics = Arc::new(Metrics::new());
        let (committed, settled) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let supervisor = Arc::new(Supervisor::default());
        let driver = Driver::new(
            self.store.clone(),
            current.clone(),
            metrics.clone(),
            committed.clone(),
            settled.clone(),
            supervisor.clone(),
        );
        let driver = Arc::new(driver.with_world(self.world.clone()));
        let courier = Courier::new(
            self.store.clone(),
            current,
            self.world.clone(),
            metrics,
            (committed, settled),
            supervisor,
            Arc::default(),
        );
        let now = || clock_ms + started.elapsed().as_millis() as u64;
        let story = async {
            while driver.resume().await.is_err() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            tokio::spawn(courier.run());
            tokio::spawn(driver.clone().partners());
            while let Some((at, deed)) = self.story.deeds.get(*done) {
                while now() < *at {
                    tokio::time::sleep(Duration::from_millis((at - now()).min(1_000))).await;
                }
                self.perform(&driver, deed, *done).await;
                *done += 1;
            }
            loop {
                let open = self.store.open_gates().await.map_or(1, |open| open.len());
                let pending = self.store.pending().await.map_or(1, |(_, pending)| pending);
                if (open == 0 && pending == 0) || started.elapsed() > LONGEST {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        let read_only = async {
            if !self.read_only {
                return std::future::pending().await;
            }
            tokio::time::sleep(Duration::from_secs(20)).await;
            let open = self.store.open_gates().await.map_or(0, |open| open.len());
            let pending = self.store.pending().await.map_or(0, |(_, pending)| pending);
            self.world.inner.lock().unwrap().was_busy = open > 0 || pending > 0;
            self.database.read_only(true);
            let before = self.world.sent();
            // What had been claimed before is still on its way.
            tokio::time::sleep(Duration::from_secs(10)).await;
            let claimed = self.world.sent();
            tokio::time::sleep(Duration::from_secs(600)).await;
            if self.world.sent() != claimed {
                self.world.violate(format!(
                    "something left while nothing could be written, after {before}"
                ));
            }
            self.database.read_only(false);
            std::future::pending::<()>().await;
        };
        let death = async {
            while !self.database.is_dead() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let ended = tokio::select! {
            biased;
            () = death => false,
            () = read_only => false,
            () = story => true,
        };
        (ended, now())
    }

    /// A pipeline that was not answered asks again, with the same id.
    async fn perform(&self, driver: &Arc<Driver>, deed: &Deed, number: usize) {
        match deed {
            Deed::Deploy(version, gates) => {
                let facts = Facts {
                    version: version.clone(),
                    commit: format!("c-{version}"),
                    actor: "a test".to_owned(),
                    break_glass: if self.story.glass {
                        "it must be".to_owned()
                    } else {
                        String::new()
                    },
                    migrated: match self.story.migrated.contains(version) {
                        true => "a column is gone".to_owned(),
                        false => String::new(),
                    },
                    ..Facts::default()
                };
                self.world.deploy(number, version);
                for gate in gates {
                    for _ in 0..200 {
                        let ids = vec![format!("deploy {number} {gate}")];
                        if driver.start(gate, facts.clone(), ids).await.is_ok() {
                            break;
                        }
                        // The gate before is rolling back.
                        tokio::time::sleep(Duration::from_secs(10)).await;
                    }
                }
            }
            Deed::Cancel => {
                if let Ok(open) = self.store.open_gates().await
                    && let Some(record) = open.last()
                {
                    // It may have its verdict already.
                    let _ = driver.cancel(record.id, "a test").await;
                }
            }
            Deed::Consent(with_down) => {
                let open = self.store.open_gates().await.unwrap_or_default();
                for record in open {
                    let consent = Consent {
                        by: "a test".to_owned(),
                        reason: "it is known".to_owned(),
                        with_down: *with_down,
                    };
                    // Few wait for it.
                    let _ = driver.consent(record.id, consent).await;
                }
            }
            Deed::PutBack(version) => self.world.deploy(1_000 + number, version),
            Deed::RollBack(gate) => {
                let order = Order {
                    by: "a test".to_owned(),
                    reason: "by hand".to_owned(),
                    gate: None,
                    to: String::new(),
                };
                // There may be nothing to roll back.
                let _ = driver.roll_back(gate, order, "").await;
            }
        }
    }
}

/// What a version is like to a gate.
pub fn nature(natures: &BTreeMap<String, Nature>, gate: &str, version: &str) -> Option<Nature> {
    let own = natures.get(&format!("{gate} {version}"));
    own.or_else(|| natures.get(version)).copied()
}

/// Whether people were told that the verdict of a gate was not carried out.
fn is_told(database: &Simulated, gate: i64) -> bool {
    database
        .look(|connection| {
            let sql = "SELECT count(*) FROM outbox
                 WHERE gate_id = ?1 AND key LIKE '%undone_tell%'";
            let count: i64 = connection.query_row(sql, [gate], |row| row.get(0))?;
            Ok(count > 0)
        })
        .unwrap()
}

/// What happened, for who has to find out why.
fn timeline(database: &Simulated) -> Vec<String> {
    let lines = |sql: &str| {
        database
            .look(|connection| {
                let mut statement = connection.prepare(sql)?;
                let rows = statement.query_map([], |row| row.get(0))?;
                Ok(rows.collect::<Result<Vec<String>, _>>()?)
            })
            .unwrap()
    };
    let events = "SELECT format('%d gate %d: %s', at_ms - 1795200000000, gate_id, event) FROM gate_events ORDER BY rowid";
    let effects = "SELECT format('%d %s is %s after %d attempts: %s', created_ms - 1795200000000, key, state, attempts, result)
         FROM outbox ORDER BY id";
    lines(events).into_iter().chain(lines(effects)).collect()
}
