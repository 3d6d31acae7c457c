//! How k6 shows numbers: times, bytes, counts and rates.

/// The unit in which times are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeUnit {
    /// Whichever fits each of them.
    #[default]
    Fitting,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
}

impl TimeUnit {
    /// By its word.
    pub fn of(word: &str) -> Option<TimeUnit> {
        match word {
            "" => Some(TimeUnit::Fitting),
            "s" => Some(TimeUnit::Seconds),
            "ms" => Some(TimeUnit::Milliseconds),
            "us" => Some(TimeUnit::Microseconds),
            _ => None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            TimeUnit::Fitting => "",
            TimeUnit::Seconds => "s",
            TimeUnit::Milliseconds => "ms",
            TimeUnit::Microseconds => "us",
        }
    }
}

/// At most so many decimals, without zeros at the end.
fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A time of so many milliseconds.
pub fn time(milliseconds: f64, unit: TimeUnit) -> String {
    match unit {
        TimeUnit::Seconds => return format!("{:.2}s", milliseconds / 1e3),
        TimeUnit::Milliseconds => return format!("{milliseconds:.2}ms"),
        TimeUnit::Microseconds => return format!("{:.2}µs", milliseconds * 1e3),
        TimeUnit::Fitting => {}
    }
    let size = milliseconds.abs();
    if size == 0.0 {
        "0s".to_owned()
    } else if size < 1e-3 {
        format!("{}ns", trimmed(milliseconds * 1e6, 0))
    } else if size < 1.0 {
        format!("{}µs", trimmed(milliseconds * 1e3, 2))
    } else if size < 1e3 {
        format!("{}ms", trimmed(milliseconds, 2))
    } else if size < 6e4 {
        format!("{}s", trimmed(milliseconds / 1e3, 2))
    } else {
        long(milliseconds / 1e3)
    }
}

fn long(seconds: f64) -> String {
    let whole = seconds.round() as i64;
    let (hours, minutes, left) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}h{minutes}m{left}s")
    } else {
        format!("{minutes}m{left}s")
    }
}

/// A number of bytes.
pub fn bytes(value: f64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB"];
    if value.abs() < 10.0 {
        return format!("{} B", trimmed(value, 0));
    }
    let power = ((value.abs().ln() / 1000_f64.ln()).floor() as usize).min(units.len() - 1);
    let scaled = (value / 1000_f64.powi(power as i32) * 10.0 + 0.5).floor() / 10.0;
    let decimals = usize::from(scaled < 10.0);
    format!("{scaled:.decimals$} {}", units[power])
}

/// A number as it is, with up to six decimals.
pub fn number(value: f64) -> String {
    trimmed(value, 6)
}

/// A share as percent, cut off and never rounded up to a whole.
pub fn percent(share: f64) -> String {
    format!("{:.2}%", (share * 1e4).trunc() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_k6_shows_them() {
        let fitting = |ms| time(ms, TimeUnit::Fitting);
        assert_eq!(fitting(0.0), "0s");
        assert_eq!(fitting(0.0005), "500ns");
        assert_eq!(fitting(0.123_456), "123.46µs");
        assert_eq!(fitting(12.3), "12.3ms");
        assert_eq!(fitting(1_500.0), "1.5s");
        assert_eq!(fitting(61_000.0), "1m1s");
        assert_eq!(time(1_500.0, TimeUnit::Milliseconds), "1500.00ms");
        assert_eq!(bytes(7.0), "7 B");
        assert_eq!(bytes(1_234.0), "1.2 kB");
        assert_eq!(bytes(98_765.0), "99 kB");
        assert_eq!(percent(0.999_99), "99.99%");
        assert_eq!(percent(1.0), "100.00%");
        assert_eq!(number(0.5), "0.5");
    }
}
