//! The evidence of a load while it comes in: pure.
//!
//! Seconds of one or two arms go in, in any order; the trial takes slots in their order, as soon as
//! every arm has told of them. What comes later than that is counted in the next slot: nothing that
//! was measured is left out. What went in is kept, so that the verdict can be replayed.

use crate::figures::percent;
use crate::objective::evidence::Evidence;
use crate::objective::rule::Rule;
use crate::objective::slot::{ArmSlot, SLOTS_A_SECOND, Slot};
use crate::objective::tally::{self, Arm, Watched};
use crate::objective::trial::{Conclusion, Trial};
use crate::objective::verdict::{self, Judged, JudgedObjective};
use crate::objective::{Judgement, Objective, Outcome};
use crate::vu::{Heading, Headings};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The evidence of a load.
#[derive(Debug)]
pub struct Watch {
    /// Those of the load's objectives that are judged while evidence comes in, with their numbers.
    objectives: Vec<(usize, Objective)>,
    rule: Rule,
    trial: Trial,
    evidence: Evidence,
    with_baseline: bool,
    pending: BTreeMap<u64, Slot>,
    next: u64,
    /// Slots that each arm has told of.
    told: [u64; 2],
    /// How many ends there may be: an extension makes a second one, and levels are shared out.
    looks: u32,
}

impl Watch {
    /// For the objectives of a plan, under a rule, over a load of some length.
    pub fn new(
        objectives: &[Objective],
        rule: Rule,
        length: Duration,
        with_baseline: bool,
        looks: u32,
    ) -> Watch {
        let objectives: Vec<(usize, Objective)> = objectives
            .iter()
            .cloned()
            .enumerate()
            .filter(|(_, objective)| tally::is_sequential(objective))
            .collect();
        let rule = rule.within(length);
        let judged: Vec<Objective> = objectives
            .iter()
            .map(|(_, objective)| objective.clone())
            .collect();
        Watch {
            trial: Trial::new(rule, &judged),
            evidence: Evidence {
                objectives: judged
                    .iter()
                    .map(|objective| objective.text.clone())
                    .collect(),
                rule: Some(rule),
                looks,
                ..Evidence::default()
            },
            objectives,
            rule,
            with_baseline,
            pending: BTreeMap::new(),
            next: 0,
            told: [0; 2],
            looks,
        }
    }

    /// What is counted for each objective.
    pub fn watched(&self, headings: &Headings) -> Arc<[Watched]> {
        self.objectives
            .iter()
            .map(|(_, objective)| {
                let step = objective.step.as_ref().map(|name| {
                    let named = |step: &Arc<Heading>| step.name.as_ref() == name;
                    // A step that is not there counts nothing, and nothing is never a pass.
                    let index = headings.all().iter().position(named);
                    index.map_or(u32::MAX, |index| index as u32)
                });
                Watched::of(objective, step)
            })
            .collect()
    }

    /// Goes on from the evidence of an earlier load of the same gate.
    pub fn go_on_from(&mut self, earlier: &Evidence) {
        if earlier.objectives != self.evidence.objectives {
            return;
        }
        for slot in earlier.slots() {
            self.take(&slot);
        }
    }

    fn take(&mut self, slot: &Slot) {
        self.trial.slot(slot);
        self.evidence.push(slot, self.with_baseline);
    }

    /// Takes a second of an arm. Whether a rollback is called now.
    pub fn second(&mut self, arm: Arm, second: u64, slots: &mut Vec<(u64, ArmSlot)>) -> bool {
        for (number, counted) in slots.drain(..) {
            let slot = self.pending.entry(number.max(self.next)).or_default();
            match arm {
                Arm::Candidate => slot.candidate.merge(&counted),
                Arm::Baseline => slot.baseline.merge(&counted),
            }
        }
        self.told[arm as usize] = (second + 1) * SLOTS_A_SECOND as u64;
        let until = if self.with_baseline {
            self.told[0].min(self.told[1])
        } else {
            self.told[0]
        };
        self.advance(until);
        self.trial.called().is_some()
    }

    fn advance(&mut self, until: u64) {
        while self.next < until {
            let slot = self.pending.remove(&self.next).unwrap_or_default();
            self.take(&slot);
            self.next += 1;
        }
    }

    /// Takes what is left at the end of the load.
    pub fn end(&mut self) {
        let last = self.pending.keys().next_back().map_or(0, |last| last + 1);
        self.advance(last);
    }

    /// The evidence, to be kept.
    pub fn evidence(&self) -> Evidence {
        self.evidence.clone()
    }

