//! What a verdict makes us do to the world: a program, a signed webhook, or a platform's change.
//!
//! Does not know when an action is ordered, nor how often it is tried: that is the gate, and the outbox.

use super::call::Call;
use super::command;
use super::vendor::{VENDORS, Vendor, VendorKind};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::delivery::webhook::{WEBHOOK, Webhook};
use crate::document::kind;
use crate::document::shape::{Field, Object, Shape, field};
use crate::net::program::{self, Invocation};
use crate::record::announcement::Announcement;
use crate::record::gate::{Facts, Record, inputs};
use crate::record::message::{VERSION, written};
use crate::record::target::Occasion;
use crate::scenario::template::Template;
use crate::secret::Secret;
use crate::{clock, limits};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

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
fn filled(
    means: &Means,
    vendor: &dyn Vendor,
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
            ActionKind::Vendor(vendor, _) => vendor.field.key,
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
        /// A program that proves in the preflight that this one could be run; empty where there is none.
        check: Vec<Template>,
    },
    /// A signed webhook.
    Webhook(Webhook),
    /// A platform that deploys, with its settings.
    Vendor(&'static VendorKind, BTreeMap<String, Template>),
}

/// The fields of an action that are no platform's.
const OWN: &[Field] = &[
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
        "check",
        Shape::List(&Shape::Template),
        "of a command: a program that proves in the preflight that it could be run, such as its dry form or a read with its credentials",
    ),
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
];

static FIELDS: [Field; OWN.len() + VENDORS.len()] = kind::fields(OWN, VENDORS, &[]);

/// The form of an action.
pub static ACTION: Object = Object {
    name: "action",
    called: "an action",
    fields: &FIELDS,
};

impl Action {
    /// Performs it once. `key` is the same over all attempts, so that a repeat can be recognized.
    pub async fn perform(
        &self,
        means: &Means,
        announcement: &Announcement,
        occasion: Occasion,
        key: &str,
    ) -> Delivery {
        let facts = inputs(&announcement.record);
        match &self.kind {
            ActionKind::Command { words, folder, .. } => {
                let filled = words.iter().map(|word| {
                    let word = means.fill(word, &facts)?;
                    Ok(word.expose().to_owned())
                });
                let words = match filled.collect::<Result<Vec<String>, String>>() {
                    Ok(words) => words,
                    Err(reason) => return Delivery::give_up(reason),
                };
                let (folder, record) = (folder.clone(), &announcement.record);
                let redactor = means.redactor();
                let delivery =
                    command::perform(words, folder, record, key, self.timeout, &redactor).await;
                delivery.at_most(self.attempts)
            }
            ActionKind::Vendor(vendor, settings) => {
                let call = match self.call(vendor.what, means, settings, &facts, key, self.timeout)
                {
                    Ok(call) => call,
                    Err(reason) => return Delivery::give_up(reason),
                };
                match vendor.what.perform(&call).await {
                    Ok(text) => Delivery::done(text),
                    Err(delivery) => Delivery {
                        attempts_max: delivery.attempts_max.min(self.attempts),
                        ..delivery
                    },
                }
            }
            ActionKind::Webhook(hook) => {
                let body = payload(announcement, occasion);
                let timeout = self.timeout.min(limits::DELIVERY_TIMEOUT);
                hook.send(means, &facts, key, body, timeout).await
            }
        }
    }

