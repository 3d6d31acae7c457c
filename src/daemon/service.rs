//! What a service manager is told: that we are ready, that we stop, and that we are alive (sd_notify(3)).
//!
//! Says nothing where nobody listens. Invariant: whoever is told that we live was told by the loop that does the work: one that
//! hangs tells nothing, and is started again.

use sd_notify::NotifyState;
use std::time::Duration;

/// Told by the loop that serves reloads, so often that one message may be lost.
const TIMES: u32 = 3;

/// Tells something; who is not run by a service manager tells nobody.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "The service manager was not told");
    }
}

/// That everything is started.
pub(super) fn ready(address: &str) {
    let status = format!("Serving on {address}");
    tell(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// That no new work is taken.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// That the configuration is read again, and that it was, well or not.
pub(super) fn reloaded(result: &Result<(), String>) {
    let status = match result {
        Ok(()) => "The configuration was read again".to_owned(),
        Err(reason) => format!("The configuration was not read again: {reason}"),
    };
    tell(&[NotifyState::Status(&status)]);
}

/// Ticks as often as we are to say that we live; never where nobody asks.
pub(super) struct Watchdog(Option<tokio::time::Interval>);

impl Watchdog {
    /// As the service manager asks.
    pub(super) fn new() -> Watchdog {
        let asked = sd_notify::watchdog_enabled();
        let every = asked.map(|time| (time / TIMES).max(Duration::from_millis(100)));
        Watchdog(every.map(tokio::time::interval))
    }

    /// Waits until it is due.
    pub(super) async fn due(&mut self) {
        match &mut self.0 {
            Some(interval) => drop(interval.tick().await),
            None => std::future::pending().await,
        }
    }

    /// Says that we live.
    pub(super) fn alive(&self) {
        tell(&[NotifyState::Watchdog]);
    }
}
