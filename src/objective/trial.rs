//! The sequential verdict: slots of evidence in, a conclusion out. Pure.
//!
//! - **Rollback**, as soon as the wealth of any objective reaches its threshold (and, with a
//!   baseline beside it, the candidate is also worse than that), or the deploy is dead. At the end
//!   also where the share seen is beyond the middle of the indifference zone and the exact test rejects the
//!   limit: bets on a few blocks are slow to tell what as many requests show at one look.
//! - **Hold** where objectives do not hold, but the baseline is no better: rolling back would not
//!   help.
//! - **Promote**, at the end only, if for every objective the share seen is within its limit, the
//!   exact test rules out [`Rule::indifference`] times the limit, and there were requests enough.
//! - **Inconclusive** otherwise.
//!
//! The looks at the end are on counts divided by their design effect. Only a rollback may come
//! before the end. Nothing measured is never a promotion.

use super::binomial;
use super::contest::Contest;
use super::memory::Memory;
use super::mixture::ln_evidence_below;
use super::parse::{Metric, Objective};
use super::rule::Rule;
use super::slot::{ArmSlot, Count, SLOTS_A_SECOND, Slot, slots_of};
use super::spread::Spread;
use super::wealth::Wealth;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a trial comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// It is proven good.
    Promote,
    /// It is proven bad.
    Rollback,
    /// It is bad, but so is what was there before.
    Hold,
    /// It could not be told.
    Inconclusive,
}

impl Conclusion {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Conclusion::Promote => "promote",
            Conclusion::Rollback => "rollback",
            Conclusion::Hold => "hold",
            Conclusion::Inconclusive => "inconclusive",
        }
    }
}

/// A deploy is not called dead before it has failed for so long.
const DEAD_AFTER: Duration = Duration::from_millis(2_500);
/// The last slots with requests, all of which must fail: a second.
const DEAD_RECENT: usize = 4;

/// What is known of one objective.
#[derive(Debug, Clone)]
struct Line {
    limit: f64,
    wealth: Wealth,
    memory: Memory,
    contest: Contest,
    /// Since the warm-up.
    candidate: Count,
    baseline: Count,
    spread: Spread,
    baseline_spread: Spread,
    /// The block that is open, of each arm.
    open: [Count; 2],
    broken: bool,
    worse: bool,
}

impl Line {
    /// ln of the wealth of the bet that the limit is broken, tempered.
    fn ln_broken(&self) -> f64 {
        self.wealth.ln() * self.memory.temper()
    }
}

/// A trial that goes on.
#[derive(Debug, Clone)]
pub struct Trial {
    rule: Rule,
    lines: Vec<Line>,
    dead: [Wealth; 2],
    /// The share of failures that is not dead yet.
    dead_share: f64,
    /// The slot in which the candidate was first asked.
    first: Option<u64>,
    /// Shares of its last slots that failed, newest last.
    recent: [f64; DEAD_RECENT],
    /// Slots that were taken.
    slots: u64,
    in_block: u64,
    blocks: u64,
    all: [Count; 2],
    /// The candidate in the warm-up.
    warm_up: Count,
    called: Option<Call>,
}

/// A rollback that was called before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Slots until then.
    pub slots: u64,
    /// The objective that called it; none if the deploy is dead.
    pub objective: Option<usize>,
}

/// The evidence for one objective now, as numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Standing {
    /// Requests of the candidate since the warm-up.
    pub candidate: Count,
    /// Of the baseline.
    pub baseline: Count,
    /// The share that is allowed.
    pub limit: f64,
    /// ln of the wealth of the bet that the limit is broken.
    pub ln_broken: f64,
    /// Its threshold.
    pub broken_at: f64,
    /// Whether it was ever reached, or the look at the end shows it, were this the end.
    pub broken: bool,
    /// ln of the wealth of the bet that the candidate is worse than its baseline.
    pub ln_worse: f64,
    /// Whether its threshold was ever reached, or the look at the end shows it.
    pub worse: bool,
    /// Requests that count as one.
    pub design_effect: f64,
    /// ln of the evidence that the share is below the indifference zone's end.
    pub ln_good: f64,
    /// The chance of so few bad requests at the indifference zone's end.
    pub level: f64,
    /// The chance of so many bad requests, or more, at the limit.
    pub level_broken: f64,
    /// Whether it is proven good, were this the end.
    pub good: bool,
}

