//! When a line of a log was written, as far as it says so.

use chrono::{DateTime, NaiveDateTime, Utc};
use regex::Regex;
use serde_json::Value;
use std::sync::OnceLock;

/// Characters of a line in which its time is looked for.
const LEAD: usize = 200;

/// Fields of JSON that hold the time, the first that is there.
const FIELDS: [&str; 6] = ["timestamp", "time", "@timestamp", "ts", "date", "t"];

/// When a line of text was written, and where in it that stands. What has no zone is UTC.
pub fn of_line(line: &str) -> Option<(usize, i64)> {
    located(line)
}

/// When a line that is JSON was written, in milliseconds since 1970.
pub fn of_json(json: &Value) -> Option<i64> {
    FIELDS.iter().find_map(|name| of_value(json.get(name)?))
}

fn of_value(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => of_text(text),
        // Seconds, milliseconds, microseconds or nanoseconds, by how many they are.
        Value::Number(number) => {
            let number = number.as_f64()?;
            let unit = match number.abs() {
                ..1e11 => 1e3,
                ..1e14 => 1.0,
                ..1e17 => 1e-3,
                _ => 1e-6,
            };
            (number > 1e8).then_some((number * unit) as i64)
        }
        _ => None,
    }
}

/// The first date with a time in the beginning of a text (RFC 3339, or with a space and without a zone).
pub fn of_text(text: &str) -> Option<i64> {
    located(text).map(|(_, at_ms)| at_ms)
}

fn located(text: &str) -> Option<(usize, i64)> {
    static FORM: OnceLock<Regex> = OnceLock::new();
    let form = FORM.get_or_init(|| {
        Regex::new(r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?\s?(Z|UTC|[+-]\d{2}:?\d{2})?")
            .expect("the pattern is a constant")
    });
    let end = text
        .char_indices()
        .nth(LEAD)
        .map_or(text.len(), |(at, _)| at);
    let found = form.captures(&text[..end])?;
    let part = |number: usize| found.get(number).map_or("", |part| part.as_str());
    let zone = match part(4) {
        "" | "Z" | "UTC" => "+00:00".to_owned(),
        zone if zone.contains(':') => zone.to_owned(),
        zone => format!("{}:{}", &zone[..3], &zone[3..]),
    };
    let fraction = match part(3) {
        "" => "0",
        digits => digits,
    };
    let whole = format!("{}T{}.{fraction}", part(1), part(2));
    NaiveDateTime::parse_from_str(&whole, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
    let moment: DateTime<Utc> = DateTime::parse_from_rfc3339(&format!("{whole}{zone}"))
        .ok()?
        .into();
    Some((found.get(0)?.start(), moment.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_it_was_written_in_many_ways() {
        let at = Some(1_795_694_400_000);
        for line in [
            "2026-11-26T12:00:00Z started",
            "[2026-11-26 12:00:00,000] started",
            "INFO 2026-11-26T13:00:00.000+01:00 started",
            "app[1]: 2026-11-26T07:00:00-0500 started",
        ] {
            assert_eq!(of_text(line), at, "{line}");
        }
        for json in [
            serde_json::json!({ "time": "2026-11-26T12:00:00Z" }),
            serde_json::json!({ "ts": 1_795_694_400 }),
            serde_json::json!({ "timestamp": 1_795_694_400_000_i64 }),
            serde_json::json!({ "@timestamp": "2026-11-26 12:00:00" }),
        ] {
            assert_eq!(of_json(&json), at, "{json}");
        }
        for line in [
            "started",
            "2026-13-26T12:00:00Z",
            "2026-11-26T25:00:00Z",
            "",
        ] {
            assert_eq!(of_text(line), None, "{line}");
        }
    }
}
