//! Reads how trouble is told, and the jobs that report their own.

use super::alerts::{AlertPolicy, AlertSettings};
use super::heartbeat::Heartbeat;
use crate::document::node::Node;
use crate::duration;
use crate::scenario::reader::{Reader, entries, named_texts, text, texts, time};
use crate::watch::alert::{Escalation, Severity, ms};

impl Reader<'_> {
    /// The channels that are told.
    pub fn tell(&mut self, node: &Node, root: &Node) -> Vec<String> {
        self.channels_of(node.get("tell"), root)
    }

    /// Names of channels.
    fn channels_of(&mut self, list: Option<&Node>, root: &Node) -> Vec<String> {
        let channels: Vec<&str> = entries(root, "channels")
            .iter()
            .map(|(name, _)| name.text.as_str())
            .collect();
        let mut names = Vec::new();
        for name in list.map(Node::items).unwrap_or_default() {
            if !channels.contains(&name.text.as_str()) {
                self.unknown("unknown-channel", "channel", name, &channels);
            }
            names.push(name.text.clone());
        }
        names
    }

    /// How the trouble of one subject is told.
    pub(super) fn alert_settings(&mut self, node: &Node, root: &Node) -> AlertSettings {
        let word = text(node, "severity");
        AlertSettings {
            labels: named_texts(node, "labels"),
            severity: word
                .and_then(|word| Severity::of(&word))
                .unwrap_or_default(),
            runbook: text(node, "runbook"),
            tell: self.tell(node, root),
        }
    }

    /// A job that reports.
    pub fn heartbeat(&mut self, name: &Node, node: &Node, root: &Node) -> Option<Heartbeat> {
        let schedule = self.schedule(name, node);
        let alert = self.alert_settings(node, root);
        let token = node.get("token").map(|token| self.template(token));
        Some(Heartbeat {
            name: name.text.clone(),
            schedule: schedule?,
            grace: time(node, "grace", 300),
            token: match token {
                Some(token) => Some(token?),
                None => None,
            },
            alert,
        })
    }

    /// How alerts are told.
    pub fn alerts(&mut self, root: &Node) -> AlertPolicy {
        let default = AlertPolicy::default();
        let Some(node) = root.get("alerts") else {
            return default;
        };
        let duration = |key: &str, default| {
            let text = node.get(key).and_then(Node::as_text);
            text.and_then(|text| duration::parse(text).ok())
                .unwrap_or(default)
        };
        let rungs = node.get("escalate").map(Node::items).unwrap_or_default();
        let mut escalate: Vec<Escalation> = rungs
            .into_iter()
            .map(|rung| Escalation {
                after_ms: ms(time(rung, "after", 0)),
                tell: self.tell(rung, root),
            })
            .collect();
        escalate.sort();
        AlertPolicy {
            wait: duration("wait", default.wait),
            interval: duration("interval", default.interval),
            repeat: duration("repeat", default.repeat),
            group_by: match node.get("group_by") {
                Some(_) => texts(node, "group_by"),
                None => default.group_by,
            },
            escalate,
            own: self.channels_of(node.get("own"), root),
        }
    }
}
