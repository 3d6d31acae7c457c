//! The rounds of a bake: whether more of them failed than the allowance explains. Pure.
//!
//! A round is one performance of everything; where each of its requests fails with a chance of at most
//! the allowance, it fails with a chance that can be said. Bets against that ([`super::wealth`]), and
//! against the allowance of each single step, find a bake that fails too often, whenever one looks; at
//! the end exact tests say whether the failures seen are few enough for a pass.
//!
//! Invariant: no rounds are no pass, and neither is a last round that did not pass.

use super::Outcome;
use super::binomial;
use super::confirmation::Performance;
use super::wealth::Wealth;

/// At the end, so few chances for as many failures are too few for a pass.
const DOUBT: f64 = 0.1;

/// Rounds in a row that say nothing about the product, and end a bake.
const DOUBTFUL_MAX: u64 = 3;

/// Rounds so far.
#[derive(Debug, Clone)]
pub struct Rounds {
    /// The chance of a round to fail that is still allowed.
    of_round: f64,
    level: f64,
    wealth: Wealth,
    /// By scenario, by step.
    steps: Vec<Vec<Step>>,
    all: u64,
    passed: u64,
    failed: u64,
    doubtful_in_row: u64,
    last: Option<Outcome>,
    is_broken: bool,
}

/// One step over all rounds.
#[derive(Debug, Clone)]
struct Step {
    /// The chance to fail that is still allowed.
    allowed: f64,
    wealth: Wealth,
    performed: u64,
    failed: u64,
}

impl Step {
    fn note(&mut self, fails: bool) {
        self.performed += 1;
        self.failed += u64::from(fails);
        self.wealth.block(f64::from(u8::from(fails)));
    }
}

impl Rounds {
    /// Rounds of scenarios, each with the requests of its steps, of which a share may fail; the level
    /// is how often a service within its allowance may be called broken.
    pub fn new(allowed: f64, scenarios: &[Vec<u64>], level: f64) -> Rounds {
        let of = |requests: u64| binomial::any_of(requests, allowed).clamp(1e-6, 0.95);
        let of_round = of(scenarios.iter().flatten().sum::<u64>().max(1));
        let step = |requests: &u64| Step {
            allowed: of((*requests).max(1)),
            wealth: Wealth::new(of((*requests).max(1))),
            performed: 0,
            failed: 0,
        };
        Rounds {
            of_round,
            level,
            wealth: Wealth::new(of_round),
            steps: scenarios
                .iter()
                .map(|requests| requests.iter().map(step).collect())
                .collect(),
            all: 0,
            passed: 0,
            failed: 0,
            doubtful_in_row: 0,
            last: None,
            is_broken: false,
        }
    }

    /// Takes a round, each of its scenarios as it was performed the first time.
    pub fn note(&mut self, performances: &[Performance]) {
        for (steps, performance) in self.steps.iter_mut().zip(performances) {
            match performance {
                Performance::Passed => steps.iter_mut().for_each(|step| step.note(false)),
                // What comes after a step that failed was not performed.
                Performance::Failed(failed) => {
                    for (number, step) in steps.iter_mut().enumerate().take(failed + 1) {
                        step.note(number == *failed);
                    }
                }
                Performance::Doubtful => {}
            }
        }
        let outcome = Outcome::all(performances.iter().map(|performance| match performance {
            Performance::Passed => Outcome::Pass,
            Performance::Failed(_) => Outcome::Fail,
            Performance::Doubtful => Outcome::Inconclusive,
        }));
        self.all += 1;
        self.passed += u64::from(outcome == Outcome::Pass);
        self.failed += u64::from(outcome == Outcome::Fail);
        self.doubtful_in_row = match outcome {
            Outcome::Inconclusive => self.doubtful_in_row + 1,
            _ => 0,
        };
        // A round that says nothing about the product is no bet.
        if outcome != Outcome::Inconclusive {
            self.wealth
                .block(f64::from(u8::from(outcome == Outcome::Fail)));
        }
        // Half of the level is for rounds, half for all steps together.
        let half = self.level / 2.0;
        let of_steps = (half / self.count() as f64).ln();
        let mut steps = self.steps.iter().flatten();
        self.is_broken |=
            self.wealth.ln() >= -half.ln() || steps.any(|step| step.wealth.ln() >= -of_steps);
        self.last = Some(outcome);
    }

