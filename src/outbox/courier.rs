//! The loop over due rows: takes them, has them delivered, notes what came back.
//!
//! An attempt is noted before it starts, so that a kill in the middle leaves a trace. Rows that
//! follow one another wait for their predecessor; all others go side by side.

use super::bundle::with_bundle;
use super::deliver::deliver;
use super::lane::{self, Lanes};
use super::retry::{Next, next};
use crate::clock::{now_ms, text_of};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::doing::Doing;
use crate::environment::settings::Environment;
use crate::environment::version;
use crate::limits;
use crate::pipeline::action::ActionKind;
use crate::project::current::{Current, find};
use crate::project::file::Project;
use crate::record::announcement::Announcement;
use crate::record::effect::{DIED, Effect, EffectState, NewEffect};
use crate::record::target::{Occasion, Target};
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::telemetry::metrics::Metrics;
use crate::watch::direct::Direct;
use crate::watch::levels::Levels;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::time::Instant;

/// Deliveries that go on at once, of actions and of all others.
const AT_ONCE_MAX: usize = 16;
/// Attempts for each message that could not be committed.
const DIRECT_ATTEMPTS: u32 = 3;
/// The loop looks at least this often, whatever it was told.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What the courier reaches the world by: the real thing, or a simulated world.
pub trait World: std::fmt::Debug + Send + Sync {
    /// Delivers a row once.
    fn deliver<'a>(&'a self, project: &'a Project, effect: &'a Effect) -> Doing<'a, Delivery>;

    /// The version that a service serves, if it shows one.
    fn served<'a>(
        &'a self,
        environment: &'a Environment,
        service: &'a str,
    ) -> Doing<'a, Option<String>>;
}

/// The real thing: sockets, programs and the secrets in force.
impl World for RwLock<Arc<Means>> {
    fn deliver<'a>(&'a self, project: &'a Project, effect: &'a Effect) -> Doing<'a, Delivery> {
        let means = self.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move { deliver(project, &means, effect).await })
    }

    fn served<'a>(
        &'a self,
        environment: &'a Environment,
        service: &'a str,
    ) -> Doing<'a, Option<String>> {
        let means = self.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            version::read(&means.connector, environment, service)
                .await
                .ok()
        })
    }
}

/// Delivers the outbox.
#[derive(Debug)]
pub struct Courier {
    store: Store,
    current: Arc<Current>,
    world: Arc<dyn World>,
    metrics: Arc<Metrics>,
    committed: Arc<Notify>,
    settled: Arc<Notify>,
    supervisor: Arc<Supervisor>,
    levels: Arc<Levels>,
    lanes: Lanes,
    going: Mutex<BTreeSet<i64>>,
    places: Arc<Semaphore>,
    action_places: Arc<Semaphore>,
}

/// Why a promotion is not carried out any more: it is too long ago that it was decided.
fn too_late(effect: &Effect, now_ms: i64) -> Option<String> {
    if !effect.target.is_action_of(Occasion::Promote, None) {
        return None;
    }
    let announcement: Announcement = serde_json::from_str(&effect.body).ok()?;
    let until = announcement.record.holds_until_ms()?;
    let text = format!(
        "the promotion held until {}, and is not carried out after that",
        text_of(until)
    );
    (now_ms >= until).then_some(text)
}

impl Courier {
    /// A courier on a store. It is woken by `committed` and wakes `settled`.
    pub fn new(
        store: Store,
        current: Arc<Current>,
        world: Arc<dyn World>,
        metrics: Arc<Metrics>,
        (committed, settled): (Arc<Notify>, Arc<Notify>),
        supervisor: Arc<Supervisor>,
        levels: Arc<Levels>,
    ) -> Arc<Courier> {
        Arc::new(Courier {
            store,
            current,
            world,
            metrics,
            committed,
            settled,
            supervisor,
            levels,
            lanes: Lanes::default(),
            going: Mutex::new(BTreeSet::new()),
            places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
            action_places: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        })
    }

