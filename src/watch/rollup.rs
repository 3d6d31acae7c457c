//! History in rolled-up form: how many runs of a stretch of time came to what, and how long they took.
//!
//! Pure. Buckets merge without loss of counts; latencies are kept in classes of ten percent. A bucket as
//! bytes is what a store keeps. Invariant: whatever order and pieces results come in, the merged bucket is
//! the same.

use super::health::Seen;
use std::collections::BTreeMap;

/// A class of latency is so much wider than the one below.
const RATIO: f64 = 1.1;

/// What the runs of a stretch of time came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Runs that passed.
    pub passed: u64,
    /// Runs that passed, and were too slow or had an advisory step that failed.
    pub impaired: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that could not be measured.
    pub unmeasured: u64,
    /// Runs in windows of maintenance, which are counted here alone.
    pub excluded: u64,
    /// Runs that passed when they were tried once more.
    pub flaky: u64,
    /// Of runs that passed, by class of latency.
    pub latencies: BTreeMap<u8, u64>,
}

/// The class of a latency in microseconds: up to some hours.
pub fn class_of(micros: u64) -> u8 {
    let class = libm::log(micros.max(1) as f64) / libm::log(RATIO);
    libm::ceil(class - 1e-9).clamp(0.0, 255.0) as u8
}

/// The longest latency of a class, in microseconds.
pub fn upper(class: u8) -> f64 {
    libm::pow(RATIO, f64::from(class))
}

impl Bucket {
    /// Adds a run.
    pub fn add(&mut self, seen: Seen, micros: u64, is_excluded: bool, is_flaky: bool) {
        if is_excluded {
            self.excluded += 1;
            return;
        }
        match seen {
            Seen::Passed => self.passed += 1,
            Seen::Impaired => self.impaired += 1,
            Seen::Failed => self.failed += 1,
            Seen::Unmeasured => self.unmeasured += 1,
        }
        self.flaky += u64::from(is_flaky);
        if matches!(seen, Seen::Passed | Seen::Impaired) {
            *self.latencies.entry(class_of(micros)).or_default() += 1;
        }
    }

    /// Adds another bucket.
    pub fn merge(&mut self, other: &Bucket) {
        self.passed += other.passed;
        self.impaired += other.impaired;
        self.failed += other.failed;
        self.unmeasured += other.unmeasured;
        self.excluded += other.excluded;
        self.flaky += other.flaky;
        for (class, count) in &other.latencies {
            *self.latencies.entry(*class).or_default() += count;
        }
    }

    /// Runs that say something: passed or failed.
    pub fn measured(&self) -> u64 {
        self.passed + self.impaired + self.failed
    }

    /// Runs that passed and took longer than so many microseconds, to a class of ten percent.
    pub fn slower_than(&self, micros: u64) -> u64 {
        let limit = class_of(micros);
        let slower = self.latencies.range(limit.saturating_add(1)..);
        slower.map(|(_, count)| count).sum()
    }

    /// As bytes: whole numbers of seven bits a byte, the classes by their distances.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 2 * self.latencies.len());
        let counts = [
            self.passed,
            self.impaired,
            self.failed,
            self.unmeasured,
            self.excluded,
            self.flaky,
        ];
        for count in counts {
            put(&mut bytes, count);
        }
        let mut before = 0;
        for (class, count) in &self.latencies {
            put(&mut bytes, u64::from(*class - before));
            put(&mut bytes, *count);
            before = *class;
        }
        bytes
    }

    /// From bytes; nothing if they are not those of a bucket.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Bucket> {
        let mut counts = [0; 6];
        for count in &mut counts {
            *count = take(&mut bytes)?;
        }
        let [passed, impaired, failed, unmeasured, excluded, flaky] = counts;
        let mut latencies = BTreeMap::new();
        let mut class = 0_u8;
        while !bytes.is_empty() {
            let distance = u8::try_from(take(&mut bytes)?).ok()?;
            class = class.checked_add(distance)?;
            latencies.insert(class, take(&mut bytes)?);
        }
        Some(Bucket {
            passed,
            impaired,
            failed,
            unmeasured,
            excluded,
            flaky,
            latencies,
        })
    }
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_latency_is_in_the_class_that_holds_it() {
        for micros in [1, 2, 10, 999, 1_000, 1_500, 123_456, 3_600_000_000] {
            let class = class_of(micros);
            assert!(upper(class) >= micros as f64 * 0.999_999, "{micros}");
            assert!(upper(class) / RATIO < micros as f64 * 1.000_001, "{micros}");
        }
    }

    proptest! {
        #[test]
        fn pieces_merge_to_the_whole_and_survive_as_bytes(runs in proptest::collection::vec((0_usize..4, 1_u64..10_000_000_000, any::<bool>()), 0..60), at in 0_usize..60) {
            let add = |bucket: &mut Bucket, (seen, micros, excluded): &(usize, u64, bool)| {
                let seen = [Seen::Passed, Seen::Impaired, Seen::Failed, Seen::Unmeasured][*seen];
                bucket.add(seen, *micros, *excluded, false);
            };
            let (mut whole, mut first, mut second) = (Bucket::default(), Bucket::default(), Bucket::default());
            for (number, run) in runs.iter().enumerate() {
                add(&mut whole, run);
                add(if number < at { &mut first } else { &mut second }, run);
            }
            let mut merged = Bucket::from_bytes(&second.to_bytes()).unwrap();
            merged.merge(&Bucket::from_bytes(&first.to_bytes()).unwrap());
            prop_assert_eq!(&merged, &whole);
            let counted: u64 = whole.latencies.values().sum();
            prop_assert_eq!(counted, whole.passed + whole.impaired);
        }

        #[test]
        fn what_is_no_bucket_is_refused_or_read_but_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Bucket::from_bytes(&bytes);
        }
    }
}
