//! Native histograms: sparse buckets that grow by the eighth root of two, so that a quantile is right to nine
//! percent whatever the latency is.
//!
//! Pure. Source: Prometheus, "Native histograms", schema 3.

use super::protobuf;

/// Buckets to a factor of two, as a power of two.
const SCHEMA: i64 = 3;
/// What is not longer than this is zero.
const ZERO: f64 = 2.938_735_877_055_719e-39;

/// Buckets that hold anything, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparse {
    buckets: Vec<(i16, u32)>,
    zero: u64,
}

/// The bucket that a value is in: above the limit of the one before, up to its own.
pub fn bucket_of(value: f64) -> i16 {
    libm::ceil(libm::log2(value) * 8.0 - 1e-9) as i16
}

impl Sparse {
    /// Counts a value.
    pub fn observe(&mut self, value: f64) {
        if value <= ZERO {
            self.zero += 1;
            return;
        }
        let at = bucket_of(value);
        match self.buckets.binary_search_by_key(&at, |(known, _)| *known) {
            Ok(place) => self.buckets[place].1 = self.buckets[place].1.saturating_add(1),
            Err(place) => self.buckets.insert(place, (at, 1)),
        }
    }

    /// Adds its fields to those of a histogram.
    pub fn write(&self, out: &mut Vec<u8>) {
        protobuf::whole(out, 5, protobuf::zigzag(SCHEMA));
        protobuf::double(out, 6, ZERO);
        protobuf::whole(out, 7, self.zero);
        let mut spans: Vec<(i64, u64)> = Vec::new();
        let mut end = 0_i64;
        for (at, _) in &self.buckets {
            let at = i64::from(*at);
            match spans.last_mut() {
                Some((_, length)) if at == end => *length += 1,
                _ => spans.push((at - end, 1)),
            }
            end = at + 1;
        }
        for (offset, length) in spans {
            let mut span = Vec::with_capacity(8);
            protobuf::whole(&mut span, 1, protobuf::zigzag(offset));
            protobuf::whole(&mut span, 2, length);
            protobuf::bytes(out, 12, &span);
        }
        let mut before = 0;
        for (_, count) in &self.buckets {
            let count = i64::from(*count);
            protobuf::whole(out, 13, protobuf::zigzag(count - before));
            before = count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_in_the_bucket_that_ends_at_or_above_it() {
        assert_eq!(bucket_of(1.0), 0);
        assert_eq!(bucket_of(2.0), 8);
        assert_eq!(bucket_of(2.000_001), 9);
        assert_eq!(bucket_of(0.5), -8);
        for value in [0.000_1, 0.003, 0.9, 17.0, 3_600.0] {
            let at = f64::from(bucket_of(value));
            let limit = libm::exp2(at / 8.0);
            assert!(
                value <= limit * 1.000_001 && value > limit / libm::exp2(0.125) * 0.999_999,
                "{value}"
            );
        }
    }

    #[test]
    fn spans_and_differences_say_where_and_how_many() {
        let mut sparse = Sparse::default();
        for value in [1.0, 1.0, 1.05, 4.0, 0.0] {
            sparse.observe(value);
        }
        assert_eq!(sparse.buckets, [(0, 2), (1, 1), (16, 1)]);
        let mut wire = Vec::new();
        sparse.write(&mut wire);
        // Two buckets from 0 on, one 14 further; counts 2, 1 (one less), 1 (the same).
        let ends = [
            0x62, 4, 8, 0, 16, 2, 0x62, 4, 8, 28, 16, 1, 0x68, 4, 0x68, 1, 0x68, 0,
        ];
        assert!(wire.ends_with(&ends), "{wire:?}");
        assert!(wire.starts_with(&[0x28, 6]), "schema 3");
    }
}
