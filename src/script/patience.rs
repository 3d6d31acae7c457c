//! How long an interpreter may compute before somebody stops it.
//!
//! Pure but for the clock that its caller reads. Knows no script. Invariant: what asks the world again and again is
//! never stopped by the limit of one turn, and nothing computes past the end of what it is part of.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Time for which a script may compute without asking for anything.
pub const TURN_MAX: Duration = Duration::from_secs(10);

/// Why an interpreter is to stop where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// It computed for [`TURN_MAX`] without asking for anything.
    Turn,
    /// What it is part of has no time left.
    End,
}

/// When one has to stop.
#[derive(Debug, Default)]
pub(super) struct Patience {
    turn: Cell<Option<Instant>>,
    end: Cell<Option<Instant>>,
}

impl Patience {
    /// Something begins that has so much time, or no limit of its own.
    pub(super) fn begin(&self, now: Instant, time: Option<Duration>) {
        self.end.set(time.and_then(|time| now.checked_add(time)));
        self.turn();
    }

    /// It asked for something, and goes on.
    pub(super) fn turn(&self) {
        // The clock is read when the interpreter has computed for a while: most turns are over before.
        self.turn.set(None);
    }

    /// Whether it is to stop, and why.
    pub(super) fn over(&self, now: Instant) -> Option<Over> {
        if self.end.get().is_some_and(|end| now > end) {
            return Some(Over::End);
        }
        match self.turn.get() {
            Some(end) => (now > end).then_some(Over::Turn),
            None => {
                self.turn.set(now.checked_add(TURN_MAX));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_ends_and_so_does_what_it_is_part_of() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let patience = Patience::default();
        patience.begin(start, None);
        assert_eq!(patience.over(at(0)), None);
        assert_eq!(patience.over(at(9)), None);
        assert_eq!(patience.over(at(11)), Some(Over::Turn));
        patience.turn();
        assert_eq!(patience.over(at(30)), None, "it asked for something");
        assert_eq!(patience.over(at(41)), Some(Over::Turn));
        patience.begin(at(50), Some(Duration::from_secs(3)));
        assert_eq!(patience.over(at(53)), None);
        assert_eq!(patience.over(at(54)), Some(Over::End));
        patience.turn();
        assert_eq!(
            patience.over(at(55)),
            Some(Over::End),
            "asking gives no time"
        );
        patience.begin(at(60), None);
        assert_eq!(patience.over(at(61)), None, "what comes next has its own");
    }
}
