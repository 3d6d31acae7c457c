//! The time of day. In a simulation it follows tokio's paused time instead.

use std::cell::Cell;

thread_local! {
    static SIMULATED: Cell<Option<(i64, tokio::time::Instant)>> = const { Cell::new(None) };
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    match SIMULATED.get() {
        Some((base_ms, start)) => base_ms + start.elapsed().as_millis() as i64,
        None => chrono::Utc::now().timestamp_millis(),
    }
}

/// Microseconds since 1970, for what compares clocks.
pub fn now_micros() -> i64 {
    match SIMULATED.get() {
        Some(_) => now_ms() * 1_000,
        None => chrono::Utc::now().timestamp_micros(),
    }
}

/// The time as a date.
pub fn now() -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_millis(now_ms()).unwrap_or_default()
}

/// From now on, time on this thread is `base_ms` and what has passed on tokio's clock since. For
/// simulations, where all that asks for the time runs on one thread.
pub fn simulate(base_ms: i64) {
    SIMULATED.set(Some((base_ms, tokio::time::Instant::now())));
}

/// A moment as machines read it, RFC 3339 to the second.
pub fn text_of(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// A moment, from milliseconds since 1970, as RFC 3339 to the millisecond; empty where there is none so far away.
pub fn exact_text_of(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms).map_or_else(String::new, |time| {
        time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
    })
}

/// The time of day as machines read it, RFC 3339 to the second.
pub fn now_text() -> String {
    now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
