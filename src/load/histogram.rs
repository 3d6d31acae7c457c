//! Histograms of latencies, as all that count them make, fill and merge them.

use crate::limits;
use hdrhistogram::Histogram;

/// A histogram of microseconds: three significant digits, up to an hour, growing as needed.
pub fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(3).expect("three digits are allowed");
    histogram.auto(true);
    histogram
}

/// Counts a latency, that of an hour where it is longer.
pub(super) fn record(histogram: &mut Histogram<u64>, micros: u64) {
    // Not `saturating_record`: that one never grows, and would call every slow request fast.
    histogram
        .record(micros.min(limits::LATENCY_MICROS_MAX))
        .expect("a growing histogram takes every value");
}

/// Adds a histogram; both grow as needed, so this cannot fail.
pub fn add(to: &mut Histogram<u64>, from: &Histogram<u64>) {
    to.add(from).expect("a growing histogram takes every value");
}
