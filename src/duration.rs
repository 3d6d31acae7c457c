//! Durations as people write them: `250ms`, `1m30s`, `2h`, `1d`.
//!
//! Invariant: what [`show`] prints, [`parse`] reads back to the same value (to the microsecond).

use std::time::Duration;

/// Reads a duration. The error says what was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let expected = || {
        "a duration is written like `250ms`, `1.5s`, `1m30s`, `2h` or `1d` (units us, ms, s, m, h, d)"
            .to_owned()
    };
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(expected());
    }
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or_else(|| format!("`{rest}` has no unit; {}", expected()))?;
        let number: f64 = rest[..digits].parse().map_err(|_| expected())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            other => return Err(format!("`{other}` is not a unit; {}", expected())),
        };
        seconds += number * unit;
        rest = &rest[letters..];
    }
    if !seconds.is_finite() || seconds > 10.0 * 365.0 * 86_400.0 {
        return Err("a duration is at most ten years".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Shows a duration in its largest exact unit.
pub fn show(duration: Duration) -> String {
    let micros = duration.as_micros();
    let units: [(u128, &str); 6] = [
        (86_400_000_000, "d"),
        (3_600_000_000, "h"),
        (60_000_000, "m"),
        (1_000_000, "s"),
        (1000, "ms"),
        (1, "us"),
    ];
    if micros == 0 {
        return "0s".to_owned();
    }
    let mut rest = micros;
    let mut text = String::new();
    for (size, unit) in units {
        let count = rest / size;
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, micros) in [
            ("250ms", 250_000),
            ("1.5s", 1_500_000),
            ("1m30s", 90_000_000),
            ("0", 0),
            ("1d2h", 93_600_000_000),
            ("10us", 10),
        ] {
            assert_eq!(
                parse(text).unwrap(),
                Duration::from_micros(micros),
                "{text}"
            );
        }
        for text in ["", "5", "s", "1x", "1m3", "-1s", "1..2s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_read_back(micros in 0u64..400_000_000_000) {
            let duration = Duration::from_micros(micros);
            assert_eq!(parse(&show(duration)).unwrap(), duration);
        }
    }
}
