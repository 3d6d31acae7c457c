//! A lane for each channel: its own places, and a pause of its own while it is away.
//!
//! Invariant: what one channel does, however slow or broken it is, takes nothing from another.

use crate::project::file::Project;
use crate::watch::alert::{Condition, Level, Severity};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Deliveries of one channel that go on at once.
const PLACES: usize = 4;
/// A channel that has been away for so long is told of elsewhere.
pub const AWAY_MAX: Duration = Duration::from_secs(300);
/// A message that was lost is a trouble for so long.
const LOST_TOLD: Duration = Duration::from_secs(120);
/// How the subjects of channels begin.
pub const KIND: &str = "channel/";

#[derive(Debug)]
struct Lane {
    places: Arc<Semaphore>,
    /// Until when nothing is tried, and since when nothing was delivered.
    away: Option<(Instant, Instant)>,
    /// Whether people are told of its trouble.
    is_told: bool,
    /// Until when a message that was given up is a trouble, whatever else comes through.
    lost_until: Option<Instant>,
}

/// The lanes of all channels.
#[derive(Debug, Default)]
pub struct Lanes(Mutex<BTreeMap<String, Lane>>);

impl Lanes {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more delivery, if there is one.
    pub fn place(&self, channel: &str) -> Option<OwnedSemaphorePermit> {
        let mut all = self.all();
        let lane = all.entry(channel.to_owned()).or_insert_with(|| Lane {
            places: Arc::new(Semaphore::new(PLACES)),
            away: None,
            is_told: false,
            lost_until: None,
        });
        lane.places.clone().try_acquire_owned().ok()
    }

    /// Forgets the lanes of channels that are gone.
    pub fn only(&self, is_known: impl Fn(&str) -> bool) {
        self.all().retain(|name, _| is_known(name));
    }

    /// Channels for which nothing is to be tried now, and when the first of them is to be tried again.
    pub fn away(&self) -> (Vec<String>, Option<Instant>) {
        let now = Instant::now();
        let all = self.all();
        let away = all
            .iter()
            .filter_map(|(name, lane)| Some((name, lane.away?.0)))
            .filter(|(_, until)| now < *until);
        let next = away.clone().map(|(_, until)| until).min();
        (away.map(|(name, _)| name.clone()).collect(), next)
    }

    /// Something was delivered: the channel is back.
    pub fn delivered(&self, channel: &str) {
        if let Some(lane) = self.all().get_mut(channel) {
            lane.away = None;
        }
    }

    /// Channels whose trouble people were told of, and is over by now.
    pub fn recovered(&self) -> Vec<String> {
        let now = Instant::now();
        let mut all = self.all();
        let over = |lane: &Lane| {
            lane.is_told && lane.away.is_none() && lane.lost_until.is_none_or(|until| until <= now)
        };
        let lanes = all.iter_mut().filter(|(_, lane)| over(lane));
        lanes
            .map(|(name, lane)| {
                lane.is_told = false;
                name.clone()
            })
            .collect()
    }

    /// Nothing comes through: nothing else is tried for a pause. Whether it is time to tell people.
    pub fn failed(&self, channel: &str, pause: Duration) -> bool {
        let now = Instant::now();
        let mut all = self.all();
        let Some(lane) = all.get_mut(channel) else {
            return false;
        };
        let since = lane.away.map_or(now, |(_, since)| since);
        lane.away = Some((now + pause, since));
        let is_time = now - since >= AWAY_MAX && !lane.is_told;
        lane.is_told |= is_time;
        is_time
    }

    /// Something was given up: people are to be told at once, if they were not.
    pub fn gave_up(&self, channel: &str) -> bool {
        let mut all = self.all();
        let Some(lane) = all.get_mut(channel) else {
            return false;
        };
        lane.lost_until = Some(Instant::now() + LOST_TOLD);
        !std::mem::replace(&mut lane.is_told, true)
    }
}

/// The level of a channel; others are told of its trouble.
pub fn level(project: &Project, channel: &str, condition: Option<Condition>) -> Level {
    let others = project.file.own_channels().into_iter();
    let others: Vec<String> = others.filter(|name| name != channel).collect();
    let route = project.file.alerts.route(&others);
    Level {
        labels: [("channel".to_owned(), channel.to_owned())].into(),
        ..Level::new(
            format!("{KIND}{channel}"),
            format!("Bellwether/{channel}"),
            route,
            condition,
        )
    }
}

/// What is wrong with a channel.
pub fn undelivered(reason: &str, now_ms: i64) -> Condition {
    Condition {
        word: "undelivered".to_owned(),
        severity: Severity::Error,
        reason: crate::secret::start_of(reason, 500),
        since_ms: now_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_channel_that_is_away_is_left_alone_and_told_of_once() {
        let lanes = Lanes::default();
        let held: Vec<_> = std::iter::from_fn(|| lanes.place("slow")).collect();
        assert_eq!(held.len(), PLACES);
        assert!(lanes.place("other").is_some(), "another has its own");
        assert!(!lanes.failed("slow", Duration::from_secs(60)));
        assert_eq!(lanes.away().0, ["slow"]);
        tokio::time::sleep(Duration::from_secs(61)).await;
        assert!(lanes.away().0.is_empty(), "it is tried again");
        tokio::time::sleep(AWAY_MAX).await;
        assert!(
            lanes.failed("slow", Duration::from_secs(60)),
            "away for too long"
        );
        assert!(!lanes.failed("slow", Duration::from_secs(60)), "once");
        assert!(lanes.recovered().is_empty());
        lanes.delivered("slow");
        assert_eq!(lanes.recovered(), ["slow"]);
        assert!(lanes.recovered().is_empty());
        assert!(lanes.gave_up("slow") && !lanes.gave_up("slow"));
        lanes.delivered("slow");
        assert!(
            lanes.recovered().is_empty(),
            "something was lost, whatever comes through"
        );
        tokio::time::sleep(LOST_TOLD).await;
        assert_eq!(lanes.recovered(), ["slow"]);
    }
}
