//! Figures as people read them: latencies and shares, the same everywhere.

/// A latency as people read it: `312 ms`, `1.24 s`.
pub fn show_micros(micros: f64) -> String {
    if micros < 1000.0 {
        format!("{micros:.0} µs")
    } else if micros < 10_000.0 {
        format!("{:.2} ms", micros / 1e3)
    } else if micros < 100_000.0 {
        format!("{:.1} ms", micros / 1e3)
    } else if micros < 1e6 {
        format!("{:.0} ms", micros / 1e3)
    } else if micros < 60e6 {
        format!("{:.2} s", micros / 1e6)
    } else {
        let seconds = libm::round(micros / 1e6) as u64;
        match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
            (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
            (hours, minutes, _) => format!("{hours} h {minutes} min"),
        }
    }
}

/// A number without a unit as people read it: `91`, `0.25`, `1.235`.
pub fn figure(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    if !value.is_finite() {
        return "no value".to_owned();
    }
    let whole = libm::floor(libm::log10(value.abs().max(1e-9))) as i32;
    let digits = usize::try_from(3 - whole).unwrap_or(0).min(9);
    let text = format!("{value:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// So many of something: `1 step`, `2 steps`.
pub fn plural(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// A share of time in which all was well, never shown as more than it was.
pub fn uptime(share: f64) -> String {
    let hundredths = (share * 10_000.0 + 1e-9).floor();
    match hundredths {
        10_000.0.. => "100 %".to_owned(),
        hundredths => format!("{:.2} %", hundredths / 100.0),
    }
}

/// A time from milliseconds, in its two largest units: `3 h 5 min`.
pub fn ago(ms: i64) -> String {
    let seconds = (ms.max(0) / 1_000) as u64;
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let Some(first) = units.iter().position(|(length, _)| seconds >= *length) else {
        return "0 s".to_owned();
    };
    let (length, name) = units[first];
    let mut text = format!("{} {name}", seconds / length);
    if let Some((less, name)) = units.get(first + 1).filter(|(_, name)| *name != "s") {
        let rest = seconds % length / less;
        if rest > 0 {
            text.push_str(&format!(" {rest} {name}"));
        }
    }
    text
}

/// A share as people read it.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent == 0.0 || percent >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{percent:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} %")
}
