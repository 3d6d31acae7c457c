//! How much more bad requests vary than independent ones would: the design effect. Pure.
//!
//! Requests that fail together (a pause of the garbage collector, a lock, a cold cache) are worth
//! fewer independent ones. Counts are compared with their binomial spread over blocks of 1, 2, 5 and
//! 10 seconds, in both arms together; the largest ratio says how many requests count as one (Kish,
//! 1965).

use super::slot::{Count, SLOTS_A_SECOND};

/// Lengths of blocks that are compared, in slots.
const SCALES: [usize; 4] = [
    SLOTS_A_SECOND,
    2 * SLOTS_A_SECOND,
    5 * SLOTS_A_SECOND,
    10 * SLOTS_A_SECOND,
];

/// Pearson's dispersion of counts over blocks of several lengths, as they come.
#[derive(Debug, Clone, Default)]
pub struct Spread {
    blocks: [Blocks; SCALES.len()],
}

#[derive(Debug, Clone, Default)]
struct Blocks {
    slots: usize,
    open: Count,
    /// Σ k²/n, Σ k, Σ n and the number of blocks that are over.
    squares: f64,
    bad: f64,
    requests: f64,
    count: f64,
}

impl Spread {
    /// Takes the counts of a slot.
    pub fn slot(&mut self, count: Count) {
        for (blocks, scale) in self.blocks.iter_mut().zip(SCALES) {
            blocks.open.add(count);
            blocks.slots += 1;
            if blocks.slots == scale {
                let over = std::mem::take(&mut blocks.open);
                blocks.slots = 0;
                blocks.close(over);
            }
        }
    }

    /// The design effect of two arms, at least one: each varies around a share of its own, and what
    /// makes them vary is the same.
    pub fn effect_beside(&self, other: &Spread) -> f64 {
        self.blocks
            .iter()
            .zip(&other.blocks)
            .map(|(ours, theirs)| {
                let (squares, free) = ours.squares();
                let (more, beside) = theirs.squares();
                (squares + more) / (free + beside).max(1.0)
            })
            .fold(1.0, f64::max)
    }
}

impl Blocks {
    fn close(&mut self, over: Count) {
        if over.requests == 0 {
            return;
        }
        let (bad, requests) = (over.bad as f64, over.requests as f64);
        self.squares += bad * bad / requests;
        self.bad += bad;
        self.requests += requests;
        self.count += 1.0;
    }

    /// Σ (k − n p)² / (n p (1 − p)), and its degrees of freedom.
    fn squares(&self) -> (f64, f64) {
        let share = self.bad / self.requests;
        if self.count < 4.0 || self.bad < 2.0 || share >= 1.0 {
            return (0.0, 0.0);
        }
        let squares = self.squares - self.bad * share;
        (squares / (share * (1.0 - share)), self.count - 1.0)
    }
}
