//! What people are told, ready for any channel, and the rows that carry it.

use super::effect::{NewEffect, key_part};
use super::target::Target;
use serde::{Deserialize, Serialize};

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

/// How a message sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// All is well, or well again.
    Good,
    /// Somebody should know.
    Warning,
    /// Somebody must act.
    Bad,
}

/// A message, ready for any channel. Version 1 of a boundary type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The incident that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentReference>,
}

/// What a channel that keeps incidents of its own needs to know of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

impl Message {
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
