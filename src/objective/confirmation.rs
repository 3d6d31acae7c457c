//! Whether a smoke that failed has found a broken deploy or met a blip: pure.
//!
//! A service within its objectives fails now and then; a smoke of many steps meets that often enough.
//! So a smoke that failed is performed again, on fresh connections and some time apart. It fails when one step
//! failed so often that a share of failures within the allowance does not explain it; it passes when
//! it failed only once; in between nobody can tell.
//!
//! Does not know what a step does. Invariant: where every request fails with a chance of at most the
//! allowance, and performances some time apart do not depend on one another, "failed" is said with a
//! chance of at most the level. (A union bound over steps, over the moments at which the series may
//! begin, and over the performances at which it is looked at.)

use super::Outcome;
use super::binomial;

/// Performances at the most, whatever the allowance.
const PERFORMANCES_MAX: u64 = 20;

/// How failures of a smoke are confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Confirmation {
    /// The share of requests that may fail.
    pub allowed: f64,
    /// How often it may be said of a service within its allowance that it failed.
    pub level: f64,
    /// Occasions on which the steps are performed.
    pub occasions: u64,
    /// Requests of each step in one performance, by its number.
    pub requests: Vec<u64>,
}

/// Failures in a row that convince, at the fewest: a moment in which everything fails is no deploy.
const IN_ROW_MIN: u64 = 3;

impl Confirmation {
    /// The chance of a step to fail in one performance that is still allowed.
    fn allowed_of(&self, step: usize) -> f64 {
        let requests = self.requests.get(step).copied().unwrap_or(1).max(1);
        binomial::any_of(requests, self.allowed).clamp(1e-9, 0.95)
    }

    /// Steps that may fail, times the occasions on which they are performed.
    fn places(&self) -> f64 {
        (self.requests.len().max(1) as u64 * self.occasions.max(1)) as f64
    }

    /// Failures of a step in so many performances that convince; more than there can be where they
    /// never do.
    pub fn failures_in(&self, step: usize, performances: u64) -> u64 {
        let level = self.level / (self.places() * self.performances(step) as f64);
        (IN_ROW_MIN..=performances)
            .find(|failures| self.chance(step, *failures, performances) <= level)
            .unwrap_or(performances + 1)
    }

    /// The chance of so many failures of a step, or more, in a series that it, or another step, began.
    fn chance(&self, step: usize, failures: u64, performances: u64) -> f64 {
        let allowed = self.allowed_of(step);
        let tail = |failures| binomial::upper_tail(failures, performances - 1, allowed);
        // Whoever began it failed first; all occasions together begin one at most so often.
        let all = (0..self.requests.len()).map(|step| self.allowed_of(step));
        let by_another = all.sum::<f64>().min(1.0);
        allowed * tail(failures - 1) + by_another * tail(failures)
    }

    /// Failures of a step in a row that convince.
    pub fn in_row(&self, step: usize) -> u64 {
        // As if there were as many looks as there can be at the most: never too few.
        let level = self.level / (self.places() * PERFORMANCES_MAX as f64);
        let needed = (level.ln() / self.allowed_of(step).ln()).ceil();
        (needed as u64).clamp(IN_ROW_MIN, PERFORMANCES_MAX)
    }

    /// Performances at the most, the first one included, where this step failed.
    pub fn performances(&self, step: usize) -> u64 {
        (2 * self.in_row(step)).min(PERFORMANCES_MAX)
    }

