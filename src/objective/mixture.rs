//! Evidence that a share is below a bound, which may be looked at any time: pure.
//!
//! The beta-binomial mixture of Robbins (1970), as in Howard, Ramdas, McAuliffe and Sekhon (2021):
//! the likelihood of the counts, averaged over a prior on all shares below the bound, by the
//! likelihood at the bound. Under every share at or above the bound it is a supermartingale, so it
//! ever reaches 1/α with probability at most α. Counts may be fractions: requests that fail
//! together are divided by their design effect beforehand ([`super::spread`]), which tempers the
//! evidence and leaves it valid for independent requests (Jensen).

use super::binomial::incomplete_beta;

/// Jeffreys' prior: it favors neither the middle nor the edge.
const PRIOR: (f64, f64) = (0.5, 0.5);

/// ln B(a, b).
fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

/// The natural logarithm of the evidence against "the share is `bound` or more", after `bad` of
/// `requests`.
pub fn ln_evidence_below(bad: f64, requests: f64, bound: f64) -> f64 {
    let (a, b) = PRIOR;
    let good = requests - bad;
    let truncated = incomplete_beta(a + bad, b + good, bound);
    if truncated <= 0.0 {
        return f64::NEG_INFINITY;
    }
    ln_beta(a + bad, b + good) + truncated.ln()
        - ln_beta(a, b)
        - incomplete_beta(a, b, bound).ln()
        - bad * bound.ln()
        - good * (-bound).ln_1p()
}
