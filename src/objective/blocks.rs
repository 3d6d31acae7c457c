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
    /// The same over what is sure.
    sure: Trial,
    /// Blocks so far.
    blocks: u64,
    /// All that is sure after the warm-up: a trial that is called looks no further.
    met: Count,
}

/// What is known of some counts beside them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside {
    /// Requests and bad ones for which nobody is to be blamed, since they may have been counted twice.
    pub twice: (u64, u64),
    /// Requests that nobody counted, and that may have been good.
    pub unseen: u64,
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
        let trial = Trial::new(rule, std::slice::from_ref(objective)).with_caution(caution);
        Blocks {
            rule,
            objective: objective.clone(),
            length,
            sure: trial.clone(),
            trial,
            blocks: 0,
            met: Count::default(),
        }
    }

    /// Takes a block, all of it and what of it is sure; nothing of one that was not seen. By all of it a deploy is
    /// found good, and bad by what is sure alone.
    pub fn block(&mut self, seen: Option<(Count, Count)>) {
        let (all, sure) = (seen.map(|(all, _)| all), seen.map(|(_, sure)| sure));
        if self.blocks >= self.rule.warm_up.as_secs() {
            self.met.add(sure.unwrap_or_default());
        }
        self.blocks += 1;
        for (trial, seen) in [(&mut self.trial, all), (&mut self.sure, sure)] {
            let mut slot = Slot::new(1);
            if let Some(count) = seen {
                slot.candidate = ArmSlot {
                    all: count,
                    objectives: vec![count],
                };
            }
            trial.slot(&slot);
            for _ in 1..SLOTS_A_SECOND {
                trial.slot(&Slot::new(1));
            }
        }
    }

    /// Whether it is proven bad already: then nothing changes it. A trial looks at blocks, of which each tells as
    /// much as any other, so that many good requests in a few of them tell it little; but what is promised is a
    /// share of all requests.
    pub fn is_called(&self, beside: Beside) -> bool {
        self.sure.called().is_some() && self.is_to_blame(beside)
    }

    fn is_dead(&self) -> bool {
        let call = self.trial.called();
        call.is_some_and(|call| call.objective.is_none())
    }

    /// Whether what is sure shows it to be bad, if this is the end.
    fn is_surely_bad(&self) -> bool {
        let objective = std::slice::from_ref(&self.objective);
        describe(&self.rule, objective, &self.sure, 1).verdict == Conclusion::Rollback
    }

    /// Whether half of all that is sure failed, the warm-up included.
    fn is_mostly_bad(&self) -> bool {
        let counted = self.sure.candidate();
        counted.bad * 2 >= counted.requests.max(1)
    }

    /// Whether what is sure is bad enough: nothing of it can have been counted twice, and most of it failed, or more
    /// did than is allowed.
    fn is_to_blame(&self, beside: Beside) -> bool {
        let call = self.sure.called();
        let is_dead = call.is_some_and(|call| call.objective.is_none());
        let is_clear = beside.twice.1 == 0 && beside.unseen == 0;
        is_dead && self.is_mostly_bad() && is_clear || self.is_broken(beside)
    }

    /// Whether more of what is sure failed than is allowed, with what is known beside it.
    fn is_broken(&self, beside: Beside) -> bool {
        let (counted, (requests, bad)) = (self.met, beside.twice);
        let all = counted.requests.saturating_sub(requests) + beside.unseen;
        let failed = counted.bad.saturating_sub(bad) as f64;
        failed > self.objective.allowed_share().unwrap_or(0.0) * all as f64
    }

    /// Whether the objective would be broken if so many requests had failed beside what was counted.
    pub fn would_break(&self, (requests, bad): (u64, u64), lost: u64) -> bool {
        let (all, failed) = ((requests + lost) as f64, (bad + lost) as f64);
        lost > 0 && failed > self.objective.allowed_share().unwrap_or(0.0) * all
    }

    /// Why nobody is blamed, though more failed than is allowed.
    fn why_not(&self, beside: Beside) -> String {
        let (all, sure) = (self.trial.candidate(), self.sure.candidate());
        let met = self.met;
        let called = self.sure.standing(0, 1).candidate;
        let allowed = self.objective.allowed_share().unwrap_or(0.0);
        let was_broken = called.bad as f64 > allowed * called.requests as f64;
        if was_broken && !self.is_broken(Beside::default()) {
            return format!(
                "; in the end {} of {} requests failed, no more than is allowed",
                met.bad, met.requests
            );
        }
        if !self.is_broken(Beside::default()) && all.bad == sure.bad {
            return "; more fails than is allowed in many blocks, but not of all requests"
                .to_owned();
        }
        if self.is_surely_bad() && self.is_to_blame(beside) {
            return "; that all failed at last shows little while it is doubtful what was shown"
                .to_owned();
        }
        if self.is_broken(Beside {
            unseen: 0,
            ..beside
        }) && beside.unseen > 0
        {
            return format!(
                "; with about {} requests that nobody counted it may be less than is allowed",
                beside.unseen
            );
        }
        let unsure = all.bad.saturating_sub(sure.bad);
        match unsure {
            0 => {
                "; without what nobody can be blamed for, no more failed than is allowed".to_owned()
            }
            _ => format!(
                "; {unsure} of those that failed may be older than the bake, or another's: nobody is blamed for them"
            ),
        }
    }

    /// What it comes to if this is the end, and why. Doubts keep it from a pass, and hide no failure; only of
    /// so many requests and bad ones, which may have been counted twice, nobody is blamed.
    pub fn conclude(&self, doubts: &[String], beside: Beside) -> (Outcome, String) {
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
            Conclusion::Rollback if self.is_surely_bad() && self.is_to_blame(beside) => {
                Outcome::Fail
            }
            Conclusion::Promote if doubts.is_empty() => Outcome::Pass,
            _ => Outcome::Inconclusive,
        };
        if judged.verdict == Conclusion::Rollback && outcome != Outcome::Fail {
            reason.push_str(&self.why_not(beside));
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
            trial.block(
                (requests > 0)
                    .then_some(Count { requests, bad })
                    .map(|all| (all, all)),
            );
            taken += 1;
            if trial.is_called(Beside::default()) {
                break;
            }
        }
        let (outcome, reason) = trial.conclude(doubts, Beside::default());
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
            let all = Count {
                requests: 100,
                bad: 20,
            };
            twice.block(Some((all, all)));
        }
        assert_eq!(twice.conclude(&[], Beside::default()).0, Outcome::Fail);
        let (outcome, reason) = twice.conclude(
            &[],
            Beside {
                twice: (900, 790),
                unseen: 0,
            },
        );
        assert_eq!(outcome, Outcome::Inconclusive);
        assert!(reason.contains("nobody can be blamed for"), "{reason}");
        let (outcome, reason) = twice.conclude(
            &[],
            Beside {
                twice: (0, 0),
                unseen: 90_000,
            },
        );
        assert_eq!(outcome, Outcome::Inconclusive);
        assert!(
            reason.contains("90000 requests that nobody counted"),
            "{reason}"
        );
    }

    #[test]
    fn nobody_is_blamed_for_what_may_be_older() {
        let objective = Objective::parse("error_rate < 1%").unwrap();
        let mut trial = Blocks::new(Rule::default(), &objective, Duration::from_secs(15), 0.001);
        for number in 0..40 {
            let count = |bad| Count { requests: 100, bad };
            let bad = if number % 4 == 1 { 40 } else { 0 };
            trial.block(Some((count(bad), count(0))));
            assert!(!trial.is_called(Beside::default()));
        }
        let (outcome, reason) = trial.conclude(&[], Beside::default());
        assert_eq!(outcome, Outcome::Inconclusive);
        assert!(reason.contains("may be older than the bake"), "{reason}");
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
                let all = Count { requests: 75, bad };
                trial.block(Some((all, all)));
            }
            called += u64::from(trial.conclude(&[], Beside::default()).0 == Outcome::Fail);
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
