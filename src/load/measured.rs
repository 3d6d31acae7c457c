//! Numbers that replies told: a histogram of each, with its extremes as they were.
//!
//! Merged without loss, as latencies are. Invariant: `min`, `max` and `last` are exact; quantiles have
//! three significant digits, from a thousandth up.

use super::histogram::{add, histogram};
use hdrhistogram::Histogram;

/// Steps of a histogram in one unit of a value.
const PARTS: f64 = 1_000.0;

/// The highest value that is told apart from those above it.
const HIGHEST: f64 = 1e12;

/// What was seen of one number.
#[derive(Debug, Clone)]
pub struct Measured {
    /// How often it was seen.
    pub count: u64,
    /// The sum of what was seen.
    pub sum: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The newest.
    pub last: f64,
    values: Histogram<u64>,
}

impl Default for Measured {
    fn default() -> Measured {
        Measured {
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            last: 0.0,
            values: histogram(),
        }
    }
}

fn place(value: f64) -> u64 {
    (value.clamp(0.0, HIGHEST) * PARTS).round() as u64
}

impl Measured {
    /// Adds a value, which is a number from 0 on.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = value;
        self.values
            .record(place(value))
            .expect("a growing histogram takes every value");
    }

    /// Adds what another saw.
    pub fn merge(&mut self, other: &Measured) {
        if other.count == 0 {
            return;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.last = other.last;
        add(&mut self.values, &other.values);
    }

    /// The mean; nothing where nothing was seen.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// A quantile of what was seen and of `lost` others that stand above all of it; nothing where it
    /// would be one of these.
    pub fn quantile(&self, quantile: f64, lost: u64) -> Option<f64> {
        let rank = (quantile * (self.count + lost) as f64).ceil();
        if self.count == 0 || rank > self.count as f64 {
            return None;
        }
        let value = self.values.value_at_quantile(rank / self.count as f64) as f64 / PARTS;
        Some(value.clamp(self.min, self.max))
    }

    /// How many were over a limit.
    pub fn over(&self, limit: f64) -> u64 {
        if limit < 0.0 {
            return self.count;
        }
        if self.max <= limit {
            return 0;
        }
        self.count - self.values.count_between(0, place(limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Measured {
        let mut measured = Measured::default();
        values.iter().for_each(|value| measured.add(*value));
        measured
    }

    #[test]
    fn what_was_lost_stands_above_everything() {
        let seen = of(&[1.0, 2.0, 3.0, 0.5]);
        assert_eq!(seen.quantile(0.5, 0), Some(1.0));
        assert_eq!(seen.quantile(0.5, 4), Some(3.0));
        assert_eq!(seen.quantile(0.9, 4), None);
        assert_eq!((seen.min, seen.max, seen.last), (0.5, 3.0, 0.5));
        assert_eq!(seen.over(2.0), 1);
        assert_eq!(seen.over(3.0), 0, "exact at the highest");
        assert_eq!(Measured::default().quantile(0.5, 0), None);
    }

    proptest! {
        #[test]
        fn where_it_is_cut_changes_nothing(values in proptest::collection::vec(0.0_f64..1e6, 1..60), at in 0_usize..60) {
            let (left, right) = values.split_at(at.min(values.len()));
            let (whole, mut merged) = (of(&values), of(left));
            merged.merge(&of(right));
            prop_assert_eq!(whole.count, merged.count);
            prop_assert_eq!(whole.min, merged.min);
            prop_assert_eq!(whole.max, merged.max);
            prop_assert_eq!(whole.last, merged.last);
            for quantile in [0.1, 0.5, 0.95] {
                prop_assert_eq!(whole.quantile(quantile, 3), merged.quantile(quantile, 3));
            }
            let middle = whole.quantile(0.5, 0).unwrap();
            prop_assert!(whole.over(middle * 1.01 + 0.01) <= whole.count / 2);
        }
    }
}
