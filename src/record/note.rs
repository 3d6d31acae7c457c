//! What people add to a gate while it runs: approvals, waivers, orders.

use serde::{Deserialize, Serialize};

/// Something that somebody says of a gate. A boundary type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// `approval`, `waiver` or `rollback`.
    #[serde(skip_deserializing, default)]
    pub kind: String,
    /// Who.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Of a waiver: the phase or scenario.
    #[serde(default)]
    pub check: String,
    /// Of a waiver: until when, in milliseconds since 1970.
    #[serde(default)]
    pub until_ms: i64,
    /// Of an order to roll back: the gate that gives it, if no person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<i64>,
}