    /// A series that begins with a performance that did not pass.
    pub fn begin(&self, first: Performance) -> Series {
        let mut series = Series {
            confirmation: self.clone(),
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

    /// Performances at the most: what the step that needs most of them needs.
    fn most(&self) -> u64 {
        let steps = self.failures.iter().map(|(step, _)| *step);
        let of = |step| self.confirmation.performances(step);
        steps.map(of).max().unwrap_or_else(|| of(0))
    }

    /// What it comes to, if that can be said already.
    pub fn outcome(&self) -> Option<Outcome> {
        let (performed, bad) = self.counts();
        let by = &self.confirmation;
        let convinces = |more: u64| {
            let reaches = |(step, count): &(usize, u64)| {
                count + more >= by.failures_in(*step, performed + more)
            };
            self.failures.iter().any(reaches)
        };
        if convinces(0) {
            return Some(Outcome::Fail);
        }
        let left = self.most().saturating_sub(performed);
        let may_fail = (1..=left).any(convinces);
        match bad {
            ..=1 => (left == 0).then_some(Outcome::Pass),
            // Whose failures say nothing about the product will not say more.
            _ if !may_fail || self.failures.is_empty() => Some(Outcome::Inconclusive),
            _ => None,
        }
    }

    /// What it comes to where there is no time for another performance: failures of one step, and nothing
    /// else, that the allowance does not explain are no blip; anything less is not known.
    pub fn cut_short(&self) -> Outcome {
        match self.failures.as_slice() {
            [(step, count)] if *count == self.performed && *count >= 2 => {
                // Time has ended the series, not what was seen: this is the only look.
                let by = &self.confirmation;
                let chance = by.chance(*step, *count, self.performed) * by.places();
                match chance <= by.level {
                    true => Outcome::Fail,
                    false => Outcome::Inconclusive,
                }
            }
            _ => Outcome::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(allowed: f64, steps: usize, occasions: u64) -> Confirmation {
        Confirmation {
            allowed,
            level: 0.001,
            occasions,
            requests: vec![1; steps],
        }
    }

    fn ten_steps() -> Confirmation {
        of(0.01, 10, 1)
    }

    fn outcome(performances: &[Performance]) -> Option<Outcome> {
        let mut series = ten_steps().begin(performances[0]);
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
        let mut blip = vec![Passed; ten_steps().performances(3) as usize];
        blip[0] = Failed(3);
        assert_eq!(outcome(&blip), Some(Outcome::Pass));
        blip[0] = Doubtful;
        assert_eq!(outcome(&blip), Some(Outcome::Pass));
        assert_eq!(outcome(&[Doubtful, Doubtful]), Some(Outcome::Inconclusive));
    }

    /// Exact over all series of two steps that fail alike, the rest as a union.
    #[test]
    fn a_service_at_its_allowance_is_called_broken_within_the_level() {
        for (allowed, steps, occasions, requests) in [
            (0.001, 3, 1, 1),
            (0.005, 10, 1, 1),
            (0.01, 10, 1, 1),
            (0.01, 10, 60, 1),
            (0.05, 10, 1, 1),
            (0.01, 5, 1, 20),
        ] {
            let mut confirmation = of(allowed, steps, occasions);
            confirmation.requests[0] = requests;
            let step = confirmation.allowed_of(0);
            // Another one begins the series, or step 0 itself.
            let others = 1.0 - (1.0 - allowed).powf((steps - 1) as f64);
            let mut called = 0.0;
            let mut open = vec![(1_u64, 1_u64, step), (1, 0, others)];
            while let Some((performed, failed, chance)) = open.pop() {
                if failed >= confirmation.failures_in(0, performed) {
                    called += chance;
                } else if performed < confirmation.performances(0) {
                    open.push((performed + 1, failed + 1, chance * step));
                    open.push((performed + 1, failed, chance * (1.0 - step)));
                }
            }
            let of_all = called * confirmation.places();
            assert!(of_all <= 0.001, "{allowed} {steps} {occasions}: {of_all}");
        }
    }

    #[test]
    fn where_time_runs_out_two_failures_of_one_step_and_nothing_else_are_enough() {
        use Performance::{Failed, Passed};
        let series = |performances: &[Performance]| {
            let mut series = of(0.01, 5, 1).begin(performances[0]);
            performances[1..].iter().for_each(|next| series.note(*next));
            series.cut_short()
        };
        assert_eq!(series(&[Failed(3), Failed(3)]), Outcome::Fail);
        assert_eq!(series(&[Failed(3)]), Outcome::Inconclusive);
        // One that may fail so often is not shown by two.
        let mut often = of(0.01, 5, 1);
        often.requests[3] = 50;
        let mut often = often.begin(Failed(3));
        often.note(Failed(3));
        assert_eq!(often.cut_short(), Outcome::Inconclusive);
        assert_eq!(series(&[Failed(3), Failed(4)]), Outcome::Inconclusive);
        assert_eq!(
            series(&[Failed(3), Passed, Failed(3)]),
            Outcome::Inconclusive
        );
    }

    proptest::proptest! {
        #[test]
        fn every_series_comes_to_an_end(
            kinds in proptest::collection::vec(0..4_usize, 20),
            allowed in 0.0001..0.2_f64,
            occasions in 1..50_u64,
            requests in proptest::collection::vec(1..30_u64, 1..10),
        ) {
            let confirmation = Confirmation { allowed, level: 0.001, occasions, requests };
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
            proptest::prop_assert!(series.counts().0 <= PERFORMANCES_MAX);
        }
    }
}