    /// What keeps it from being performed, as far as can be seen without doing so: a program that is
    /// not there, a text that cannot be made, credentials or a target of a platform that do not hold.
    pub async fn obstacle(
        &self,
        means: &Means,
        record: &Record,
        within: Duration,
    ) -> Option<String> {
        let facts = inputs(record);
        let (vendor, settings) = match &self.kind {
            ActionKind::Vendor(vendor, settings) => (vendor, settings),
            ActionKind::Command {
                words,
                folder,
                check,
            } => {
                let filled = |words: &[Template]| {
                    let words = words.iter().map(|word| means.fill(word, &facts));
                    words.collect::<Result<Vec<Secret>, String>>()
                };
                let problem = match (filled(words), filled(check)) {
                    (Ok(words), Ok(check)) => {
                        let program = words.first()?.expose();
                        match program::obstacle(program, folder.as_deref()) {
                            Some(problem) => Some(problem),
                            None => refused(&check, folder.clone(), within).await,
                        }
                    }
                    (Err(reason), _) | (_, Err(reason)) => Some(reason),
                };
                return problem.map(|problem| means.redactor().clean(&problem));
            }
            ActionKind::Webhook(hook) => {
                let problem = hook.obstacle(means, &facts)?;
                return Some(means.redactor().clean(&problem));
            }
        };
        let timeout = self.timeout.min(within);
        let problem = match self.call(vendor.what, means, settings, &facts, "preflight", timeout) {
            Ok(call) => vendor.what.preflight(&call).await.err()?.text,
            Err(reason) => reason,
        };
        Some(means.redactor().clean(&problem))
    }

    fn call<'a>(
        &self,
        vendor: &dyn Vendor,
        means: &'a Means,
        settings: &BTreeMap<String, Template>,
        facts: &BTreeMap<String, String>,
        key: &'a str,
        timeout: Duration,
    ) -> Result<Call<'a>, String> {
        Ok(Call {
            settings: filled(means, vendor, settings, facts)?,
            connector: &means.connector,
            key,
            deadline: Instant::now() + timeout,
        })
    }
}

/// What the program that proves an action says against it.
async fn refused(check: &[Secret], folder: Option<PathBuf>, within: Duration) -> Option<String> {
    let words: Vec<String> = check.iter().map(|word| word.expose().to_owned()).collect();
    let program = words.first()?.clone();
    let invocation = Invocation {
        words,
        folder,
        ..Invocation::default()
    };
    match program::run(&invocation, within).await {
        Err(fault) => Some(format!("its check: {fault}")),
        Ok(finished) if finished.code == 0 => None,
        Ok(finished) => {
            let said = format!("{}{}", finished.stdout, finished.stderr);
            let last = said.trim().lines().last().unwrap_or_default().to_owned();
            let code = finished.code;
            Some(format!(
                "its check `{program}` ended with exit code {code}: {last}"
            ))
        }
    }
}

/// What a webhook is told.
/// What a webhook of an action is sent. A boundary type.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActionBody<'a> {
    /// `bellwether.gate.promote`, `.rollback`, `.hold` and so on.
    #[serde(rename = "type")]
    kind: String,
    /// Counted up by a change that breaks who reads it; fields may be added without.
    version: u32,
    /// When this attempt was made, RFC 3339.
    timestamp: String,
    /// What is to be done, and for which gate.
    data: ActionData<'a>,
}

/// What is to be done, and for which gate.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActionData<'a> {
    /// `promote`, `rollback`, `hold`, `fallback`, `remedy` or `down`.
    verdict: &'a str,
    /// The gate's name.
    gate: &'a str,
    /// Its number.
    gate_id: i64,
    /// The environment.
    environment: &'a str,
    /// Why, in sentences.
    reasons: &'a [String],
    /// What is known of the deploy: `version`, `previous_version`, `commit`, `actor` and so on.
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    facts: &'a Facts,
    /// The version to go back to, if there is one.
    rollback_to: Option<&'a str>,
    /// Until when the verdict stands, RFC 3339, if it ends.
    holds_until: Option<String>,
    /// The gate's page.
    page: Option<&'a str>,
}

fn payload(announcement: &Announcement, occasion: Occasion) -> String {
    let (record, verdict) = (&announcement.record, occasion.word());
    written(&ActionBody {
        kind: format!("bellwether.gate.{verdict}"),
        version: VERSION,
        timestamp: clock::now_text(),
        data: ActionData {
            verdict,
            gate: &record.gate,
            gate_id: record.id,
            environment: &record.environment,
            reasons: &record.state.reasons,
            facts: &record.facts,
            rollback_to: record.rollback_to.as_deref(),
            holds_until: record.holds_until_ms().map(clock::text_of),
            page: announcement.page.as_deref(),
        },
    })
}

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
                check: Vec::new(),
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
