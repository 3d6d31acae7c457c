//! Exit codes: one table, stable from the first release.

use crate::objective::Outcome;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was measured and all of it held; or the command did what was asked.
    Success,
    /// A fault of our own, or of the machine.
    Fault,
    /// Wrong usage.
    Usage,
    /// A gate said: roll back.
    Rollback,
    /// A gate said: hold.
    Hold,
    /// It could not be measured well enough.
    Inconclusive,
    /// A check or an objective did not hold.
    Failed,
    /// The configuration or a scenario is invalid, or a secret is missing.
    Invalid,
    /// It was interrupted.
    Interrupted,
    /// What `k6` says, by its number.
    K6(u8),
}

impl Exit {
    /// The number. Those from 99 are k6's.
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Fault => 1,
            Exit::Usage => 2,
            Exit::Rollback => 10,
            Exit::Hold => 20,
            Exit::Inconclusive => 98,
            Exit::Failed => 99,
            Exit::Invalid => 104,
            Exit::Interrupted => 105,
            Exit::K6(code) => code,
        }
    }

    /// Of an outcome.
    pub fn of(outcome: Outcome) -> Exit {
        match outcome {
            Outcome::Pass => Exit::Success,
            Outcome::Fail => Exit::Failed,
            Outcome::Inconclusive => Exit::Inconclusive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::exit_codes;

    #[test]
    fn every_code_is_explained_and_no_other() {
        let all = [
            Exit::Success,
            Exit::Fault,
            Exit::Usage,
            Exit::Rollback,
            Exit::Hold,
            Exit::Inconclusive,
            Exit::Failed,
            Exit::Invalid,
            Exit::Interrupted,
        ];
        let explained = exit_codes::ALL.map(|(code, ..)| code);
        assert_eq!(all.map(Exit::code), explained);
    }
}
