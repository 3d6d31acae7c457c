//! Counts of durations under fixed bounds: what a live Prometheus histogram needs of each step,
//! at a fraction of the memory of a full histogram.

use hdrhistogram::Histogram;

/// Upper bounds in microseconds: 0.1 ms to 60 s.
pub const BOUNDS_MICROS: [u64; 18] = [
    100, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_000_000, 3_000_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

/// Counts under each bound, and above the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buckets {
    /// Counts, not summed up.
    pub counts: [u64; BOUNDS_MICROS.len() + 1],
    /// Sum of all durations in microseconds.
    pub sum_micros: u64,
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets {
            counts: [0; BOUNDS_MICROS.len() + 1],
            sum_micros: 0,
        }
    }
}

impl Buckets {
    /// Counts a duration so many times.
    pub fn record(&mut self, micros: u64, times: u64) {
        let place = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.counts[place] += times;
        self.sum_micros = self.sum_micros.saturating_add(micros.saturating_mul(times));
    }

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Buckets) {
        for (mine, theirs) in self.counts.iter_mut().zip(other.counts) {
            *mine += theirs;
        }
        self.sum_micros = self.sum_micros.saturating_add(other.sum_micros);
    }

    /// The counts of a histogram of microseconds.
    pub fn of(histogram: &Histogram<u64>) -> Buckets {
        let mut buckets = Buckets::default();
        for value in histogram.iter_recorded() {
            buckets.record(value.value_iterated_to(), value.count_at_value());
        }
        buckets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let mut buckets = Buckets::default();
        for micros in [0, 100, 101, 60_000_000, 60_000_001] {
            buckets.record(micros, 2);
        }
        assert_eq!(buckets.counts[..2], [4, 2]);
        assert_eq!(buckets.counts[17..], [2, 2]);
        assert_eq!(buckets.count(), 10);
        assert_eq!(buckets.sum_micros, 2 * 120_000_202);
    }
}
