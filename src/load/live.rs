//! Loads that run now in this process: what they do this second, and the way to tell them something.

use super::control::{Control, Orders, Stop};
use super::tick::Tick;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A load as callers see it.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoadState {
    /// Its number in this process.
    pub id: u64,
    /// The scenario's name.
    pub scenario: String,
    /// Where it runs.
    pub environment: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// Seconds since then.
    pub elapsed_s: f64,
    /// Seconds for which iterations are started, as planned.
    pub planned_s: f64,
    /// Requests until now.
    pub requests: u64,
    /// Failed ones.
    pub errors: u64,
    /// Requests in the last second.
    pub rate: u64,
    /// Latency in the last second: median in microseconds.
    pub p50_us: u64,
    /// 95th percentile in microseconds.
    pub p95_us: u64,
    /// 99th percentile in microseconds.
    pub p99_us: u64,
    /// Iterations in progress.
    pub active: u64,
    /// Arrivals that wait for a free virtual user.
    pub waiting: u64,
    /// Whether it pauses.
    pub paused: bool,
    /// What the plan is multiplied with.
    pub scale: f64,
    /// Whether it is told to stop.
    pub stopping: bool,
}

#[derive(Debug)]
struct Entry {
    state: LoadState,
    began: Instant,
    control: Control,
}

/// All loads of this process.
#[derive(Debug, Default)]
pub struct Live(Mutex<(u64, BTreeMap<u64, Entry>)>);

/// An entry that is removed when the load is over.
#[derive(Debug)]
pub struct Presence {
    live: Arc<Live>,
    id: u64,
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Entry>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a load that starts now.
    pub fn enter(
        self: &Arc<Live>,
        scenario: &str,
        environment: &str,
        started: &str,
        planned_s: f64,
        control: &Control,
    ) -> Presence {
        let mut all = self.lock();
        all.0 += 1;
        let id = all.0;
        let state = LoadState {
            id,
            scenario: scenario.to_owned(),
            environment: environment.to_owned(),
            started: started.to_owned(),
            elapsed_s: 0.0,
            planned_s,
            requests: 0,
            errors: 0,
            rate: 0,
            p50_us: 0,
            p95_us: 0,
            p99_us: 0,
            active: 0,
            waiting: 0,
            paused: false,
            scale: 1.0,
            stopping: false,
        };
        let entry = Entry {
            state,
            began: Instant::now(),
            control: control.clone(),
        };
        all.1.insert(id, entry);
        Presence {
            live: self.clone(),
            id,
        }
    }

    /// All of them.
    pub fn list(&self) -> Vec<LoadState> {
        self.lock().1.values().map(Entry::state).collect()
    }

    /// Tells one of them something: what came of it, and its state after that. Nothing if no such
    /// load is running. What is told here is seen by [`Presence::leave`].
    pub fn tell<T>(&self, id: u64, order: impl FnOnce(&Control) -> T) -> Option<(T, LoadState)> {
        let all = self.lock();
        let entry = all.1.get(&id)?;
        Some((order(&entry.control), entry.state()))
    }
}

impl Entry {
    fn state(&self) -> LoadState {
        let orders = self.control.orders();
        LoadState {
            elapsed_s: self.began.elapsed().as_secs_f64(),
            paused: orders.paused.is_some(),
            scale: orders.scale,
            stopping: orders.stop != Stop::No,
            ..self.state.clone()
        }
    }
}

impl Presence {
    /// A second is over.
    pub fn tick(&self, tick: &Tick) {
        let mut all = self.live.lock();
        let Some(entry) = all.1.get_mut(&self.id) else {
            return;
        };
        let at = |quantile| tick.latency.value_at_quantile(quantile);
        let state = &mut entry.state;
        state.requests += tick.requests;
        state.errors += tick.errors;
        state.rate = tick.requests;
        (state.p50_us, state.p95_us, state.p99_us) = (at(0.5), at(0.95), at(0.99));
        state.active = tick.active;
        state.waiting = tick.waiting;
    }

    /// The load is over: nobody can tell it anything from now on. All that it was told, to the
    /// last moment: an order that was accepted is never without effect.
    pub fn leave(self) -> Option<Orders> {
        let left = self.live.lock().1.remove(&self.id)?;
        Some(left.control.orders())
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.live.lock().1.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_seen_or_refused() {
        let live = Arc::<Live>::default();
        let control = Control::new();
        let presence = live.enter("load", "production", "", 1.0, &control);
        let (accepted, state) = live
            .tell(1, |control| {
                control.stop();
                true
            })
            .expect("it is running");
        assert!(accepted && state.stopping);
        let orders = presence.leave().expect("it was there until now");
        assert_eq!(orders.stop, Stop::Drain);
        assert!(live.tell(1, |_| ()).is_none(), "it is over");
        assert!(live.list().is_empty());
    }
}
