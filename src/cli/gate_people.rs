//! What people say of a gate: that they agree, that something is so, that they answer for a failure,
//! that a rollback may go on.
//!
//! Does not know what it changes: that is the gate's.

use super::client::{Refusal, Server};
use super::exit::Exit;
use clap::Subcommand;
use http::Method;
use std::time::Duration;

/// What somebody says.
#[derive(Debug, Subcommand)]
pub enum Word {
    /// Agree to a promotion that asks for people
    Approve {
        /// The gate's number
        id: i64,
        /// Who agrees; a token with a name says so itself
        #[arg(long, default_value = "", hide_default_value = true)]
        by: String,
        /// Why
        #[arg(long, default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Say of a running gate that something is so which it asks people for
    Attest {
        /// The gate's number
        id: i64,
        /// What the gate asks for, by its name
        attestation: String,
        /// Who says so; a token with a name says so itself
        #[arg(long, default_value = "", hide_default_value = true)]
        by: String,
        /// In words
        #[arg(long, default_value = "", hide_default_value = true)]
        note: String,
        /// Where it can be read
        #[arg(long, default_value = "", hide_default_value = true)]
        link: String,
    },
    /// Answer for a failure of a running gate: it goes on, and shows it as waived
    Waive {
        /// The gate's number
        id: i64,
        /// A phase, such as `smoke`, the name of a scenario, or `precondition/NAME`
        #[arg(long)]
        check: String,
        /// Who answers for it; a token with a name says so itself
        #[arg(long, default_value = "", hide_default_value = true)]
        by: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// How long it holds
        #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = crate::duration::parse)]
        duration: Duration,
    },
    /// Consent to a rollback that waits for it, since the deploy changed the database
    Consent {
        /// The gate's number
        id: i64,
        /// Who consents; a token with a name says so itself
        #[arg(long, default_value = "", hide_default_value = true)]
        by: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// Change the database back first, by the actions that the gate declares
        #[arg(long)]
        with_down: bool,
    },
}

/// Says it to the daemon.
pub async fn say(server: &Server, word: Word) -> Result<Exit, Refusal> {
    match word {
        Word::Approve { id, by, reason } => {
            let body = serde_json::json!({ "by": by, "reason": reason });
            server
                .send(
                    Method::POST,
                    &format!("/api/v1/gates/{id}/approve"),
                    Some(body),
                )
                .await?;
            eprintln!("approval of gate {id} noted");
        }
        Word::Attest {
            id,
            attestation,
            by,
            note,
            link,
        } => {
            let body =
                serde_json::json!({ "by": by, "reason": note, "check": attestation, "link": link });
            server
                .send(
                    Method::POST,
                    &format!("/api/v1/gates/{id}/attest"),
                    Some(body),
                )
                .await?;
            eprintln!("`{attestation}` is attested to gate {id}");
        }
        Word::Waive {
            id,
            check,
            by,
            reason,
            duration,
        } => {
            let until_ms = crate::clock::now().timestamp_millis() + duration.as_millis() as i64;
            let body = serde_json::json!({ "by": by, "reason": reason, "check": check, "until_ms": until_ms });
            server
                .send(
                    Method::POST,
                    &format!("/api/v1/gates/{id}/waive"),
                    Some(body),
                )
                .await?;
            eprintln!("waiver of `{check}` in gate {id} noted");
        }
        Word::Consent {
            id,
            by,
            reason,
            with_down,
        } => {
            let body = serde_json::json!({ "by": by, "reason": reason, "with_down": with_down });
            server
                .send(
                    Method::POST,
                    &format!("/api/v1/gates/{id}/consent"),
                    Some(body),
                )
                .await?;
            eprintln!("consent to the rollback of gate {id} noted");
        }
    }
    Ok(Exit::Success)
}