    /// Delivers for ever; to be aborted at the end.
    pub async fn run(self: Arc<Self>) {
        loop {
            let committed = self.committed.notified();
            tokio::pin!(committed);
            // Registered before the look, so that a commit in between is not missed.
            committed.as_mut().enable();
            let now = now_ms();
            let mut pause = LOOK_EVERY;
            let project = self.current.get();
            self.lanes
                .only(|name| project.file.channels.contains_key(name));
            for name in self.lanes.recovered() {
                self.levels.put(lane::level(&project, &name, None));
            }
            let (away, back) = self.lanes.away();
            if let Some(back) = back {
                pause = pause.min(back - Instant::now());
            }
            let away = away
                .into_iter()
                .map(|name| Target::Channel(name).to_string());
            match self.store.due(now, away.collect()).await {
                Ok(effects) => {
                    for effect in effects {
                        self.take(effect);
                    }
                }
                Err(fault) => {
                    tracing::error!(%fault, "The outbox cannot be read; trying again in 5 s");
                }
            }
            if let Ok((due, pending)) = self.store.pending().await {
                self.metrics.outbox_pending(pending);
                if let Some(due) = due {
                    let left = Duration::from_millis((due - now_ms()).max(50) as u64);
                    pause = pause.min(left);
                }
            }
            tokio::select! {
                biased;
                () = committed => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Delivers a row beside others, if there is a place; who ends makes the loop look again. What
    /// cannot be told must not hold up what is to be done: actions have places of their own.
    fn take(self: &Arc<Self>, effect: Effect) {
        let place = match &effect.target {
            Target::Channel(name) => self.lanes.place(name),
            target if target.acts() => self.action_places.clone().try_acquire_owned().ok(),
            _ => self.places.clone().try_acquire_owned().ok(),
        };
        let Some(place) = place else {
            return;
        };
        if !self
            .going
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(effect.id)
        {
            return;
        }
        let courier = self.clone();
        tokio::spawn(async move {
            let id = effect.id;
            let attempt = courier.attempt(effect.clone());
            if courier
                .supervisor
                .caught("delivery", attempt)
                .await
                .is_none()
            {
                courier.after_death(&effect).await;
            }
            courier
                .going
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
            drop(place);
            courier.settled.notify_waiters();
            courier.committed.notify_waiters();
        });
    }

    async fn attempt(&self, effect: Effect) {
        match self.store.claim_attempt(effect.id, effect.attempts).await {
            Ok(true) => {}
            // Settled or taken since it was listed.
            Ok(false) => return,
            Err(fault) => {
                // Nothing leaves that we could not note.
                tracing::error!(key = effect.key, %fault, "A delivery waits, since it cannot be noted");
                tokio::time::sleep(Duration::from_secs(1)).await;
                return;
            }
        }
        if let Some(text) = self.in_effect_already(&effect).await {
            return self
                .settle(&effect, EffectState::Delivered, now_ms(), text)
                .await;
        }
        if let Some(text) = too_late(&effect, now_ms()) {
            return self
                .settle(&effect, EffectState::GivenUp, now_ms(), text)
                .await;
        }
        let project = self.current.get();
        let delivery = match &effect.target {
            Target::Ticket(_) => match with_bundle(&self.store, &effect).await {
                Ok(whole) => self.world.deliver(&project, &whole).await,
                Err(fault) => Delivery::again(
                    format!("what is to be attached cannot be read: {fault}"),
                    None,
                ),
            },
            _ => self.world.deliver(&project, &effect).await,
        };
        let attempts = effect.attempts + 1;
        self.metrics
            .delivery(effect.target.word(), delivery.delivered);
        self.note(&project, &effect.target, &delivery, attempts);
        if delivery.delivered {
            tracing::info!(target = %effect.target, key = effect.key, "Delivered");
            return self
                .settle(&effect, EffectState::Delivered, now_ms(), delivery.text)
                .await;
        }
        match next(
            attempts,
            delivery.attempts_max,
            delivery.after,
            fastrand::f64(),
        ) {
            Next::After(pause) => {
                tracing::warn!(
                    target = %effect.target,
                    key = effect.key,
                    attempts,
                    retry_in_s = pause.as_secs_f64(),
                    reason = delivery.text,
                    "Not delivered; will try again"
                );
                self.settle(
                    &effect,
                    EffectState::Pending,
                    now_ms() + pause.as_millis() as i64,
                    delivery.text,
                )
                .await;
            }
            Next::GiveUp => {
                tracing::error!(
                    target = %effect.target,
                    key = effect.key,
                    attempts,
                    reason = delivery.text,
                    "Not delivered; given up"
                );
                self.settle(&effect, EffectState::GivenUp, now_ms(), delivery.text)
                    .await;
            }
        }
    }

    /// What an attempt says of the channel as a whole.
    fn note(&self, project: &Project, target: &Target, delivery: &Delivery, attempts: u32) {
        let Target::Channel(name) = target else {
            return;
        };
        if !project.file.channels.contains_key(name) {
            // What is gone is nobody's trouble.
            return;
        }
        if delivery.delivered {
            self.lanes.delivered(name);
            return;
        }
        let tells = match next(attempts, delivery.attempts_max, delivery.after, 0.0) {
            Next::GiveUp => self.lanes.gave_up(name),
            Next::After(_) if delivery.is_refused => false,
            Next::After(pause) => self.lanes.failed(name, pause),
        };
        if tells {
            let condition = lane::undelivered(&delivery.text, now_ms());
            self.levels.put(lane::level(project, name, Some(condition)));
        }
    }

    /// Tells people what cannot be committed: what one channel is told in its order, and each beside the others.
    pub async fn tell_directly(self: Arc<Self>, direct: Arc<Direct>) {
        let mut channels: BTreeMap<String, mpsc::UnboundedSender<NewEffect>> = BTreeMap::new();
        loop {
            let new = direct.next().await;
            let one = channels.entry(new.target.to_string()).or_insert_with(|| {
                let (to, mut from) = mpsc::unbounded_channel();
                let (courier, direct) = (self.clone(), direct.clone());
                tokio::spawn(async move {
                    while let Some(new) = from.recv().await {
                        courier.tell_once(new, &direct).await;
                    }
                });
                to
            });
            // It lives as long as its sender.
            let _ = one.send(new);
        }
    }

    async fn tell_once(&self, new: NewEffect, direct: &Direct) {
        let effect = Effect {
            id: 0,
            key: new.key,
            gate_id: new.gate_id,
            target: new.target,
            body: new.body,
            state: EffectState::Pending,
            attempts: 0,
            next_ms: 0,
            created_ms: now_ms(),
            settled_ms: None,
            result: String::new(),
        };
        let project = self.current.get();
        for _ in 0..DIRECT_ATTEMPTS {
            let delivery = self.world.deliver(&project, &effect).await;
            let word = effect.target.word();
            self.metrics.delivery(word, delivery.delivered);
            if delivery.delivered {
                return direct.told(effect.key);
            }
            tracing::error!(
                key = effect.key,
                reason = delivery.text,
                "Not told directly"
            );
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// An attempt that died on the way may have had its effect: it is tried again like any other, and
    /// given up in the end.
    async fn after_death(&self, effect: &Effect) {
        let text = DIED.to_owned();
        // As after a kill: an action is tried once more, or as often as it says. Who is sent a webhook
        // tells a repeat by its id.
        let most = match &effect.target {
            Target::Action {
                gate,
                occasion,
                number,
                ..
            } => {
                let announcement = serde_json::from_str::<Announcement>(&effect.body).ok();
                let identity = announcement.map(|it| it.action).unwrap_or_default();
                let project = self.current.get();
                let gate = project.file.gate(gate);
                let action = gate.and_then(|gate| gate.ordered(*occasion, *number, &identity));
                match action {
                    None => 0,
                    Some(action) if matches!(action.kind, ActionKind::Webhook(_)) => {
                        limits::DELIVERY_ATTEMPTS_MAX
                    }
                    Some(action) => action.attempts.max(2),
                }
            }
            _ => limits::DELIVERY_ATTEMPTS_MAX,
        };
        let attempts = effect.attempts + 1;
        let (state, pause) = match next(attempts, most, None, fastrand::f64()) {
            Next::After(pause) => (EffectState::Pending, pause),
            Next::GiveUp => (EffectState::GivenUp, Duration::ZERO),
        };
        let next_ms = now_ms() + pause.as_millis() as i64;
        self.settle(effect, state, next_ms, text).await;
    }

    /// A command that was cut off by a kill may have done its work: a rollback that shows
    /// everywhere is not ordered a second time.
    async fn in_effect_already(&self, effect: &Effect) -> Option<String> {
        if !effect.was_cut_off() {
            return None;
        }
        let Target::Action {
            occasion, number, ..
        } = &effect.target
        else {
            return None;
        };
        if !occasion.rolls_back() {
            return None;
        }
        let announcement: Announcement = serde_json::from_str(&effect.body).ok()?;
        let project = self.current.get();
        let (gate, environment) = find(&project, &announcement.record)?;
        // A webhook carries an id by which its receiver tells repeats; only a program cannot be told.
        let action = gate.ordered(*occasion, *number, &announcement.action)?;
        if !matches!(action.kind, ActionKind::Command { .. }) {
            return None;
        }
        let good = announcement.record.rollback_to.clone()?;
        if gate.services.is_empty() {
            return None;
        }
        // As often as the proof looks: one of several instances may be the old one by chance.
        let converge = &gate.prove.converge;
        for look in 0..converge.reads.max(1) {
            if look > 0 {
                tokio::time::sleep(converge.every).await;
            }
            for service in &gate.services {
                if self.world.served(environment, service).await? != good {
                    return None;
                }
            }
        }
        Some(format!(
            "an attempt was cut off, but `{good}` is served everywhere: not ordered again"
        ))
    }

    async fn settle(&self, effect: &Effect, state: EffectState, next_ms: i64, text: String) {
        loop {
            match self
                .store
                .attempt_ended(effect.id, state, next_ms, now_ms(), text.clone())
                .await
            {
                Ok(()) => return,
                Err(fault) => {
                    tracing::error!(key = effect.key, %fault, "The end of a delivery cannot be noted; trying again in 2 s");
                    tokio::time::sleep(Duration::from_secs(2)).await;
                }
            }
        }
    }
}
