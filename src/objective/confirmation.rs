//! Whether a smoke that failed has found a broken deploy or met a blip: pure.
//!
//! A service within its objectives fails now and then; a smoke of many steps meets that often enough.
//! So a smoke that failed is performed again at once, on fresh connections. It fails when one step
//! failed so often that a share of failures within the allowance does not explain it; it passes when
//! it failed only once; in between nobody can tell.
//!
//! Does not know what a step does. Invariant: where every request fails with a chance of at most the
//! allowance, "failed" is said with a chance of at most the level. (A union bound over steps, over the
//! moments at which the series may begin, and over the performances at which it is looked at.)

use super::Outcome;
use super::binomial;

/// Performances at the most, whatever the allowance.
const PERFORMANCES_MAX: u64 = 20;

/// How failures of a smoke are confirmed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confirmation {
    /// The share of requests that may fail.
    pub allowed: f64,
    /// How often it may be said of a service within its allowance that it failed.
    pub level: f64,
    /// Steps that may fail, times the occasions on which they are performed.
    pub places: u64,
}

impl Confirmation {
    /// Failures of one step in so many performances that convince; more than there can be where they
    /// never do.
    pub fn failures_in(&self, performances: u64) -> u64 {
        let level = self.level / (self.places.max(1) * self.performances()) as f64;
        (1..=performances)
            .find(|failures| self.chance(*failures, performances) <= level)
            .unwrap_or(performances + 1)
    }

    /// The chance of so many failures of one step, or more, that begin with the first performance.
    fn chance(&self, failures: u64, performances: u64) -> f64 {
        self.allowed * binomial::upper_tail(failures - 1, performances - 1, self.allowed)
    }

    /// Failures in a row that convince.
    pub fn in_row(&self) -> u64 {
        // As if there were as many looks as there can be at the most: never too few.
        let level = self.level / (self.places.max(1) * PERFORMANCES_MAX) as f64;
        let needed = (level.ln() / self.allowed.clamp(1e-9, 0.999).ln()).ceil();
        (needed as u64).clamp(2, PERFORMANCES_MAX)
    }

    /// Performances at the most, the first one included.
    pub fn performances(&self) -> u64 {
        (2 * self.in_row()).min(PERFORMANCES_MAX)
    }

    /// A series that begins with a performance that did not pass.
    pub fn begin(self, first: Performance) -> Series {
        let mut series = Series {
            confirmation: self,
            performed: 0,
            passed: 0,
            failures: Vec::new(),
        };
        series.note(first);
        series
    }
}

/// What one performance came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Performance {
    /// It passed.
    Passed,
    /// This step failed.
    Failed(usize),
    /// It did not pass, for a reason that says nothing about the product.
    Doubtful,
}

/// Performances of a smoke, the first of which did not pass.
#[derive(Debug, Clone)]
pub struct Series {
    confirmation: Confirmation,
    performed: u64,
    passed: u64,
    /// Failures by step.
    failures: Vec<(usize, u64)>,
}

impl Series {
    /// Takes a performance.
    pub fn note(&mut self, performance: Performance) {
        self.performed += 1;
        match performance {
            Performance::Passed => self.passed += 1,
            Performance::Doubtful => {}
            Performance::Failed(step) => {
                match self.failures.iter_mut().find(|(known, _)| *known == step) {
                    Some((_, count)) => *count += 1,
                    None => self.failures.push((step, 1)),
                }
            }
        }
    }

    /// Performances so far, and those that did not pass.
    pub fn counts(&self) -> (u64, u64) {
        (self.performed, self.performed - self.passed)
    }

    /// Failures of the step that failed most often.
    fn worst(&self) -> u64 {
        let counts = self.failures.iter().map(|(_, count)| *count);
        counts.max().unwrap_or(0)
    }

    /// What it comes to, if that can be said already.
    pub fn outcome(&self) -> Option<Outcome> {
        let last = self.confirmation.performances();
        let worst = self.worst();
        if worst >= self.confirmation.failures_in(self.performed) {
            return Some(Outcome::Fail);
        }
        let (performed, bad) = self.counts();
        let left = last.saturating_sub(performed);
        let may_fail = (1..=left)
            .any(|more| worst.max(1) + more >= self.confirmation.failures_in(performed + more));
        match bad {
            ..=1 => (left == 0).then_some(Outcome::Pass),
            // Whose failures say nothing about the product will not say more.
            _ if !may_fail || worst == 0 => Some(Outcome::Inconclusive),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_STEPS: Confirmation = Confirmation {
        allowed: 0.01,
        level: 0.001,
        places: 10,
    };

    fn outcome(performances: &[Performance]) -> Option<Outcome> {
        let mut series = TEN_STEPS.begin(performances[0]);
        for performance in &performances[1..] {
            assert_eq!(series.outcome(), None, "{performances:?}");
            series.note(*performance);
        }
        series.outcome()
    }

    #[test]
    fn what_is_broken_fails_again_and_a_blip_does_not() {
        use Performance::{Doubtful, Failed, Passed};
        let again = [Failed(3); 3];
        assert_eq!(outcome(&again), Some(Outcome::Fail));
        assert_eq!(outcome(&[Failed(3), Passed, Failed(3)]), None);
        let mut blip = vec![Passed; TEN_STEPS.performances() as usize];
        blip[0] = Failed(3);
        assert_eq!(outcome(&blip), Some(Outcome::Pass));
        blip[0] = Doubtful;
        assert_eq!(outcome(&blip), Some(Outcome::Pass));
        assert_eq!(outcome(&[Doubtful, Doubtful]), Some(Outcome::Inconclusive));
    }

    /// Exact over all series: the chance to call a service at its allowance broken, by whole smokes.
    #[test]
    fn a_service_at_its_allowance_is_called_broken_within_the_level() {
        for (allowed, places) in [(0.001, 3), (0.005, 10), (0.01, 10), (0.01, 200), (0.05, 10)] {
            let confirmation = Confirmation {
                allowed,
                level: 0.001,
                places,
            };
            // One step; the union over all steps is the sum.
            let mut called = 0.0;
            let mut open = vec![(1_u64, 1_u64, allowed)];
            while let Some((performed, failed, chance)) = open.pop() {
                if failed >= confirmation.failures_in(performed) {
                    called += chance;
                } else if performed < confirmation.performances() {
                    open.push((performed + 1, failed + 1, chance * allowed));
                    open.push((performed + 1, failed, chance * (1.0 - allowed)));
                }
            }
            let of_all = called * places as f64;
            assert!(of_all <= 0.001, "{allowed} {places}: {of_all}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_series_comes_to_an_end(
            kinds in proptest::collection::vec(0..4_usize, 20),
            allowed in 0.0001..0.2_f64,
            places in 1..500_u64,
        ) {
            let confirmation = Confirmation { allowed, level: 0.001, places };
            let of = |kind: &usize| match kind {
                0 => Performance::Passed,
                1 => Performance::Doubtful,
                step => Performance::Failed(*step),
            };
            let mut series = confirmation.begin(Performance::Failed(2));
            for kind in &kinds {
                if series.outcome().is_some() {
                    break;
                }
                series.note(of(kind));
            }
            proptest::prop_assert!(series.outcome().is_some());
            proptest::prop_assert!(series.counts().0 <= confirmation.performances());
        }
    }
}
