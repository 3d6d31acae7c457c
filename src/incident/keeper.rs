//! Keeps the book of incidents: takes levels, commits what changed with what is told, and lets people
//! acknowledge and silence.
//!
//! Decides nothing itself. Invariant: nothing is told that is not committed; where nothing can be committed
//! for a while, people are told directly, once, because an alert that waits for a disk is none.

use crate::clock::now_ms;
use crate::project::current::{Current, base};
use crate::project::file::Project;
use crate::record::effect::{Chain, NewEffect, key_part};
use crate::record::message::written;
use crate::record::target::Target;
use crate::store::{Store, StoreFault};
use crate::telemetry::metrics::Metrics;
use crate::watch::book::Book;
use crate::watch::direct::Direct;
use crate::watch::incident::{Acknowledgment, Incident, Telling};
use crate::watch::levels::{Levels, Waiting};
use crate::watch::silence::Silence;
use crate::watch::wording;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Pause after a commit that failed.
const PAUSE: Duration = Duration::from_secs(1);
/// A commit that takes longer has failed.
const COMMIT_WITHIN: Duration = Duration::from_secs(10);
/// What cannot be committed for so long is told directly.
const DIRECT_AFTER: Duration = Duration::from_secs(5);
/// Looked at least this often.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Gates among which the newest deploy is looked for.
const GATES_LOOKED_AT: u32 = 20;

/// Keeps the book.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    levels: Arc<Levels>,
    current: Arc<Current>,
    metrics: Arc<Metrics>,
    committed: Arc<Notify>,
    /// What is told without the outbox.
    direct: Arc<Direct>,
    book: Mutex<Option<Book>>,
    unkept: Mutex<Unkept>,
    /// From the book to the commit one at a time: else what follows could be committed before what it follows.
    committing: tokio::sync::Mutex<()>,
    look: Notify,
    is_well: AtomicBool,
}

/// What is not committed yet.
#[derive(Debug, Default)]
struct Unkept {
    incidents: BTreeMap<i64, Incident>,
    effects: Vec<NewEffect>,
    since: Option<Instant>,
}

/// Why an order of a person was not carried out.
#[derive(Debug)]
pub enum Refused {
    /// There is nothing of that number, or it is over.
    Unknown,
    /// It is so already.
    Already,
    /// It could not be kept.
    Store(StoreFault),
}

impl Keeper {
    /// A keeper on a store. It wakes `committed`.
    pub fn new(
        store: Store,
        levels: Arc<Levels>,
        current: Arc<Current>,
        (metrics, committed): (Arc<Metrics>, Arc<Notify>),
        direct: Arc<Direct>,
    ) -> Arc<Keeper> {
        Arc::new(Keeper {
            store,
            levels,
            current,
            metrics,
            committed,
            direct,
            book: Mutex::new(None),
            unkept: Mutex::default(),
            committing: tokio::sync::Mutex::default(),
            look: Notify::new(),
            is_well: AtomicBool::new(true),
        })
    }

