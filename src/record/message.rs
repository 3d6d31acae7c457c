//! What people are told, ready for any channel, and the rows that carry it.

use super::effect::{NewEffect, key_part};
use super::target::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A boundary type as it is kept: texts and numbers, which can always be written. Were it not so, the
/// task that does it would die, be counted and be started again; nobody would act on an empty body.
pub fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts, numbers and lists can be written as JSON")
}

/// A message to channels.
pub fn tell(
    channels: &[String],
    message: &Message,
    gate_id: Option<i64>,
    key: &dyn Fn(&str) -> String,
) -> Vec<NewEffect> {
    let body = written(message);
    channels
        .iter()
        .map(|channel| NewEffect {
            key: key(&format!("tell_{}", key_part(channel))),
            gate_id,
            after_key: None,
            chain: None,
            target: Target::Channel(channel.clone()),
            body: body.clone(),
        })
        .collect()
}

/// What texts of a configuration may use of a message, and what it is.
pub const INPUTS: [(&str, &str); 16] = [
    ("subject", "its one line"),
    ("text", "its sentences, a line each"),
    ("tone", "good, warning or bad"),
    ("link", "a page with more"),
    ("at", "when what it tells happened, RFC 3339"),
    (
        "thread",
        "the same in all messages of a gate or an incident",
    ),
    ("event", "what happened to the gate or the incident"),
    ("gate_id", "the number of the gate, if it is about one"),
    ("gate", "the name of the gate"),
    ("environment", "its environment"),
    ("version", "the version that it verifies"),
    ("verdict", "promote, rollback or hold, once reached"),
    ("proven", "true or false, once a rollback is proven or not"),
    ("commit", "the commit of the deploy"),
    ("actor", "who deployed it"),
    ("severity", "how bad the incident is, if it is about one"),
];

/// How a message sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// All is well, or well again.
    Good,
    /// Somebody should know.
    Warning,
    /// Somebody must act.
    Bad,
}

/// The version of [`Message`] that webhooks and commands are given: a change that breaks who reads it counts it up.
pub const VERSION: u32 = 2;

/// A message, ready for any channel. Version 2 of a boundary type: it gained `at_ms` and `gate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// How it sounds.
    pub tone: Tone,
    /// Sentences.
    pub lines: Vec<String>,
    /// Names and values.
    pub facts: Vec<(String, String)>,
    /// A page with more.
    pub link: Option<String>,
    /// When what it tells happened, in milliseconds since 1970; 0 in a message that was kept by version 1.
    #[serde(default)]
    pub at_ms: i64,
    /// The gate that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateReference>,
    /// The incident that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentReference>,
}

/// What a channel that keeps a thread for each gate, and a program that reads a message, need to know of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateReference {
    /// The same in all messages of this gate, and in no other's.
    pub key: String,
    /// `verdict`, `ask`, `proof`, `undone` or `partner`.
    pub event: String,
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The environment.
    pub environment: String,
    /// The version that it verifies.
    pub version: String,
    /// The version to go back to, if there is one.
    pub previous_version: Option<String>,
    /// The commit; may be empty.
    pub commit: String,
    /// Who deployed it; may be empty.
    pub actor: String,
    /// `promote`, `rollback` or `hold`, once reached.
    pub verdict: Option<String>,
    /// Whether a rollback is proven, once that is known.
    pub proven: Option<bool>,
    /// When it began, in milliseconds since 1970.
    pub started_ms: i64,
}

/// What a channel that keeps incidents of its own needs to know of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IncidentReference {
    /// The same from its first message to its last, and no other's.
    pub key: String,
    /// `firing`, `news`, `reminder`, `escalated`, `acknowledged` or `resolved`.
    pub event: String,
    /// `info`, `warning`, `error` or `critical`.
    pub severity: String,
    /// What its members have in common.
    pub group: String,
    /// When it began, in milliseconds since 1970.
    pub opened_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// How many are in trouble, or were.
    pub count: u64,
}

/// What belongs together where people read: all messages of a gate, or of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thread<'a> {
    /// The same in all its messages, and in no other's.
    pub key: &'a str,
    /// When it began, in milliseconds since 1970.
    pub opened_ms: i64,
}

impl Message {
    /// The thread that it belongs to.
    pub fn thread(&self) -> Option<Thread<'_>> {
        let gate = self.gate.as_ref().map(|gate| Thread {
            key: &gate.key,
            opened_ms: gate.started_ms,
        });
        let incident = self.incident.as_ref().map(|incident| Thread {
            key: &incident.key,
            opened_ms: incident.opened_ms,
        });
        gate.or(incident)
    }

    /// Names and values that texts of a configuration may use as `${inputs.NAME}`.
    pub fn inputs(&self) -> BTreeMap<String, String> {
        let at = chrono::DateTime::from_timestamp_millis(self.at_ms);
        let at = at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
        let gate = self.gate.as_ref();
        let incident = self.incident.as_ref();
        let of = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let event = gate.map(|gate| gate.event.as_str());
        let event = event.or(incident.map(|incident| incident.event.as_str()));
        let tone = match self.tone {
            Tone::Good => "good",
            Tone::Warning => "warning",
            Tone::Bad => "bad",
        };
        let all = [
            self.subject.clone(),
            self.lines.join("\n"),
            tone.to_owned(),
            of(self.link.as_deref()),
            at.unwrap_or_default(),
            of(self.thread().map(|thread| thread.key)),
            of(event),
            gate.map_or_else(String::new, |gate| gate.id.to_string()),
            of(gate.map(|gate| gate.name.as_str())),
            of(gate.map(|gate| gate.environment.as_str())),
            of(gate.map(|gate| gate.version.as_str())),
            of(gate.and_then(|gate| gate.verdict.as_deref())),
            gate.and_then(|gate| gate.proven)
                .map_or_else(String::new, |proven| proven.to_string()),
            of(gate.map(|gate| gate.commit.as_str())),
            of(gate.map(|gate| gate.actor.as_str())),
            of(incident.map(|incident| incident.severity.as_str())),
        ];
        INPUTS
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .zip(all)
            .collect()
    }

    /// The message as plain text.
    pub fn text(&self) -> String {
        let mut text = self.lines.join("\n");
        let width = self
            .facts
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        text.push('\n');
        for (name, value) in &self.facts {
            text.push_str(&format!("\n{name:<width$}  {value}"));
        }
        if let Some(link) = &self.link {
            text.push_str(&format!("\n\n{link}"));
        }
        text.push('\n');
        text
    }
}
