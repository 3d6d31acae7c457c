//! When a probe is due: intervals, and cron in a named time zone.
//!
//! Pure: the time is given. The `cron` crate works out civil times; five-field form, weekday
//! numbers, "day or weekday", and what daylight saving does to a civil time are decided here,
//! as cron has always done it: a time that the clock skips fires right after the gap, a time
//! that the clock shows twice fires once, unless the schedule runs every hour anyway.

use chrono::{DateTime, Duration as Span, MappedLocalTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use std::str::FromStr;
use std::time::Duration;

/// A schedule.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// Every so often, on a fixed grid.
    Every(Duration),
    /// By the calendar.
    Cron(Box<Calendar>),
}

/// Civil times in a zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    text: String,
    zone: Tz,
    /// One schedule, or two of which the earlier counts.
    civil: Vec<cron::Schedule>,
    every_hour: bool,
}

impl Schedule {
    /// An interval.
    pub fn every(interval: Duration) -> Schedule {
        Schedule::Every(interval)
    }

    /// A cron expression of five fields, or six with seconds first.
    pub fn cron(text: &str, zone: &str) -> Result<Schedule, String> {
        let zone: Tz = zone
            .parse()
            .map_err(|_| format!("`{zone}` is not an IANA time zone"))?;
        let text = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            other => other,
        };
        let mut fields: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        match fields.len() {
            5 => fields.insert(0, "0".to_owned()),
            6 => {}
            count => return Err(format!("it has {count} fields")),
        }
        fields[5] = weekdays(&fields[5])?;
        let every_hour = fields[2].starts_with('*');
        let restricted = |field: &str| !field.starts_with('*') && field != "?";
        let mut forms = vec![fields.clone()];
        if restricted(&fields[3]) && restricted(&fields[5]) {
            forms = vec![fields.clone(), fields];
            forms[0][5] = "*".to_owned();
            forms[1][3] = "*".to_owned();
        }
        let civil = forms
            .iter()
            .map(|fields| {
                cron::Schedule::from_str(&fields.join(" ")).map_err(|error| {
                    let reason = error.to_string();
                    reason.lines().last().unwrap_or_default().trim().to_owned()
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if civil.iter().all(|form| form.upcoming(Utc).next().is_none()) {
            return Err("no day of any year fits it: it would never fire".to_owned());
        }
        Ok(Schedule::Cron(Box::new(Calendar {
            text: text.to_owned(),
            zone,
            civil,
            every_hour,
        })))
    }

    /// The first moment after `now`. `start` anchors the grid of an interval. `None` if there is none.
    pub fn next_after(&self, start: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Schedule::Every(interval) => {
                let interval = i64::try_from(interval.as_micros())
                    .unwrap_or(i64::MAX)
                    .max(1);
                let passed = (now - start).num_microseconds().unwrap_or(0);
                let round = passed.div_euclid(interval) + 1;
                start.checked_add_signed(Span::microseconds(round.max(0).saturating_mul(interval)))
            }
            Schedule::Cron(calendar) => calendar.next_after(now),
        }
    }

    /// As people read it.
    pub fn show(&self) -> String {
        match self {
            Schedule::Every(interval) => {
                format!("every {}", crate::duration::show(*interval))
            }
            Schedule::Cron(calendar) => format!("{} ({})", calendar.text, calendar.zone),
        }
    }

    /// The moment at which it is due for the `count`th time after another, if it ever is.
    pub fn due_after(&self, start: DateTime<Utc>, count: u32) -> Option<DateTime<Utc>> {
        match self {
            Schedule::Every(interval) => {
                let whole = Span::from_std(interval.saturating_mul(count)).ok()?;
                start.checked_add_signed(whole)
            }
            Schedule::Cron(calendar) => {
                let next = |moment: DateTime<Utc>, _| calendar.next_after(moment);
                (0..count).try_fold(start, next)
            }
        }
    }
}

/// Weekday numbers as cron means them (0 and 7 are Sunday), as the names that the crate takes.
fn weekdays(field: &str) -> Result<String, String> {
    const NAMES: [&str; 8] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    let name = |text: &str| -> Result<String, String> {
        match text.parse::<usize>() {
            Ok(number) => NAMES
                .get(number)
                .map(|name| (*name).to_owned())
                .ok_or_else(|| format!("`{text}` is not a weekday")),
            Err(_) => Ok(text.to_uppercase()),
        }
    };
    let mut parts = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        if range == "*" || range == "?" {
            parts.push(part.to_owned());
            continue;
        }
        // `5-7` wraps past the crate's Saturday, so ranges are spelled out.
        match range
            .split_once('-')
            .map(|(from, to)| (from.parse::<usize>(), to.parse::<usize>()))
        {
            Some((Ok(from), Ok(to))) if from <= to && to <= 7 => {
                let step = step
                    .map_or(Ok(1), str::parse::<usize>)
                    .map_err(|_| format!("`{part}` has no usable step"))?;
                parts.extend(
                    (from..=to)
                        .step_by(step.max(1))
                        .map(|day| NAMES[day].to_owned()),
                );
            }
            Some((Err(_), Err(_))) => parts.push(part.to_uppercase()),
            Some(_) => return Err(format!("`{part}` is not a range of weekdays")),
            None => parts.push(name(range)?),
        }
    }
    parts.dedup();
    Ok(parts.join(","))
}

impl Calendar {
    fn next_after(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = now.with_timezone(&self.zone).naive_local();
        let offset = |moment: DateTime<Utc>| {
            moment.with_timezone(&self.zone).naive_local() - moment.naive_utc()
        };
        let shifts = offset(now - Span::hours(4)) != offset(now + Span::hours(4));
        let back = if shifts { Span::hours(3) } else { Span::zero() };
        let start = Utc.from_utc_datetime(&(local - back));
        let mut best: Option<DateTime<Utc>> = None;
        for schedule in &self.civil {
            for civil in schedule.after(&start) {
                let civil = civil.naive_utc();
                for instant in self.instants(civil) {
                    if instant > now && best.is_none_or(|best| instant < best) {
                        best = Some(instant);
                    }
                }
                let enough = if shifts {
                    civil > local + Span::hours(3)
                } else {
                    true
                };
                if best.is_some() && enough {
                    break;
                }
            }
        }
        best
    }

