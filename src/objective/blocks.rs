//! Counts that come by the block, such as those of a scrape, in the trial of a load: pure.
//!
//! A block takes the place of a second: what a trial says of bursts, of a deploy that is dead and of its
//! design effect then holds over blocks. Does not know where counts come from.
//!
//! Invariant: nothing counted, or doubts about what was, is never a pass.

use super::rule::Rule;
use super::slot::{ArmSlot, Count, SLOTS_A_SECOND, Slot};
use super::trial::{Conclusion, Trial};
use super::verdict::describe;
use super::{Objective, Outcome};
use crate::duration::show;
use std::time::Duration;

/// A trial of one objective over blocks.
#[derive(Debug, Clone)]
pub struct Blocks {
    rule: Rule,
    objective: Objective,
    length: Duration,
    trial: Trial,
}

impl Blocks {
    /// A trial of blocks of one length that may spend so much of a gate's level.
    pub fn new(rule: Rule, objective: &Objective, length: Duration, level: f64) -> Blocks {
        let of_blocks = |time: Duration| {
            let blocks = time.as_secs_f64() / length.as_secs_f64().max(0.001);
            Duration::from_secs(blocks.ceil() as u64)
        };
        let caution = rule.block.as_secs_f64() / length.as_secs_f64().max(0.001);
        let rule = Rule {
            rollback_level: level,
            // Who asks for a level of the dead that is more than there is gets half of what there is.
            dead_level: rule.dead_level.min(level / 2.0),
            warm_up: of_blocks(rule.warm_up),
            block: Duration::from_secs(1),
            beside: 0,
            ..rule
        };
        Blocks {
            rule,
            objective: objective.clone(),
            length,
            trial: Trial::new(rule, std::slice::from_ref(objective)).with_caution(caution),
        }
    }

    /// Takes a block; nothing of one that was not seen.
    pub fn block(&mut self, seen: Option<Count>) {
        let mut slot = Slot::new(1);
        if let Some(count) = seen {
            slot.candidate = ArmSlot {
                all: count,
                objectives: vec![count],
            };
        }
        self.trial.slot(&slot);
        for _ in 1..SLOTS_A_SECOND {
            self.trial.slot(&Slot::new(1));
        }
    }

    /// Whether it is proven bad already: then nothing changes it. A trial looks at blocks, of which each tells as
    /// much as any other, so that many good requests in a few of them tell it little; but what is promised is a
    /// share of all requests.
    pub fn is_called(&self) -> bool {
        self.trial.called().is_some() && (self.is_mostly_bad() || self.is_broken((0, 0)))
    }

    fn is_dead(&self) -> bool {
        let call = self.trial.called();
        call.is_some_and(|call| call.objective.is_none())
    }

    /// Whether half of all failed, the warm-up included.
    fn is_mostly_bad(&self) -> bool {
        let counted = self.trial.candidate();
        counted.bad * 2 >= counted.requests.max(1)
    }

    /// Whether more failed than is allowed, without so many requests and bad ones.
    fn is_broken(&self, (requests, bad): (u64, u64)) -> bool {
        let counted = self.trial.standing(0, 1).candidate;
        let (all, failed) = (
            counted.requests.saturating_sub(requests) as f64,
            counted.bad.saturating_sub(bad) as f64,
        );
        failed > self.objective.allowed_share().unwrap_or(0.0) * all
    }

    /// Whether the objective would be broken if so many requests had failed beside what was counted.
    pub fn would_break(&self, (requests, bad): (u64, u64), lost: u64) -> bool {
        let (all, failed) = ((requests + lost) as f64, (bad + lost) as f64);
        lost > 0 && failed > self.objective.allowed_share().unwrap_or(0.0) * all
    }

