//! A run that a gate made, as it stands in a list.

use crate::objective::Outcome;

/// A run in a list.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RunRow {
    /// Row number.
    pub id: i64,
    /// The gate that it belongs to.
    pub gate_id: Option<i64>,
    /// The phase of the gate.
    pub phase: String,
    /// When it ended.
    pub at_ms: i64,
    /// The scenario's name.
    pub scenario: String,
    /// What it came to.
    pub outcome: Outcome,
}
