//! Kinds of failures that an objective can be narrowed to: `error_rate{class: 5xx}`.
//!
//! Invariant: a request that nobody answered is in every class of statuses, so that an objective on
//! statuses never holds because nothing answers any more.

use crate::net::ErrorClass;

/// What is counted as bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Replies with a status from the one to the other, whatever a check says of them; and requests
    /// that were not answered.
    Statuses(u16, u16),
    /// Failures of one class.
    Failures(ErrorClass),
    /// Failures because time ran out, whatever it was spent on.
    Timeouts,
}

impl Class {
    /// Reads a class. The error says what was expected.
    pub fn parse(text: &str) -> Result<Class, String> {
        let hundreds = match text.as_bytes() {
            [digit @ b'1'..=b'5', b'x', b'x'] => Some(u16::from(digit - b'0') * 100),
            _ => None,
        };
        if let Some(first) = hundreds {
            return Ok(Class::Statuses(first, first + 99));
        }
        if text == "timeout" {
            return Ok(Class::Timeouts);
        }
        if let Ok(status @ 100..=599) = text.parse() {
            return Ok(Class::Statuses(status, status));
        }
        let words = ErrorClass::ALL.map(ErrorClass::word);
        match ErrorClass::ALL.into_iter().find(|it| it.word() == text) {
            Some(class) => Ok(Class::Failures(class)),
            None => Err(format!(
                "`{text}` is no class of failures; known: `5xx`, `4xx`, a status such as `503`, `timeout`, {}",
                words.join(", ")
            )),
        }
    }

    /// Whether a request is bad by it: its status, 0 where there was none, and what it failed by.
    pub fn counts(self, status: u16, error: Option<ErrorClass>) -> bool {
        match self {
            Class::Statuses(from, to) => {
                (from..=to).contains(&status) || error.is_some_and(ErrorClass::is_unanswered)
            }
            Class::Failures(class) => error == Some(class),
            Class::Timeouts => error.is_some_and(ErrorClass::is_timeout),
        }
    }

    /// What is bad by it, in words.
    pub fn told(self) -> String {
        match self {
            Class::Statuses(from, to) if from == to => {
                format!("were answered with {from}, or not at all")
            }
            Class::Statuses(from, _) => {
                format!("were answered with {}xx, or not at all", from / 100)
            }
            Class::Failures(class) => format!("failed by `{}`", class.word()),
            Class::Timeouts => "ran out of time".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_nobody_expected_is_in_its_class_and_silence_is_in_all() {
        let class = |text: &str| Class::parse(text).unwrap();
        assert!(class("5xx").counts(503, Some(ErrorClass::Status)));
        assert!(class("503").counts(503, None), "whatever a check says");
        assert!(!class("503").counts(500, Some(ErrorClass::Status)));
        assert!(!class("5xx").counts(200, Some(ErrorClass::Check)));
        for silent in [
            ErrorClass::Refused,
            ErrorClass::TimeoutWait,
            ErrorClass::Dropped,
        ] {
            assert!(class("5xx").counts(0, Some(silent)), "{silent:?}");
        }
        assert!(class("timeout").counts(0, Some(ErrorClass::TimeoutTls)));
        assert!(class("check").counts(200, Some(ErrorClass::Check)));
        for wrong in ["6xx", "5XX", "99", "600", "slow", ""] {
            assert!(Class::parse(wrong).is_err(), "{wrong}");
        }
    }
}
