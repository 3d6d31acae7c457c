//! One request and what came of it, as a value that can be shown and kept.
//!
//! Invariant: what let somebody in is not in it; [`super::traced`] makes it so.

use crate::net::Phases;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// One request and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Exchange {
    /// The step that it is of.
    pub step: String,
    /// When it began.
    #[schemars(with = "String")]
    pub at: DateTime<Utc>,
    /// Its method.
    pub method: String,
    /// Its URL.
    pub url: String,
    /// Its headers, in their order.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Content,
    /// What came of it.
    #[serde(flatten, with = "came")]
    #[schemars(with = "came::Came")]
    pub result: Result<Answer, Failed>,
    /// How long each part of it took.
    pub phases: Phases,
}

/// A reply.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// `HTTP/1.1`, `HTTP/2` and so on.
    pub version: String,
    /// Its headers, in their order.
    pub headers: Vec<(String, String)>,
    /// Its body, decompressed.
    pub body: Content,
    /// Bytes of the body as it came.
    pub wire_bytes: u64,
    /// Who answered.
    #[schemars(with = "Option<String>")]
    pub remote: Option<SocketAddr>,
}

/// Why there is no reply.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Failed {
    /// Its class.
    pub class: String,
    /// What came back.
    pub detail: String,
}

/// A body.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Content {
    /// Its bytes, before compression.
    pub bytes: u64,
    /// What it says it is.
    pub kind: String,
    /// Its text, if it is one and was kept: all of it, or as much as was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What came of an exchange, as it is kept: `answer` or `failed`.
mod came {
    use super::{Answer, Failed};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// One of the two.
    #[derive(Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "snake_case")]
    pub(super) enum Came {
        /// What came back.
        Answer(Answer),
        /// Why nothing came.
        Failed(Failed),
    }

    pub(super) fn serialize<S: Serializer>(
        result: &Result<Answer, Failed>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match result.clone() {
            Ok(answer) => Came::Answer(answer),
            Err(failed) => Came::Failed(failed),
        }
        .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Result<Answer, Failed>, D::Error> {
        Ok(match Came::deserialize(deserializer)? {
            Came::Answer(answer) => Ok(answer),
            Came::Failed(failed) => Err(failed),
        })
    }
}
