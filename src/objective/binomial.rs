//! Exact binomial tails, through the regularised incomplete beta function.
//!
//! Clopper and Pearson (1934) for the bounds; the continued fraction is evaluated by the
//! modified Lentz method. Compared with SciPy's values in the tests.

/// P(X ≥ k) for X binomial with n trials of probability p.
pub fn upper_tail(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n {
        return 0.0;
    }
    incomplete_beta(k as f64, (n - k + 1) as f64, p)
}

/// P(X ≤ k) for X binomial with n trials of probability p.
pub fn lower_tail(k: u64, n: u64, p: f64) -> f64 {
    if k >= n {
        return 1.0;
    }
    incomplete_beta((n - k) as f64, (k + 1) as f64, 1.0 - p)
}

/// P(X ≥ bad) where counts were divided by a design effect, and are whole no more.
pub fn upper_tail_of(bad: f64, requests: f64, p: f64) -> f64 {
    if bad <= 0.0 {
        return 1.0;
    }
    incomplete_beta(bad, (requests - bad + 1.0).max(1e-9), p)
}

/// P(X ≤ bad) of such counts; one without requests.
pub fn lower_tail_of(bad: f64, requests: f64, p: f64) -> f64 {
    if requests <= 0.0 {
        return 1.0;
    }
    incomplete_beta((requests - bad).max(1e-9), bad + 1.0, 1.0 - p)
}

/// The chance that any of so many fails, each with a chance of `p` and independent of the others.
pub fn any_of(n: u64, p: f64) -> f64 {
    1.0 - (1.0 - p).powf(n as f64)
}

/// The one-sided Clopper–Pearson upper bound of the share at level `alpha`.
pub fn upper_bound(k: u64, n: u64, alpha: f64) -> f64 {
    if n == 0 || k >= n {
        return 1.0;
    }
    bisect(|p| lower_tail(k, n, p) > alpha)
}

/// The one-sided Clopper–Pearson lower bound of the share at level `alpha`.
pub fn lower_bound(k: u64, n: u64, alpha: f64) -> f64 {
    if n == 0 || k == 0 {
        return 0.0;
    }
    bisect(|p| upper_tail(k, n, p) < alpha)
}

/// The fewest flawless requests that can prove a share below `share` at level `alpha`.
pub fn flawless_needed(share: f64, alpha: f64) -> u64 {
    if share <= 0.0 {
        return u64::MAX;
    }
    (alpha.ln() / (-share).ln_1p()).ceil() as u64
}

/// The edge between the probabilities for which `below` holds and the others.
fn bisect(below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function I_x(a, b).
pub fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    if x < (a + 1.0) / (a + b + 2.0) {
        (front.exp() * fraction(a, b, x) / a).clamp(0.0, 1.0)
    } else {
        (1.0 - front.exp() * fraction(b, a, 1.0 - x) / b).clamp(0.0, 1.0)
    }
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let nudge = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / nudge(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for m in 1..100_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nudge(1.0 + even * d);
        c = nudge(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nudge(1.0 + odd * d);
        c = nudge(1.0 + odd / c);
        let delta = d * c;
        result *= delta;
        if (delta - 1.0).abs() < 1e-15 {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.binom.sf(k - 1, n, p)` and `scipy.stats.beta.ppf`, made with SciPy 1.17.1.
    #[test]
    fn tails_and_bounds_match_an_independent_implementation() {
        for (k, n, p, wanted) in [
            (1, 10, 0.05, 0.401_263_060_761_621_1),
            (8, 100, 0.05, 0.127_960_478_620_379),
            (75, 1000, 0.05, 0.000_411_343_441_759_073_2),
            (5100, 100_000, 0.05, 0.074_740_412_294_084_82),
            (1, 1_000_000, 1e-6, 0.632_120_742_768_355),
            (30, 121, 0.05, 2.332_306_189_221_899_4e-13),
        ] {
            let got = upper_tail(k, n, p);
            assert!((got / wanted - 1.0).abs() < 1e-8, "{k}/{n} at {p}: {got}");
        }
        for (k, n, alpha, upper, lower) in [
            (0, 59, 0.05, 0.049_507_609_888_226_93, 0.0),
            (
                3,
                100,
                0.05,
                0.075_710_793_749_830_04,
                0.008_225_829_107_652_688,
            ),
            (
                250,
                5000,
                0.01,
                0.057_634_204_247_094_44,
                0.043_088_325_029_953_94,
            ),
        ] {
            assert!((upper_bound(k, n, alpha) - upper).abs() < 1e-9);
            assert!((lower_bound(k, n, alpha) - lower).abs() < 1e-9);
        }
    }

    #[test]
    fn as_many_flawless_requests_are_needed_as_the_tables_say() {
        for (share, wanted) in [(0.05, 59), (0.01, 299), (0.005, 598), (0.001, 2995)] {
            assert_eq!(flawless_needed(share, 0.05), wanted);
        }
    }

    proptest::proptest! {
        #[test]
        fn the_two_tails_add_up_to_one(n in 1u64..5000, k in 0u64..5000, p in 0.001f64..0.999) {
            let k = k.min(n);
            let below = if k == 0 { 0.0 } else { lower_tail(k - 1, n, p) };
            proptest::prop_assert!((upper_tail(k, n, p) + below - 1.0).abs() < 1e-9);
        }
    }
}