    /// Whether more of the same would probably settle what is open.
    pub fn is_open(&self) -> bool {
        self.trial.conclude(self.looks) == Conclusion::Inconclusive
            && self.trial.candidate().requests > 0
            && !self.objectives.is_empty()
    }

    /// In words.
    pub fn judged(&self) -> Judged {
        let objectives: Vec<Objective> = self
            .objectives
            .iter()
            .map(|(_, objective)| objective.clone())
            .collect();
        verdict::describe(&self.rule, &objectives, &self.trial, self.looks)
    }

    /// A judgement for each objective that was judged here, by its number. Iterations that were cut
    /// off might all have failed: a pass that would not survive that is none.
    pub fn judgements(&self, cut_off: u64) -> BTreeMap<usize, Judgement> {
        let judged = self.judged();
        let dead = self
            .trial
            .called()
            .is_some_and(|call| call.objective.is_none());
        self.objectives
            .iter()
            .zip(&judged.objectives)
            .map(|((number, _), line)| (*number, judgement(line, &judged, dead, cut_off)))
            .collect()
    }
}

fn judgement(line: &JudgedObjective, judged: &Judged, dead: bool, cut_off: u64) -> Judgement {
    let count = line.standing.candidate;
    let mut reason = line.reason.clone();
    let outcome = match line.state.as_str() {
        _ if dead => {
            reason.clone_from(&judged.reasons[0]);
            Outcome::Fail
        }
        "broken" if judged.verdict == Conclusion::Hold => {
            reason = format!("{reason}; the baseline is no better, so rolling back would not help");
            Outcome::Inconclusive
        }
        "broken" => Outcome::Fail,
        "holds" => {
            let worst = (count.bad + cut_off) as f64 / (count.requests + cut_off).max(1) as f64;
            if worst > line.standing.limit {
                reason = format!(
                    "{reason}; but {cut_off} iterations were cut off, and with them it might not hold"
                );
                Outcome::Inconclusive
            } else {
                Outcome::Pass
            }
        }
        _ => Outcome::Inconclusive,
    };
    Judgement {
        objective: line.objective.clone(),
        outcome,
        seen: format!("{} bad", percent(count.share().unwrap_or(0.0))),
        reason,
        requests: count.requests,
        bad: count.bad,
        more_needed: line.more_requests,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objective::slot::Count;

    fn arm(requests: u64, bad: u64) -> ArmSlot {
        ArmSlot {
            all: Count { requests, bad },
            objectives: Vec::new(),
        }
    }

    fn watch(with_baseline: bool) -> Watch {
        Watch {
            objectives: Vec::new(),
            rule: Rule::default(),
            trial: Trial::new(Rule::default(), &[]),
            evidence: Evidence::default(),
            with_baseline,
            pending: BTreeMap::new(),
            next: 0,
            told: [0; 2],
            looks: 1,
        }
    }

    #[test]
    fn what_comes_late_is_counted_all_the_same() {
        let mut watch = watch(false);
        watch.second(Arm::Candidate, 0, &mut vec![(0, arm(5, 0)), (3, arm(5, 0))]);
        watch.second(Arm::Candidate, 1, &mut vec![(2, arm(7, 0)), (5, arm(1, 0))]);
        watch.end();
        let counted: u64 = watch
            .evidence
            .candidate
            .all
            .iter()
            .map(|(requests, _)| requests)
            .sum();
        assert_eq!(counted, 18);
        assert_eq!(watch.evidence.candidate.all.len(), 8);
    }

    #[test]
    fn slots_wait_until_both_arms_have_told() {
        let mut watch = watch(true);
        for second in 0..3 {
            assert!(!watch.second(Arm::Candidate, second, &mut vec![(second * 4, arm(20, 20))]));
        }
        assert!(watch.evidence.candidate.all.is_empty());
        watch.second(Arm::Baseline, 0, &mut vec![(0, arm(20, 0))]);
        assert_eq!(watch.evidence.candidate.all.len(), 4);
    }

    #[test]
    fn a_dead_deploy_is_called_within_three_seconds() {
        let mut watch = watch(false);
        let called = (0..3).position(|second| {
            let mut slots = (0..4).map(|slot| (second * 4 + slot, arm(5, 5))).collect();
            watch.second(Arm::Candidate, second, &mut slots)
        });
        assert!(called.is_some());
        let mut healthy = super::tests::watch(false);
        assert!((0..600).all(|second| {
            let mut slots = (0..4)
                .map(|slot| (second * 4 + slot, arm(5, u64::from(slot == 1))))
                .collect();
            !healthy.second(Arm::Candidate, second, &mut slots)
        }));
    }
}
