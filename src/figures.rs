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
    } else {
        format!("{:.2} s", micros / 1e6)
    }
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