    fn count(&self) -> usize {
        self.steps.iter().map(Vec::len).sum::<usize>().max(1)
    }

    /// Whether some step, or the rounds as a whole, failed more often than a pass bears.
    fn is_doubtful(&self) -> bool {
        let bad = self.all - self.passed;
        let doubt = DOUBT / 2.0;
        let of_steps = doubt / self.count() as f64;
        let chance = |step: &Step| {
            // One failure is a blip that was confirmed to be one.
            let again = step.failed.saturating_sub(1);
            binomial::upper_tail(again, step.performed.saturating_sub(1), step.allowed)
        };
        let mut steps = self.steps.iter().flatten();
        binomial::upper_tail(bad, self.all, self.of_round) <= doubt
            || steps.any(|step| step.failed > 0 && chance(step) <= of_steps)
    }

    /// What the last round was after all, when it was performed again.
    pub fn settle_last(&mut self, outcome: Outcome) {
        self.last = Some(outcome);
        if outcome == Outcome::Pass {
            self.doubtful_in_row = 0;
        }
    }

    /// Whether more rounds would change nothing.
    pub fn are_enough(&self) -> bool {
        self.is_broken || self.doubtful_in_row >= DOUBTFUL_MAX
    }

    /// Rounds that passed, and all of them.
    pub fn counts(&self) -> (u64, u64) {
        (self.passed, self.all)
    }

    /// What speaks against a pass.
    pub fn objection(&self) -> Option<(Outcome, String)> {
        let (passed, all, failed) = (self.passed, self.all, self.failed);
        let allowed = crate::figures::percent(self.of_round);
        if self.is_broken {
            let said = format!(
                "{failed} of {all} rounds failed; {allowed} of them may, and a step far less often"
            );
            return Some((Outcome::Fail, said));
        }
        let doubt = |said: String| Some((Outcome::Inconclusive, said));
        if all == 0 {
            doubt("no round was performed".to_owned())
        } else if passed == 0 || self.is_doubtful() {
            doubt(format!(
                "only {passed} of {all} rounds passed: too few for a pass, where {allowed} of them may fail, and a step far less often"
            ))
        } else if self.last != Some(Outcome::Pass) {
            doubt(format!("the last of {all} rounds did not pass"))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Fail, Inconclusive};
    use Performance::{Doubtful, Failed, Passed};

    fn told(performances: &[Performance]) -> Option<Outcome> {
        let mut rounds = Rounds::new(0.01, &[vec![1; 10]], 0.001);
        for performance in performances {
            rounds.note(&[*performance]);
        }
        rounds.objection().map(|(outcome, _)| outcome)
    }

    #[test]
    fn a_pass_needs_rounds_and_a_last_one_that_passed() {
        assert_eq!(told(&[]), Some(Inconclusive), "nothing was measured");
        assert_eq!(told(&[Passed, Passed]), None);
        assert_eq!(told(&[Passed, Failed(1)]), Some(Inconclusive));
        assert_eq!(told(&[Failed(1), Passed]), None, "one may fail");
        assert_eq!(told(&[Doubtful; 3]), Some(Inconclusive));
        assert_eq!(told(&[Failed(3); 4]), Some(Fail));
        let every_fourth = |step: fn(usize) -> usize| {
            let mut often = [Passed; 40];
            (0..10).for_each(|round| often[4 * round] = Failed(step(round)));
            told(&often)
        };
        assert_eq!(
            every_fourth(|round| round),
            Some(Inconclusive),
            "where 10 % may"
        );
        assert_eq!(every_fourth(|_| 3), Some(Fail), "where 1 % may");
    }

    #[test]
    fn a_service_at_its_allowance_is_called_broken_within_the_level() {
        let mut chance = fastrand::Rng::with_seed(3);
        let bakes = 20_000;
        let broken = (0..bakes).filter(|_| {
            let mut rounds = Rounds::new(0.01, &[vec![1; 4], vec![1; 6]], 0.01);
            for _ in 0..120 {
                let performances = [4, 6].map(|steps| {
                    let failed = (0..steps).find(|_| chance.f64() < 0.01);
                    failed.map_or(Passed, Failed)
                });
                rounds.note(&performances);
            }
            rounds.is_broken
        });
        let share = broken.count() as f64 / f64::from(bakes);
        assert!(share <= 0.01, "{share}");
    }
}
