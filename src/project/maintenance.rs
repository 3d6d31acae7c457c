//! Windows of maintenance: once, or again and again. Pure: the time is given.
//!
//! What is measured in one is kept and shown, and neither told to anybody nor counted.

use super::schedule::Schedule;
use crate::document::shape::{Object, Shape, field};
use chrono::{DateTime, Utc};
use std::time::Duration;

/// A window of maintenance: its first moment is inside, its last is not.
#[derive(Debug, Clone)]
pub enum Maintenance {
    /// From a moment to another.
    Once(DateTime<Utc>, DateTime<Utc>),
    /// From each moment of a schedule on, for so long.
    Again(Schedule, Duration),
}

impl Maintenance {
    /// Whether a moment is inside.
    pub fn contains(&self, now: DateTime<Utc>) -> bool {
        self.next(now).is_some_and(|(begun, _)| begun <= now)
    }

    /// The window that a moment is in, or the next one after it: from when, and to when.
    pub fn next(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        match self {
            Maintenance::Once(from, to) => (now < *to).then_some((*from, *to)),
            Maintenance::Again(schedule, length) => {
                let length = chrono::Duration::from_std(*length).unwrap_or_default();
                let begun = schedule.next_after(now, now - length)?;
                Some((begun, begun + length))
            }
        }
    }
}

/// The form of a window of maintenance.
pub static MAINTENANCE: Object = Object {
    name: "maintenance",
    called: "a window of maintenance",
    fields: &[
        field(
            "from",
            Shape::Text,
            "its first moment, `2026-12-01T02:00:00Z`",
        ),
        field("to", Shape::Text, "the moment at which it is over"),
        field(
            "cron",
            Shape::Text,
            "when it begins again and again, instead of `from` and `to`",
        ),
        field(
            "zone",
            Shape::Text,
            "the time zone of `cron`, an IANA name (UTC)",
        ),
        field("for", Shape::Duration, "how long it lasts, with `cron`"),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_inside_from_its_first_moment_to_the_last_in_its_own_zone() {
        let schedule = Schedule::cron("0 2 * * 0", "Europe/Berlin").unwrap();
        let window = Maintenance::Again(schedule, Duration::from_secs(7200));
        let at = |text: &str| window.contains(text.parse().unwrap());
        assert!(!at("2026-11-29T00:59:59Z"), "01:59 on Sunday");
        assert!(at("2026-11-29T01:00:00Z"));
        assert!(at("2026-11-29T02:59:59Z"));
        assert!(!at("2026-11-29T03:00:00Z"));
        assert!(!at("2026-11-30T01:30:00Z"), "Monday");
        // In summer it begins an hour earlier by UTC; on the day of the change, after the gap.
        assert!(at("2027-07-04T00:30:00Z"));
        assert!(at("2027-03-28T01:30:00Z"));
        let (from, to) = ("2026-12-01T02:00:00Z", "2026-12-01T03:00:00Z");
        let once = Maintenance::Once(from.parse().unwrap(), to.parse().unwrap());
        assert!(once.contains(from.parse().unwrap()) && !once.contains(to.parse().unwrap()));
        let next = |window: &Maintenance, text: &str| {
            let (from, to) = window.next(text.parse().unwrap())?;
            Some(format!("{} {}", from.format("%dT%H"), to.format("%dT%H")))
        };
        assert_eq!(
            next(&window, "2026-11-29T02:59:59Z").unwrap(),
            "29T01 29T03"
        );
        assert_eq!(
            next(&window, "2026-11-29T03:00:00Z").unwrap(),
            "06T01 06T03"
        );
        assert_eq!(next(&once, "2026-11-01T00:00:00Z").unwrap(), "01T02 01T03");
        assert_eq!(next(&once, to), None);
    }
}