/// A number as chance for thinning an arm; from its state alone (SplitMix64).
fn mixed(state: u64) -> u64 {
    let mut value = state.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// The bad ones among `wanted` requests, drawn from a count.
fn thinned(count: Count, wanted: u64, chance: u64) -> u64 {
    let (mut left, mut bad, mut taken) = (count.requests, count.bad, 0);
    if wanted >= left {
        return bad;
    }
    for number in 0..wanted {
        if bad > 0 && mixed(chance.wrapping_add(number)) % left < bad {
            bad -= 1;
            taken += 1;
        }
        left -= 1;
    }
    taken
}

impl Trial {
    /// A trial of objectives that are judged by a share.
    pub fn new(rule: Rule, objectives: &[Objective]) -> Trial {
        let lines = objectives
            .iter()
            .map(|objective| {
                let limit = objective.allowed_share().unwrap_or(0.0).clamp(1e-6, 0.999);
                Line {
                    limit,
                    wealth: Wealth::new(limit),
                    memory: Memory::default(),
                    contest: Contest::default(),
                    candidate: Count::default(),
                    baseline: Count::default(),
                    spread: Spread::default(),
                    baseline_spread: Spread::default(),
                    open: [Count::default(); 2],
                    broken: false,
                    worse: false,
                }
            })
            .collect();
        let declared = objectives
            .iter()
            .filter(|objective| objective.metric == Metric::ErrorRate && objective.is_of_all())
            .filter_map(Objective::allowed_share);
        let dead_share = declared.fold(rule.dead_share, f64::max).min(0.999);
        Trial {
            rule,
            lines,
            // Who declares that more may fail is not dead by that.
            dead: [Wealth::new(dead_share), Wealth::new(dead_share)],
            dead_share,
            first: None,
            recent: [0.0; DEAD_RECENT],
            slots: 0,
            in_block: 0,
            blocks: 0,
            all: [Count::default(); 2],
            warm_up: Count::default(),
            called: None,
        }
    }

    /// The same, whose blocks are longer than what may depend on one another: see [`Memory::cautious`].
    #[must_use]
    pub fn with_caution(mut self, factor: f64) -> Trial {
        for line in &mut self.lines {
            line.memory = Memory::cautious(factor);
        }
        self
    }

    /// Takes a quarter of a second. Once a rollback is called, nothing changes it.
    pub fn slot(&mut self, slot: &Slot) {
        if self.called.is_some() {
            return;
        }
        let warm = self.slots >= slots_of(self.rule.warm_up);
        self.slots += 1;
        for (arm, counts) in [&slot.candidate, &slot.baseline].into_iter().enumerate() {
            self.all[arm].add(counts.all);
            if let Some(share) = counts.all.share() {
                self.dead[arm].block(share);
                if arm == 0 {
                    self.first.get_or_insert(self.slots - 1);
                    self.recent.rotate_left(1);
                    self.recent[DEAD_RECENT - 1] = share;
                }
            }
        }
        if self.is_dead() && !self.baseline_is_dead() {
            self.called = Some(Call {
                slots: self.slots,
                objective: None,
            });
            return;
        }
        if warm {
            self.take(&slot.candidate, &slot.baseline);
        } else {
            self.warm_up.add(slot.candidate.all);
        }
    }

    /// Whether the candidate is dead: it fails, it has done so for a while, and it still does. A pool
    /// that is swapped or a leader that is elected is a moment of a load, not its end.
    fn is_dead(&self) -> bool {
        let since = self.first.map_or(0, |first| self.slots - first);
        self.dead[0].ln() >= self.rule.dead_threshold()
            && since >= slots_of(DEAD_AFTER)
            && self.recent.iter().all(|share| *share > self.dead_share)
    }

    /// A baseline that fails as much says that the way there is broken, not the deploy.
    fn baseline_is_dead(&self) -> bool {
        self.dead[1].ln() >= self.rule.worse_threshold(1)
    }

    fn has_baseline(&self) -> bool {
        self.all[1].requests > 0
    }

    fn take(&mut self, candidate: &ArmSlot, baseline: &ArmSlot) {
        for (number, line) in self.lines.iter_mut().enumerate() {
            let counts = [candidate, baseline]
                .map(|arm| arm.objectives.get(number).copied().unwrap_or_default());
            line.candidate.add(counts[0]);
            line.baseline.add(counts[1]);
            line.spread.slot(counts[0]);
            line.baseline_spread.slot(counts[1]);
            for (open, count) in line.open.iter_mut().zip(counts) {
                open.add(count);
            }
        }
        self.in_block += 1;
        if self.in_block >= slots_of(self.rule.block).max(1) {
            self.close_block();
        }
    }

    fn close_block(&mut self) {
        self.in_block = 0;
        self.blocks += 1;
        let threshold = self.rule.rollback_threshold(self.lines.len());
        let worse_at = self.rule.worse_threshold(self.lines.len());
        let has_baseline = self.has_baseline();
        for (number, line) in self.lines.iter_mut().enumerate() {
            let [candidate, baseline] = std::mem::take(&mut line.open);
            if let Some(share) = candidate.share() {
                line.wealth.block(share);
                line.memory.block(share);
            }
            let equal = candidate.requests.min(baseline.requests);
            if equal > 0 {
                let chance = self.blocks << 32;
                line.contest.block(
                    thinned(candidate, equal, chance),
                    thinned(baseline, equal, chance | 1 << 31),
                );
            }
            line.broken |= line.ln_broken() >= threshold;
            line.worse |= line.contest.ln() >= worse_at;
            if line.broken && (!has_baseline || line.worse) && self.called.is_none() {
                self.called = Some(Call {
                    slots: self.slots,
                    objective: Some(number),
                });
            }
        }
    }

    /// The rollback, if it was called.
    pub fn called(&self) -> Option<Call> {
        self.called
    }

    /// All that was counted of the candidate, the warm-up included.
    pub fn candidate(&self) -> Count {
        self.all[0]
    }

    /// Time so far.
    pub fn elapsed(&self) -> Duration {
        Duration::from_secs_f64(self.slots as f64 / SLOTS_A_SECOND as f64)
    }

    /// What it comes to if this is the end. `looks` is how many ends there may be: an extension
    /// makes a second one.
    pub fn conclude(&self, looks: u32) -> Conclusion {
        if self.called.is_some() {
            return Conclusion::Rollback;
        }
        let standings: Vec<Standing> = (0..self.lines.len())
            .map(|line| self.standing(line, looks))
            .collect();
        let worse = |standing: &Standing| standing.worse || !self.has_baseline();
        if standings
            .iter()
            .any(|standing| standing.broken && worse(standing))
        {
            return Conclusion::Rollback;
        }
        if self.is_dead() || standings.iter().any(|standing| standing.broken) {
            return Conclusion::Hold;
        }
        let enough = self.all[0].requests >= self.rule.requests_min;
        if enough
            && !self.warms_up_badly()
            && !standings.is_empty()
            && standings.iter().all(|standing| standing.good)
        {
            Conclusion::Promote
        } else {
            Conclusion::Inconclusive
        }
    }

    /// What was counted of the candidate in the warm-up.
    pub fn warm_up(&self) -> Count {
        self.warm_up
    }

    /// Whether more failed in the warm-up than may: a start that bad is no promotion, however good the
    /// rest is. What is slow there does not count.
    pub fn warms_up_badly(&self) -> bool {
        let (bad, all, allowed) = (
            self.warm_up.bad,
            self.warm_up.requests,
            self.rule.warm_up_errors,
        );
        // One failure is one, however short the warm-up.
        bad > 1 && bad as f64 > allowed * all as f64
    }

    /// The looks at the end: whether the limit is broken by far, and the candidate is worse.
    fn at_end(&self, line: &Line, effect: f64, looks: u32) -> (f64, bool, bool) {
        let (ours, theirs) = (line.candidate, line.baseline);
        let (bad, requests) = (ours.bad as f64 / effect, ours.requests as f64 / effect);
        let far = ours
            .share()
            .is_some_and(|share| share > self.rule.halfway() * line.limit);
        let level = self.rule.end_level(self.lines.len(), looks);
        let chance = binomial::upper_tail_of(bad, requests, line.limit);
        let broken = far && chance <= level;
        let all_bad = (ours.bad + theirs.bad) as f64 / effect;
        let all = (ours.requests + theirs.requests).max(1) as f64;
        let level =
            self.rule.worse_level / (self.lines.len().max(1) as f64 * f64::from(looks.max(1)));
        let worse = theirs.requests > 0
            && binomial::upper_tail_of(bad, all_bad, ours.requests as f64 / all) <= level;
        (chance, broken, worse)
    }

    /// The evidence for an objective now.
    pub fn standing(&self, number: usize, looks: u32) -> Standing {
        let line = &self.lines[number];
        let effect = line.spread.effect_beside(&line.baseline_spread);
        let bad = line.candidate.bad as f64 / effect;
        let requests = line.candidate.requests as f64 / effect;
        let bound = self.rule.bound(line.limit);
        let level = binomial::lower_tail_of(bad, requests, bound);
        let (level_broken, broken_at_end, worse_at_end) = self.at_end(line, effect, looks);
        let share = line.candidate.share();
        let needed = binomial::flawless_needed(line.limit, super::judge::PROMOTE_LEVEL);
        let good = share.is_some_and(|share| share <= line.limit)
            && line.candidate.requests >= needed
            && level <= self.rule.promote_level / f64::from(looks.max(1));
        Standing {
            candidate: line.candidate,
            baseline: line.baseline,
            limit: line.limit,
            ln_broken: line.ln_broken(),
            broken_at: self.rule.rollback_threshold(self.lines.len()),
            broken: line.broken || broken_at_end,
            ln_worse: line.contest.ln(),
            worse: line.worse || worse_at_end,
            design_effect: effect,
            ln_good: ln_evidence_below(bad, requests, bound),
            level,
            level_broken,
            good,
        }
    }
}