    fn book(&self) -> MutexGuard<'_, Option<Book>> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unkept(&self) -> MutexGuard<'_, Unkept> {
        self.unkept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what it knows can be kept.
    pub fn is_well(&self) -> bool {
        self.is_well.load(Relaxed)
    }

    async fn open(&self) -> Result<Book, StoreFault> {
        let (open, next) = self.store.open_incidents().await?;
        let silences = self.store.silences(now_ms()).await?;
        Ok(Book::new(open, silences, next))
    }

    /// Keeps the book for ever; to be aborted at the end.
    pub async fn run(self: Arc<Self>) {
        while self.book().is_none() {
            match self.open().await {
                Ok(book) => *self.book() = Some(book),
                Err(fault) => {
                    self.is_well.store(false, Relaxed);
                    tracing::error!(%fault, "Incidents cannot be read; trying again in 1 s");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        loop {
            let next = self.book().as_ref().and_then(|book| book.next_ms(now_ms()));
            let mut pause = next.map_or(LOOK_EVERY, |next| {
                Duration::from_millis(u64::try_from(next - now_ms()).unwrap_or(0))
            });
            if self.unkept().since.is_some() {
                pause = pause.min(PAUSE);
            }
            tokio::select! {
                waiting = self.levels.fetch() => self.take(waiting),
                () = self.look.notified() => {}
                () = tokio::time::sleep(pause.clamp(Duration::from_millis(20), LOOK_EVERY)) => {}
            }
            self.tick().await;
        }
    }

    fn take(&self, waiting: Waiting) {
        let now_ms = now_ms();
        let mut book = self.book();
        let Some(book) = book.as_mut() else {
            return;
        };
        for (kind, subjects) in &waiting.only {
            book.only(kind, subjects, now_ms);
        }
        for level in waiting.levels.into_values() {
            book.put(level, now_ms);
        }
    }

    /// Looks at the book, and commits what follows.
    async fn tick(&self) {
        let _one = self.committing.lock().await;
        let tellings = match self.book().as_mut() {
            Some(book) => {
                let project = self.current.get();
                book.set_duty(project.file.alerts.duty(crate::clock::now()));
                book.tick(now_ms())
            }
            None => return,
        };
        self.follow(tellings).await;
    }

    /// Commits what changed with what is told of it.
    async fn follow(&self, tellings: Vec<Telling>) {
        let mut effects = Vec::new();
        for telling in &tellings {
            effects.extend(self.effects(telling).await);
        }
        {
            let mut book = self.book();
            let Some(book) = book.as_mut() else {
                return;
            };
            self.metrics.incidents_open(book.open().count());
            let mut unkept = self.unkept();
            for incident in book.take_changed() {
                unkept.incidents.insert(incident.id, incident);
            }
            unkept.effects.extend(effects);
        }
        self.commit().await;
    }

    async fn commit(&self) {
        let (incidents, effects) = {
            let mut unkept = self.unkept();
            // What got there without a row needs none any more.
            let effects = &mut unkept.effects;
            effects.retain(|effect| !self.direct.was_told(&effect.key));
            let incidents: Vec<Incident> = unkept.incidents.values().cloned().collect();
            (incidents, unkept.effects.clone())
        };
        if incidents.is_empty() && effects.is_empty() {
            return;
        }
        let told = effects.len();
        let committing = self
            .store
            .commit_incidents(incidents.clone(), effects, now_ms());
        // A disk that hangs is as good as one that is full; what comes late is harmless, by its keys.
        let kept = match tokio::time::timeout(COMMIT_WITHIN, committing).await {
            Ok(kept) => kept,
            Err(_) => Err(StoreFault::Failed("no answer in 10 s".to_owned())),
        };
        let mut unkept = self.unkept();
        match kept {
            Ok(()) => {
                // What changed while it was written stays.
                for incident in &incidents {
                    if unkept.incidents.get(&incident.id) == Some(incident) {
                        unkept.incidents.remove(&incident.id);
                    }
                }
                unkept.effects.drain(..told);
                unkept.since = None;
                self.direct.over();
                drop(unkept);
                if !self.is_well.swap(true, Relaxed) {
                    tracing::info!("Incidents are kept again");
                }
                if told > 0 {
                    self.committed.notify_waiters();
                }
            }
            Err(fault) => {
                let since = *unkept.since.get_or_insert_with(Instant::now);
                if self.is_well.swap(false, Relaxed) {
                    tracing::error!(%fault, "Incidents cannot be kept; trying again every second");
                }
                if since.elapsed() >= DIRECT_AFTER {
                    self.direct.hand_in(&unkept.effects);
                }
            }
        }
    }

    /// The rows that tell it.
    async fn effects(&self, telling: &Telling) -> Vec<NewEffect> {
        let project = self.current.get();
        let deploy = self.newest_deploy(&project, &telling.incident);
        // What is good to know must not hold up what must be told.
        let changed = tokio::time::timeout(PAUSE, deploy).await.ok().flatten();
        let explained: Vec<String> = {
            let book = self.book();
            let members = telling.incident.members.keys();
            let of = |book: &Book, subject: &String| {
                let all = book.explained_by(subject);
                all.into_iter().map(str::to_owned).collect::<Vec<String>>()
            };
            let book = book.as_ref();
            book.map(|book| members.flat_map(|subject| of(book, subject)).collect())
                .unwrap_or_default()
        };
        let explained: Vec<&str> = explained.iter().map(String::as_str).collect();
        let instance = self.store.instance().to_owned();
        let pages = format!("{}/incidents/", base(&project));
        let message = wording::message(telling, &explained, changed, &pages, &instance);
        let body = written(&message);
        let (id, number) = (telling.incident.id, telling.incident.messages);
        let occasion = telling.occasion;
        let one = |channel: &String| NewEffect {
            key: format!(
                "bw_{instance}_incident_{id}_{number}_{}_tell_{}",
                occasion.word(),
                key_part(channel)
            ),
            gate_id: None,
            after_key: None,
            chain: Some(Chain {
                name: format!("incident:{id}:{channel}"),
                is_passing: occasion.is_overtaken(),
            }),
            target: Target::Channel(channel.clone()),
            body: body.clone(),
        };
        telling.channels.iter().map(one).collect()
    }

    /// The newest deploy of what is in trouble, in a sentence: what changed is what is asked first.
    async fn newest_deploy(&self, project: &Project, incident: &Incident) -> Option<String> {
        let (_, member) = incident.members.iter().next()?;
        let environment = member.labels.get("environment")?;
        let service = member.labels.get("service");
        let gates = self.store.gates(GATES_LOOKED_AT).await.ok()?;
        let newest = gates.into_iter().find(|record| {
            let concerns = service.is_none_or(|service| record.services.contains(service));
            record.environment == *environment && concerns
        })?;
        let came_to = match newest.state.verdict {
            Some(verdict) => verdict.word(),
            None => "being verified",
        };
        Some(format!(
            "{} {} at {} ({came_to}), {}/gates/{}",
            newest.gate,
            newest.facts.version,
            wording::moment(newest.state.started_ms),
            base(project),
            newest.id
        ))
    }

    /// Somebody has an incident.
    ///
    /// # Errors
    ///
    /// There is none that is open, or somebody has it.
    pub async fn acknowledge(&self, id: i64, by: String, comment: String) -> Result<(), Refused> {
        let at_ms = now_ms();
        let _one = self.committing.lock().await;
        let telling = {
            let mut book = self.book();
            let book = book.as_mut().ok_or(Refused::Unknown)?;
            let incident = book.open().find(|incident| incident.id == id);
            let incident = incident.ok_or(Refused::Unknown)?;
            if incident.acknowledged.is_some() {
                return Err(Refused::Already);
            }
            book.acknowledge(id, Acknowledgment { by, at_ms, comment })
        };
        self.follow(telling.into_iter().collect()).await;
        self.look.notify_one();
        Ok(())
    }

    /// Silences what fits, from now on.
    ///
    /// # Errors
    ///
    /// It could not be kept.
    pub async fn silence(&self, silence: Silence) -> Result<Silence, Refused> {
        let kept = self
            .store
            .add_silence(silence)
            .await
            .map_err(Refused::Store)?;
        self.read_silences().await?;
        Ok(kept)
    }

    /// Ends a silence.
    ///
    /// # Errors
    ///
    /// There is none in force with this number, or it could not be kept.
    pub async fn end_silence(&self, id: i64) -> Result<(), Refused> {
        let ended = self
            .store
            .end_silence(id, now_ms())
            .await
            .map_err(Refused::Store)?;
        self.read_silences().await?;
        if ended { Ok(()) } else { Err(Refused::Unknown) }
    }

    async fn read_silences(&self) -> Result<(), Refused> {
        let silences = self
            .store
            .silences(now_ms())
            .await
            .map_err(Refused::Store)?;
        if let Some(book) = self.book().as_mut() {
            book.set_silences(silences);
        }
        self.look.notify_one();
        Ok(())
    }

    /// Incidents that are open, the newest first.
    pub fn incidents(&self) -> Vec<Incident> {
        let book = self.book();
        let mut open: Vec<Incident> = book
            .as_ref()
            .map(|book| book.open().cloned().collect())
            .unwrap_or_default();
        open.reverse();
        open
    }

    /// Silences that are in force.
    pub fn silences(&self) -> Vec<Silence> {
        let now_ms = now_ms();
        let book = self.book();
        let all = book.as_ref().map(Book::silences).unwrap_or_default();
        let active = all.iter().filter(|silence| silence.until_ms > now_ms);
        active.cloned().collect()
    }
}
