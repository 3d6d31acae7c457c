//! How bad something is, from what somebody may like to know to what somebody must act on now.

use serde::{Deserialize, Serialize};

/// How bad it is, the worst last.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Default,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody may like to know.
    Info,
    /// Somebody should look at it today.
    Warning,
    /// Somebody should look at it soon.
    Error,
    /// Somebody must act now.
    #[default]
    Critical,
}

impl Severity {
    /// The words, as configurations and messages use them.
    pub const WORDS: [&'static str; 4] = ["info", "warning", "error", "critical"];

    /// All, the worst last.
    pub const ALL: [Severity; 4] = [
        Severity::Info,
        Severity::Warning,
        Severity::Error,
        Severity::Critical,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        Severity::WORDS[self as usize]
    }

    /// The severity of a word.
    pub fn of(word: &str) -> Option<Severity> {
        Severity::ALL
            .into_iter()
            .find(|severity| severity.word() == word)
    }
}