    /// What it comes to if this is the end, and why. Doubts keep it from a pass, and hide no failure; only of
    /// so many requests and bad ones, which may have been counted twice, nobody is blamed.
    pub fn conclude(&self, doubts: &[String], twice: (u64, u64)) -> (Outcome, String) {
        let judged = describe(
            &self.rule,
            std::slice::from_ref(&self.objective),
            &self.trial,
            1,
        );
        let is_dead = self.is_dead();
        let counted = self.trial.candidate();
        let mut reason = match judged.objectives.first() {
            _ if is_dead => format!(
                "the deploy is dead: {} of {} requests failed",
                counted.bad, counted.requests
            ),
            Some(line) => format!("`{}`: {}", line.objective, line.reason),
            None => String::new(),
        };
        let outcome = match judged.verdict {
            // That all failed at last shows little where it is doubtful what was shown.
            Conclusion::Rollback if is_dead && !self.is_mostly_bad() && !doubts.is_empty() => {
                Outcome::Inconclusive
            }
            Conclusion::Rollback
                if is_dead && self.is_mostly_bad() && twice.1 == 0 || self.is_broken(twice) =>
            {
                Outcome::Fail
            }
            Conclusion::Promote if doubts.is_empty() => Outcome::Pass,
            _ => Outcome::Inconclusive,
        };
        if judged.verdict == Conclusion::Rollback && outcome != Outcome::Fail {
            reason.push_str(match self.is_broken((0, 0)) {
                true if self.is_broken(twice) => {
                    "; that all failed at last shows little while it is doubtful what was shown"
                }
                true => "; without what nobody can be blamed for, no more failed than is allowed",
                false => "; more fails than is allowed in many blocks, but not of all requests",
            });
        }
        if counted.requests > 0 && self.trial.standing(0, 1).candidate.requests == 0 {
            reason.push_str(&format!(
                ", since all {} requests came in the warm-up of {}",
                counted.requests,
                show(self.length * self.rule.warm_up.as_secs() as u32)
            ));
        }
        let warm_up = self.trial.warm_up();
        if outcome == Outcome::Inconclusive && self.trial.warms_up_badly() {
            reason.push_str(&format!(
                "; {} of {} requests of the warm-up failed",
                warm_up.bad, warm_up.requests
            ));
        }
        if counted.requests < self.rule.requests_min && outcome == Outcome::Inconclusive {
            let (seen, least) = (counted.requests, self.rule.requests_min);
            reason.push_str(&format!("; {seen} requests, and the rule asks for {least}"));
        }
        for doubt in doubts {
            reason.push_str("; ");
            reason.push_str(doubt);
        }
        (outcome, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(blocks: &[(u64, u64)], repeat: usize, doubts: &[String]) -> (Outcome, String, usize) {
        let objective = Objective::parse("error_rate < 1%").unwrap();
        let mut trial = Blocks::new(Rule::default(), &objective, Duration::from_secs(15), 0.001);
        let mut taken = 0;
        for (requests, bad) in blocks.iter().cycle().take(blocks.len() * repeat) {
            let (requests, bad) = (*requests, *bad);
            trial.block((requests > 0).then_some(Count { requests, bad }));
            taken += 1;
            if trial.is_called() {
                break;
            }
        }
        let (outcome, reason) = trial.conclude(doubts, (0, 0));
        (outcome, reason, taken)
    }

    #[test]
    fn what_is_good_needs_the_whole_time_and_what_is_bad_does_not() {
        let (outcome, reason, _) = of(&[(75, 0)], 40, &[]);
        assert_eq!(outcome, Outcome::Pass, "{reason}");
        assert!(reason.contains("0 of 2925 requests"), "{reason}");
        let (outcome, reason, taken) = of(&[(75, 4)], 40, &[]);
        assert!(outcome == Outcome::Fail && taken < 20, "{taken}: {reason}");
        let (outcome, reason, taken) = of(&[(75, 75)], 40, &[]);
        assert!(outcome == Outcome::Fail && taken <= 7, "{taken}: {reason}");
    }

    #[test]
    fn nothing_little_and_doubtful_is_no_pass() {
        for (blocks, repeat) in [(&[(0, 0)][..], 40), (&[(75, 0)], 1), (&[(2, 0)], 40)] {
            let (outcome, reason, _) = of(blocks, repeat, &[]);
            assert_eq!(outcome, Outcome::Inconclusive, "{reason}");
        }
        let doubts = ["nobody knows".to_owned()];
        let (outcome, reason, _) = of(&[(75, 0)], 40, &doubts);
        assert_eq!(outcome, Outcome::Inconclusive);
        assert!(reason.ends_with("; nobody knows"), "{reason}");
        // What is proven bad is bad, whatever else is not known.
        assert_eq!(of(&[(75, 30)], 40, &doubts).0, Outcome::Fail);
        let (_, reason, _) = of(&[(75, 0)], 1, &[]);
        assert!(
            reason.contains("all 75 requests came in the warm-up of 15s"),
            "{reason}"
        );
    }

    #[test]
    fn nobody_is_dead_of_whom_it_is_doubtful_what_was_shown() {
        let blocks = [vec![(1_000, 4); 8], vec![(10, 10); 20]].concat();
        let doubts = ["the good ones are not shown".to_owned()];
        let (outcome, reason, _) = of(&blocks, 1, &doubts);
        assert_eq!(outcome, Outcome::Inconclusive, "{reason}");
        assert!(
            reason.contains("shows little while it is doubtful"),
            "{reason}"
        );
    }

    #[test]
    fn nobody_is_rolled_back_while_no_more_failed_than_is_allowed() {
        let mut bursts = vec![(200, 4); 30];
        bursts.insert(10, (20_000, 0));
        let (outcome, reason, taken) = of(&bursts, 1, &[]);
        assert_eq!((outcome, taken), (Outcome::Inconclusive, 31), "{reason}");
        assert!(reason.contains("but not of all requests"), "{reason}");
        // Nor for what may have been counted twice.
        let objective = Objective::parse("error_rate < 1%").unwrap();
        let mut twice = Blocks::new(Rule::default(), &objective, Duration::from_secs(15), 0.001);
        for _ in 0..40 {
            twice.block(Some(Count {
                requests: 100,
                bad: 20,
            }));
        }
        assert_eq!(twice.conclude(&[], (0, 0)).0, Outcome::Fail);
        let (outcome, reason) = twice.conclude(&[], (900, 790));
        assert_eq!(outcome, Outcome::Inconclusive);
        assert!(reason.contains("nobody can be blamed for"), "{reason}");
    }

    /// Of services at their limit, how many are rolled back; `share` says that of a block.
    fn called(scrape: u64, share: impl Fn(&mut fastrand::Rng, &mut f64) -> f64) -> f64 {
        let objective = Objective::parse("error_rate < 1%").unwrap();
        let (gates, level) = (2_000, 0.01);
        let length = Duration::from_secs(scrape);
        let mut called = 0;
        for gate in 0..gates {
            let mut chance = fastrand::Rng::with_seed(gate);
            let mut trial = Blocks::new(Rule::default(), &objective, length, level);
            let mut state = 0.01;
            for _ in 0..40 {
                let share = share(&mut chance, &mut state);
                let bad = (0..75).filter(|_| chance.f64() < share).count() as u64;
                trial.block(Some(Count { requests: 75, bad }));
            }
            called += u64::from(trial.conclude(&[], (0, 0)).0 == Outcome::Fail);
        }
        called as f64 / gates as f64
    }

    #[test]
    fn a_service_at_its_limit_is_rolled_back_as_seldom_as_is_promised() {
        for scrape in [2, 15, 60] {
            let steady = called(scrape, |_, _| 0.01);
            assert!(steady <= 0.01, "{scrape} s: {steady}");
            // Everything that fails, fails within one block of ten.
            let bursts = called(scrape, |chance, _| {
                0.1 * f64::from(u8::from(chance.f64() < 0.1))
            });
            assert!(bursts <= 0.01, "{scrape} s: {bursts}");
            // What fails in one block fails in the next one, too, half of the time.
            let wanders = called(scrape, |chance, state| {
                let fresh = 0.02 * chance.f64();
                *state = 0.5 * *state + 0.5 * fresh;
                *state
            });
            assert!(wanders <= 0.01, "{scrape} s: {wanders}");
        }
    }
}
