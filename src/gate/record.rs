//! What is kept of a gate: the facts that it was started with, and its state.

use super::machine::State;
use serde::{Deserialize, Serialize};

/// One gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Record {
    /// Its number in this state file.
    #[serde(default)]
    pub id: i64,
    /// The gate's name in the configuration.
    pub gate: String,
    /// The environment.
    pub environment: String,
    /// What it was started with.
    pub facts: Facts,
    /// The version to go back to: the last one that this gate proved good, else the one named at the start.
    pub rollback_to: Option<String>,
    /// Its state.
    pub state: State,
}

/// What a gate is started with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The version that was deployed.
    pub version: String,
    /// The version before, if the caller knows it.
    #[serde(default)]
    pub previous_version: String,
    /// The commit.
    #[serde(default)]
    pub commit: String,
    /// Who deployed it.
    #[serde(default)]
    pub actor: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The pipeline's page of it.
    #[serde(default)]
    pub link: String,
    /// GitHub's number of the deployment.
    #[serde(default)]
    pub deployment: String,
}

/// A version that was proven good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastGood {
    /// The version.
    pub version: String,
    /// Its commit.
    pub commit: String,
}
