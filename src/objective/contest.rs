//! Whether the candidate is worse than the baseline beside it: pure.
//!
//! Both arms get equal traffic in the same seconds. If they are alike, then in each block the pair
//! of bad counts is as likely one way round as the other, whatever bursts or common slowness there
//! are. A bet that the candidate has r times the bad requests multiplies the wealth by
//! 2 / (1 + r^(b − c)), where c and b are the bad counts of candidate and baseline: the likelihood
//! ratio for two Poisson counts, given their values but not their order. Its expectation is exactly
//! one if the arms are alike, so Ville's inequality holds as in [`super::wealth`].

/// How many times the bad requests of the baseline the bets claim. Small ones survive bursts.
const RATIOS: [f64; 6] = [1.05, 1.15, 1.35, 1.8, 3.0, 8.0];
const RICHEST: f64 = 1e250;

/// The wealth of somebody who bets that the candidate is worse.
#[derive(Debug, Clone)]
pub struct Contest {
    running: [f64; RATIOS.len()],
}

impl Default for Contest {
    fn default() -> Contest {
        Contest {
            running: [1.0 / RATIOS.len() as f64; RATIOS.len()],
        }
    }
}

impl Contest {
    /// Takes the bad counts of a block, of as many requests in each arm.
    pub fn block(&mut self, candidate: u64, baseline: u64) {
        let more = candidate as f64 - baseline as f64;
        for (running, ratio) in self.running.iter_mut().zip(RATIOS) {
            *running = (*running * 2.0 / (1.0 + ratio.powf(-more))).min(RICHEST);
        }
    }

    /// The natural logarithm of the wealth now.
    pub fn ln(&self) -> f64 {
        self.running.iter().sum::<f64>().ln()
    }
}