    /// The moments that a civil time stands for.
    fn instants(&self, civil: NaiveDateTime) -> Vec<DateTime<Utc>> {
        match self.zone.from_local_datetime(&civil) {
            MappedLocalTime::Single(moment) => vec![moment.with_timezone(&Utc)],
            MappedLocalTime::Ambiguous(first, second) => {
                let mut both = vec![first.with_timezone(&Utc)];
                if self.every_hour {
                    both.push(second.with_timezone(&Utc));
                }
                both
            }
            MappedLocalTime::None if self.every_hour => Vec::new(),
            MappedLocalTime::None => {
                let after = (1..=180).map(|minutes| civil + Span::minutes(minutes));
                after
                    .filter_map(|later| self.zone.from_local_datetime(&later).earliest())
                    .map(|moment| {
                        // The first valid minute after the gap, without its seconds.
                        let moment = moment.with_timezone(&Utc);
                        moment - Span::seconds(moment.timestamp() % 60)
                    })
                    .take(1)
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fires(text: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::cron(text, zone).unwrap();
        let mut now: DateTime<Utc> = from.parse().unwrap();
        let mut moments = Vec::new();
        for _ in 0..count {
            now = schedule.next_after(now, now).unwrap();
            moments.push(now.format("%m-%d %H:%M").to_string());
        }
        moments
    }

    #[test]
    fn weekday_numbers_are_those_of_cron() {
        assert_eq!(
            fires("0 9 * * 1-5", "UTC", "2026-11-20T10:00:00Z", 2),
            ["11-23 09:00", "11-24 09:00"]
        );
        assert_eq!(
            fires("0 9 * * 0", "UTC", "2026-11-20T10:00:00Z", 1),
            ["11-22 09:00"]
        );
        assert_eq!(
            fires("0 9 * * 7", "UTC", "2026-11-20T10:00:00Z", 1),
            ["11-22 09:00"]
        );
        assert_eq!(
            fires("0 9 * * 5-7", "UTC", "2026-11-20T10:00:00Z", 3),
            ["11-21 09:00", "11-22 09:00", "11-27 09:00"]
        );
    }

    #[test]
    fn a_day_and_a_weekday_are_either_or() {
        assert_eq!(
            fires("0 0 13 * 5", "UTC", "2026-11-01T00:00:00Z", 3),
            ["11-06 00:00", "11-13 00:00", "11-20 00:00"]
        );
    }

    #[test]
    fn a_skipped_time_fires_after_the_gap_and_a_doubled_one_once() {
        assert_eq!(
            fires("30 2 * * *", "Europe/Berlin", "2027-03-27T03:00:00Z", 2),
            ["03-28 01:00", "03-29 00:30"]
        );
        assert_eq!(
            fires("30 2 * * *", "Europe/Berlin", "2027-10-30T03:00:00Z", 2),
            ["10-31 00:30", "11-01 01:30"]
        );
    }

    #[test]
    fn every_half_hour_stays_every_half_hour_through_the_doubled_hour() {
        assert_eq!(
            fires("*/30 * * * *", "Europe/Berlin", "2027-10-30T23:45:00Z", 5),
            [
                "10-31 00:00",
                "10-31 00:30",
                "10-31 01:00",
                "10-31 01:30",
                "10-31 02:00"
            ]
        );
        assert_eq!(
            fires("*/30 * * * *", "Europe/Berlin", "2027-03-28T00:15:00Z", 3),
            ["03-28 00:30", "03-28 01:00", "03-28 01:30"]
        );
    }

    #[test]
    fn an_interval_keeps_its_grid_however_late_we_are() {
        let schedule = Schedule::every(Duration::from_secs(10));
        let start: DateTime<Utc> = "2026-11-21T00:00:03Z".parse().unwrap();
        let next = schedule
            .next_after(start, "2026-11-21T00:01:00Z".parse().unwrap())
            .unwrap();
        assert_eq!(next.to_rfc3339(), "2026-11-21T00:01:03+00:00");
    }

    #[test]
    fn a_schedule_of_office_hours_is_not_due_at_night() {
        let schedule = Schedule::cron("*/5 9-17 * * 1-5", "UTC").unwrap();
        let after = |text: &str, count| schedule.due_after(text.parse().unwrap(), count).unwrap();
        let third = after("2026-11-27T17:55:00Z", 3);
        assert_eq!(third.to_rfc3339(), "2026-11-30T09:10:00+00:00", "on Monday");
        let every = Schedule::every(Duration::from_secs(10));
        let start = "2026-11-27T17:55:00Z".parse().unwrap();
        assert_eq!(
            every.due_after(start, 3).unwrap() - start,
            Span::seconds(30)
        );
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in ["", "* * * *", "61 * * * *", "* * * * 8", "a b c d e"] {
            assert!(Schedule::cron(text, "UTC").is_err(), "{text}");
        }
        assert!(Schedule::cron("* * * * *", "Mars/Olympus").is_err());
    }
}
