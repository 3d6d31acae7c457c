//! What a running load is told: stop, pause, go on, more or less of it.
//!
//! A pause holds the plan: whatever was to come later comes later by as much as the pause lasted,
//! and nothing of it counts as late.

use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Whether a run is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Start nothing new; let running iterations finish.
    Drain,
    /// Stop at once.
    Now,
}

/// Smallest and largest factor by which a run can be scaled.
pub const SCALES: std::ops::RangeInclusive<f64> = 0.01..=100.0;

/// All that a run was told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Orders {
    /// Whether it is to stop.
    pub stop: Stop,
    /// Since when it pauses, if it does.
    pub paused: Option<Instant>,
    /// How long it paused before.
    pub shift: Duration,
    /// What the planned rates and numbers of virtual users are multiplied with.
    pub scale: f64,
    /// The lowest and the highest that this ever was.
    pub scaled: (f64, f64),
    /// Whether there is anything that can be multiplied.
    pub scalable: bool,
}

/// Tells a run what to do. A clone tells the same run.
#[derive(Debug, Clone)]
pub struct Control(watch::Sender<Orders>);

impl Control {
    /// A control that says "go on".
    pub fn new() -> Control {
        Control(watch::Sender::new(Orders {
            stop: Stop::No,
            paused: None,
            shift: Duration::ZERO,
            scale: 1.0,
            scaled: (1.0, 1.0),
            scalable: true,
        }))
    }

    /// Asks to drain; asked again, to stop at once.
    pub fn stop(&self) {
        self.0.send_modify(|orders| {
            orders.stop = if orders.stop == Stop::No {
                Stop::Drain
            } else {
                Stop::Now
            }
        });
    }

    /// Starts nothing new until it is told to go on. Says nothing new if it pauses already.
    pub fn pause(&self, now: Instant) {
        self.0.send_if_modified(|orders| {
            let changes = orders.paused.is_none();
            orders.paused.get_or_insert(now);
            changes
        });
    }

    /// Goes on with the plan where it was held.
    pub fn resume(&self, now: Instant) {
        self.0
            .send_if_modified(|orders| match orders.paused.take() {
                Some(since) => {
                    orders.shift += now.saturating_duration_since(since);
                    true
                }
                None => false,
            });
    }

    /// Multiplies the planned rates and numbers of virtual users; kept within [`SCALES`]. Whether
    /// there is anything to multiply.
    pub fn scale(&self, factor: f64) -> bool {
        let factor = if factor.is_finite() { factor } else { 1.0 };
        let factor = factor.clamp(*SCALES.start(), *SCALES.end());
        self.0.send_if_modified(|orders| {
            if orders.scalable {
                orders.scale = factor;
                // Going back to the plan does not undo what was done meanwhile.
                orders.scaled = (orders.scaled.0.min(factor), orders.scaled.1.max(factor));
            }
            orders.scalable
        })
    }

    /// Says whether a load has a rate or a constant number of virtual users.
    pub fn set_scalable(&self, scalable: bool) {
        self.0.send_modify(|orders| orders.scalable = scalable);
    }

    /// Waits while it pauses; returns at once when it is to stop.
    pub async fn unpaused(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = receiver
            .wait_for(|orders| orders.paused.is_none() || orders.stop != Stop::No)
            .await;
    }

    /// What was asked.
    pub fn asked(&self) -> Stop {
        self.0.borrow().stop
    }

    /// All that was ordered.
    pub fn orders(&self) -> Orders {
        *self.0.borrow()
    }

    /// How long it paused in all.
    pub fn paused(&self) -> Duration {
        let orders = self.orders();
        orders.shift
            + orders
                .paused
                .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Hears of every order from now on.
    pub fn listen(&self) -> watch::Receiver<Orders> {
        self.0.subscribe()
    }

    /// Waits until it is asked to stop at all.
    pub async fn stopped(&self) {
        let mut receiver = self.0.subscribe();
        // The sender lives as long as `self`.
        let _ = receiver.wait_for(|orders| orders.stop != Stop::No).await;
    }
}

/// Waits until something that is planned for a moment is due; whether it still is to happen.
pub(super) async fn reached(orders: &mut watch::Receiver<Orders>, planned: Instant) -> bool {
    loop {
        let now = *orders.borrow_and_update();
        if now.stop != Stop::No {
            return false;
        }
        let moment = planned + now.shift;
        tokio::select! {
            biased;
            changed = orders.changed() => if changed.is_err() { return false },
            () = tokio::time::sleep_until(moment.into()), if now.paused.is_none() => return true,
        }
    }
}

/// Waits until the time of something is over that begins nothing new from a planned moment on: then it has its grace time. What is
/// to stop gets that at once, and no time at all the second time.
pub(super) async fn is_over(
    mut orders: watch::Receiver<Orders>,
    planned: Instant,
    grace: Duration,
) {
    reached(&mut orders, planned).await;
    tokio::select! {
        () = tokio::time::sleep(grace) => {}
        _ = orders.wait_for(|orders| orders.stop == Stop::Now) => {}
    }
}

impl Default for Control {
    fn default() -> Control {
        Control::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_add_up_and_asking_twice_changes_nothing() {
        let control = Control::new();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        control.pause(at(1));
        control.pause(at(2));
        control.resume(at(4));
        control.resume(at(5));
        control.pause(at(10));
        control.resume(at(12));
        assert_eq!(control.orders().shift, Duration::from_secs(5));
        assert_eq!(control.orders().paused, None);
        control.scale(f64::NAN);
        assert!((control.orders().scale - 1.0).abs() < 1e-9);
        control.scale(1e9);
        assert!((control.orders().scale - 100.0).abs() < 1e-9);
        control.scale(0.5);
        control.scale(1.0);
        assert_eq!(control.orders().scaled, (0.5, 100.0), "it is remembered");
        control.set_scalable(false);
        assert!(!control.scale(2.0));
        assert!((control.orders().scale - 1.0).abs() < 1e-9);
    }
}
