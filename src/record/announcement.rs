//! What rows of the outbox carry to actions, statuses and partners: versioned boundary types.

use super::gate::{Facts, Record};
use super::state::Order;
use serde::{Deserialize, Serialize};

/// What actions, webhooks and statuses are made from. Version 1 of a boundary type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Announcement {
    /// `verdict` or `proof`.
    pub event: String,
    /// The gate as it was.
    pub record: Record,
    /// The gate's page.
    pub page: Option<String>,
    /// Of an action: which one it is, whatever its place in the configuration is by then.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Of a ticket: what is attached to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
}

/// The record of a gate, as it is attached to a ticket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bundle {
    /// What people read.
    pub markdown: String,
    /// The whole of it.
    pub json: String,
}

/// An order to a gate that is rolled back together with another. Version 1 of a boundary type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PartnerOrder {
    /// The name of the gate that gives it.
    pub gate: String,
    /// What the other gate verified: only the same deploy is rolled back.
    pub facts: Facts,
    /// Who orders it, and why.
    pub order: Order,
}
