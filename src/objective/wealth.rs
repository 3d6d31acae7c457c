//! Betting against "the share of bad requests is within its limit": pure.
//!
//! The capital process of Waudby-Smith and Ramdas (2024). Time is cut into blocks; a bet of size λ
//! on a block whose bad share is Y multiplies the wealth by 1 + λ (Y − m). As long as the expected
//! share of a block, given all that came before, is at most m, wealth can only shrink on average,
//! whatever requests *inside* a block have to do with one another. By Ville's inequality it then
//! ever reaches 1/α with probability at most α, however often one looks.
//!
//! The stake is spread over several sizes of bets and over all moments at which the trouble may
//! begin (an e-detector in the sense of Shin, Ramdas and Rinaldo, 2024). Bets of one size that
//! started at different moments are multiplied by the same factor, so one number for each size
//! holds them all, and a block costs a handful of multiplications however long a gate runs.

/// Sizes of bets, as parts of the largest one that cannot lose everything.
const FRACTIONS: [f64; 7] = [1.0 / 32.0, 1.0 / 16.0, 0.125, 0.25, 0.5, 0.75, 0.95];
/// The part of the stake that is bet from the first block on; the rest waits for a later start.
const AT_ONCE: f64 = 0.7;
/// Half of what waits is bet within so many blocks.
const HALF_WITHIN: f64 = 20.0;
/// Wealth is cut here; less wealth is never wrong, and no number overflows.
const RICHEST: f64 = 1e250;

/// The wealth of somebody who bets that a share is over its limit.
#[derive(Debug, Clone)]
pub struct Wealth {
    limit: f64,
    running: [f64; FRACTIONS.len()],
    waiting: f64,
    blocks: u64,
}

impl Wealth {
    /// Starts with a wealth of one. `limit` is the share that is still allowed, over 0, below 1.
    pub fn new(limit: f64) -> Wealth {
        Wealth {
            limit,
            running: [AT_ONCE / FRACTIONS.len() as f64; FRACTIONS.len()],
            waiting: 1.0 - AT_ONCE,
            blocks: 0,
        }
    }

    /// Takes the bad share of a block, 0 to 1.
    pub fn block(&mut self, share: f64) {
        let starting = self.release();
        for (running, fraction) in self.running.iter_mut().zip(FRACTIONS) {
            let factor = 1.0 + fraction / self.limit * (share - self.limit);
            *running = ((*running + starting) * factor).min(RICHEST);
        }
        self.blocks += 1;
    }

    /// What of the waiting stake is bet now, on each size: after n blocks, a share of
    /// `HALF_WITHIN / (n + HALF_WITHIN)` still waits.
    fn release(&mut self) -> f64 {
        if self.blocks == 0 {
            return 0.0;
        }
        let left = (1.0 - AT_ONCE) * HALF_WITHIN / (self.blocks as f64 + HALF_WITHIN);
        let released = self.waiting - left;
        self.waiting = left;
        released / FRACTIONS.len() as f64
    }

    /// The natural logarithm of the wealth now.
    pub fn ln(&self) -> f64 {
        (self.running.iter().sum::<f64>() + self.waiting).ln()
    }
}
