//! Whether blocks depend on one another, and by how much evidence is tempered for it. Pure.
//!
//! Betting is exact as long as no block foretells the next one. A service whose latency wanders
//! over many seconds breaks that. Evidence is therefore raised to the power (1 − r) / (1 + r),
//! where r is the correlation of neighboring blocks: the factor by which dependence of the first
//! order makes a sum vary more. For independent blocks that keeps the guarantee (a power below one
//! of a supermartingale is one, by Jensen's inequality); for others it is an approximation, which
//! the benchmark of verdicts checks.
//!
//! A deploy that becomes bad at some moment also makes neighbors alike. So r is the smaller of the
//! one over all blocks and the one over the last few, each taken on the cautious side of its own
//! uncertainty.

use std::collections::VecDeque;

/// Blocks that count as the last few.
const RECENT: usize = 16;
/// How many standard errors the correlation over all blocks is raised by.
const CAUTION: f64 = 1.5;
/// The same for the last few, of which the smaller one is taken.
const CAUTION_RECENT: f64 = 1.2;
/// Evidence is never tempered further than for this correlation.
const CORRELATION_MAX: f64 = 0.9;

/// What is remembered of the shares of blocks.
#[derive(Debug, Clone)]
pub struct Memory {
    /// What caution is multiplied with, from 0 to 1.
    caution: f64,
    sums: Sums,
    recent: VecDeque<f64>,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::cautious(1.0)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: f64,
    sum: f64,
    squares: f64,
    neighbors: f64,
    first: f64,
    last: f64,
}

impl Sums {
    fn take(&mut self, share: f64) {
        if self.count == 0.0 {
            self.first = share;
        } else {
            self.neighbors += self.last * share;
        }
        self.count += 1.0;
        self.sum += share;
        self.squares += share * share;
        self.last = share;
    }

    /// The correlation of neighbors, corrected for its bias of −1/n and raised by `caution`
    /// standard errors.
    fn correlation(&self, caution: f64) -> f64 {
        let n = self.count.max(1.0);
        let mean = self.sum / n;
        let variance = self.squares - n * mean * mean;
        let covariance = self.neighbors - mean * (2.0 * self.sum - self.first - self.last)
            + (n - 1.0) * mean * mean;
        let correlation = if variance > 1e-12 {
            covariance / variance + 1.0 / n
        } else {
            0.0
        };
        correlation + caution / n.sqrt()
    }
}

impl Memory {
    /// One whose caution is multiplied with a factor from 0 to 1: less than one where a block is longer
    /// than what may depend on one another, so that little of it reaches the next block.
    pub fn cautious(factor: f64) -> Memory {
        Memory {
            caution: factor.clamp(0.0, 1.0),
            sums: Sums::default(),
            recent: VecDeque::new(),
        }
    }

    /// Takes the bad share of a block.
    pub fn block(&mut self, share: f64) {
        self.sums.take(share);
        self.recent.push_back(share);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// The power that evidence is raised to, over 0 and at most 1.
    pub fn temper(&self) -> f64 {
        let mut recent = Sums::default();
        for share in &self.recent {
            recent.take(*share);
        }
        let correlation = self
            .sums
            .correlation(self.caution * CAUTION)
            .min(recent.correlation(self.caution * CAUTION_RECENT))
            .clamp(0.0, CORRELATION_MAX);
        (1.0 - correlation) / (1.0 + correlation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temper(shares: impl IntoIterator<Item = f64>) -> f64 {
        let mut memory = Memory::default();
        for share in shares {
            memory.block(share);
        }
        memory.temper()
    }

    #[test]
    fn blocks_that_foretell_the_next_one_count_less() {
        let mut chance = fastrand::Rng::with_seed(7);
        let alone = temper((0..4000).map(|_| chance.f64() * 0.1));
        let mut level = 0.05;
        let wandering = temper((0..400).map(|_| {
            level = 0.7 * level + 0.03 * chance.f64();
            level
        }));
        assert!(alone > 0.85, "{alone}");
        assert!(wandering < 0.4, "{wandering}");
    }

    /// The mean moves once; before and after it nothing depends on anything.
    #[test]
    fn a_deploy_that_turns_bad_is_not_taken_for_a_wandering_one() {
        let mut chance = fastrand::Rng::with_seed(7);
        let turned = temper((0..60).map(|block| {
            let level = if block < 30 { 0.03 } else { 0.15 };
            level + 0.04 * (chance.f64() - 0.5)
        }));
        assert!(turned > 0.5, "{turned}");
    }
}
