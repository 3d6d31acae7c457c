//! What a verdict makes us do to the world: a program, a signed webhook, or a platform's change.
//!
//! Pure but for filling secrets into texts. Does not know when an action is ordered: that is the gate.

use super::forms as vendors;
use super::vendor::Vendor;
use crate::delivery::means::Means;
use crate::delivery::webhook::{WEBHOOK, Webhook};
use crate::document::shape::{Object, Shape, field};
use crate::scenario::template::Template;
use crate::secret::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// What a verdict makes us do.
#[derive(Debug)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// What it is known by in orders that were committed, wherever it stands in the configuration
    /// by then: its kind with its name, or with a digest of what is written where it has none.
    pub identity: String,
    /// What it is.
    pub kind: ActionKind,
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// Attempts at the most.
    pub attempts: u32,
}

/// The action of a committed order: the one that was there then, wherever it stands now.
/// Nothing if there is no such action any more.
pub fn ordered<'a>(actions: &'a [Action], number: usize, identity: &str) -> Option<&'a Action> {
    let is_it = |action: &&Action| identity.is_empty() || action.identity == identity;
    actions
        .get(number)
        .filter(is_it)
        .or_else(|| actions.iter().find(is_it).filter(|_| !identity.is_empty()))
}

/// The settings of a platform with secrets and facts filled in.
pub fn settings(
    means: &Means,
    vendor: Vendor,
    templates: &BTreeMap<String, Template>,
    facts: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Secret>, String> {
    templates
        .iter()
        .map(|(name, template)| {
            let filled = if vendor.json_setting() == Some(name) {
                means.fill_json(template, facts)
            } else {
                means.fill(template, facts)
            };
            Ok((name.clone(), filled?))
        })
        .collect()
}

impl ActionKind {
    /// The word of the kind.
    pub fn word(&self) -> &'static str {
        match self {
            ActionKind::Command { .. } => "command",
            ActionKind::Webhook(_) => "webhook",
            ActionKind::Vendor(vendor, _) => vendor.key(),
        }
    }
}

/// Kinds of actions.
#[derive(Debug)]
pub enum ActionKind {
    /// A program.
    Command {
        /// Its words.
        words: Vec<Template>,
        /// Its working directory.
        folder: Option<PathBuf>,
    },
    /// A signed webhook.
    Webhook(Webhook),
    /// A platform that deploys, with its settings.
    Vendor(Vendor, BTreeMap<String, Template>),
}

/// The form of an action.
pub static ACTION: Object = Object {
    name: "action",
    called: "an action",
    fields: &[
        field("name", Shape::Text, "short name"),
        field(
            "command",
            Shape::List(&Shape::Template),
            "a program and its arguments, without a shell; `${inputs.version}`, `${inputs.previous_version}` and so on are filled in",
        ),
        field(
            "shell",
            Shape::Text,
            "a line for `sh -c`; the facts are in `BELLWETHER_…` variables",
        ),
        field("dir", Shape::Text, "working directory"),
        field(
            "timeout",
            Shape::Duration,
            "longest time of one attempt (2m)",
        ),
        field(
            "attempts",
            Shape::Count(1, 100),
            "attempts of a command that fails (1)",
        ),
        field("webhook", Shape::Object(&WEBHOOK), "a signed webhook"),
        field(
            "fly",
            Shape::Object(&vendors::FLY),
            "puts an image on every machine of a Fly app",
        ),
        field(
            "vercel",
            Shape::Object(&vendors::VERCEL),
            "rolls back or promotes a Vercel deployment",
        ),
        field(
            "railway",
            Shape::Object(&vendors::RAILWAY),
            "rolls back to a Railway deployment",
        ),
        field(
            "kubernetes",
            Shape::Object(&vendors::KUBERNETES),
            "rolls a Kubernetes deployment back to an older revision",
        ),
        field(
            "argo_rollouts",
            Shape::Object(&vendors::ARGO),
            "promotes or aborts an Argo rollout",
        ),
        field(
            "compose",
            Shape::Object(&vendors::COMPOSE),
            "runs a Compose service with a pinned image",
        ),
        field(
            "github",
            Shape::Object(&vendors::GITHUB),
            "starts a GitHub workflow, or sends a repository event",
        ),
        field(
            "gitlab",
            Shape::Object(&vendors::GITLAB),
            "starts a GitLab pipeline, or sets a commit status",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_finds_its_action_wherever_it_stands_by_now() {
        let action = |name: &str| Action {
            name: name.to_owned(),
            identity: format!("command {name}"),
            kind: ActionKind::Command {
                words: Vec::new(),
                folder: None,
            },
            timeout: Duration::ZERO,
            attempts: 1,
        };
        let now = [action("new"), action("old")];
        let found = |number, identity| ordered(&now, number, identity).map(|it| it.name.as_str());
        assert_eq!(found(0, "command old"), Some("old"));
        assert_eq!(found(1, "command old"), Some("old"));
        assert_eq!(found(0, "webhook old"), None, "it is of another kind now");
        assert_eq!(found(0, "command gone"), None);
        // Rows of before have no identity.
        assert_eq!(found(1, ""), Some("old"));
        assert_eq!(found(7, ""), None);
    }
}
