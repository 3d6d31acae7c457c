//! Who asked for what, and what they were answered: the audit log.
//!
//! Pure. Does not know how orders come in. What an order did is told by what it changed: a gate's timeline, an
//! incident's log.

use serde::{Deserialize, Serialize};

/// An order that somebody gave over the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audited {
    /// Row number; 0 before it is kept.
    pub id: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// By whom: the name of a token or of a person who logged in; empty where nobody has a name.
    pub by: String,
    /// What was asked, as people read it.
    pub order: String,
    /// The status that it was answered with.
    pub status: u16,
}
