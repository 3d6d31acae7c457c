//! Who is on duty now, and what may wait: what the hour says of how trouble is told.
//!
//! Pure. A rota hands over once a week at a civil time, so that a change of the clocks moves nothing.

use super::alert::Severity;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// What the hour says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Duty {
    /// What is less bad than this waits.
    pub quiet_below: Option<Severity>,
    /// The channel that stands for the name of a rota.
    pub on_call: BTreeMap<String, String>,
}

impl Duty {
    /// The channels that are told, each once.
    pub fn channels(&self, named: &[String]) -> Vec<String> {
        let mut channels: Vec<String> = Vec::new();
        for name in named {
            let channel = self.on_call.get(name).unwrap_or(name);
            if !channels.contains(channel) {
                channels.push(channel.clone());
            }
        }
        channels
    }

    /// Whether trouble of a severity waits.
    pub fn is_quiet(&self, severity: Severity) -> bool {
        self.quiet_below.is_some_and(|least| severity < least)
    }
}

/// Channels that take turns, a week each.
#[derive(Debug, Clone)]
pub struct Rota {
    /// The zone of the handover.
    pub zone: Tz,
    /// When the first week of the first channel begins, in that zone.
    pub from: NaiveDateTime,
    /// The channels, in their order; at least one.
    pub channels: Vec<String>,
}

impl Rota {
    /// Who is on duty at a moment.
    pub fn on_call(&self, now: DateTime<Utc>) -> Option<&String> {
        let passed = now.with_timezone(&self.zone).naive_local() - self.from;
        let week = passed.num_seconds().div_euclid(7 * 24 * 3_600);
        let count = i64::try_from(self.channels.len())
            .ok()
            .filter(|count| *count > 0)?;
        self.channels
            .get(usize::try_from(week.rem_euclid(count)).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rota_hands_over_at_the_same_civil_time_all_year() {
        let rota = Rota {
            zone: "Europe/Berlin".parse().unwrap(),
            from: "2026-10-19T09:00:00".parse().unwrap(),
            channels: ["ann", "bob", "cem"].map(str::to_owned).to_vec(),
        };
        let at = |text: &str| rota.on_call(text.parse().unwrap()).unwrap().as_str();
        assert_eq!(at("2026-10-19T07:00:00Z"), "ann", "09:00 in summer");
        assert_eq!(at("2026-10-26T07:59:59Z"), "ann", "08:59:59 in winter");
        assert_eq!(at("2026-10-26T08:00:00Z"), "bob");
        assert_eq!(at("2026-11-09T08:00:00Z"), "ann", "again after three weeks");
        assert_eq!(
            at("2026-10-19T06:59:59Z"),
            "cem",
            "the week before the first"
        );
    }

    #[test]
    fn who_stands_for_two_is_told_once() {
        let duty = Duty {
            quiet_below: Some(Severity::Error),
            on_call: BTreeMap::from([("rota".to_owned(), "ann".to_owned())]),
        };
        let named = ["rota", "ann", "team"].map(str::to_owned);
        assert_eq!(duty.channels(&named), ["ann", "team"]);
        assert!(duty.is_quiet(Severity::Warning) && !duty.is_quiet(Severity::Error));
    }
}
