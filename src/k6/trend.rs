//! What was seen of a number that has a distribution: exact while there are few, then in classes.
//!
//! k6 keeps every sample in memory. Here the memory does not grow with a run: up to [`EXACT_MAX`] samples are
//! kept, and quantiles are exact, interpolated between closest ranks as k6 does; beyond that each sample
//! falls into a class whose ends differ by 0.1 %, so that a quantile is off by that at the most (the classes
//! are those of DDSketch: Masson, Rim and Lee, 2019). Invariant: count, sum, `min` and `max` are exact.

use std::collections::BTreeMap;

/// Samples that are kept as they are.
pub const EXACT_MAX: usize = 2_000;

/// How far the ends of a class are from each other.
const FACTOR: f64 = 1.001;

/// Smaller than this is nothing.
const LEAST: f64 = 1e-9;

/// What was seen of one number.
#[derive(Debug, Clone, Default)]
pub struct Trend {
    /// How many there were.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The lowest; 0 without any.
    pub min: f64,
    /// The highest; 0 without any.
    pub max: f64,
    exact: Vec<f64>,
    classes: BTreeMap<i32, u64>,
}

/// The class of a value: they are in the order of their values.
fn class(value: f64) -> i32 {
    let size = value.abs();
    if size < LEAST {
        return 0;
    }
    let at = ((size / LEAST).ln() / FACTOR.ln()).round() as i32 + 1;
    if value < 0.0 { -at } else { at }
}

/// The middle of a class.
fn middle(class: i32) -> f64 {
    if class == 0 {
        return 0.0;
    }
    let size = LEAST * FACTOR.powi(class.abs() - 1);
    if class < 0 { -size } else { size }
}

impl Trend {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        if self.count == 0 {
            (self.min, self.max) = (value, value);
        }
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        // Beyond what is exact, too, they are put into classes many at once: that costs less than one by one.
        if self.exact.len() >= EXACT_MAX {
            self.classify();
        }
        self.exact.push(value);
    }

    fn is_exact(&self) -> bool {
        self.classes.is_empty()
    }

    fn classify(&mut self) {
        for value in self.exact.drain(..) {
            *self.classes.entry(class(value)).or_default() += 1;
        }
    }

    /// Adds what another saw.
    pub fn merge(&mut self, other: &Trend) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            (self.min, self.max) = (other.min, other.max);
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        let few = self.exact.len() + other.exact.len() <= EXACT_MAX;
        if self.is_exact() && other.is_exact() && few {
            self.exact.extend_from_slice(&other.exact);
            return;
        }
        self.classify();
        for value in &other.exact {
            *self.classes.entry(class(*value)).or_default() += 1;
        }
        for (class, count) in &other.classes {
            *self.classes.entry(*class).or_default() += count;
        }
    }

    /// The mean; 0 without any.
    pub fn mean(&self) -> f64 {
        if self.count == 0 {
            0.0
        } else {
            self.sum / self.count as f64
        }
    }

    /// The value under which a share of all lies, from 0 to 1, interpolated between the closest ranks; 0
    /// without any.
    pub fn quantile(&self, share: f64) -> f64 {
        self.quantiles(&[share])[0]
    }

    /// Several of them at once.
    pub fn quantiles(&self, shares: &[f64]) -> Vec<f64> {
        if !self.is_exact() && !self.exact.is_empty() {
            let mut whole = self.clone();
            whole.classify();
            return whole.quantiles(shares);
        }
        let mut sorted = self.exact.clone();
        sorted.sort_by(f64::total_cmp);
        let of = |share: &f64| {
            if self.count == 0 {
                return 0.0;
            }
            let rank = share.clamp(0.0, 1.0) * (self.count - 1) as f64;
            let (low, high) = (rank.floor() as u64, rank.ceil() as u64);
            let (below, above) = (self.at(low, &sorted), self.at(high, &sorted));
            below + (above - below) * (rank - low as f64)
        };
        shares.iter().map(of).collect()
    }

    /// The value of a rank, from 0.
    fn at(&self, rank: u64, sorted: &[f64]) -> f64 {
        if self.is_exact() {
            return sorted.get(rank as usize).copied().unwrap_or(self.max);
        }
        if rank == 0 {
            return self.min;
        }
        if rank + 1 >= self.count {
            return self.max;
        }
        let mut before = 0;
        for (class, count) in &self.classes {
            before += count;
            if before > rank {
                return middle(*class).clamp(self.min, self.max);
            }
        }
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Trend {
        let mut trend = Trend::default();
        values.iter().for_each(|value| trend.add(*value));
        trend
    }

    #[test]
    fn few_samples_have_the_quantiles_of_k6() {
        let trend = of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(trend.quantile(0.5), 2.5);
        assert!((trend.quantile(0.9) - 3.7).abs() < 1e-12);
        assert_eq!((trend.quantile(0.0), trend.quantile(1.0)), (1.0, 4.0));
        assert_eq!((trend.mean(), trend.min, trend.max), (2.5, 1.0, 4.0));
        assert_eq!(Trend::default().quantile(0.95), 0.0);
        assert_eq!(of(&[-5.0]).max, -5.0, "below zero too");
    }

    #[test]
    fn many_samples_keep_their_memory_and_their_quantiles() {
        let mut trend = Trend::default();
        for number in 1..=1_000_000_u32 {
            trend.add(f64::from(number) / 1_000.0);
        }
        assert!(trend.classes.len() < 30_000, "{}", trend.classes.len());
        for share in [0.01, 0.5, 0.9, 0.95, 0.99, 0.999] {
            let (exact, seen) = (share * 1_000.0, trend.quantile(share));
            assert!((seen / exact - 1.0).abs() < 0.001, "{share}: {seen}");
        }
    }

    proptest! {
        #[test]
        fn where_it_is_cut_changes_nothing(values in proptest::collection::vec(-1e3_f64..1e6, 1..5_000), at in 0_usize..5_000) {
            let (left, right) = values.split_at(at.min(values.len()));
            let (whole, mut merged) = (of(&values), of(left));
            merged.merge(&of(right));
            prop_assert_eq!((whole.count, whole.min, whole.max), (merged.count, merged.min, merged.max));
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            for share in [0.0, 0.25, 0.5, 0.95, 1.0] {
                let at = whole.quantile(share);
                prop_assert!((at - merged.quantile(share)).abs() <= 1e-9 + at.abs() * 1e-9);
                let rank = (share * (values.len() - 1) as f64) as usize;
                let (low, high) = (sorted[rank], sorted[(rank + 1).min(sorted.len() - 1)]);
                let slack = 0.001 * low.abs().max(high.abs());
                prop_assert!(at >= low - slack && at <= high + slack, "{} in {}..{}", at, low, high);
            }
        }
    }
}
