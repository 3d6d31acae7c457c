//! When to try again: pure.
//!
//! Pauses double from one second to five minutes, with up to a fifth of chance added so that
//! many rows do not come back in one moment. A refusal is tried a few times more, since it may
//! be mended while we wait; an order to go away is obeyed.

use crate::limits;
use std::time::Duration;

/// What to do after an attempt that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this pause.
    After(Duration),
    /// Never again.
    GiveUp,
}

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// The next attempt after `attempts` were made of at most `most`; `asked` is what the other side
/// asked for, `chance` is from 0 to 1.
pub fn next(attempts: u32, most: u32, asked: Option<Duration>, chance: f64) -> Next {
    if attempts >= most {
        return Next::GiveUp;
    }
    let doubled = FIRST.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1).min(16)));
    let pause = doubled
        .min(LONGEST)
        .mul_f64(1.0 + chance.clamp(0.0, 1.0) / 5.0);
    Next::After(
        asked
            .unwrap_or(Duration::ZERO)
            .min(limits::DELIVERY_PAUSE_MAX)
            .max(pause),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_and_end() {
        let seconds = |attempts| match next(attempts, 60, None, 0.0) {
            Next::After(pause) => pause.as_secs(),
            Next::GiveUp => 0,
        };
        assert_eq!(
            [1, 2, 3, 5, 9, 10, 59].map(seconds),
            [1, 2, 4, 16, 256, 300, 300]
        );
        assert_eq!(next(60, 60, None, 0.0), Next::GiveUp);
        assert_eq!(
            next(1, 60, Some(Duration::from_secs(30)), 0.0),
            Next::After(Duration::from_secs(30))
        );
    }
}
