//! Between which shares of bad requests a trial leaves it open, moment by moment. Pure.
//!
//! The band is the verdict turned around: its lower end is the largest limit that the same evidence would
//! have called broken by then, its upper end the smallest indifference zone's end below which it would be
//! proven. Invariant: the lower end is above the limit exactly if the objective is called broken, so that a
//! picture of the band never says another thing than the verdict.

use crate::objective::binomial::{lower_tail_of, upper_tail_of};
use crate::objective::memory::Memory;
use crate::objective::rule::Rule;
use crate::objective::slot::{Count, Slot, slots_of};
use crate::objective::trial::Standing;
use crate::objective::wealth::Wealth;

/// Limits that are tried beside the one that is asked for, as powers of two of it.
const STEPS: i32 = 40;
/// Steps of it to a factor of two.
const FINENESS: f64 = 6.0;
/// Halvings until an end is found.
const HALVINGS: u32 = 50;

/// The lower end of the band: bets at many limits at once.
#[derive(Debug)]
pub struct Lower {
    rule: Rule,
    needed: f64,
    tried: Vec<(f64, Wealth)>,
    memory: Memory,
    slots: u64,
    in_block: u64,
    open: Count,
    low: f64,
}

impl Lower {
    /// For one of so many objectives, around its limit.
    pub fn new(rule: Rule, objectives: usize, limit: f64) -> Lower {
        let around = (-STEPS..=STEPS).map(|step| limit * (f64::from(step) / FINENESS).exp2());
        let sound = around.filter(|tried| (1e-7..1.0).contains(tried));
        Lower {
            rule,
            needed: rule.rollback_threshold(objectives),
            tried: sound.map(|tried| (tried, Wealth::new(tried))).collect(),
            memory: Memory::default(),
            slots: 0,
            in_block: 0,
            open: Count::default(),
            low: 0.0,
        }
    }

    /// Takes a quarter of a second, of one objective.
    pub fn slot(&mut self, slot: &Slot, number: usize) {
        let warm = self.slots >= slots_of(self.rule.warm_up);
        self.slots += 1;
        if !warm {
            return;
        }
        let counted = slot.candidate.objectives.get(number);
        self.open.add(counted.copied().unwrap_or_default());
        self.in_block += 1;
        if self.in_block < slots_of(self.rule.block).max(1) {
            return;
        }
        self.in_block = 0;
        let Some(share) = std::mem::take(&mut self.open).share() else {
            return;
        };
        self.memory.block(share);
        let temper = self.memory.temper();
        for (limit, wealth) in &mut self.tried {
            wealth.block(share);
            if wealth.ln() * temper >= self.needed {
                self.low = self.low.max(*limit);
            }
        }
    }

    /// The largest limit that is called broken by now, 0 to 1.
    pub fn end(&self) -> f64 {
        self.low
    }
}

/// The largest limit that the look at the end would call broken.
pub fn lower_at_end(rule: &Rule, objectives: usize, looks: u32, standing: &Standing) -> f64 {
    let (bad, requests, share) = counted(standing);
    let level = rule.end_level(objectives, looks);
    let (mut from, mut to) = (0.0, share);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(from, to);
        match upper_tail_of(bad, requests, middle) <= level {
            true => from = middle,
            false => to = middle,
        }
    }
    from.min(share / rule.halfway())
}

/// The smallest share that more bad requests would be expected at than were seen: a promotion is certain of
/// it.
pub fn upper(rule: &Rule, looks: u32, standing: &Standing) -> f64 {
    let (bad, requests, share) = counted(standing);
    let level = rule.promote_level / f64::from(looks.max(1));
    let (mut from, mut to) = (share, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(from, to);
        match lower_tail_of(bad, requests, middle) <= level {
            true => to = middle,
            false => from = middle,
        }
    }
    to
}

fn counted(standing: &Standing) -> (f64, f64, f64) {
    let effect = standing.design_effect;
    let candidate = standing.candidate;
    let share = candidate.share().unwrap_or(0.0);
    (
        candidate.bad as f64 / effect,
        candidate.requests as f64 / effect,
        share,
    )
}

#[cfg(test)]
mod tests {
    use crate::objective::evidence::Evidence;
    use crate::objective::rule::Rule;
    use crate::objective::slot::{Count, Slot};
    use crate::replay::curve::replay;
    use proptest::prelude::*;

    #[test]
    fn a_bad_beginning_lifts_the_band_no_higher_than_the_whole() {
        says_what_the_verdict_says(0, 76, 185_289_538_622_793_480, 19).unwrap();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn the_band_says_what_the_verdict_says(odds in 0_u64..14, seconds in 20_u64..90, seed in any::<u64>(), turns in 0_u64..60) {
            says_what_the_verdict_says(odds, seconds, seed, turns)?;
        }
    }

    fn says_what_the_verdict_says(
        odds: u64,
        seconds: u64,
        seed: u64,
        turns: u64,
    ) -> Result<(), TestCaseError> {
        let mut evidence = Evidence {
            objectives: vec!["p95 < 300ms".to_owned()],
            rule: Some(Rule::default()),
            looks: 1,
            ..Evidence::default()
        };
        let mut state = seed | 1;
        for number in 0..seconds * 4 {
            let mut count = Count {
                requests: 25,
                bad: 0,
            };
            for _ in 0..25 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let share = if number / 4 >= turns { odds } else { 2 };
                count.bad += u64::from((state >> 33) % 100 < share);
            }
            let mut slot = Slot::new(1);
            slot.candidate.all = count;
            slot.candidate.objectives[0] = count;
            evidence.push(&slot, false);
        }
        let (curves, judged) = replay(&evidence).unwrap();
        let last = curves[0].points.last().unwrap();
        let line = &judged.objectives[0];
        let limit = line.standing.limit;
        prop_assert!(
            last.low <= last.share + 1e-9 || line.standing.broken,
            "{last:?}"
        );
        prop_assert!(last.share <= last.high + 1e-9, "{last:?}");
        let is_broken = last.low >= limit - 1e-12;
        prop_assert_eq!(
            is_broken,
            line.standing.broken,
            "{:?} {:?}",
            last,
            line.standing
        );
        if line.standing.good {
            prop_assert!(last.high <= Rule::default().bound(limit) + 1e-9);
        }
        Ok(())
    }
}
