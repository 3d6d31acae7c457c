//! What people add to a gate while it runs: approvals, waivers, orders.

use serde::{Deserialize, Serialize};

/// What a note is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum NoteKind {
    /// Not said yet: it counts for nothing.
    #[default]
    Unsaid,
    /// Somebody agrees to a promotion.
    Approval,
    /// Somebody answers for a failure.
    Waiver,
    /// Somebody orders a rollback.
    Rollback,
    /// Somebody says that something is so.
    Attestation,
    /// Somebody consents to a rollback that is unsafe alone.
    Consent,
    /// What a secret can be known again by: its name stands in `check`, the fingerprint in `reason`.
    Fingerprint,
}

impl NoteKind {
    /// Its word, as it is kept.
    pub fn word(self) -> &'static str {
        match self {
            NoteKind::Unsaid => "unsaid",
            NoteKind::Approval => "approval",
            NoteKind::Waiver => "waiver",
            NoteKind::Rollback => "rollback",
            NoteKind::Attestation => "attestation",
            NoteKind::Consent => "consent",
            NoteKind::Fingerprint => "fingerprint",
        }
    }

    /// The kind of a word that was kept.
    pub fn of(word: &str) -> Option<NoteKind> {
        let all = [
            NoteKind::Approval,
            NoteKind::Waiver,
            NoteKind::Rollback,
            NoteKind::Attestation,
            NoteKind::Consent,
            NoteKind::Fingerprint,
        ];
        all.into_iter().find(|kind| kind.word() == word)
    }
}

/// Something that somebody says of a gate. A boundary type.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// What it is: never taken from what somebody sends.
    #[serde(skip_deserializing, default)]
    #[schemars(skip)]
    pub kind: NoteKind,
    /// Who; where a token has a name, that is who.
    #[serde(default)]
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Of a waiver: the phase, scenario or precondition. Of an attestation: its name.
    /// Of an order to roll back: the version to go back to. Of a consent: `down`, where the database is
    /// changed back first.
    #[serde(default)]
    pub check: String,
    /// Of an attestation: where it can be read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub link: String,
    /// Of a waiver: until when, in milliseconds since 1970.
    #[serde(default)]
    pub until_ms: i64,
    /// Of an order to roll back: the gate that gives it, if no person does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub gate: Option<i64>,
}
