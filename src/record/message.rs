//! What people are told, ready for any channel, and the rows that carry it.

use super::effect::{NewEffect, key_part};
use super::target::Target;
use crate::clock;
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

/// Something of a message that texts of a configuration may use as `${inputs.NAME}`.
#[derive(Debug, Clone, Copy)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    of: fn(&Message) -> String,
}

const fn input(name: &'static str, about: &'static str, of: fn(&Message) -> String) -> Input {
    Input { name, about, of }
}

/// What a message says of its gate, if it is about one.
fn gate_of(message: &Message, of: fn(&GateReference) -> Option<String>) -> String {
    message.gate.as_ref().and_then(of).unwrap_or_default()
}

/// All of them.
pub const INPUTS: [Input; 16] = [
    input("subject", "its one line", |message| message.subject.clone()),
    input("text", "its sentences, a line each", |message| {
        message.lines.join("\n")
    }),
    input("tone", "good, warning or bad", |message| {
        message.tone.word().to_owned()
    }),
    input("link", "a page with more", |message| {
        message.link.clone().unwrap_or_default()
    }),
    input("at", "when what it tells happened, RFC 3339", Message::at),
    input(
        "thread",
        "the same in all messages of a gate or an incident",
        |message| {
            message
                .thread()
                .map_or_else(String::new, |thread| thread.key.to_owned())
        },
    ),
    input(
        "event",
        "what happened to the gate or the incident",
        |message| {
            let incident = message.incident.as_ref();
            incident.map_or_else(
                || gate_of(message, |gate| Some(gate.event.clone())),
                |incident| incident.event.clone(),
            )
        },
    ),
    input(
        "gate_id",
        "the number of the gate, if it is about one",
        |message| gate_of(message, |gate| Some(gate.id.to_string())),
    ),
    input("gate", "the name of the gate", |message| {
        gate_of(message, |gate| Some(gate.name.clone()))
    }),
    input("environment", "its environment", |message| {
        gate_of(message, |gate| Some(gate.environment.clone()))
    }),
    input("version", "the version that it verifies", |message| {
        gate_of(message, |gate| Some(gate.version.clone()))
    }),
    input(
        "verdict",
        "promote, rollback or hold, once reached",
        |message| gate_of(message, |gate| gate.verdict.clone()),
    ),
    input(
        "proven",
        "true or false, once a rollback is proven or not",
        |message| gate_of(message, |gate| gate.proven.map(|proven| proven.to_string())),
    ),
    input("commit", "the commit of the deploy", |message| {
        gate_of(message, |gate| Some(gate.commit.clone()))
    }),
    input("actor", "who deployed it", |message| {
        gate_of(message, |gate| Some(gate.actor.clone()))
    }),
    input(
        "severity",
        "how bad the incident is, if it is about one",
        |message| {
            let incident = message.incident.as_ref();
            incident.map_or_else(String::new, |incident| incident.severity.clone())
        },
    ),
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

impl Tone {
    /// Its word, as it is written.
    pub fn word(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Warning => "warning",
            Tone::Bad => "bad",
        }
    }
}

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

    /// When what it tells happened, RFC 3339; empty where it does not say so.
    pub fn at(&self) -> String {
        match self.at_ms {
            0 => String::new(),
            at_ms => clock::exact_text_of(at_ms),
        }
    }

    /// Names and values that texts of a configuration may use as `${inputs.NAME}`.
    pub fn inputs(&self) -> BTreeMap<String, String> {
        let all = INPUTS.iter();
        all.map(|input| (input.name.to_owned(), (input.of)(self)))
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
