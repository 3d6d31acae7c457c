//! When deploys are verified: weekdays and hours in a named zone, and dated freezes.
//!
//! Pure: the time is given. A window includes its first minute and excludes its last. Windows
//! never block a rollback.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;

/// All windows of an environment.
#[derive(Debug, Clone)]
pub struct Windows {
    /// The zone that hours and days are read in.
    pub zone: Tz,
    /// When it is allowed; always where empty.
    pub allow: Vec<Window>,
    /// Days on which it is not.
    pub freezes: Vec<Freeze>,
    /// Whether being outside holds the gate, or is only said.
    pub hard: bool,
}

/// Some hours on some weekdays.
#[derive(Debug, Clone)]
pub struct Window {
    /// `mon` to `sun`.
    pub days: Vec<String>,
    /// First minute of the day.
    pub from: u32,
    /// First minute after.
    pub to: u32,
}

impl Window {
    /// Whether a minute of a day is inside. A window that ends before it begins is a night: it is of
    /// the day on which it begins.
    fn contains(&self, today: &String, yesterday: &String, minute: u32) -> bool {
        if self.from <= self.to {
            return self.days.contains(today) && (self.from..self.to).contains(&minute);
        }
        let begins = self.days.contains(today) && minute >= self.from;
        let ends = self.days.contains(yesterday) && minute < self.to;
        begins || ends
    }
}

/// Whole days, both ends included.
#[derive(Debug, Clone)]
pub struct Freeze {
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// Why.
    pub reason: String,
}

/// Minutes since midnight of `09:30`.
pub fn minute_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && (hour < 24 || (hour == 24 && minute == 0))).then_some(hour * 60 + minute)
}

impl Windows {
    /// Why a moment is outside of the windows; `None` inside.
    pub fn objection(&self, now: DateTime<Utc>) -> Option<String> {
        let local = now.with_timezone(&self.zone);
        let day = local.date_naive();
        for freeze in &self.freezes {
            if (freeze.from..=freeze.to).contains(&day) {
                let reason = if freeze.reason.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", freeze.reason)
                };
                return Some(format!(
                    "{day} is inside the freeze from {} to {}{reason}",
                    freeze.from, freeze.to
                ));
            }
        }
        let name = |day: chrono::Weekday| day.to_string().to_lowercase();
        let (today, yesterday) = (name(local.weekday()), name(local.weekday().pred()));
        let minute = local.hour() * 60 + local.minute();
        let inside = self
            .allow
            .iter()
            .any(|window| window.contains(&today, &yesterday, minute));
        if inside || self.allow.is_empty() {
            return None;
        }
        Some(format!(
            "{} is outside of the allowed windows",
            local.format("%A %H:%M %Z")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guide 4: Monday to Friday, nine to five, Pacific Time, over the change to winter time.
    #[test]
    fn office_hours_follow_the_zone_through_daylight_saving() {
        let windows = Windows {
            zone: "America/Los_Angeles".parse().unwrap(),
            allow: vec![Window {
                days: ["mon", "tue", "wed", "thu", "fri"]
                    .map(str::to_owned)
                    .to_vec(),
                from: 540,
                to: 1020,
            }],
            freezes: vec![Freeze {
                from: "2026-12-24".parse().unwrap(),
                to: "2026-12-26".parse().unwrap(),
                reason: "holidays".to_owned(),
            }],
            hard: true,
        };
        let at = |text: &str| windows.objection(text.parse().unwrap());
        assert_eq!(at("2026-10-30T16:00:00Z"), None, "09:00 in summer time");
        assert_eq!(at("2026-11-02T17:00:00Z"), None, "09:00 in winter time");
        assert!(at("2026-11-02T16:59:00Z").is_some_and(|why| why.contains("Monday 08:59 PST")));
        assert!(at("2026-11-03T01:00:00Z").is_some(), "17:00 is outside");
        assert!(at("2026-11-01T20:00:00Z").is_some(), "a Sunday");
        assert!(at("2026-12-25T18:00:00Z").is_some_and(|why| why.contains("holidays")));
    }

    #[test]
    fn a_night_is_of_the_day_on_which_it_begins() {
        let windows = Windows {
            zone: Tz::UTC,
            allow: vec![Window {
                days: vec!["fri".to_owned()],
                from: 22 * 60,
                to: 6 * 60,
            }],
            freezes: Vec::new(),
            hard: true,
        };
        let at = |text: &str| windows.objection(text.parse().unwrap()).is_none();
        let cases = [
            ("2026-11-27T21:59:00Z", false),
            ("2026-11-27T22:00:00Z", true),
            ("2026-11-28T05:59:00Z", true),
            ("2026-11-28T06:00:00Z", false),
            ("2026-11-27T05:00:00Z", false),
        ];
        for (moment, allowed) in cases {
            assert_eq!(at(moment), allowed, "{moment}");
        }
    }
}
